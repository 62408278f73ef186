package parquetmerge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The types of Thrift's compact protocol, as its bytes name them.
const (
	typeTrue   = 1
	typeFalse  = 2
	typeByte   = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeDouble = 7
	typeBinary = 8
	typeList   = 9
	typeSet    = 10
	typeMap    = 11
	typeStruct = 12
	typeUUID   = 13
)

// value is a node of a decoded tree. Which of its members count depends on its type.
type value struct {
	kind   byte
	elem   byte   // of a list or set; of a map: the types of key (high) and value (low)
	number int64  // typeByte to typeI64
	bytes  []byte // binary, double, uuid: a part of the input
	// items are the elements of a list, the fields of a struct, or a map's keys and values in
	// turn.
	items []value
	ids   []int16 // of the fields of a struct
}

func number(kind byte, n int64) value { return value{kind: kind, number: n} }

func text(s string) value { return value{kind: typeBinary, bytes: []byte(s)} }

// field finds a field of a struct. What is not there has kind 0, and so have its fields.
func (v *value) field(id int16) *value {
	if i := slices.Index(v.ids, id); i >= 0 {
		return &v.items[i]
	}
	return &value{}
}

func (v *value) has(id int16) bool { return slices.Contains(v.ids, id) }

// set replaces a field of a struct, or adds it in its place.
func (v *value) set(id int16, to value) {
	at := slices.Index(v.ids, id)
	if at >= 0 {
		v.items[at] = to
		return
	}
	at = 0
	for at < len(v.ids) && v.ids[at] < id {
		at++
	}
	v.ids = slices.Insert(v.ids, at, id)
	v.items = slices.Insert(v.items, at, to)
}

func (v *value) remove(id int16) {
	if i := slices.Index(v.ids, id); i >= 0 {
		v.ids = slices.Delete(v.ids, i, i+1)
		v.items = slices.Delete(v.items, i, i+1)
	}
}

// isInt tells whether a value is an integer of any width.
func (v *value) isInt() bool { return v.kind >= typeByte && v.kind <= typeI64 }

var errShort = errors.New("it ends in the middle of a value")

// deepest is how far structs and lists may be nested; Parquet's own are ten or so deep.
const deepest = 64

// treeDecoder decodes a struct at the start of in.
type treeDecoder struct {
	in    []byte
	depth int
}

// decodeStruct decodes the struct that b starts with, and tells how long it is. The tree refers
// to b.
func decodeStruct(b []byte) (v value, n int, err error) {
	d := treeDecoder{in: b}
	v, err = d.value(typeStruct)
	return v, len(b) - len(d.in), err
}

func (d *treeDecoder) byte() (byte, error) {
	if len(d.in) == 0 {
		return 0, errShort
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b, nil
}

func (d *treeDecoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.in)) {
		return nil, errShort
	}
	b := d.in[:n:n]
	d.in = d.in[n:]
	return b, nil
}

func (d *treeDecoder) uvarint() (uint64, error) {
	u, n := binary.Uvarint(d.in)
	if n == 0 {
		return 0, errShort
	}
	if n < 0 {
		return 0, errors.New("a number has more than 64 bits")
	}
	d.in = d.in[n:]
	return u, nil
}

func (d *treeDecoder) zigzag() (int64, error) {
	u, err := d.uvarint()
	return int64(u>>1) ^ -int64(u&1), err
}

func (d *treeDecoder) value(kind byte) (v value, err error) {
	v.kind = kind
	switch kind {
	case typeTrue, typeFalse: // an element of a list; fields carry theirs in the type
		v.kind, err = d.byte()
		if err == nil && v.kind != typeTrue {
			v.kind = typeFalse // some writers use 0
		}
	case typeByte:
		var b byte
		b, err = d.byte()
		v.number = int64(int8(b))
	case typeI16, typeI32, typeI64:
		v.number, err = d.zigzag()
	case typeDouble:
		v.bytes, err = d.take(8)
	case typeUUID:
		v.bytes, err = d.take(16)
	case typeBinary:
		var n uint64
		if n, err = d.uvarint(); err == nil {
			v.bytes, err = d.take(n)
		}
	case typeList, typeSet, typeMap, typeStruct:
		if d.depth++; d.depth > deepest {
			return v, fmt.Errorf("values are nested more than %d deep", deepest)
		}
		defer func() { d.depth-- }()
		switch kind {
		case typeStruct:
			err = d.fields(&v)
		case typeMap:
			err = d.pairs(&v)
		default:
			err = d.list(&v)
		}
	default:
		err = fmt.Errorf("there is no type %d", kind)
	}
	return v, err
}

func (d *treeDecoder) fields(v *value) error {
	id := int16(0)
	for {
		next, kind, err := d.fieldHead(id)
		if err != nil || kind == 0 {
			return err
		}
		id = next
		field := value{kind: kind}
		if field.kind != typeTrue && field.kind != typeFalse {
			if field, err = d.value(field.kind); err != nil {
				return err
			}
		}
		if v.has(id) {
			return fmt.Errorf("field %d is there twice", id)
		}
		v.ids = append(v.ids, id)
		v.items = append(v.items, field)
	}
}

// fieldHead reads the head of the field behind the one with the number id: 0, 0 at the end of the struct.
func (d *treeDecoder) fieldHead(id int16) (next int16, kind byte, err error) {
	head, err := d.byte()
	if err != nil || head == 0 {
		return 0, 0, err
	}
	if kind = head & 15; kind == 0 {
		return 0, 0, errors.New("there is no type 0")
	}
	if delta := int16(head >> 4); delta != 0 {
		return id + delta, kind, nil
	}
	n, err := d.zigzag()
	if err != nil {
		return 0, 0, err
	}
	if next = int16(n); int64(next) != n {
		return 0, 0, fmt.Errorf("there is no field %d", n)
	}
	return next, kind, nil
}

