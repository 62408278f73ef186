package thrift

import "math"

// Value is any value, for messages whose structs are not known: one of bool, int8, int16, int32,
// int64, float64, []byte (String), Fields (Struct), Items (List, Set) and Entries (Map).
type Value any

type (
	// Field is a field of a struct.
	Field struct {
		ID    int16
		Type  Type
		Value Value
	}
	// Fields are a struct.
	Fields []Field
	// Unknown are the fields of a struct that its Go type does not have.
	Unknown []Field
	// Items are a list or a set.
	Items struct {
		Type   Type
		Values []Value
	}
	// Entry is one pair of a map.
	Entry struct{ Key, Value Value }
	// Entries are a map, in the order in which they came.
	Entries struct {
		Key, Value Type
		Pairs      []Entry
	}
)

// value reads a value of type t.
func (d *decoder) value(t Type) Value {
	switch t {
	case Bool:
		return d.bool()
	case Byte:
		return d.i8()
	case I16:
		return d.i16()
	case I32:
		return d.i32()
	case I64:
		return d.i64()
	case Double:
		return d.double()
	case String:
		if b := d.bytes(); b != nil {
			return b
		}
		return []byte{}
	case Struct:
		fields := Fields{}
		if !d.structBegin() {
			return fields
		}
		defer d.structEnd()
		for {
			id, t := d.field()
			if t == Stop {
				return fields
			}
			fields = append(fields, Field{id, t, d.value(t)})
		}
	case List, Set:
		elem, n := d.list()
		items := Items{Type: elem, Values: make([]Value, 0, min(n, 1024))}
		if !d.enter() {
			return items
		}
		defer d.leave()
		for i := 0; i < n && d.err == nil; i++ {
			items.Values = append(items.Values, d.value(elem))
		}
		return items
	case Map:
		key, value, n := d.mapBegin()
		m := Entries{Key: key, Value: value, Pairs: make([]Entry, 0, min(n, 1024))}
		if !d.enter() {
			return m
		}
		defer d.leave()
		for i := 0; i < n && d.err == nil; i++ {
			m.Pairs = append(m.Pairs, Entry{d.value(key), d.value(value)})
		}
		return m
	}
	d.failf("a value of the unknown type %d", byte(t))
	return nil
}

// skip reads a value that nobody wants.
func (d *decoder) skip(t Type) {
	switch t {
	case Bool:
		d.bool()
	case Byte:
		d.i8()
	case I16:
		d.i16()
	case I32:
		d.i32()
	case I64:
		d.i64()
	case Double:
		d.double()
	case String:
		d.discard(d.length())
	case Struct:
		if !d.structBegin() {
			return
		}
		defer d.structEnd()
		for {
			_, t := d.field()
			if t == Stop {
				return
			}
			d.skip(t)
		}
	case List, Set:
		elem, n := d.list()
		if !d.enter() {
			return
		}
		defer d.leave()
		for i := 0; i < n && d.err == nil; i++ {
			d.skip(elem)
		}
	case Map:
		key, value, n := d.mapBegin()
		if !d.enter() {
			return
		}
		defer d.leave()
		for i := 0; i < n && d.err == nil; i++ {
			d.skip(key)
			d.skip(value)
		}
	default:
		d.failf("a value of the unknown type %d", byte(t))
	}
}

// fields writes fields, without the end of the struct.
func (e *encoder) fields(fields []Field) {
	for _, f := range fields {
		if f.Type == Bool {
			v, _ := f.Value.(bool)
			e.fieldBool(f.ID, v)
			continue
		}
		e.field(f.ID, f.Type)
		e.value(f.Value)
	}
}

// value writes a value that value of a decoder has read, or that somebody made in its likeness.
func (e *encoder) value(v Value) {
	switch v := v.(type) {
	case bool:
		e.bool(v)
	case int8:
		e.i8(v)
	case int16:
		e.i16(v)
	case int32:
		e.i32(v)
	case int64:
		e.i64(v)
	case float64:
		e.double(v)
	case []byte:
		e.bytes(v)
	case string:
		e.string(v)
	case Fields:
		e.structBegin()
		e.fields(v)
		e.structEnd()
	case Items:
		e.list(v.Type, len(v.Values))
		for _, item := range v.Values {
			e.value(item)
		}
	case Entries:
		e.mapBegin(v.Key, v.Value, len(v.Pairs))
		for _, pair := range v.Pairs {
			e.value(pair.Key)
			e.value(pair.Value)
		}
	default:
		e.fail(malformed("a %T cannot be written", v))
	}
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// Equal reports whether two values are the same, NaN being the same as itself. Maps must have
// the same order.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && string(a) == string(b)
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case Fields:
		b, ok := b.(Fields)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i].ID != b[i].ID || a[i].Type != b[i].Type || !Equal(a[i].Value, b[i].Value) {
				return false
			}
		}
		return true
	case Items:
		b, ok := b.(Items)
		if !ok || len(a.Values) != len(b.Values) || (a.Type != b.Type && len(a.Values) > 0) {
			return false
		}
		for i := range a.Values {
			if !Equal(a.Values[i], b.Values[i]) {
				return false
			}
		}
		return true
	case Entries:
		b, ok := b.(Entries)
		if !ok || len(a.Pairs) != len(b.Pairs) {
			return false
		}
		for i := range a.Pairs {
			if !Equal(a.Pairs[i].Key, b.Pairs[i].Key) || !Equal(a.Pairs[i].Value, b.Pairs[i].Value) {
				return false
			}
		}
		return true
	}
	return a == b
}
