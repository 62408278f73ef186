package thrift

import (
	"errors"
	"fmt"
)

// Type is the type of a value on the wire, by the numbers of TBinary.
type Type byte

// The types.
const (
	Stop   Type = 0 // ends the fields of a struct
	Bool   Type = 2
	Byte   Type = 3
	Double Type = 4
	I16    Type = 6
	I32    Type = 8
	I64    Type = 10
	String Type = 11 // text or bytes
	Struct Type = 12
	Map    Type = 13
	Set    Type = 14
	List   Type = 15
)

// String is the name of the type in Thrift's language.
func (t Type) String() string {
	switch t {
	case Stop:
		return "stop"
	case Bool:
		return "bool"
	case Byte:
		return "byte"
	case Double:
		return "double"
	case I16:
		return "i16"
	case I32:
		return "i32"
	case I64:
		return "i64"
	case String:
		return "string"
	case Struct:
		return "struct"
	case Map:
		return "map"
	case Set:
		return "set"
	case List:
		return "list"
	}
	return fmt.Sprintf("type %d", byte(t))
}

// The numbers of the types in TCompact. A boolean field has its value in place of its type.
const (
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactI16    = 4
	compactI32    = 5
	compactI64    = 6
	compactDouble = 7
	compactString = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12
)

func (t Type) compact() byte {
	switch t {
	case Bool:
		return compactTrue
	case Byte:
		return compactByte
	case I16:
		return compactI16
	case I32:
		return compactI32
	case I64:
		return compactI64
	case Double:
		return compactDouble
	case String:
		return compactString
	case List:
		return compactList
	case Set:
		return compactSet
	case Map:
		return compactMap
	case Struct:
		return compactStruct
	}
	return 0
}

func typeOfCompact(b byte) (Type, bool) {
	switch b {
	case 0:
		return Stop, true
	case compactTrue, compactFalse:
		return Bool, true
	case compactByte:
		return Byte, true
	case compactI16:
		return I16, true
	case compactI32:
		return I32, true
	case compactI64:
		return I64, true
	case compactDouble:
		return Double, true
	case compactString:
		return String, true
	case compactList:
		return List, true
	case compactSet:
		return Set, true
	case compactMap:
		return Map, true
	case compactStruct:
		return Struct, true
	}
	return 0, false
}

// minimum is the least number of bytes that a value takes.
func (t Type) minimum(p Protocol) int64 {
	switch {
	case t == Double:
		return 8
	case p == Compact:
		return 1
	}
	switch t {
	case I16:
		return 2
	case I32, String:
		return 4
	case I64:
		return 8
	case Map:
		return 6
	case Set, List:
		return 5
	}
	return 1
}

// Protocol is how values become bytes.
type Protocol uint8

// The protocols.
const (
	Binary    Protocol = iota // TBinary, strict
	BinaryOld                 // TBinary as it was before messages had a version
	Compact                   // TCompact
)

// String is the name of the protocol.
func (p Protocol) String() string {
	switch p {
	case Binary:
		return "binary"
	case BinaryOld:
		return "binary, not strict"
	case Compact:
		return "compact"
	}
	return fmt.Sprintf("protocol %d", uint8(p))
}

// Limits bound what a peer can make us hold. The zero value of each is its default.
type Limits struct {
	Message   int64 // bytes of one message; 256 MiB
	Depth     int   // structs and containers in each other; 64
	Container int   // elements of one list, set or map; 8 million
}

func (l Limits) orDefault() Limits {
	if l.Message <= 0 {
		l.Message = 256 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 64
	}
	if l.Container <= 0 {
		l.Container = 8 << 20
	}
	return l
}

// ErrMalformed is a message that is not Thrift, or larger or deeper than Limits allow.
var ErrMalformed = errors.New("malformed thrift message")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
