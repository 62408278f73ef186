package hivetype

import (
	"bytes"
	"math/big"
	"strconv"
)

// minAdjustedScale is how many digits after the point an operation keeps when its exact result
// type would need more than MaxPrecision digits.
const minAdjustedScale = 6

// AsDecimal is the decimal type that holds the values of t in arithmetic: int is decimal(10,0),
// bigint decimal(19,0), text decimal(38,18).
func AsDecimal(t Type) Type {
	p, s := decimalParameters(t)
	return DecimalOf(min(p, MaxPrecision), s)
}

func decimalParameters(t Type) (precision, scale int) {
	switch t.Kind {
	case Decimal:
		return t.Precision, t.Scale
	case Float:
		return 7, 7
	case Double:
		return 15, 15
	case TinyInt:
		return 3, 0
	case SmallInt:
		return 5, 0
	case Int:
		return 10, 0
	case BigInt:
		return 19, 0
	case Void:
		return 1, 0
	}
	return MaxPrecision, 18
}

// adjust fits a result type into MaxPrecision digits: digits before the point win, but up to
// six digits after it are kept.
func adjust(precision, scale int) Type {
	if precision <= MaxPrecision {
		return DecimalOf(precision, scale)
	}
	whole := precision - scale
	return DecimalOf(MaxPrecision, max(MaxPrecision-whole, min(scale, minAdjustedScale)))
}

// DecimalAdd is the type of a+b and a-b where one of the operands is a decimal and the other a
// decimal or an integer.
func DecimalAdd(a, b Type) Type {
	pa, sa := decimalParameters(a)
	pb, sb := decimalParameters(b)
	scale := max(sa, sb)
	return adjust(max(pa-sa, pb-sb)+scale+1, scale)
}

// DecimalMul is the type of a*b.
func DecimalMul(a, b Type) Type {
	pa, sa := decimalParameters(a)
	pb, sb := decimalParameters(b)
	return adjust(pa+pb+1, sa+sb)
}

// DecimalDiv is the type of a/b. (Hive divides two integers as doubles.)
func DecimalDiv(a, b Type) Type {
	pa, sa := decimalParameters(a)
	pb, sb := decimalParameters(b)
	scale := max(minAdjustedScale, sa+pb+1)
	return adjust(pa-sa+sb+scale, scale)
}

// DecimalMod is the type of a%b and pmod(a,b).
func DecimalMod(a, b Type) Type {
	pa, sa := decimalParameters(a)
	pb, sb := decimalParameters(b)
	scale := max(sa, sb)
	return adjust(min(pa-sa, pb-sb)+scale, scale)
}

// Round brings d to the scale, rounding halves away from zero, as Hive does wherever a decimal
// loses digits. It reports false if the result needs more than precision digits: in Hive, NULL.
func (d Dec) Round(precision, scale int) (Dec, bool) {
	if d.Scale+MaxPrecision < scale && d.Unscaled.Sign() != 0 {
		return Dec{}, false // too large for any precision, without computing how large
	}
	d = d.rescale(scale)
	return d, d.Unscaled.CmpAbs(powerOfTen(precision)) < 0
}

func (d Dec) rescale(scale int) Dec {
	u := d.Unscaled
	switch {
	case d.Scale < scale && u.Sign() != 0:
		u = new(big.Int).Mul(u, powerOfTen(scale-d.Scale))
	case d.Scale > scale:
		u = divideHalfUp(u, powerOfTen(d.Scale-scale))
	}
	return Dec{Unscaled: u, Scale: scale}
}

func divideHalfUp(u, by *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(u, by, new(big.Int))
	if r.Lsh(r.Abs(r), 1).Cmp(by) >= 0 {
		q.Add(q, big.NewInt(int64(u.Sign())))
	}
	return q
}

func powerOfTen(n int) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// Cmp compares the numbers, whatever their scales: -1, 0 or +1.
func (d Dec) Cmp(e Dec) int {
	a, b := d.Unscaled, e.Unscaled
	switch {
	case d.Scale < e.Scale:
		a = new(big.Int).Mul(a, powerOfTen(e.Scale-d.Scale))
	case d.Scale > e.Scale:
		b = new(big.Int).Mul(b, powerOfTen(d.Scale-e.Scale))
	}
	return a.Cmp(b)
}

// String prints all digits of the scale: 1.50 for {150, 2}.
func (d Dec) String() string { return string(d.append(nil)) }

func (d Dec) append(dst []byte) []byte {
	if d.Unscaled.Sign() < 0 {
		dst = append(dst, '-')
	}
	var buf [2 * MaxPrecision]byte
	digits := buf[:0]
	if d.Unscaled.IsInt64() { // which most are, and which is five times as fast
		digits = strconv.AppendInt(digits, d.Unscaled.Int64(), 10)
	} else {
		digits = d.Unscaled.Append(digits, 10)
	}
	digits = bytes.TrimPrefix(digits, []byte("-"))
	if d.Scale <= 0 {
		dst = append(dst, digits...)
		for range -d.Scale {
			if digits[0] != '0' {
				dst = append(dst, '0')
			}
		}
		return dst
	}
	if len(digits) <= d.Scale {
		dst = append(dst, '0', '.')
		for range d.Scale - len(digits) {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
	dst = append(dst, digits[:len(digits)-d.Scale]...)
	dst = append(dst, '.')
	return append(dst, digits[len(digits)-d.Scale:]...)
}
