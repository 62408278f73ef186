package thrift

import (
	"reflect"
)

// Marshal writes a struct, given by a pointer or a Fields, with nothing around it.
func Marshal(v any, p Protocol) ([]byte, error) {
	e := &encoder{proto: p}
	e.any(v)
	return e.buf, e.err
}

// Unmarshal reads a struct into v, a pointer to a struct or to Fields, from all of data. Errors
// are ErrMalformed, or io.ErrUnexpectedEOF where data ends too early.
func Unmarshal(data []byte, v any, p Protocol, l Limits) error {
	d := newWholeDecoder(data, p, l)
	d.any(v)
	if d.err != nil {
		return unexpected(d.err)
	}
	if d.rest() {
		return malformed("something follows its end")
	}
	return nil
}

// UnmarshalFront is Unmarshal from the beginning of data, which may go on. It says how many bytes
// the struct takes.
func UnmarshalFront(data []byte, v any, p Protocol, l Limits) (n int, err error) {
	d := newWholeDecoder(data, p, l)
	d.any(v)
	if d.err != nil {
		return 0, unexpected(d.err)
	}
	return d.r, nil
}

// rest reports whether something is left to read.
func (d *decoder) rest() bool {
	if d.r < d.w {
		return true
	}
	var b [1]byte
	n, _ := d.src.Read(b[:])
	return n > 0
}

// any writes a struct that is not known at compile time.
func (e *encoder) any(v any) {
	switch v := v.(type) {
	case Fields:
		e.value(v)
		return
	case *Fields:
		e.value(*v)
		return
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() == reflect.Pointer {
		rv = rv.Elem()
	}
	planOf(rv.Type()).encode(e, rv)
}

// any reads a struct into what v points to.
func (d *decoder) any(v any) {
	if fields, ok := v.(*Fields); ok {
		*fields, _ = d.value(Struct).(Fields)
		return
	}
	rv := reflect.ValueOf(v).Elem()
	planOf(rv.Type()).decode(d, rv)
}