func (d *treeDecoder) list(v *value) error {
	n, elem, err := d.listHead()
	if err != nil {
		return err
	}
	v.elem = elem
	return d.elements(v, n, elem, elem)
}

func (d *treeDecoder) listHead() (n uint64, elem byte, err error) {
	head, err := d.byte()
	if err != nil {
		return 0, 0, err
	}
	if n = uint64(head >> 4); n == 15 {
		n, err = d.uvarint()
	}
	return n, head & 15, err
}

func (d *treeDecoder) pairs(v *value) error {
	n, elem, err := d.mapHead()
	if err != nil || n == 0 {
		return err
	}
	v.elem = elem
	return d.elements(v, n, elem>>4, elem&15)
}

// mapHead reads how many keys and values there are together, and the types of both.
func (d *treeDecoder) mapHead() (n uint64, elem byte, err error) {
	n, err = d.uvarint()
	if err != nil || n == 0 {
		return 0, 0, err
	}
	if elem, err = d.byte(); err != nil {
		return 0, 0, err
	}
	if n > uint64(len(d.in)) {
		return 0, 0, errShort
	}
	return 2 * n, elem, nil
}

// pass goes past a value without making a tree of it.
func (d *treeDecoder) pass(kind byte) error {
	switch kind {
	case typeList, typeSet, typeMap, typeStruct:
		if d.depth++; d.depth > deepest {
			return fmt.Errorf("values are nested more than %d deep", deepest)
		}
		defer func() { d.depth-- }()
	default:
		_, err := d.value(kind) // which makes none of these
		return err
	}
	if kind == typeStruct {
		return d.passFields()
	}
	head := d.listHead
	if kind == typeMap {
		head = d.mapHead
	}
	n, elem, err := head()
	if err != nil {
		return err
	}
	even, odd := elem, elem
	if kind == typeMap {
		even, odd = elem>>4, elem&15
	}
	if n > uint64(len(d.in)) { // every element takes a byte or more
		return errShort
	}
	for i := range n {
		next := even
		if i%2 != 0 {
			next = odd
		}
		if err := d.pass(next); err != nil {
			return err
		}
	}
	return nil
}

func (d *treeDecoder) passFields() error {
	id, kind := int16(0), byte(0)
	var seen uint64    // of the numbers below 64
	var others []int16 // that were seen
	for {
		var err error
		if id, kind, err = d.fieldHead(id); err != nil || kind == 0 {
			return err
		}
		near := uint16(id) < 64
		if near && seen>>id&1 != 0 || !near && slices.Contains(others, id) {
			return fmt.Errorf("field %d is there twice", id)
		}
		if near {
			seen |= 1 << id
		} else {
			others = append(others, id)
		}
		if kind == typeTrue || kind == typeFalse {
			continue
		}
		if err := d.pass(kind); err != nil {
			return err
		}
	}
}

func (d *treeDecoder) elements(v *value, n uint64, even, odd byte) error {
	if n > uint64(len(d.in)) { // every element takes a byte or more
		return errShort
	}
	// The room is for what the bytes can hold at most four times over: a lie costs little.
	v.items = make([]value, 0, min(n, uint64(len(d.in))/4+1))
	for i := range n {
		kind := even
		if i%2 != 0 {
			kind = odd
		}
		item, err := d.value(kind)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	return nil
}

// appendValue appends the encoding of a value to b.
func appendValue(b []byte, v *value) []byte {
	switch v.kind {
	case typeTrue, typeFalse, typeByte:
		if v.kind == typeByte {
			return append(b, byte(v.number))
		}
		return append(b, v.kind)
	case typeI16, typeI32, typeI64:
		return appendZigzag(b, v.number)
	case typeDouble, typeUUID:
		return append(b, v.bytes...)
	case typeBinary:
		b = binary.AppendUvarint(b, uint64(len(v.bytes)))
		return append(b, v.bytes...)
	case typeStruct:
		return appendFields(b, v)
	case typeMap:
		b = binary.AppendUvarint(b, uint64(len(v.items)/2))
		if len(v.items) > 0 {
			b = append(b, v.elem)
		}
	default:
		b = appendListHead(b, len(v.items), v.elem)
	}
	for i := range v.items {
		b = appendValue(b, &v.items[i])
	}
	return b
}

func appendListHead(b []byte, n int, elem byte) []byte {
	if n < 15 {
		return append(b, byte(n<<4)|elem)
	}
	return binary.AppendUvarint(append(b, 0xf0|elem), uint64(n))
}

func appendZigzag(b []byte, n int64) []byte {
	return binary.AppendUvarint(b, uint64(n<<1)^uint64(n>>63))
}

func appendFields(b []byte, v *value) []byte {
	last := int16(0)
	for i := range v.items {
		b = appendFieldHead(b, last, v.ids[i], v.items[i].kind)
		last = v.ids[i]
		if kind := v.items[i].kind; kind != typeTrue && kind != typeFalse {
			b = appendValue(b, &v.items[i])
		}
	}
	return append(b, 0)
}

func appendFieldHead(b []byte, last, id int16, kind byte) []byte {
	if delta := int(id) - int(last); delta >= 1 && delta <= 15 {
		return append(b, byte(delta<<4)|kind)
	}
	return appendZigzag(append(b, kind), int64(id))
}
