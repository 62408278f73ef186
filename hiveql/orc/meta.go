package orc

import (
	"fmt"
	"math"
)

// magic begins every file, and ends its postscript.
const magic = "ORC"

// kinds of types, by their numbers in files.
const (
	kindBoolean = iota
	kindByte
	kindShort
	kindInt
	kindLong
	kindFloat
	kindDouble
	kindString
	kindBinary
	kindTimestamp
	kindList
	kindMap
	kindStruct
	kindUnion
	kindDecimal
	kindDate
	kindVarchar
	kindChar
	kindInstant
)

// kinds of streams.
const (
	streamPresent        = 0
	streamData           = 1
	streamLength         = 2
	streamDictionary     = 3
	streamSecondary      = 5
	encodingDirect       = 0
	encodingDictionary   = 1
	encodingDirectV2     = 2
	encodingDictionaryV2 = 3
	calendarProleptic    = 2
	maxColumns           = 1 << 20 // more are taken for nonsense
	maxTail              = 1 << 30
	maxBlock             = 1 << 23 // the largest that three bytes of a chunk can say
	maxRows              = math.MaxInt64 / 2
)

// postscript is what the last bytes of a file say.
type postscript struct {
	footer, metadata int64 // lengths
	codec            codec
	block            int
}

// typeInfo is a type as files have it: a node of a tree, whose nodes are numbered in pre-order.
type typeInfo struct {
	kind             uint64
	below            []uint32
	names            []string
	length           uint64 // of char and varchar
	precision, scale uint64
}

// stripe is where a stripe lies in the file.
type stripe struct {
	offset, index, data, footer int64
	rows                        int64
}

// fileFooter is what a file says of itself.
type fileFooter struct {
	stripes   []stripe
	types     []typeInfo
	rows      int64
	java      bool // which writes days before 1582-10-15 by the Julian calendar, unless
	proleptic bool // says that it does not
	encrypted bool
}

// streamInfo is one stream of a stripe.
type streamInfo struct {
	kind, column uint64
	offset       int64 // in the file
	length       int64
}

// encoding is how a column of a stripe is encoded.
type encoding struct {
	kind       uint64
	dictionary uint64 // entries of it
}

// stripeFooter is what a stripe says of itself.
type stripeFooter struct {
	streams   []streamInfo
	encodings []encoding
	zone      string
}

func length(f field, limit int64) (int64, error) {
	if f.n > uint64(limit) {
		return 0, malformed("a length of %d bytes", f.n)
	}
	return int64(f.n), nil
}

func parsePostscript(b []byte) (postscript, error) {
	p := postscript{block: 256 << 10}
	found := false
	err := fields(b, func(f field) (err error) {
		switch f.number {
		case 1:
			p.footer, err = length(f, maxTail)
		case 2:
			p.codec, err = codecOf(f.n)
		case 3:
			if f.n == 0 || f.n > maxBlock {
				return malformed("compression chunks of %d bytes", f.n)
			}
			p.block = int(f.n)
		case 5:
			p.metadata, err = length(f, maxTail)
		case 8000:
			found = string(f.bytes) == magic
		}
		return err
	})
	if err == nil && !found {
		err = malformed("it does not end with %q", magic)
	}
	return p, err
}

func parseFooter(b []byte) (*fileFooter, error) {
	footer := &fileFooter{java: true}
	err := fields(b, func(f field) error {
		switch f.number {
		case 3:
			s, err := parseStripe(f.bytes)
			footer.stripes = append(footer.stripes, s)
			return err
		case 4:
			t, err := parseType(f.bytes)
			footer.types = append(footer.types, t)
			return err
		case 6:
			if f.n > maxRows {
				return malformed("%d rows", f.n)
			}
			footer.rows = int64(f.n)
		case 9:
			footer.java = f.n == 0
		case 10:
			footer.encrypted = true
		case 11:
			footer.proleptic = f.n == calendarProleptic
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	return footer, footer.check()
}

// julian reports whether days before 1582-10-15 are of the Julian calendar.
func (f *fileFooter) julian() bool { return f.java && !f.proleptic }

// check makes sure that types are a tree, and that stripes have the rows of the file.
func (f *fileFooter) check() error {
	if len(f.types) == 0 || len(f.types) > maxColumns {
		return malformed("%d columns", len(f.types))
	}
	above := make([]bool, len(f.types))
	for i, t := range f.types {
		if n := len(t.below); t.kind == kindList && n != 1 || t.kind == kindMap && n != 2 || t.kind == kindStruct && n != len(t.names) {
			return malformed("column %d has %d columns below it", i, n)
		}
		for _, c := range t.below {
			if int(c) <= i || int(c) >= len(f.types) || above[c] {
				return malformed("column %d is below column %d", c, i)
			}
			above[c] = true
		}
	}
	rows := int64(0)
	for _, s := range f.stripes {
		rows += s.rows
	}
	if rows != f.rows {
		return malformed("%d rows, but %d in stripes", f.rows, rows)
	}
	return nil
}

func parseStripe(b []byte) (s stripe, err error) {
	err = fields(b, func(f field) (err error) {
		switch f.number {
		case 1:
			s.offset, err = length(f, math.MaxInt64/8)
		case 2:
			s.index, err = length(f, math.MaxInt64/8)
		case 3:
			s.data, err = length(f, math.MaxInt64/8)
		case 4:
			s.footer, err = length(f, maxTail)
		case 5:
			s.rows, err = length(f, maxRows)
		}
		return err
	})
	return s, err
}

func parseType(b []byte) (t typeInfo, err error) {
	err = fields(b, func(f field) (err error) {
		switch f.number {
		case 1:
			t.kind = f.n
		case 2:
			t.below, err = f.numbers(t.below)
		case 3:
			t.names = append(t.names, string(f.bytes))
		case 4:
			t.length = f.n
		case 5:
			t.precision = f.n
		case 6:
			t.scale = f.n
		}
		return err
	})
	return t, err
}

// parseStripeFooter reads the footer of s, whose streams lie one behind the other.
func parseStripeFooter(b []byte, s stripe) (*stripeFooter, error) {
	footer := &stripeFooter{}
	at := s.offset
	err := fields(b, func(f field) error {
		switch f.number {
		case 1:
			stream := streamInfo{offset: at}
			err := fields(f.bytes, func(f field) (err error) {
				switch f.number {
				case 1:
					stream.kind = f.n
				case 2:
					stream.column = f.n
				case 3:
					stream.length, err = length(f, s.index+s.data)
				}
				return err
			})
			at += stream.length
			footer.streams = append(footer.streams, stream)
			return err
		case 2:
			var e encoding
			err := fields(f.bytes, func(f field) error {
				switch f.number {
				case 1:
					e.kind = f.n
				case 2:
					e.dictionary = f.n
				}
				return nil
			})
			footer.encodings = append(footer.encodings, e)
			return err
		case 3:
			footer.zone = string(f.bytes)
		}
		return nil
	})
	if err == nil && at > s.offset+s.index+s.data {
		err = malformed("streams are longer than their stripe")
	}
	return footer, err
}
