package orc

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

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// field is one field of a message of Protocol Buffers.
type field struct {
	number protowire.Number
	n      uint64 // of a number, in whatever width
	bytes  []byte // of a string, a message, or packed numbers
}

// fields calls visit for each field of a message.
func fields(b []byte, visit func(f field) error) error {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return malformed("%v", protowire.ParseError(n))
		}
		b = b[n:]
		f := field{number: number}
		switch kind {
		case protowire.VarintType:
			f.n, n = protowire.ConsumeVarint(b)
		case protowire.Fixed64Type:
			f.n, n = protowire.ConsumeFixed64(b)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(b)
			f.n = uint64(v)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, kind, b)
		}
		if n < 0 {
			return malformed("%v", protowire.ParseError(n))
		}
		b = b[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// numbers appends the numbers of a repeated field, packed or one by one.
func (f field) numbers(list []uint32) ([]uint32, error) {
	if f.bytes == nil {
		return append(list, uint32(f.n)), nil
	}
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, malformed("%v", protowire.ParseError(n))
		}
		list = append(list, uint32(v))
		b = b[n:]
	}
	return list, nil
}

// message is a message that is being written.
type message []byte

func (m message) number(n protowire.Number, v uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, n, protowire.VarintType), v)
}

func (m message) signed(n protowire.Number, v int64) message {
	return m.number(n, protowire.EncodeZigZag(v))
}

func (m message) double(n protowire.Number, v float64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, n, protowire.Fixed64Type), math.Float64bits(v))
}

func (m message) bytes(n protowire.Number, v []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, n, protowire.BytesType), v)
}

func (m message) packed(n protowire.Number, list ...uint64) message {
	var b []byte
	for _, v := range list {
		b = protowire.AppendVarint(b, v)
	}
	return m.bytes(n, b)
}
