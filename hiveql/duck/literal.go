package duck

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
)

// literal is a value of type t as a constant that has its type.
func (r resolution) literal(v hivetype.Value, t hivetype.Type) (string, error) {
	if err := checkType(t); err != nil {
		return "", err
	}
	if v != nil && t.Contains(hivetype.Union) {
		return "", unsupported("a constant of the type %s", t)
	}
	if v == nil {
		return "NULL::" + r.sqlType(t), nil
	}
	switch x := v.(type) {
	case bool:
		return strings.ToUpper(strconv.FormatBool(x)), nil
	case int64:
		if t.Kind == hivetype.IntervalYearMonth {
			return fmt.Sprintf("to_months((%d)::INTEGER)", x), nil
		}
		if x == math.MinInt64 {
			return "(-9223372036854775807::BIGINT - 1::BIGINT)", nil
		}
		return fmt.Sprintf("(%d)::%s", x, sqlType(t)), nil
	case float32:
		return floatLiteral(float64(x), 32, "FLOAT"), nil
	case float64:
		return floatLiteral(x, 64, "DOUBLE"), nil
	case hivetype.Dec:
		return quote(x.String()) + "::" + sqlType(t), nil
	case string:
		return quote(x), nil
	case []byte:
		return "unhex('" + hex.EncodeToString(x) + "')", nil
	case time.Time:
		if t.Kind == hivetype.Date {
			return fmt.Sprintf("(DATE '1970-01-01' + (%d)::INTEGER)", floorDiv(x.Unix(), 86400)), nil
		}
		if r == nanos {
			return quote(stampOf(x).String()) + "::HUGEINT", nil
		}
		return fmt.Sprintf("make_timestamp((%d)::BIGINT)", x.UnixMicro()), nil
	case hivetype.Interval:
		if r == nanos {
			return quote(nanosOf(x).String()) + "::HUGEINT", nil
		}
		return fmt.Sprintf("to_microseconds((%d)::BIGINT)", x.Seconds*1e6+int64(x.Nanos/1000)), nil
	case []hivetype.Entry:
		return r.mapLiteral(x, t)
	case []any:
		return r.listLiteral(x, t)
	}
	return "", &Error{Op: "plan", Msg: fmt.Sprintf("a constant of type %s has a value of %T", t, v)}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func floatLiteral(f float64, bits int, sql string) string {
	s := strconv.FormatFloat(f, 'e', -1, bits)
	switch {
	case math.IsNaN(f):
		s = "'NaN'"
	case math.IsInf(f, 1):
		s = "'Infinity'"
	case math.IsInf(f, -1):
		s = "'-Infinity'"
	default:
		s = "'" + s + "'"
	}
	return s + "::" + sql
}

func (r resolution) mapLiteral(entries []hivetype.Entry, t hivetype.Type) (string, error) {
	keys, values := make([]any, len(entries)), make([]any, len(entries))
	for i, e := range entries {
		keys[i], values[i] = e.Key, e.Value
	}
	k, err := r.listLiteral(keys, hivetype.ArrayOf(*t.Key))
	if err != nil {
		return "", err
	}
	v, err := r.listLiteral(values, hivetype.ArrayOf(*t.Elem))
	return "map(" + k + ", " + v + ")", err
}

// listLiteral makes an array or a struct.
func (r resolution) listLiteral(values []any, t hivetype.Type) (string, error) {
	items := make([]string, len(values))
	for i, v := range values {
		of := t.Elem
		if t.Kind == hivetype.Struct {
			of = &t.Fields[i].Type
		}
		s, err := r.literal(v, *of)
		if err != nil {
			return "", err
		}
		if items[i] = s; t.Kind == hivetype.Struct {
			items[i] = name(t.Fields[i].Name) + " := " + s
		}
	}
	if t.Kind == hivetype.Struct {
		return "struct_pack(" + strings.Join(items, ", ") + ")", nil
	}
	return "[" + strings.Join(items, ", ") + "]::" + r.sqlType(t), nil
}
