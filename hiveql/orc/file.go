package orc

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/skepdata/skep/hivetype"
)

// tailAhead is how much of a file's end is read at once, in the hope that it has all of the footer.
const tailAhead = 64 << 10

// File is a file whose footer has been read. It may be used by several goroutines.
type File struct {
	read   ReadAt
	post   postscript
	tail   int64 // where the footer begins
	footer *fileFooter
	names  []string
	types  []hivetype.Type

	once       sync.Once
	statistics [][][]byte // messages, by stripe and column
	unread     error      // why there are none
}

// Open reads the footer of a file of size bytes. What it is told of the file's end counts only as long as it does not
// change.
func Open(ctx context.Context, read ReadAt, size int64) (*File, error) {
	if size < int64(len(magic))+1 {
		return nil, malformed("it has %d bytes", size)
	}
	tail := make([]byte, min(size, tailAhead))
	if err := read(ctx, tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	n := int(tail[len(tail)-1])
	if n+1 > len(tail) {
		return nil, malformed("its postscript is longer than the file")
	}
	post, err := parsePostscript(tail[len(tail)-1-n : len(tail)-1])
	if err != nil {
		return nil, fmt.Errorf("postscript: %w", err)
	}
	whole := post.footer + int64(n) + 1
	if whole+post.metadata > size {
		return nil, malformed("its footer is longer than the file")
	}
	if whole > int64(len(tail)) {
		tail = make([]byte, whole)
		if err := read(ctx, tail, size-whole); err != nil {
			return nil, err
		}
	}
	packed := tail[int64(len(tail))-whole : int64(len(tail))-whole+post.footer]
	f := &File{read: read, post: post, tail: size - whole}
	plain, err := f.plain(packed)
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if f.footer, err = parseFooter(plain); err != nil {
		return nil, err
	}
	for i, s := range f.footer.stripes {
		if s.offset+s.index+s.data+s.footer > size {
			return nil, malformed("stripe %d lies behind the end of the file", i)
		}
	}
	return f, f.columns()
}

// plain takes compression off a part of the file that is there as a whole.
func (f *File) plain(packed []byte) ([]byte, error) {
	if f.post.codec == codecNone {
		return packed, nil
	}
	d := &decoder{codec: f.post.codec}
	defer d.close()
	s := &stream{raw: packed, decode: d, block: f.post.block}
	var plain []byte
	for len(s.raw) > s.from {
		if err := s.chunk(); err != nil {
			return nil, err
		}
		plain = append(plain, s.rest...)
		s.rest = nil
	}
	return plain, nil
}

// columns finds names and types of the columns.
func (f *File) columns() error {
	root := f.footer.types[0]
	if root.kind != kindStruct {
		return fmt.Errorf("an ORC file of other values than rows is %w", ErrUnsupported)
	}
	if f.footer.encrypted {
		return fmt.Errorf("an ORC file with encrypted columns is %w yet", ErrUnsupported)
	}
	for i, id := range root.below {
		t, err := f.typeOf(id, 0)
		if err != nil {
			return fmt.Errorf("column %s: %w", root.names[i], err)
		}
		f.types = append(f.types, t)
	}
	f.names = root.names
	return nil
}

// Columns is how many columns the rows have.
func (f *File) Columns() int { return len(f.types) }

// Rows is how many rows there are.
func (f *File) Rows() int64 { return f.footer.rows }

// Stripes is how many stripes there are.
func (f *File) Stripes() int { return len(f.footer.stripes) }

// Tail is where statistics and footer begin: all behind it is read before rows are.
func (f *File) Tail() int64 { return f.tail - f.post.metadata }

// StripeRows is how many rows a stripe has.
func (f *File) StripeRows(stripe int) int64 { return f.footer.stripes[stripe].rows }

// Column is the number of the column of that name, whatever its case, and -1 if there is none.
func (f *File) Column(name string) int {
	for i, n := range f.names {
		if strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

// Nameless reports whether all columns are called _col0, _col1 and so on, as Hive calls those that it writes and does
// not know the names of: they are the table's columns by their order.
func (f *File) Nameless() bool {
	for _, n := range f.names {
		digits, ok := strings.CutPrefix(n, "_col")
		if _, err := strconv.ParseUint(digits, 10, 31); !ok || err != nil {
			return false
		}
	}
	return true
}

// Type is the type of a column.
func (f *File) Type(column int) hivetype.Type { return f.types[column] }

func (f *File) typeOf(id uint32, depth int) (t hivetype.Type, err error) {
	if depth > hivetype.MaxDepth {
		return t, malformed("types nested more than %d deep", hivetype.MaxDepth)
	}
	info := f.footer.types[id]
	below := make([]hivetype.Type, len(info.below))
	for i, c := range info.below {
		if below[i], err = f.typeOf(c, depth+1); err != nil {
			return t, err
		}
	}
	switch info.kind {
	case kindList:
		return hivetype.ArrayOf(below[0]), nil
	case kindMap:
		return hivetype.MapOf(below[0], below[1]), nil
	case kindStruct, kindUnion:
		t = hivetype.StructOf()
		for i, b := range below {
			f := hivetype.Field{Type: b}
			if info.kind == kindStruct {
				f.Name = info.names[i]
			}
			t.Fields = append(t.Fields, f)
		}
		if info.kind == kindUnion {
			t.Kind = hivetype.Union
		}
		return t, nil
	case kindDecimal:
		if info.precision == 0 { // of files of Hive 0.11, with any
			return hivetype.DecimalOf(hivetype.MaxPrecision, 18), nil
		}
		if info.precision > hivetype.MaxPrecision || info.scale > info.precision {
			return t, malformed("decimal(%d,%d)", info.precision, info.scale)
		}
		return hivetype.DecimalOf(int(info.precision), int(info.scale)), nil
	case kindVarchar:
		return hivetype.VarcharOf(int(info.length)), nil
	case kindChar:
		return hivetype.CharOf(int(info.length)), nil
	}
	if kind, ok := primitiveKinds()[info.kind]; ok {
		return hivetype.Of(kind), nil
	}
	return t, malformed("a type of the unknown kind %d", info.kind)
}

func primitiveKinds() map[uint64]hivetype.Kind {
	return map[uint64]hivetype.Kind{
		kindBoolean: hivetype.Boolean, kindByte: hivetype.TinyInt, kindShort: hivetype.SmallInt, kindInt: hivetype.Int,
		kindLong: hivetype.BigInt, kindFloat: hivetype.Float, kindDouble: hivetype.Double, kindString: hivetype.String,
		kindBinary: hivetype.Binary, kindTimestamp: hivetype.Timestamp, kindDate: hivetype.Date, kindInstant: hivetype.TimestampLocalTZ,
	}
}
