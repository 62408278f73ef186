package orc

import (
	"math"
	"math/big"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
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
	dsum    *big.Int // but for what is in sum
	digits  bool     // dleast and dmost have no more digits than 64 bits, and are least and most
	lnanos  int64    // of the least and the most timestamp, behind the milliseconds
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
	if !v.Unscaled.IsInt64() {
		s.wideDecimal(v)
		return
	}
	n := v.Unscaled.Int64()
	if !s.some {
		s.dleast, s.dmost, s.dsum, s.some, s.digits = v, v, new(big.Int), true, true
		s.least, s.most = n, n
	}
	switch {
	case !s.digits:
		s.wideBounds(v)
	case n < s.least:
		s.dleast, s.least = v, n
	case n > s.most:
		s.dmost, s.most = v, n
	}
	sum := s.sum + n
	if (n > 0) != (sum > s.sum) && n != 0 {
		s.dsum.Add(s.dsum, big.NewInt(s.sum))
		sum = n
	}
	s.sum = sum
}

// wideDecimal takes a value that 64 bits have no room for.
func (s *statistics) wideDecimal(v hivetype.Dec) {
	if !s.some {
		s.dleast, s.dmost, s.dsum, s.some = v, v, new(big.Int), true
	}
	s.wideBounds(v)
	s.dsum.Add(s.dsum, v.Unscaled)
}

func (s *statistics) wideBounds(v hivetype.Dec) {
	s.digits = false
	if v.Cmp(s.dleast) < 0 {
		s.dleast = v
	}
	if v.Cmp(s.dmost) > 0 {
		s.dmost = v
	}
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

// longestBound is how many bytes a bound may have; text with longer ones has none.
const longestBound = 1024

// encoded is the message of them.
func (s *statistics) encoded() orcfile.Message {
	m := orcfile.Message(nil).Number(1, s.count)
	switch s.kind {
	case hivetype.Boolean:
		m = m.Bytes(5, orcfile.Message(nil).Packed(1, s.trues))
	case hivetype.Binary:
		m = m.Bytes(8, orcfile.Message(nil).Signed(1, s.bytes))
	}
	if s.some && !s.strange {
		m = s.bounds(m)
	}
	if s.null {
		return m.Number(10, 1)
	}
	return m.Number(10, 0)
}

func (s *statistics) bounds(m orcfile.Message) orcfile.Message {
	switch s.kind {
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		b := orcfile.Message(nil).Signed(1, s.least).Signed(2, s.most)
		if !s.over {
			b = b.Signed(3, s.sum)
		}
		return m.Bytes(2, b)
	case hivetype.Float, hivetype.Double:
		return m.Bytes(3, orcfile.Message(nil).Double(1, s.fleast).Double(2, s.fmost).Double(3, s.fsum))
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		var b orcfile.Message
		if len(s.first) <= longestBound && len(s.last) <= longestBound {
			b = b.Bytes(1, []byte(s.first)).Bytes(2, []byte(s.last))
		}
		return m.Bytes(4, b.Signed(3, s.bytes))
	case hivetype.Decimal:
		sum := hivetype.Dec{Unscaled: new(big.Int).Add(s.dsum, big.NewInt(s.sum)), Scale: s.dleast.Scale}
		return m.Bytes(6, orcfile.Message(nil).Bytes(1, []byte(s.dleast.String())).Bytes(2, []byte(s.dmost.String())).
			Bytes(3, []byte(sum.String())))
	case hivetype.Date:
		return m.Bytes(7, orcfile.Message(nil).Signed(1, s.least).Signed(2, s.most))
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		b := orcfile.Message(nil).Signed(1, s.least).Signed(2, s.most).Signed(3, s.least).Signed(4, s.most)
		return m.Bytes(9, b.Number(5, uint64(s.lnanos)+1).Number(6, uint64(s.mnanos)+1))
	}
	return m
}

// typeOf is a type as a file has it, whose parts have the numbers below.
func typeOf(t hivetype.Type, below []uint32) orcfile.Type {
	kinds := map[hivetype.Kind]uint64{
		hivetype.Array: orcfile.KindList, hivetype.Map: orcfile.KindMap, hivetype.Struct: orcfile.KindStruct,
		hivetype.Union: orcfile.KindUnion, hivetype.Decimal: orcfile.KindDecimal, hivetype.Varchar: orcfile.KindVarchar,
		hivetype.Char: orcfile.KindChar,
	}
	for number, kind := range primitiveKinds() {
		kinds[kind] = number
	}
	o := orcfile.Type{
		Kind: kinds[t.Kind], Below: below, Length: uint64(t.Length), Precision: uint64(t.Precision), Scale: uint64(t.Scale),
	}
	if t.Kind == hivetype.Struct {
		for _, f := range t.Fields {
			o.Names = append(o.Names, f.Name)
		}
	}
	return o
}

// encodedStream is the message of a stream.
func encodedStream(kind, column, length uint64) orcfile.Message {
	return orcfile.Message(nil).Number(1, kind).Number(2, column).Number(3, length)
}
