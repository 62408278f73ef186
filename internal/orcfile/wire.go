package orcfile

import (
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrFormat is wrapped by errors about files that are not what the specification says.
var ErrFormat = errors.New("not a valid ORC file")

// ErrUnsupported is wrapped by errors about what the specification has and this package has not.
var ErrUnsupported = errors.New("not supported")

// Malformed is an error about a file that is not what the specification says.
func Malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// Field is one field of a message of Protocol Buffers.
type Field struct {
	Number protowire.Number
	N      uint64 // of a number, in whatever width
	Bytes  []byte // of a string, a message, or packed numbers
	Raw    []byte // all of it, as it is encoded
}

// Fields calls visit for each field of a message.
func Fields(b []byte, visit func(f Field) error) error {
	for len(b) > 0 {
		all := b
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return Malformed("%v", protowire.ParseError(n))
		}
		b = b[n:]
		f := Field{Number: number}
		switch kind {
		case protowire.VarintType:
			f.N, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.N, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.N = uint64(v)
		case protowire.BytesType:
			f.Bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return Malformed("%v", protowire.ParseError(n))
		}
		b = b[n:]
		f.Raw = all[:len(all)-len(b)]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// Numbers appends the numbers of a repeated field, packed or one by one.
func (f Field) Numbers(list []uint32) ([]uint32, error) {
	if f.Bytes == nil {
		return append(list, uint32(f.N)), nil
	}
	for b := f.Bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, Malformed("%v", protowire.ParseError(n))
		}
		list = append(list, uint32(v))
		b = b[n:]
	}
	return list, nil
}

// Message is a message that is being written.
type Message []byte

// Number appends a number without a sign.
func (m Message) Number(n protowire.Number, v uint64) Message {
	return protowire.AppendVarint(protowire.AppendTag(m, n, protowire.VarintType), v)
}

// Signed appends a number by zigzag.
func (m Message) Signed(n protowire.Number, v int64) Message {
	return m.Number(n, protowire.EncodeZigZag(v))
}

// Double appends a floating-point number.
func (m Message) Double(n protowire.Number, v float64) Message {
	return protowire.AppendFixed64(protowire.AppendTag(m, n, protowire.Fixed64Type), math.Float64bits(v))
}

// Bytes appends a string, or a message.
func (m Message) Bytes(n protowire.Number, v []byte) Message {
	return protowire.AppendBytes(protowire.AppendTag(m, n, protowire.BytesType), v)
}

// Packed appends a repeated number.
func (m Message) Packed(n protowire.Number, list ...uint64) Message {
	var b []byte
	for _, v := range list {
		b = protowire.AppendVarint(b, v)
	}
	return m.Bytes(n, b)
}
