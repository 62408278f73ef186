package orcfile

import (
	"math/big"
	"strings"
)

// decimal is a number of which some digits are behind the point.
type decimal struct {
	unscaled *big.Int
	scale    int
	text     string // as the file has it
}

// mostDigits is how many a decimal of Hive can have. A sum of more has no room.
const mostDigits = 38

// parseDecimal reads a decimal as files write it: digits, a point, a sign. It returns nil for what is something else.
func parseDecimal(b []byte) *decimal {
	text := string(b)
	digits := strings.TrimPrefix(text, "-")
	whole, behind, point := strings.Cut(digits, ".")
	if len(digits) > 2*mostDigits+1 || len(whole)+len(behind) == 0 || point && behind == "" ||
		strings.Trim(whole+behind, "0123456789") != "" {
		return nil
	}
	n, ok := new(big.Int).SetString(whole+behind, 10)
	if !ok {
		return nil
	}
	if strings.HasPrefix(text, "-") {
		n.Neg(n)
	}
	return &decimal{n, len(behind), text}
}

// with is the unscaled value of one with more digits behind the point.
func (d decimal) with(scale int) *big.Int {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-d.scale)), nil)
	return ten.Mul(ten, d.unscaled)
}

func (d decimal) compare(o decimal) int {
	scale := max(d.scale, o.scale)
	return d.with(scale).Cmp(o.with(scale))
}

// plus is a sum, nil if it has too many digits.
func (d decimal) plus(o decimal) *decimal {
	scale := max(d.scale, o.scale)
	n := d.with(scale)
	n.Add(n, o.with(scale))
	digits := new(big.Int).Abs(n).String()
	for ten := big.NewInt(10); len(digits) > mostDigits && scale > 0 && strings.HasSuffix(digits, "0"); scale-- {
		n.Quo(n, ten)
		digits = strings.TrimSuffix(digits, "0")
	}
	if len(digits) > mostDigits {
		return nil
	}
	if scale > 0 {
		if len(digits) <= scale {
			digits = strings.Repeat("0", scale-len(digits)+1) + digits
		}
		digits = digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
	}
	if n.Sign() < 0 {
		digits = "-" + digits
	}
	return &decimal{n, scale, digits}
}

// decimals are values of type decimal.
type decimals struct {
	limits[decimal]
	total *decimal
	over  bool // total has no room, or a part does not say it
}

func (v *decimals) add(b []byte) error {
	var low, high, sum *decimal
	err := Fields(b, func(f Field) error {
		switch f.Number {
		case 1:
			low = parseDecimal(f.Bytes)
		case 2:
			high = parseDecimal(f.Bytes)
		case 3:
			sum = parseDecimal(f.Bytes)
		}
		return nil
	})
	v.reach(low, high)
	switch {
	case sum == nil || v.over:
		v.total = nil
	case v.total == nil:
		v.total = sum
	default:
		v.total = v.total.plus(*sum)
	}
	v.over = v.total == nil
	return err
}

func (v *decimals) encoded() (m Message) {
	low, high := v.known()
	if low != nil {
		m = m.Bytes(1, []byte(low.text))
	}
	if high != nil {
		m = m.Bytes(2, []byte(high.text))
	}
	if !v.over {
		m = m.Bytes(3, []byte(v.total.text))
	}
	return m
}
