package orcfile

import (
	"fmt"
	"math"
)

// Magic begins every file, and ends its postscript.
const Magic = "ORC"

// Kinds of types, by their numbers in files.
const (
	KindBoolean = iota
	KindByte
	KindShort
	KindInt
	KindLong
	KindFloat
	KindDouble
	KindString
	KindBinary
	KindTimestamp
	KindList
	KindMap
	KindStruct
	KindUnion
	KindDecimal
	KindDate
	KindVarchar
	KindChar
	KindInstant
)

const (
	// CalendarProleptic is the number of the calendar of today for all days.
	CalendarProleptic = 2
	// MaxBlock is the largest chunk: its length has three bytes.
	MaxBlock = 1 << 23
	// MaxTail is the longest footer, and the longest statistics, that are taken for sense.
	MaxTail      = 1 << 30
	maxColumns   = 1 << 20 // more are taken for nonsense, and so are more pairs of a user's
	maxStripes   = 1 << 20
	maxRows      = math.MaxInt64 / 2
	defaultBlock = 256 << 10
)

// Postscript is what the last bytes of a file say.
type Postscript struct {
	FooterSize, MetadataSize int64 // bytes
	Codec                    Codec
	Block                    int      // bytes of a chunk before compression, at most
	Version                  []uint32 // of the format
	WriterVersion            uint64   // which tells what of the statistics is to be believed
}

// Type is a type as files have it: a node of a tree, whose nodes are numbered in pre-order.
type Type struct {
	Kind             uint64
	Below            []uint32
	Names            []string
	Length           uint64 // of char and varchar
	Precision, Scale uint64
	Attributes       []Pair
}

// Pair is a name and what it says.
type Pair struct{ Name, Value string }

// Stripe is where a stripe lies in the file.
type Stripe struct {
	Offset, Index, Data, Footer int64
	Rows                        int64
	Others                      []byte // fields that are not known here, as they are encoded
	encrypted                   bool
}

// Size is how many bytes the stripe has.
func (s *Stripe) Size() int64 { return s.Index + s.Data + s.Footer }

// Footer is what a file says of itself.
type Footer struct {
	Stripes    []Stripe
	Types      []Type
	Metadata   []Pair // of its user
	Rows       int64
	Statistics [][]byte // messages, by column
	Stride     uint64   // rows of an entry of the indexes; 0 is none
	Writer     uint64   // which program
	Calendar   uint64
	Software   string // of the writer
	Encrypted  bool
	Others     []byte // fields that are not known here, as they are encoded
}

func length(f Field, limit int64) (int64, error) {
	if f.N > uint64(limit) {
		return 0, Malformed("a length of %d bytes", f.N)
	}
	return int64(f.N), nil
}

func parsePostscript(b []byte) (Postscript, error) {
	p := Postscript{Block: defaultBlock}
	found := false
	err := Fields(b, func(f Field) (err error) {
		switch f.Number {
		case 1:
			p.FooterSize, err = length(f, MaxTail)
		case 2:
			p.Codec, err = codecOf(f.N)
		case 3:
			if f.N == 0 || f.N > MaxBlock {
				return Malformed("compression chunks of %d bytes", f.N)
			}
			p.Block = int(f.N)
		case 4:
			p.Version, err = f.Numbers(p.Version)
		case 5:
			p.MetadataSize, err = length(f, MaxTail)
		case 6:
			p.WriterVersion = f.N
		case 8000:
			found = string(f.Bytes) == Magic
		}
		return err
	})
	if err == nil && !found {
		err = Malformed("it does not end with %q", Magic)
	}
	return p, err
}

func parseFooter(b []byte) (*Footer, error) {
	footer := &Footer{}
	if err := Fields(b, footer.field); err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return footer, footer.check()
}

// field takes up a field. Counts are checked before lists grow: a few bytes may say very much.
func (f *Footer) field(x Field) error {
	switch x.Number {
	case 1, 2: // lengths, which nobody needs
	case 3:
		if len(f.Stripes) == maxStripes {
			return Malformed("more than %d stripes", maxStripes)
		}
		s, err := parseStripe(x.Bytes)
		f.Stripes = append(f.Stripes, s)
		f.Encrypted = f.Encrypted || s.encrypted
		return err
	case 4:
		if len(f.Types) == maxColumns {
			return Malformed("more than %d columns", maxColumns)
		}
		t, err := parseType(x.Bytes)
		f.Types = append(f.Types, t)
		return err
	case 5:
		if len(f.Metadata) == maxColumns {
			return Malformed("more than %d pairs of its user", maxColumns)
		}
		p, err := parsePair(x.Bytes)
		f.Metadata = append(f.Metadata, p)
		return err
	case 6:
		if x.N > maxRows {
			return Malformed("%d rows", x.N)
		}
		f.Rows = int64(x.N)
	case 7:
		if len(f.Statistics) == maxColumns {
			return Malformed("statistics of more than %d columns", maxColumns)
		}
		f.Statistics = append(f.Statistics, x.Bytes)
	case 8:
		f.Stride = x.N
	case 9:
		f.Writer = x.N
	case 10:
		f.Encrypted = true
	case 11:
		f.Calendar = x.N
	case 12:
		f.Software = string(x.Bytes)
	default:
		f.Others = append(f.Others, x.Raw...)
	}
	return nil
}

