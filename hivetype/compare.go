package hivetype

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"
)

// Compare orders two values of type t: negative, zero or positive. It is the order of ORDER BY
// ascending: NULL first; false before true; NaN equal to itself and above every number, and
// -0.0 equal to 0.0; text by bytes, char without its trailing blanks; arrays and structs by
// their first difference, then by length; maps as sorted lists of entries; unions by their tag
// first. The values must be of the Go types that Value lists.
func Compare(a, b Value, t Type) int {
	if a == nil || b == nil {
		return compareBool(a != nil, b != nil)
	}
	switch t.Kind {
	case Boolean:
		return compareBool(a.(bool), b.(bool))
	case TinyInt, SmallInt, Int, BigInt, IntervalYearMonth:
		return cmp.Compare(a.(int64), b.(int64))
	case Float:
		return compareFloat(float64(a.(float32)), float64(b.(float32)))
	case Double:
		return compareFloat(a.(float64), b.(float64))
	case Decimal:
		return a.(Dec).Cmp(b.(Dec))
	case String, Varchar:
		return strings.Compare(a.(string), b.(string))
	case Char:
		return strings.Compare(strings.TrimRight(a.(string), " "), strings.TrimRight(b.(string), " "))
	case Binary:
		return bytes.Compare(a.([]byte), b.([]byte))
	case Date, Timestamp, TimestampLocalTZ:
		return a.(time.Time).Compare(b.(time.Time))
	case IntervalDayTime:
		return a.(Interval).Cmp(b.(Interval))
	case Array:
		return slices.CompareFunc(a.([]any), b.([]any), func(x, y any) int { return Compare(x, y, *t.Elem) })
	case Map:
		return compareMaps(a.([]Entry), b.([]Entry), t)
	case Union:
		x, y := a.(Variant), b.(Variant)
		if x.Tag != y.Tag {
			return cmp.Compare(x.Tag, y.Tag)
		}
		return Compare(x.Value, y.Value, t.Fields[x.Tag].Type)
	case Struct:
		return compareStructs(a.([]any), b.([]any), t)
	}
	return 0
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// compareFloat differs from cmp.Compare in the place of NaN.
func compareFloat(a, b float64) int {
	if a != a || b != b {
		return compareBool(a != a, b != b)
	}
	return cmp.Compare(a, b)
}

func compareStructs(a, b []any, t Type) int {
	for i, f := range t.Fields {
		if c := Compare(a[i], b[i], f.Type); c != 0 {
			return c
		}
	}
	return 0
}

func compareMaps(a, b []Entry, t Type) int {
	byKey := func(x, y Entry) int { return Compare(x.Key, y.Key, *t.Key) }
	a, b = slices.SortedFunc(slices.Values(a), byKey), slices.SortedFunc(slices.Values(b), byKey)
	return slices.CompareFunc(a, b, func(x, y Entry) int {
		return cmp.Or(byKey(x, y), Compare(x.Value, y.Value, *t.Elem))
	})
}
