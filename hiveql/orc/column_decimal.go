package orc

import (
	"math/big"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// decimals are numbers of any length, with a scale each.
type decimals struct {
	common
	data   *stream
	scales integers
	scale  int // of the column
	own    []int64
}

func (c *decimals) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	if cap(c.own) < have {
		c.own = make([]int64, n)
	}
	own := c.own[:have]
	if err := c.scales.next(own); err != nil {
		return nil, err
	}
	out := make([]decimal128.Num, n)
	for i := range have {
		v, ok := c.short()
		if !ok {
			if v, err = c.value(); err != nil {
				return nil, err
			}
		}
		if out[i], err = c.scaled(v, own[i]); err != nil {
			return nil, err
		}
	}
	spread(out, valid, have)
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
}

// short is value for numbers of up to 63 bits that lie in one chunk, as most do; otherwise it takes nothing.
func (c *decimals) short() (decimal128.Num, bool) {
	const longest = 9
	rest := c.data.rest
	var v uint64
	for i := range min(len(rest), longest) {
		b := rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.data.rest = rest[i+1:]
			return decimal128.FromI64(unzigzag(v)), true
		}
	}
	return decimal128.Num{}, false
}

// value is a number of seven bits a byte, signed by zigzag, of up to 128 bits.
func (c *decimals) value() (decimal128.Num, error) {
	var low, high uint64
	for shift := 0; ; shift += 7 {
		b, err := c.data.ReadByte()
		if err != nil {
			return decimal128.Num{}, err
		}
		v := uint64(b & 0x7f)
		switch {
		case shift >= 128 || shift == 126 && v > 3:
			return decimal128.Num{}, orcfile.Malformed("a decimal of more than 128 bits")
		case shift >= 64:
			high |= v << (shift - 64)
		default:
			low |= v << shift
			high |= v >> (64 - shift)
		}
		if b < 0x80 {
			break
		}
	}
	sign := -(low & 1)
	return decimal128.New(int64((high>>1)^sign), (low>>1|high<<63)^sign), nil
}

// scaled has the scale of the column.
func (c *decimals) scaled(v decimal128.Num, scale int64) (decimal128.Num, error) {
	if int(scale) == c.scale {
		return v, nil
	}
	if scale < 0 || scale > 10*hivetype.MaxPrecision {
		return v, orcfile.Malformed("a decimal of the scale %d", scale)
	}
	t := c.t.(*arrow.Decimal128Type)
	d, ok := hivetype.Dec{Unscaled: v.BigInt(), Scale: int(scale)}.Round(int(t.Precision), c.scale)
	if !ok {
		return v, orcfile.Malformed("a decimal of more than %d digits", t.Precision)
	}
	u := d.Unscaled
	if more := c.scale - d.Scale; more > 0 { // Round may give fewer digits
		u = new(big.Int).Mul(u, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(more)), nil))
	}
	return decimal128.FromBigInt(u), nil
}
