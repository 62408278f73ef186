package duck

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// jsonObject keeps the order of its members.
type jsonObject []jsonMember

type jsonMember struct {
	key   string
	value any
}

func (o jsonObject) get(key string) any {
	var found any
	for _, m := range o {
		if m.key == key {
			found = m.value // the last of equal keys counts
		}
	}
	return found
}

// parseJSON reads one value; objects are jsonObject, numbers keep their text.
func parseJSON(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	v, err := jsonValue(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text behind the JSON value")
	}
	return v, nil
}

func jsonValue(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		o := jsonObject{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := jsonValue(d)
			if err != nil {
				return nil, err
			}
			o = append(o, jsonMember{key: fmt.Sprint(key), value: v})
		}
		_, err = d.Token()
		return o, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := jsonValue(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

// jsonText is a value as get_json_object returns it: strings without quotes, objects and arrays
// as JSON without blanks.
func jsonText(v any, nested bool) string {
	switch v := v.(type) {
	case string:
		if !nested {
			return v
		}
		var b strings.Builder
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			return ""
		}
		return strings.TrimSuffix(b.String(), "\n")
	case jsonObject:
		items := make([]string, len(v))
		for i, m := range v {
			items[i] = jsonText(m.key, true) + ":" + jsonText(m.value, true)
		}
		return "{" + strings.Join(items, ",") + "}"
	case []any:
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = jsonText(e, true)
		}
		return "[" + strings.Join(items, ",") + "]"
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// jsonStep is one step of a path: a key, or the indexes behind it.
type jsonStep struct {
	key     string
	indexes []string // numbers and "*"
}

var (
	jsonKey   = regexp.MustCompile(`^[a-zA-Z0-9_\-:\s]+`)
	jsonIndex = regexp.MustCompile(`\[([0-9]+|\*)\]`)
)

// jsonPath splits $.a.b[0][*].c; ok is false for what is no path.
func jsonPath(path string) (steps []jsonStep, ok bool) {
	if path = strings.TrimSpace(path); !strings.HasPrefix(path, "$") {
		return nil, false
	}
	for i, part := range strings.Split(path, ".") {
		s := jsonStep{}
		if i > 0 {
			s.key = jsonKey.FindString(part)
			if s.key == "" && !strings.HasPrefix(part, "[") {
				return nil, false
			}
		}
		for _, m := range jsonIndex.FindAllStringSubmatch(part, -1) {
			s.indexes = append(s.indexes, m[1])
		}
		steps = append(steps, s)
	}
	return steps, true
}

// walkJSON follows a path. A key on an array is looked up in each of its elements, and what is
// found there makes an array.
func walkJSON(v any, steps []jsonStep) any {
	for _, s := range steps {
		if s.key != "" {
			v = jsonUnder(v, s.key)
		}
		for _, index := range s.indexes {
			list, ok := v.([]any)
			if !ok {
				return nil
			}
			if index == "*" {
				continue
			}
			n, err := strconv.Atoi(index)
			if err != nil || n >= len(list) {
				return nil
			}
			v = list[n]
		}
		if v == nil {
			return nil
		}
	}
	return v
}

func jsonUnder(v any, key string) any {
	switch v := v.(type) {
	case jsonObject:
		return v.get(key)
	case []any:
		found := []any{}
		for _, e := range v {
			o, ok := e.(jsonObject)
			if !ok {
				continue
			}
			switch x := o.get(key).(type) {
			case nil:
			case []any:
				found = append(found, x...)
			default:
				found = append(found, x)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

func getJSON(args []hivetype.Value) (hivetype.Value, error) {
	steps, ok := jsonPath(args[1].(string))
	if !ok {
		return nil, nil
	}
	v, err := parseJSON(args[0].(string))
	if err != nil {
		return nil, nil // what is no JSON has nothing in it
	}
	if v = walkJSON(v, steps); v == nil {
		return nil, nil
	}
	return jsonText(v, false), nil
}

// getJSONObject asks DuckDB first, which is much faster, and looks more closely only at rows for
// which it finds nothing.
func getJSONObject(l *lowerer, x *analysis.Call, args []string) string {
	slow := l.compute(computedCall(x, func() compute { return getJSON }), args)
	if path, ok := constantText(x, 1); ok && plainJSONPath.MatchString(path) {
		return "coalesce(" + l.fill("skep_get_json($1, $2)", x, args) + ", " + slow + ")"
	}
	return slow
}

var plainJSONPath = regexp.MustCompile(`^\$(\.[a-zA-Z_][a-zA-Z0-9_]*|\[[0-9]+\])+$`)

// jsonRead makes values of a type, which is a constant text, of JSON.
func jsonRead(l *lowerer, x *analysis.Call, args []string) string {
	f := &computed{name: "json_read", args: []hivetype.Type{x.Args[0].Type()}, result: x.T, start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			v, err := parseJSON(args[0].(string))
			if err != nil {
				return nil, &Error{Op: "run", Msg: "json_read: the text is no JSON: " + err.Error(), Err: err}
			}
			return typedJSON(v, x.T), nil
		}
	}}
	return l.compute(f, args[:1])
}

// typedJSON is a JSON value as one of type t; NULL where it is none.
func typedJSON(v any, t hivetype.Type) hivetype.Value {
	switch {
	case v == nil:
		return nil
	case t.Kind == hivetype.Struct:
		o, ok := v.(jsonObject)
		if !ok {
			return nil
		}
		fields := make([]any, len(t.Fields))
		for i, f := range t.Fields {
			for _, m := range o {
				if strings.EqualFold(m.key, f.Name) {
					fields[i] = typedJSON(m.value, f.Type)
				}
			}
		}
		return fields
	case t.Kind == hivetype.Array:
		list, ok := v.([]any)
		if !ok {
			return nil
		}
		out := make([]any, len(list))
		for i, e := range list {
			out[i] = typedJSON(e, *t.Elem)
		}
		return out
	case t.Kind == hivetype.Map:
		o, ok := v.(jsonObject)
		if !ok {
			return nil
		}
		entries := []hivetype.Entry{}
		for _, m := range o {
			if k, ok := hivetype.ParseValue(m.key, *t.Key); ok {
				entries = append(entries, hivetype.Entry{Key: k, Value: typedJSON(m.value, *t.Elem)})
			}
		}
		return entries
	}
	if s, ok := hivetype.ParseValue(jsonText(v, false), t); ok {
		return s
	}
	return nil
}
