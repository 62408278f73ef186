package thrift

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// codec reads and writes the values of one Go type. dec is told the type on the wire, which
// accepts has agreed to.
type codec struct {
	typ     Type
	accepts func(Type) bool
	enc     func(*encoder, reflect.Value)
	dec     func(*decoder, Type, reflect.Value)
}

// plan is what the tags of a struct say.
type plan struct {
	fields  []planField // by number
	unknown int         // the index of the Unknown field, or -1
	shared  int         // that of the *Shared field, or -1
}

type planField struct {
	id        int16
	index     int
	name      string
	nilable   bool // written unless nil
	omitEmpty bool
	codec     *codec
}

// plans holds the plan of each struct type that has been met: what its tags say never changes.
var plans sync.Map // reflect.Type -> *plan

var (
	unknownType = reflect.TypeFor[Unknown]()
	sharedType  = reflect.TypeFor[*Shared]()
	spoolType   = reflect.TypeFor[*Spool]()
	valueType   = reflect.TypeFor[Value]()
)

// planOf makes the plan of a struct type. Wrong tags are mistakes of the program: they panic.
func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	p := &plan{unknown: -1, shared: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == unknownType {
			p.unknown = i
			continue
		}
		if f.Type == sharedType {
			p.shared = i
			continue
		}
		tag, ok := f.Tag.Lookup("thrift")
		if !ok {
			continue
		}
		number, options, _ := strings.Cut(tag, ",")
		id, err := strconv.ParseInt(number, 10, 16)
		if err != nil {
			panic(fmt.Sprintf("thrift: %s.%s: the tag %q has no number", t, f.Name, tag))
		}
		c := codecOf(f.Type, options)
		p.fields = append(p.fields, planField{
			id: int16(id), index: i, name: f.Name, codec: c,
			nilable: slices.Contains([]reflect.Kind{
				reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface,
			}, f.Type.Kind()),
			omitEmpty: strings.Contains(options, "omitempty"),
		})
	}
	slices.SortStableFunc(p.fields, func(a, b planField) int { return int(a.id) - int(b.id) })
	for i := 1; i < len(p.fields); i++ {
		if p.fields[i].id == p.fields[i-1].id {
			panic(fmt.Sprintf("thrift: %s has two fields %d", t, p.fields[i].id))
		}
	}
	actual, _ := plans.LoadOrStore(t, p)
	return actual.(*plan)
}

// find looks near where the last field was found: fields come in order.
func (p *plan) find(id int16, from int) int {
	for i := from; i < len(p.fields); i++ {
		if p.fields[i].id == id {
			return i
		}
	}
	for i := range min(from, len(p.fields)) {
		if p.fields[i].id == id {
			return i
		}
	}
	return -1
}

func (p *plan) encode(e *encoder, v reflect.Value) {
	e.structBegin()
	p.fieldsOf(e, v)
	e.structEnd()
}

// fieldsOf writes the fields of a struct, and returns the number of the last in TCompact.
func (p *plan) fieldsOf(e *encoder, v reflect.Value) int16 {
	if p.shared >= 0 && !v.Field(p.shared).IsNil() {
		v.Field(p.shared).Interface().(*Shared).write(e)
	}
	for i := range p.fields {
		f := &p.fields[i]
		fv := v.Field(f.index)
		if (f.nilable && fv.IsNil()) || (f.omitEmpty && fv.IsZero()) {
			continue
		}
		if f.codec.typ == Bool {
			for fv.Kind() == reflect.Pointer {
				fv = fv.Elem()
			}
			e.fieldBool(f.id, fv.Bool())
			continue
		}
		e.field(f.id, f.codec.typ)
		f.codec.enc(e, fv)
	}
	if p.unknown >= 0 && v.Field(p.unknown).Len() > 0 {
		e.fields(v.Field(p.unknown).Interface().(Unknown))
	}
	return e.last
}

func (p *plan) decode(d *decoder, v reflect.Value) {
	if !d.structBegin() {
		return
	}
	defer d.structEnd()
	at := 0
	for {
		id, t := d.field()
		if t == Stop {
			return
		}
		if i := p.find(id, at); i >= 0 && p.fields[i].codec.accepts(t) {
			p.fields[i].codec.dec(d, t, v.Field(p.fields[i].index))
			at = i + 1
			continue
		}
		if p.unknown < 0 {
			d.skip(t)
			continue
		}
		if value := d.value(t); d.err == nil {
			f := v.Field(p.unknown)
			f.Set(reflect.Append(f, reflect.ValueOf(Field{id, t, value})))
		}
	}
}

