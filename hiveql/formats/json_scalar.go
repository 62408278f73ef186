package formats

import (
	"bytes"
	"encoding/base64"
	"math"
	"math/big"
	"strconv"

	"github.com/skepdata/skep/hivetype"
)

// scalar appends a string, without its quotes, or any other JSON, as Hive 4's JsonSerDe does with the methods of Jackson:
// where a value is of another type than the column it becomes one of it, and that is 0 or false where nothing else fits.
// Whole numbers that are too large lose their upper bits. Binary, dates and timestamps are NULL where nothing fits.
func (r *jsonRow) scalar(c *column, text []byte, quoted bool) {
	if !quoted && (text[0] == '{' || text[0] == '[') {
		c.set(text) // which only text columns can hold
		return
	}
	switch c.t.Kind {
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		if !c.text(text) {
			r.scratch = strconv.AppendInt(r.scratch[:0], jsonInteger(text, quoted, c.t.Kind), 10)
			c.set(r.scratch)
		}
	case hivetype.Float, hivetype.Double:
		if !c.text(text) {
			c.set(jsonBit(!quoted && text[0] == 't'))
		}
	case hivetype.Boolean:
		c.set(strconv.AppendBool(nil, jsonTrue(text, quoted)))
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		if !quoted && jsonFraction(text) {
			f, _ := strconv.ParseFloat(string(text), 64) // too large is infinite, as in Java
			text = hivetype.AppendText(nil, f, hivetype.Of(hivetype.Double))
		}
		c.set(text)
	case hivetype.Binary:
		if raw, err := base64.StdEncoding.DecodeString(string(text)); quoted && err == nil {
			text = raw
		}
		c.appendBinary(text)
	default:
		c.set(text)
	}
}

// jsonFraction reports whether a value is a number that Java holds as a double.
func jsonFraction(text []byte) bool {
	return (text[0] == '-' || text[0] >= '0' && text[0] <= '9') && bytes.ContainsAny(text, ".eE")
}

func jsonBit(one bool) []byte {
	if one {
		return []byte("1")
	}
	return []byte("0")
}

func jsonTrue(text []byte, quoted bool) bool {
	if quoted {
		return string(bytes.TrimSpace(text)) == "true"
	}
	return text[0] == 't' || text[0] != 'f' && !jsonFraction(text) && len(bytes.Trim(text, "-0")) > 0
}

// jsonInteger is the whole number that Java makes of what is none of the type, or is too large for it.
func jsonInteger(text []byte, quoted bool, kind hivetype.Kind) int64 {
	if !quoted && text[0] == 't' {
		return 1
	}
	least, most := int64(math.MinInt32), int64(math.MaxInt32)
	if kind == hivetype.BigInt {
		least, most = math.MinInt64, math.MaxInt64
	}
	s := string(bytes.TrimSpace(text))
	var n int64
	if whole, ok := new(big.Int).SetString(s, 10); ok {
		if quoted && (!whole.IsInt64() || whole.Int64() < least || whole.Int64() > most) {
			return 0
		}
		n = int64(new(big.Int).And(whole, new(big.Int).SetUint64(math.MaxUint64)).Uint64())
		if kind != hivetype.BigInt {
			n = int64(int32(n))
		}
	} else {
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case err != nil && !math.IsInf(f, 0), math.IsNaN(f):
			return 0
		case f <= float64(least):
			n = least
		case f >= float64(most):
			n = most
		default:
			n = int64(f)
		}
	}
	switch kind {
	case hivetype.TinyInt:
		return int64(int8(n))
	case hivetype.SmallInt:
		return int64(int16(n))
	}
	return n
}
