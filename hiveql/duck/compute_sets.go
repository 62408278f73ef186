package duck

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// fewElements is how many elements arrays have at most that an expression takes for sets: it compares all of them with
// each other, which is quicker for few of them.
const fewElements = 32

// setOf is a rule for arrays as sets: a template for small ones, and Go, which remembers what it has seen, for others.
func setOf(template string) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		small := l.fill(template, x, args)
		if noUnion(x.T, "") != nil {
			return small
		}
		f := computedCall(x, func() compute { return arraySet(x.Func.Name) })
		sizes := make([]string, len(args))
		for i, a := range args {
			sizes[i] = "coalesce(len(" + a + "), 0)"
		}
		return fmt.Sprintf("CASE WHEN %s <= %d THEN %s ELSE %s END", strings.Join(sizes, " + "), fewElements, small, l.compute(f, args))
	}
}

// arraySet computes a function of sets. Elements stay in the order in which they come first.
func arraySet(name string) compute {
	var key []byte
	return func(args []hivetype.Value) (hivetype.Value, error) {
		list, other := args[0].([]any), map[string]bool{}
		switch name {
		case "array_union":
			list = append(list[:len(list):len(list)], args[1].([]any)...)
		case "array_except", "array_intersect":
			for _, e := range args[1].([]any) {
				key = appendKey(key[:0], e)
				other[string(key)] = true
			}
		}
		out, seen := []any{}, map[string]bool{}
		for _, e := range list {
			key = appendKey(key[:0], e)
			if seen[string(key)] || name == "array_except" && other[string(key)] || name == "array_intersect" && !other[string(key)] {
				continue
			}
			seen[string(key)] = true
			out = append(out, e)
		}
		return out, nil
	}
}

// appendKey appends bytes that are the same for equal values of one type, and only for them: -0 is 0, and what is no
// number equals itself.
func appendKey(b []byte, v hivetype.Value) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'f')
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
	case float32:
		return appendKey(b, float64(v))
	case float64:
		switch {
		case v == 0:
			v = 0
		case math.IsNaN(v):
			v = math.NaN()
		}
		return binary.BigEndian.AppendUint64(append(b, 'd'), math.Float64bits(v))
	case string:
		return append(binary.BigEndian.AppendUint32(append(b, 's'), uint32(len(v))), v...)
	case []byte:
		return append(binary.BigEndian.AppendUint32(append(b, 's'), uint32(len(v))), v...)
	case time.Time:
		b = binary.BigEndian.AppendUint64(append(b, 'T'), uint64(v.Unix()))
		return binary.BigEndian.AppendUint32(b, uint32(v.Nanosecond()))
	case []any:
		b = binary.BigEndian.AppendUint32(append(b, 'l'), uint32(len(v)))
		for _, e := range v {
			b = appendKey(b, e)
		}
		return b
	case []hivetype.Entry:
		b = binary.BigEndian.AppendUint32(append(b, 'm'), uint32(len(v)))
		for _, e := range v {
			b = appendKey(appendKey(b, e.Key), e.Value)
		}
		return b
	}
	return append(append(b, fmt.Sprintf("o%T %v", v, v)...), 0)
}