// codecOf chooses the codec of a Go type.
func codecOf(t reflect.Type, options string) *codec {
	switch {
	case t == spoolType:
		return spoolCodec()
	case t == valueType:
		panic("thrift: a Value has no type of its own; use Fields or Items")
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pointerCodec(t, codecOf(t.Elem(), options))
	case reflect.Struct:
		return structCodec(t)
	case reflect.Slice:
		switch {
		case t.Elem().Kind() == reflect.Uint8:
			return bytesCodec(t)
		case strings.Contains(options, "map"):
			return pairsCodec(t)
		case strings.Contains(options, "set"):
			return sliceCodec(t, Set)
		}
		return sliceCodec(t, List)
	case reflect.Map:
		return mapCodec(t)
	}
	return scalarCodec(t)
}

func only(t Type) func(Type) bool { return func(wire Type) bool { return wire == t } }

func scalarCodec(t reflect.Type) *codec {
	switch t.Kind() {
	case reflect.Bool:
		return &codec{
			typ: Bool, accepts: only(Bool),
			enc: func(e *encoder, v reflect.Value) { e.bool(v.Bool()) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetBool(d.bool()) },
		}
	case reflect.Int8:
		return &codec{
			typ: Byte, accepts: only(Byte),
			enc: func(e *encoder, v reflect.Value) { e.i8(int8(v.Int())) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetInt(int64(d.i8())) },
		}
	case reflect.Int16:
		return &codec{
			typ: I16, accepts: only(I16),
			enc: func(e *encoder, v reflect.Value) { e.i16(int16(v.Int())) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetInt(int64(d.i16())) },
		}
	case reflect.Int32:
		return &codec{
			typ: I32, accepts: only(I32),
			enc: func(e *encoder, v reflect.Value) { e.i32(int32(v.Int())) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetInt(int64(d.i32())) },
		}
	case reflect.Int64:
		return &codec{
			typ: I64, accepts: only(I64),
			enc: func(e *encoder, v reflect.Value) { e.i64(v.Int()) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetInt(d.i64()) },
		}
	case reflect.Float64:
		return &codec{
			typ: Double, accepts: only(Double),
			enc: func(e *encoder, v reflect.Value) { e.double(v.Float()) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetFloat(d.double()) },
		}
	case reflect.String:
		return &codec{
			typ: String, accepts: only(String),
			enc: func(e *encoder, v reflect.Value) { e.string(v.String()) },
			dec: func(d *decoder, _ Type, v reflect.Value) { v.SetString(d.string()) },
		}
	}
	panic(fmt.Sprintf("thrift: the type %s has no form on the wire", t))
}

func bytesCodec(t reflect.Type) *codec {
	return &codec{
		typ: String, accepts: only(String),
		enc: func(e *encoder, v reflect.Value) { e.bytes(v.Bytes()) },
		dec: func(d *decoder, _ Type, v reflect.Value) {
			b := d.bytes()
			if b == nil {
				b = []byte{}
			}
			v.Set(reflect.ValueOf(b).Convert(t))
		},
	}
}

// structCodec plans the struct when it is first used, so that types may contain themselves.
func structCodec(t reflect.Type) *codec {
	get := sync.OnceValue(func() *plan { return planOf(t) })
	return &codec{
		typ: Struct, accepts: only(Struct),
		enc: func(e *encoder, v reflect.Value) { get().encode(e, v) },
		dec: func(d *decoder, _ Type, v reflect.Value) { get().decode(d, v) },
	}
}

func pointerCodec(t reflect.Type, elem *codec) *codec {
	return &codec{
		typ: elem.typ, accepts: elem.accepts,
		enc: func(e *encoder, v reflect.Value) {
			if v.IsNil() { // in a list, where there must be something
				v = reflect.New(t.Elem())
			}
			elem.enc(e, v.Elem())
		},
		dec: func(d *decoder, wire Type, v reflect.Value) {
			p := reflect.New(t.Elem())
			elem.dec(d, wire, p.Elem())
			v.Set(p)
		},
	}
}

