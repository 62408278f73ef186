package duck

import (
	"math"
	"math/big"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// span is what is known of the values of a number: all but NULL are between low and high. Those of
// decimals are counted in units of the last digit.
type span struct{ low, high *big.Int }

// upTo is the span of so many digits.
func upTo(digits int) span {
	most := powerOfTen(digits)
	most.Sub(most, big.NewInt(1))
	return span{new(big.Int).Neg(most), most}
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

func spanOf(values ...*big.Int) span {
	s := span{values[0], values[0]}
	for _, v := range values[1:] {
		s = s.and(span{v, v})
	}
	return s
}

// and is the span of the values of both.
func (s span) and(o span) span {
	if o.low.Cmp(s.low) < 0 {
		s.low = o.low
	}
	if o.high.Cmp(s.high) > 0 {
		s.high = o.high
	}
	return s
}

func (s span) plus(o span) span {
	return span{new(big.Int).Add(s.low, o.low), new(big.Int).Add(s.high, o.high)}
}

func (s span) negated() span { return span{new(big.Int).Neg(s.high), new(big.Int).Neg(s.low)} }

func (s span) times(o span) span {
	product := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	return spanOf(product(s.low, o.low), product(s.low, o.high), product(s.high, o.low), product(s.high, o.high))
}

// moved is the span of the same numbers with more digits after the point.
func (s span) moved(digits int) span {
	if digits == 0 {
		return s
	}
	by := powerOfTen(digits)
	return span{new(big.Int).Mul(s.low, by), new(big.Int).Mul(s.high, by)}
}

// fits reports whether so many digits hold all values.
func (s span) fits(digits int) bool {
	most := powerOfTen(digits)
	return s.low.CmpAbs(most) < 0 && s.high.CmpAbs(most) < 0
}

// scanned is where a column comes from.
type scanned struct {
	scan *analysis.Scan
	col  analysis.ScanColumn
}

// columnSpan is the span of a column, by what has been found out of it, by the footers of the files
// that it comes from, or by its type.
func (l *lowerer) columnSpan(id int, t hivetype.Type) span {
	if s, ok := l.spans[id]; ok {
		return s
	}
	s := typeSpan(t)
	if from, ok := l.scanned[id]; ok && from.col.Type.Equal(t) {
		if found, ok := l.scannedSpan(from); ok {
			s = found
		}
	}
	l.spans[id] = s
	return s
}

// typeSpan is that of all values of a decimal or an integer.
func typeSpan(t hivetype.Type) span {
	bits := func(n uint) span {
		high := new(big.Int).Lsh(big.NewInt(1), n)
		return span{new(big.Int).Neg(high), high.Sub(high, big.NewInt(1))}
	}
	switch t.Kind {
	case hivetype.TinyInt:
		return bits(7)
	case hivetype.SmallInt:
		return bits(15)
	case hivetype.Int:
		return bits(31)
	case hivetype.BigInt:
		return bits(63)
	}
	return upTo(t.Precision)
}

// scannedSpan is the span of a column by the statistics of all row groups of its files. ok is false
// if one of them does not say it.
func (l *lowerer) scannedSpan(from scanned) (s span, ok bool) {
	s = span{new(big.Int), new(big.Int)}
	for _, g := range l.prepared[from.scan] {
		if !g.parquet {
			return s, false
		}
		for i := range g.files {
			f := &g.files[i]
			if f.file.Object.Size == 0 {
				continue
			}
			if f.footer == nil {
				return s, false
			}
			if col := dataColumn(from.scan, from.col, f.footer); col != nil {
				if s, ok = fileSpan(s, col, f.footer, from.col.Type); !ok {
					return s, false
				}
			}
		}
	}
	return s, true
}

// fileSpan adds what a file has in a column to a span.
func fileSpan(s span, col *footer.Column, f *footer.File, t hivetype.Type) (span, bool) {
	for i := range f.Groups {
		b := col.Bounds(&f.Groups[i], t)
		if b.Rows == b.Nulls {
			continue
		}
		low, okLow := unscaled(b.Min, t)
		high, okHigh := unscaled(b.Max, t)
		if !okLow || !okHigh || low.Cmp(high) > 0 {
			return s, false
		}
		s = s.and(span{low, high})
	}
	return s, true
}

// unscaled is a number in units of the last digit of its type.
func unscaled(v hivetype.Value, t hivetype.Type) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), t.Integer()
	case hivetype.Dec:
		if t.Kind != hivetype.Decimal {
			return nil, false
		}
		d, ok := v.Round(t.Precision, t.Scale)
		return d.Unscaled, ok
	}
	return nil, false
}

// mostRows is more rows than a group can have.
var mostRows = new(big.Int).SetUint64(math.MaxUint64)
