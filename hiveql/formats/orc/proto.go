package orc

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// errDamaged says that bytes are not what ORC has in this place.
var errDamaged = errors.New("the file is damaged, or no ORC file")

// message takes the fields of a protobuf message apart: numbers, and bytes for all else.
func message(b []byte, field func(number int, n uint64, body []byte) error) error {
	for len(b) > 0 {
		key, k := binary.Uvarint(b)
		if k <= 0 {
			return errDamaged
		}
		b = b[k:]
		var n uint64
		var body []byte
		switch key & 7 {
		case 0:
			if n, k = binary.Uvarint(b); k <= 0 {
				return errDamaged
			}
			b = b[k:]
		case 1, 5:
			size := 8
			if key&7 == 5 {
				size = 4
			}
			if len(b) < size {
				return errDamaged
			}
			body, b = b[:size], b[size:]
		case 2:
			size, k := binary.Uvarint(b)
			if k <= 0 || size > uint64(len(b)-k) {
				return errDamaged
			}
			body, b = b[k:k+int(size)], b[k+int(size):]
		default:
			return errDamaged
		}
		if err := field(int(key>>3), n, body); err != nil {
			return err
		}
	}
	return nil
}

// numbers are those of a repeated field, packed or not.
func numbers(list []int, n uint64, body []byte) ([]int, error) {
	if body == nil {
		return append(list, int(n)), nil
	}
	for len(body) > 0 {
		n, k := binary.Uvarint(body)
		if k <= 0 {
			return nil, errDamaged
		}
		list, body = append(list, int(n)), body[k:]
	}
	return list, nil
}

// postscript is the last thing in a file.
type postscript struct {
	footer, metadata uint64
	compression      compression
}

func parsePostscript(b []byte) (postscript, error) {
	var p postscript
	magic := false
	err := message(b, func(number int, n uint64, body []byte) error {
		switch number {
		case 1:
			p.footer = n
		case 2:
			p.compression = compression(n)
		case 5:
			p.metadata = n
		case 8000:
			magic = string(body) == "ORC"
		}
		return nil
	})
	if err == nil && !magic {
		err = errDamaged
	}
	return p, err
}

// Stripe is where a stripe lies in the file.
type StripeInfo struct {
	Offset, Index, Data, Footer int64
	Rows                        int64
}

func parseStripe(b []byte) (StripeInfo, error) {
	var s StripeInfo
	into := []*int64{1: &s.Offset, 2: &s.Index, 3: &s.Data, 4: &s.Footer, 5: &s.Rows}
	err := message(b, func(number int, n uint64, _ []byte) error {
		if number < len(into) && number > 0 {
			*into[number] = int64(n)
		}
		return nil
	})
	for _, n := range into[1:] {
		if *n < 0 {
			return s, errDamaged
		}
	}
	return s, err
}

// flatType is a type as the file has it: those below it by their numbers.
type flatType struct {
	Type
	below []int
}

func parseType(b []byte) (flatType, error) {
	var t flatType
	err := message(b, func(number int, n uint64, body []byte) (err error) {
		switch number {
		case 1:
			t.Kind = Kind(n)
		case 2:
			t.below, err = numbers(t.below, n, body)
		case 3:
			t.Names = append(t.Names, string(body))
		case 4:
			t.Length = int(n)
		case 5:
			t.Precision = int(n)
		case 6:
			t.Scale = int(n)
		}
		return err
	})
	return t, err
}

// link makes a tree of the types of a file.
func link(flat []flatType) (*Type, error) {
	if len(flat) == 0 {
		return nil, errDamaged
	}
	for i := range flat {
		t := &flat[i]
		t.ID = i
		want := map[Kind]int{List: 1, Map: 2}
		if n, ok := want[t.Kind]; ok && len(t.below) != n || t.Kind == Struct && len(t.below) != len(t.Names) {
			return nil, errDamaged
		}
		if t.Kind > Instant {
			return nil, fmt.Errorf("the kind of type %d is %w yet", t.Kind, ErrUnsupported)
		}
		for _, b := range t.below {
			if b <= i || b >= len(flat) {
				return nil, errDamaged
			}
			t.Below = append(t.Below, &flat[b].Type)
		}
	}
	return &flat[0].Type, nil
}

// stream is where the bytes of a stream of a stripe lie in the file.
type stream struct {
	kind, column   int
	offset, length int64
}

// The kinds of streams that are read.
const (
	presentStream = iota
	dataStream
	lengthStream
	dictionaryStream
	_
	secondaryStream
)

// encoding is how a column of a stripe is encoded.
type encoding struct {
	kind, dictionary int
}

// The encodings.
const (
	direct = iota
	dictionary
	directV2
	dictionaryV2
)

// stripeFooter is what a stripe says of itself.
type stripeFooter struct {
	streams   []stream
	encodings []encoding
	zone      string
}

func parseStripeFooter(b []byte, offset int64) (stripeFooter, error) {
	var f stripeFooter
	err := message(b, func(number int, _ uint64, body []byte) error {
		switch number {
		case 1:
			var s stream
			err := message(body, func(number int, n uint64, _ []byte) error {
				switch number {
				case 1:
					s.kind = int(n)
				case 2:
					s.column = int(n)
				case 3:
					s.length = int64(n)
				}
				return nil
			})
			if err != nil || s.length < 0 {
				return errDamaged
			}
			s.offset = offset
			offset += s.length
			f.streams = append(f.streams, s)
		case 2:
			var e encoding
			err := message(body, func(number int, n uint64, _ []byte) error {
				switch number {
				case 1:
					e.kind = int(n)
				case 2:
					e.dictionary = int(n)
				}
				return nil
			})
			f.encodings = append(f.encodings, e)
			return err
		case 3:
			f.zone = string(body)
		}
		return nil
	})
	return f, err
}
