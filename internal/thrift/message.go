package thrift

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MessageType says what a message is.
type MessageType uint8

// The types of messages.
const (
	Call      MessageType = 1
	Reply     MessageType = 2
	Exception MessageType = 3
	Oneway    MessageType = 4
)

// Message is the head of a message.
type Message struct {
	Name string
	Type MessageType
	Seq  int32
}

// ApplicationError is Thrift's TApplicationException: what a server answers when it could not
// get as far as the method.
type ApplicationError struct {
	Message string          `thrift:"1"`
	Kind    ApplicationKind `thrift:"2"`
}

// ApplicationKind says what went wrong.
type ApplicationKind int32

// The kinds of errors that are used here.
const (
	UnknownMethod ApplicationKind = 1
	BadSequence   ApplicationKind = 4
	MissingResult ApplicationKind = 5
	InternalError ApplicationKind = 6
	ProtocolError ApplicationKind = 7
)

func (e *ApplicationError) Error() string { return e.Message }

// maxName is how long the name of a method may be.
const maxName = 1 << 10

const versionBits, version1 = 0xffff0000, 0x80010000

func (e *encoder) message(m Message) {
	switch e.proto {
	case Binary:
		e.buf = binary.BigEndian.AppendUint32(e.buf, version1|uint32(m.Type))
		e.string(m.Name)
		e.i32(m.Seq)
	case BinaryOld:
		e.string(m.Name)
		e.buf = append(e.buf, byte(m.Type))
		e.i32(m.Seq)
	case Compact:
		e.buf = append(e.buf, 0x82, 1|byte(m.Type)<<5)
		e.buf = binary.AppendUvarint(e.buf, uint64(uint32(m.Seq)))
		e.string(m.Name)
	}
}

// message reads the head of the next message. io.EOF means that there is none.
func (d *decoder) message() Message {
	d.begin()
	var m Message
	first := d.take(1)[0]
	if d.err != nil {
		if errors.Is(d.err, io.ErrUnexpectedEOF) {
			d.err = io.EOF
		}
		return m
	}
	d.r--
	d.left++
	switch {
	case d.proto == Compact:
		head := d.take(2)
		if head[0] != 0x82 || head[1]&31 != 1 {
			d.failf("it begins with %#x %#x, which is not TCompact", head[0], head[1])
		}
		m.Type = MessageType(head[1] >> 5)
		m.Seq = int32(uint32(d.uvarint()))
		m.Name = d.name(d.length())
	case first&0x80 != 0:
		version := binary.BigEndian.Uint32(d.take(4))
		if version&versionBits != version1 {
			d.failf("it begins with %#x, which is not TBinary", version)
		}
		m.Type = MessageType(version & 0xff)
		m.Name = d.name(d.length())
		m.Seq = d.i32()
		d.proto = Binary
	default:
		m.Name = d.name(d.length())
		m.Type = MessageType(d.take(1)[0])
		m.Seq = d.i32()
		d.proto = BinaryOld
	}
	if d.err == nil && (m.Type < Call || m.Type > Oneway) {
		d.failf("a message of the unknown type %d", m.Type)
	}
	d.err = unexpected(d.err)
	return m
}

func (d *decoder) name(n int) string {
	if n > maxName {
		d.failf("a method with a name of %d bytes", n)
		return ""
	}
	return string(d.text(n))
}

// unknownMethod is the answer that clients of several versions of a service wait for.
func unknownMethod(name string) *ApplicationError {
	return &ApplicationError{Message: fmt.Sprintf("Invalid method name: '%s'", name), Kind: UnknownMethod}
}
