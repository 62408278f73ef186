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
// as JSON without blanks, of equal keys the last.
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
		var items []string
		at := map[string]int{}
		for _, m := range v {
			item := jsonText(m.key, true) + ":" + jsonText(m.value, true)
			if i, twice := at[m.key]; twice {
				items[i] = item
				continue
			}
			at[m.key] = len(items)
			items = append(items, item)
		}
		return "{" + strings.Join(items, ",") + "}"
	case []any:
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = jsonText(e, true)
		}
		return "[" + strings.Join(items, ",") + "]"
	case json.Number:
		if f, err := v.Float64(); err == nil && strings.ContainsAny(v.String(), ".eE") {
			return string(hivetype.AppendText(nil, f, hivetype.Of(hivetype.Double))) // as Java has it
		}
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

// jsonPath is a path such as $.a.b[0][*].c.
type jsonPath struct {
	whole bool // it is $
	list  bool // it begins with an index, so only a list has it
	steps []jsonStep
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

// parseJSONPath splits a path as Hive does; ok is false for what leads nowhere.
func parseJSONPath(path string) (p jsonPath, ok bool) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return p, false
	}
	dotted, afterDot := strings.CutPrefix(rest, ".")
	switch {
	case rest == "":
		return jsonPath{whole: true}, true
	case rest[0] != '[' && !afterDot:
		return p, false
	case afterDot:
		rest = dotted
	}
	p.list = strings.HasPrefix(rest, "[")
	for i, part := range strings.Split(rest, ".") {
		s := jsonStep{}
		if i > 0 || !p.list {
			if s.key = jsonKey.FindString(part); s.key == "" {
				return p, false
			}
		}
		for _, m := range jsonIndex.FindAllStringSubmatch(part, -1) {
			s.indexes = append(s.indexes, m[1])
		}
		p.steps = append(p.steps, s)
	}
	return p, true
}

// walk follows a path from an object or a list, whichever it begins in. A key on a list is looked up in each of its
// elements, and what is found there makes a list.
func (p jsonPath) walk(v any) any {
	_, isObject := v.(jsonObject)
	_, isList := v.([]any)
	if isList == isObject || !p.whole && isList != p.list {
		return nil
	}
	for _, s := range p.steps {
		if s.key != "" {
			v = jsonUnder(v, s.key)
		}
		if len(s.indexes) > 0 {
			v = jsonAt(v, s.indexes)
		}
	}
	return v
}

// jsonAt follows indexes, each from all that the ones before have found. What is found alone is no list.
func jsonAt(v any, indexes []string) any {
	found := []any{v}
	for _, index := range indexes {
		var next []any
		for _, v := range found {
			list, _ := v.([]any)
			if index == "*" {
				next = append(next, list...)
			} else if n, err := strconv.Atoi(index); err == nil && n < len(list) {
				next = append(next, list[n])
			}
		}
		found = next
	}
	switch len(found) {
	case 0:
		return nil
	case 1:
		return found[0]
	}
	return found
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
	path, ok := parseJSONPath(args[1].(string))
	if !ok {
		return nil, nil
	}
	text := args[0].(string)
	v, err := jsonStart(text)
	if err != nil {
		if escaped := escapeControls(text); escaped != text {
			v, err = jsonStart(escaped)
		}
	}
	if err != nil {
		return nil, nil // what is no JSON has nothing in it
	}
	if v = path.walk(v); v == nil {
		return nil, nil
	}
	return jsonText(v, false), nil
}

// jsonStart is the value at the beginning of a text; Hive does not look at what follows it.
func jsonStart(s string) (any, error) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return jsonValue(d)
}

// escapeControls escapes control characters in strings, where Hive takes them and JSON does not have them.
func escapeControls(s string) string {
	var b strings.Builder
	inside := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			inside = !inside
		case c == '\\' && inside && i+1 < len(s):
			b.WriteByte(c)
			i++
		case c < ' ' && inside:
			fmt.Fprintf(&b, `\u%04x`, c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// getJSONObject asks DuckDB first, which is much faster, and looks more closely only at rows for
// which it finds nothing, or numbers that Java may print in another way.
func getJSONObject(l *lowerer, x *analysis.Call, args []string) string {
	slow := l.compute(computedCall(x, func() compute { return getJSON }), args)
	if path, ok := constantText(x, 1); ok && plainJSONPath.MatchString(path) {
		return "coalesce(skep_without_reals(" + l.fill("skep_get_json($1, $2)", x, args) + "), " + slow + ")"
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
	text := ""
	if n, ok := v.(json.Number); ok {
		text = n.String()
	} else {
		text = jsonText(v, false)
	}
	if s, ok := hivetype.ParseValue(text, t); ok {
		return s
	}
	return nil
}
