package orc

import (
	"math"
	"math/big"

	"github.com/skepdata/skep/hivetype"
)

// statistics are what a stripe, or a file, says of the values of a column.
type statistics struct {
	kind    hivetype.Kind
	count   uint64
	null    bool
	some    bool // the bounds below are of at least one value
	trues   uint64
	least   int64 // of integers, days, and timestamps in milliseconds
	most    int64
	sum     int64
	over    bool // sum has no room for it
	fleast  float64
	fmost   float64
	fsum    float64
	first   string // of text
	last    string
	bytes   int64
	dleast  hivetype.Dec
	dmost   hivetype.Dec
	dsum    hivetype.Dec
	lnanos  int64 // of the least and the most timestamp, behind the milliseconds
	mnanos  int64
	strange bool // not a number: no bounds
}

func (s *statistics) integer(v int64) {
	if !s.some {
		s.least, s.most, s.some = v, v, true
	}
	s.least, s.most = min(s.least, v), max(s.most, v)
	sum := s.sum + v
	s.over = s.over || (v > 0) != (sum > s.sum) && v != 0
	s.sum = sum
}

func (s *statistics) double(v float64) {
	if math.IsNaN(v) {
		s.strange = true
		return
	}
	if !s.some {
		s.fleast, s.fmost, s.some = v, v, true
	}
	s.fleast, s.fmost, s.fsum = min(s.fleast, v), max(s.fmost, v), s.fsum+v
}

func (s *statistics) text(v string) {
	s.bytes += int64(len(v))
	if !s.some || v < s.first {
		s.first = v
	}
	if !s.some || v > s.last {
		s.last = v
	}
	s.some = true
}

func (s *statistics) decimal(v hivetype.Dec) {
	if !s.some {
		s.dleast, s.dmost, s.dsum, s.some = v, v, hivetype.Dec{Unscaled: new(big.Int), Scale: v.Scale}, true
	}
	if v.Cmp(s.dleast) < 0 {
		s.dleast = v
	}
	if v.Cmp(s.dmost) > 0 {
		s.dmost = v
	}
	s.dsum = hivetype.Dec{Unscaled: new(big.Int).Add(s.dsum.Unscaled, v.Unscaled), Scale: v.Scale}
}

// instant takes milliseconds since 1970, and the nanoseconds behind them.
func (s *statistics) instant(ms, nanos int64) {
	if !s.some || ms < s.least || ms == s.least && nanos < s.lnanos {
		s.least, s.lnanos = ms, nanos
	}
	if !s.some || ms > s.most || ms == s.most && nanos > s.mnanos {
		s.most, s.mnanos = ms, nanos
	}
	s.some = true
}

// add adds those of another part of the column.
func (s *statistics) add(o *statistics) {
	s.count += o.count
	s.null = s.null || o.null
	s.trues += o.trues
	s.bytes += o.bytes
	s.strange = s.strange || o.strange
	if !o.some {
		return
	}
	switch s.kind {
	case hivetype.Float, hivetype.Double:
		fsum := s.fsum + o.fsum
		s.double(o.fleast)
		s.double(o.fmost)
		s.fsum = fsum
	case hivetype.Decimal:
		first := !s.some
		sum := s.dsum.Unscaled
		s.decimal(o.dleast)
		s.decimal(o.dmost)
		if first {
			sum = new(big.Int)
		}
		s.dsum = hivetype.Dec{Unscaled: new(big.Int).Add(sum, o.dsum.Unscaled), Scale: o.dsum.Scale}
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		s.instant(o.least, o.lnanos)
		s.instant(o.most, o.mnanos)
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		bytes := s.bytes
		s.text(o.first)
		s.text(o.last)
		s.bytes = bytes
	default:
		sum, over := s.sum+o.sum, s.over || o.over || (o.sum > 0) != (s.sum+o.sum > s.sum) && o.sum != 0
		s.integer(o.least)
		s.integer(o.most)
		s.sum, s.over = sum, over
	}
}

// longestBound is how many bytes a bound may have; text with longer ones has none.
const longestBound = 1024

// encoded is the message of them.
func (s *statistics) encoded() message {
	m := message(nil).number(1, s.count)
	switch s.kind {
	case hivetype.Boolean:
		m = m.bytes(5, message(nil).packed(1, s.trues))
	case hivetype.Binary:
		m = m.bytes(8, message(nil).signed(1, s.bytes))
	}
	if s.some && !s.strange {
		m = s.bounds(m)
	}
	if s.null {
		return m.number(10, 1)
	}
	return m.number(10, 0)
}

func (s *statistics) bounds(m message) message {
	switch s.kind {
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		b := message(nil).signed(1, s.least).signed(2, s.most)
		if !s.over {
			b = b.signed(3, s.sum)
		}
		return m.bytes(2, b)
	case hivetype.Float, hivetype.Double:
		return m.bytes(3, message(nil).double(1, s.fleast).double(2, s.fmost).double(3, s.fsum))
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		var b message
		if len(s.first) <= longestBound && len(s.last) <= longestBound {
			b = b.bytes(1, []byte(s.first)).bytes(2, []byte(s.last))
		}
		return m.bytes(4, b.signed(3, s.bytes))
	case hivetype.Decimal:
		return m.bytes(6, message(nil).bytes(1, []byte(s.dleast.String())).bytes(2, []byte(s.dmost.String())).
			bytes(3, []byte(s.dsum.String())))
	case hivetype.Date:
		return m.bytes(7, message(nil).signed(1, s.least).signed(2, s.most))
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		b := message(nil).signed(1, s.least).signed(2, s.most).signed(3, s.least).signed(4, s.most)
		return m.bytes(9, b.number(5, uint64(s.lnanos)+1).number(6, uint64(s.mnanos)+1))
	}
	return m
}

// encodedType is the message of a type of a file, whose parts have the numbers below.
func encodedType(t hivetype.Type, below []uint64) message {
	kinds := map[hivetype.Kind]uint64{
		hivetype.Array: kindList, hivetype.Map: kindMap, hivetype.Struct: kindStruct, hivetype.Union: kindUnion,
		hivetype.Decimal: kindDecimal, hivetype.Varchar: kindVarchar, hivetype.Char: kindChar,
	}
	for number, kind := range primitiveKinds() {
		kinds[kind] = number
	}
	m := message(nil).number(1, kinds[t.Kind])
	if len(below) > 0 {
		m = m.packed(2, below...)
	}
	if t.Kind == hivetype.Struct {
		for _, f := range t.Fields {
			m = m.bytes(3, []byte(f.Name))
		}
	}
	switch t.Kind {
	case hivetype.Varchar, hivetype.Char:
		m = m.number(4, uint64(t.Length))
	case hivetype.Decimal:
		m = m.number(5, uint64(t.Precision)).number(6, uint64(t.Scale))
	}
	return m
}

// encodedStream is the message of a stream.
func encodedStream(kind, column, length uint64) message {
	return message(nil).number(1, kind).number(2, column).number(3, length)
}
