package thrift

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"
)

// The names of types in JSON.
var typeNames = map[Type]string{
	Bool: "bool", Byte: "i8", Double: "dbl", I16: "i16", I32: "i32", I64: "i64", String: "str", Struct: "rec", Map: "map", Set: "set", List: "lst",
}

// binaryName is the type of a String that is not text; its value is in base64.
const binaryName = "b64"

// MarshalJSON writes a struct with its types, one field after the other:
//
//	[[1,"str","x"],[2,"i32",5],[3,"lst",["str","a","b"]],[4,"map",["str","i32",["k",1]]],[5,"rec",[[1,"bool",true]]]]
func (f Fields) MarshalJSON() ([]byte, error) {
	out := make([]any, len(f))
	for i, field := range f {
		name, v := jsonValue(field.Type, field.Value)
		out[i] = []any{field.ID, name, v}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(out)
	return bytes.TrimSpace(b.Bytes()), err
}

// jsonValue is a value and the name of its type, as encoding/json takes them.
func jsonValue(t Type, v Value) (string, any) {
	name := typeNames[t]
	switch v := v.(type) {
	case []byte:
		if !utf8.Valid(v) {
			return binaryName, base64.StdEncoding.EncodeToString(v)
		}
		return name, string(v)
	case float64:
		return name, strconv.FormatFloat(v, 'g', -1, 64) // NaN, too
	case Items:
		list := []any{typeNames[v.Type]}
		for _, item := range v.Values {
			list = append(list, jsonItem(v.Type, item))
		}
		return name, list
	case Entries:
		pairs := []any{}
		for _, p := range v.Pairs {
			pairs = append(pairs, jsonItem(v.Key, p.Key), jsonItem(v.Value, p.Value))
		}
		return name, []any{typeNames[v.Key], typeNames[v.Value], pairs}
	}
	return name, v
}

// jsonItem is a value of a type that is known already; what is not text is a list of one text.
func jsonItem(t Type, v Value) any {
	name, out := jsonValue(t, v)
	if name == binaryName {
		return []any{out}
	}
	return out
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Fields) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var fields []any
	if err := d.Decode(&fields); err != nil {
		return err
	}
	v, err := fieldsOfJSON(fields)
	*f = v
	return err
}

func fieldsOfJSON(list []any) (Fields, error) {
	out := Fields{}
	for _, one := range list {
		parts, ok := one.([]any)
		if !ok || len(parts) != 3 {
			return nil, fmt.Errorf("thrift: %v is no field", one)
		}
		number, _ := parts[0].(json.Number)
		id, err := strconv.ParseInt(number.String(), 10, 16)
		name, _ := parts[1].(string)
		if err != nil {
			return nil, fmt.Errorf("thrift: the field %v has no number", one)
		}
		t, v, err := valueOfJSON(name, parts[2])
		if err != nil {
			return nil, err
		}
		out = append(out, Field{int16(id), t, v})
	}
	return out, nil
}

func typeOfJSON(name string) (Type, error) {
	for t, n := range typeNames {
		if n == name {
			return t, nil
		}
	}
	return Stop, fmt.Errorf("thrift: there is no type %q", name)
}

func valueOfJSON(name string, in any) (Type, Value, error) {
	if name == binaryName {
		text, _ := in.(string)
		b, err := base64.StdEncoding.DecodeString(text)
		return String, b, err
	}
	t, err := typeOfJSON(name)
	if err != nil {
		return t, nil, err
	}
	v, err := itemOfJSON(t, in)
	return t, v, err
}

func itemOfJSON(t Type, in any) (Value, error) {
	switch in := in.(type) {
	case bool:
		if t == Bool {
			return in, nil
		}
	case json.Number:
		return integerOfJSON(t, in)
	case string:
		switch t {
		case String:
			return []byte(in), nil
		case Double:
			return strconv.ParseFloat(in, 64)
		}
	case []any:
		return containerOfJSON(t, in)
	}
	return nil, fmt.Errorf("thrift: %v is no %s", in, t)
}

func integerOfJSON(t Type, in json.Number) (Value, error) {
	n, err := in.Int64()
	switch {
	case err != nil:
		return nil, err
	case t == Byte && n == int64(int8(n)):
		return int8(n), nil
	case t == I16 && n == int64(int16(n)):
		return int16(n), nil
	case t == I32 && n >= math.MinInt32 && n <= math.MaxInt32:
		return int32(n), nil
	case t == I64:
		return n, nil
	}
	return nil, fmt.Errorf("thrift: %v is no %s", in, t)
}

func containerOfJSON(t Type, in []any) (Value, error) {
	switch {
	case t == String && len(in) == 1:
		_, v, err := valueOfJSON(binaryName, in[0])
		return v, err
	case t == Struct:
		return fieldsOfJSON(in)
	case (t == List || t == Set) && len(in) > 0:
		name, _ := in[0].(string)
		items := Items{Values: []Value{}}
		var err error
		if items.Type, err = typeOrNone(name, len(in) == 1); err != nil {
			return nil, err
		}
		for _, one := range in[1:] {
			v, err := itemOfJSON(items.Type, one)
			if err != nil {
				return nil, err
			}
			items.Values = append(items.Values, v)
		}
		return items, nil
	case t == Map && len(in) == 3:
		return entriesOfJSON(in)
	}
	return nil, fmt.Errorf("thrift: %v is no %s", in, t)
}

// typeOrNone is typeOfJSON where an empty container may have a type that nobody knows.
func typeOrNone(name string, empty bool) (Type, error) {
	if empty && name == "" {
		return Stop, nil
	}
	return typeOfJSON(name)
}

func entriesOfJSON(in []any) (Value, error) {
	key, _ := in[0].(string)
	value, _ := in[1].(string)
	pairs, ok := in[2].([]any)
	if !ok || len(pairs)%2 != 0 {
		return nil, fmt.Errorf("thrift: %v are no pairs", in[2])
	}
	m := Entries{Pairs: []Entry{}}
	var err error
	if m.Key, err = typeOrNone(key, len(pairs) == 0); err != nil {
		return nil, err
	}
	if m.Value, err = typeOrNone(value, len(pairs) == 0); err != nil {
		return nil, err
	}
	for i := 0; i < len(pairs); i += 2 {
		k, err := itemOfJSON(m.Key, pairs[i])
		if err != nil {
			return nil, err
		}
		v, err := itemOfJSON(m.Value, pairs[i+1])
		if err != nil {
			return nil, err
		}
		m.Pairs = append(m.Pairs, Entry{k, v})
	}
	return m, nil
}
