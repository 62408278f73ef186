package thrift

import "reflect"

// Shared are fields that many structs have in common, as the partitions of a table have their
// columns. A struct with a field of type *Shared begins with them. They are encoded once, and only
// their bytes are written again. It is for one goroutine at a time, and what it was made of must
// not be changed.
//
//	type storage struct {
//		Common   *thrift.Shared
//		Location string `thrift:"2"`
//	}
type Shared struct {
	fields any
	forms  [Compact + 1]form
}

// form is what Shared is in one protocol.
type form struct {
	bytes []byte
	last  int16 // the number of the last field, which TCompact counts from
	done  bool
}

// Share makes the fields of a struct, given by a pointer, common ones.
func Share(fields any) *Shared { return &Shared{fields: fields} }

// reference stands for bytes that belong into a buffer at a place.
type reference struct {
	at    int
	bytes []byte
}

// referenceSize is about what a reference takes.
const referenceSize = 32

// worthReferring is the length from which a reference is shorter than what it refers to.
const worthReferring = 64

func (s *Shared) write(e *encoder) {
	f := &s.forms[e.proto]
	if !f.done {
		*f = s.encode(e.proto)
	}
	e.last = f.last
	if e.byReference && len(f.bytes) >= worthReferring {
		e.refs = append(e.refs, reference{len(e.buf), f.bytes})
		return
	}
	e.buf = append(e.buf, f.bytes...)
}

func (s *Shared) encode(proto Protocol) form {
	v := reflect.ValueOf(s.fields).Elem()
	e := &encoder{proto: proto}
	last := planOf(v.Type()).fieldsOf(e, v)
	return form{e.buf, last, true}
}

// encoded are bytes and what belongs between them.
type encoded struct {
	buf  []byte
	refs []reference
}

// memory is about how many bytes it takes; what references refer to is not its own.
func (e encoded) memory() int { return len(e.buf) + len(e.refs)*referenceSize }

// pieces calls fn for the parts, in order.
func (e encoded) pieces(fn func([]byte) error) error {
	at := 0
	for _, ref := range e.refs {
		if err := fn(e.buf[at:ref.at]); err != nil {
			return err
		}
		if err := fn(ref.bytes); err != nil {
			return err
		}
		at = ref.at
	}
	return fn(e.buf[at:])
}