func sliceCodec(t reflect.Type, typ Type) *codec {
	elem := codecOf(t.Elem(), "")
	return &codec{
		typ: typ, accepts: func(wire Type) bool { return wire == List || wire == Set },
		enc: func(e *encoder, v reflect.Value) {
			n := v.Len()
			e.list(elem.typ, n)
			if v.CanAddr() {
				if texts, ok := v.Addr().Interface().(*[]string); ok { // most lists are of texts
					for _, s := range *texts {
						e.string(s)
					}
					return
				}
			}
			for i := range n {
				elem.enc(e, v.Index(i))
			}
		},
		dec: func(d *decoder, _ Type, v reflect.Value) {
			wire, n := d.list()
			if n > 0 && !elem.accepts(wire) {
				d.failf("a container of %s, where %s is expected", wire, elem.typ)
			}
			if !d.enter() {
				return
			}
			defer d.leave()
			v.Set(reflect.MakeSlice(t, 0, min(n, 1024)))
			for i := 0; i < n && d.err == nil; i++ {
				if i == v.Cap() {
					v.Grow(1)
				}
				v.SetLen(i + 1)
				elem.dec(d, wire, v.Index(i))
			}
		},
	}
}

func mapCodec(t reflect.Type) *codec {
	key, elem := codecOf(t.Key(), ""), codecOf(t.Elem(), "")
	strs := t.Key().Kind() == reflect.String
	return &codec{
		typ: Map, accepts: only(Map),
		enc: func(e *encoder, v reflect.Value) {
			e.mapBegin(key.typ, elem.typ, v.Len())
			if m, ok := v.Interface().(map[string]string); ok {
				e.texts(m)
				return
			}
			keys := v.MapKeys()
			if strs {
				slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
			}
			for _, k := range keys {
				key.enc(e, k)
				elem.enc(e, v.MapIndex(k))
			}
		},
		dec: func(d *decoder, _ Type, v reflect.Value) {
			k, w, n := d.mapBegin()
			if n > 0 && (!key.accepts(k) || !elem.accepts(w)) {
				d.failf("a map of %s to %s, where %s to %s is expected", k, w, key.typ, elem.typ)
			}
			if !d.enter() {
				return
			}
			defer d.leave()
			m := reflect.MakeMapWithSize(t, min(n, 1024))
			for i := 0; i < n && d.err == nil; i++ {
				kv, ev := reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()
				key.dec(d, k, kv)
				elem.dec(d, w, ev)
				m.SetMapIndex(kv, ev)
			}
			v.Set(m)
		},
	}
}

// texts writes the pairs of a map of texts in the order of their keys.
func (e *encoder) texts(m map[string]string) {
	var few [16][2]string
	pairs := few[:0]
	for k, v := range m {
		pairs = append(pairs, [2]string{k, v})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return strings.Compare(a[0], b[0]) })
	for _, p := range pairs {
		e.string(p[0])
		e.string(p[1])
	}
}

// pairsCodec writes a slice of structs {Key, Value} as a map.
func pairsCodec(t reflect.Type) *codec {
	keyField, ok1 := t.Elem().FieldByName("Key")
	valueField, ok2 := t.Elem().FieldByName("Value")
	if !ok1 || !ok2 {
		panic(fmt.Sprintf("thrift: %s is no slice of structs with Key and Value", t))
	}
	key, value := codecOf(keyField.Type, ""), codecOf(valueField.Type, "")
	return &codec{
		typ: Map, accepts: only(Map),
		enc: func(e *encoder, v reflect.Value) {
			e.mapBegin(key.typ, value.typ, v.Len())
			for i := range v.Len() {
				key.enc(e, v.Index(i).FieldByIndex(keyField.Index))
				value.enc(e, v.Index(i).FieldByIndex(valueField.Index))
			}
		},
		dec: func(d *decoder, _ Type, v reflect.Value) {
			k, w, n := d.mapBegin()
			if n > 0 && (!key.accepts(k) || !value.accepts(w)) {
				d.failf("a map of %s to %s, where %s to %s is expected", k, w, key.typ, value.typ)
			}
			if !d.enter() {
				return
			}
			defer d.leave()
			s := reflect.MakeSlice(t, 0, min(n, 1024))
			for i := 0; i < n && d.err == nil; i++ {
				pair := reflect.New(t.Elem()).Elem()
				key.dec(d, k, pair.FieldByIndex(keyField.Index))
				value.dec(d, w, pair.FieldByIndex(valueField.Index))
				s = reflect.Append(s, pair)
			}
			v.Set(s)
		},
	}
}
