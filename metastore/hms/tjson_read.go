package hms

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
)

// fromTJSON reads what tjson writes into v, a pointer to a struct of the wire.
func fromTJSON(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var in any
	if err := d.Decode(&in); err != nil {
		return err
	}
	fields, err := readTJSON(thrift.Struct, in)
	if err != nil {
		return err
	}
	data, err := thrift.Marshal(fields.(thrift.Fields), thrift.Binary)
	if err != nil {
		return err
	}
	return thrift.Unmarshal(data, v, thrift.Binary, thrift.Limits{})
}

// readTJSON is a value of a type, from what encoding/json made of it.
func readTJSON(t thrift.Type, in any) (thrift.Value, error) {
	switch in := in.(type) {
	case string:
		if t == thrift.String {
			return []byte(in), nil
		}
		return readTJSONNumber(t, in) // as a key of a map, or NaN
	case json.Number:
		return readTJSONNumber(t, in.String())
	case map[string]any:
		if t == thrift.Struct {
			return readTJSONFields(in)
		}
	case []any:
		return readTJSONContainer(t, in)
	}
	return nil, fmt.Errorf("%v is no %s", in, t)
}

func readTJSONNumber(t thrift.Type, text string) (thrift.Value, error) {
	if t == thrift.Double {
		return strconv.ParseFloat(text, 64)
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
	case t == thrift.Bool:
		return n != 0, nil
	case t == thrift.Byte && n == int64(int8(n)):
		return int8(n), nil
	case t == thrift.I16 && n == int64(int16(n)):
		return int16(n), nil
	case t == thrift.I32 && n >= math.MinInt32 && n <= math.MaxInt32:
		return int32(n), nil
	case t == thrift.I64:
		return n, nil
	}
	return nil, fmt.Errorf("%q is no %s", text, t)
}

// readTJSONFields reads {"1":{"str":"x"}}.
func readTJSONFields(in map[string]any) (thrift.Value, error) {
	fields := thrift.Fields{}
	for key, one := range in {
		id, err := strconv.ParseInt(key, 10, 16)
		typed, ok := one.(map[string]any)
		if err != nil || !ok || len(typed) != 1 {
			return nil, fmt.Errorf("%q: %v is no field", key, one)
		}
		for name, v := range typed {
			t, err := tjsonType(name)
			if err != nil {
				return nil, err
			}
			value, err := readTJSON(t, v)
			if err != nil {
				return nil, fmt.Errorf("field %d: %w", id, err)
			}
			fields = append(fields, thrift.Field{ID: int16(id), Type: t, Value: value})
		}
	}
	slices.SortFunc(fields, func(a, b thrift.Field) int { return int(a.ID) - int(b.ID) })
	return fields, nil
}

// readTJSONContainer reads ["str",2,"a","b"] and ["str","i32",1,{"k":5}].
func readTJSONContainer(t thrift.Type, in []any) (thrift.Value, error) {
	types := 1
	if t == thrift.Map {
		types = 2
	}
	if t != thrift.Map && t != thrift.List && t != thrift.Set || len(in) < types+1 {
		return nil, fmt.Errorf("%v is no %s", in, t)
	}
	of := make([]thrift.Type, types)
	for i := range of {
		name, _ := in[i].(string)
		var err error
		if of[i], err = tjsonType(name); err != nil {
			return nil, err
		}
	}
	if rest := in[types+1:]; t != thrift.Map {
		items := thrift.Items{Type: of[0], Values: make([]thrift.Value, len(rest))}
		var err error
		for i, v := range rest {
			if items.Values[i], err = readTJSON(of[0], v); err != nil {
				return nil, err
			}
		}
		return items, nil
	} else if len(rest) == 1 {
		return readTJSONPairs(of[0], of[1], rest[0])
	}
	return nil, fmt.Errorf("%v is no %s", in, t)
}

func readTJSONPairs(key, value thrift.Type, in any) (thrift.Value, error) {
	pairs, ok := in.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%v are no pairs", in)
	}
	m := thrift.Entries{Key: key, Value: value, Pairs: []thrift.Entry{}}
	for k, v := range pairs {
		kv, err := readTJSON(key, k)
		if err != nil {
			return nil, err
		}
		vv, err := readTJSON(value, v)
		if err != nil {
			return nil, err
		}
		m.Pairs = append(m.Pairs, thrift.Entry{Key: kv, Value: vv})
	}
	return m, nil
}

func tjsonType(name string) (thrift.Type, error) {
	for t, n := range tjsonTypes {
		if n == name {
			return t, nil
		}
	}
	return thrift.Stop, fmt.Errorf("there is no type %q", name)
}