// Julian reports whether days before 1582-10-15 are of the Julian calendar: as Java's writer has them, which is the one
// numbered 0, unless it says that they are not.
func (f *Footer) Julian() bool { return f.Writer == 0 && f.Calendar != CalendarProleptic }

// check makes sure that types are a tree, and that stripes have the rows of the file.
func (f *Footer) check() error {
	if len(f.Types) == 0 {
		return Malformed("no columns")
	}
	above := make([]bool, len(f.Types))
	for i, t := range f.Types {
		if n := len(t.Below); t.Kind == KindList && n != 1 || t.Kind == KindMap && n != 2 || t.Kind == KindStruct && n != len(t.Names) {
			return Malformed("column %d has %d columns below it", i, n)
		}
		for _, c := range t.Below {
			if int(c) <= i || int(c) >= len(f.Types) || above[c] {
				return Malformed("column %d is below column %d", c, i)
			}
			above[c] = true
		}
	}
	rows := int64(0)
	for _, s := range f.Stripes {
		if rows += s.Rows; rows > maxRows {
			return Malformed("%d rows in stripes", rows)
		}
	}
	if rows != f.Rows {
		return Malformed("%d rows, but %d in stripes", f.Rows, rows)
	}
	return nil
}

func parseStripe(b []byte) (s Stripe, err error) {
	err = Fields(b, func(f Field) (err error) {
		switch f.Number {
		case 1:
			s.Offset, err = length(f, math.MaxInt64/8)
		case 2:
			s.Index, err = length(f, math.MaxInt64/8)
		case 3:
			s.Data, err = length(f, math.MaxInt64/8)
		case 4:
			s.Footer, err = length(f, MaxTail)
		case 5:
			s.Rows, err = length(f, maxRows)
		case 6, 7:
			s.encrypted = true
		default:
			s.Others = append(s.Others, f.Raw...)
		}
		return err
	})
	return s, err
}

func (s *Stripe) encoded() Message {
	m := Message(nil).Number(1, uint64(s.Offset)).Number(2, uint64(s.Index)).Number(3, uint64(s.Data)).
		Number(4, uint64(s.Footer)).Number(5, uint64(s.Rows))
	return append(m, s.Others...)
}

func parseType(b []byte) (t Type, err error) {
	err = Fields(b, func(f Field) (err error) {
		switch f.Number {
		case 1:
			t.Kind = f.N
		case 2:
			t.Below, err = f.Numbers(t.Below)
		case 3:
			t.Names = append(t.Names, string(f.Bytes))
		case 4:
			t.Length = f.N
		case 5:
			t.Precision = f.N
		case 6:
			t.Scale = f.N
		case 7:
			var p Pair
			p, err = parsePair(f.Bytes)
			t.Attributes = append(t.Attributes, p)
		}
		return err
	})
	return t, err
}

func (t *Type) encoded() Message {
	m := Message(nil).Number(1, t.Kind)
	if len(t.Below) > 0 {
		below := make([]uint64, len(t.Below))
		for i, b := range t.Below {
			below[i] = uint64(b)
		}
		m = m.Packed(2, below...)
	}
	for _, n := range t.Names {
		m = m.Bytes(3, []byte(n))
	}
	switch t.Kind {
	case KindVarchar, KindChar:
		m = m.Number(4, t.Length)
	case KindDecimal:
		if t.Precision > 0 { // none is said by files of Hive 0.11
			m = m.Number(5, t.Precision).Number(6, t.Scale)
		}
	}
	for _, p := range t.Attributes {
		m = m.Bytes(7, p.encoded())
	}
	return m
}

func parsePair(b []byte) (p Pair, err error) {
	err = Fields(b, func(f Field) error {
		switch f.Number {
		case 1:
			p.Name = string(f.Bytes)
		case 2:
			p.Value = string(f.Bytes)
		}
		return nil
	})
	return p, err
}

func (p Pair) encoded() Message {
	return Message(nil).Bytes(1, []byte(p.Name)).Bytes(2, []byte(p.Value))
}
