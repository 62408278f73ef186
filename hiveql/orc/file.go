package orc

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// File is a file whose footer has been read. It may be used by several goroutines.
type File struct {
	read  ReadAt
	tail  *orcfile.Tail
	names []string
	types []hivetype.Type

	once       sync.Once
	statistics [][][]byte // messages, by stripe and column
	unread     error      // why there are none
}

// Open reads the footer of a file of size bytes. What it is told of the file's end counts only as long as it does not
// change.
func Open(ctx context.Context, read ReadAt, size int64) (*File, error) {
	tail, err := orcfile.Read(read.in(ctx), size)
	if err != nil {
		return nil, err
	}
	f := &File{tail: tail, read: read}
	return f, f.columns()
}

// plain takes compression off a part of the file that is there as a whole.
func (f *File) plain(packed []byte) ([]byte, error) {
	return orcfile.Unpack(packed, f.tail.Codec, f.tail.Block)
}

// columns finds names and types of the columns.
func (f *File) columns() error {
	root := f.tail.Footer.Types[0]
	if root.Kind != orcfile.KindStruct {
		return fmt.Errorf("an ORC file of other values than rows is %w", orcfile.ErrUnsupported)
	}
	if f.tail.Footer.Encrypted {
		return fmt.Errorf("an ORC file with encrypted columns is %w yet", orcfile.ErrUnsupported)
	}
	for i, id := range root.Below {
		t, err := f.typeOf(id, 0)
		if err != nil {
			return fmt.Errorf("column %s: %w", root.Names[i], err)
		}
		f.types = append(f.types, t)
	}
	f.names = root.Names
	return nil
}

// Columns is how many columns the rows have.
func (f *File) Columns() int { return len(f.types) }

// Rows is how many rows there are.
func (f *File) Rows() int64 { return f.tail.Footer.Rows }

// Stripes is how many stripes there are.
func (f *File) Stripes() int { return len(f.tail.Footer.Stripes) }

// Tail is where statistics and footer begin: all behind it is read before rows are.
func (f *File) Tail() int64 { return f.tail.MetadataStart }

// StripeRows is how many rows a stripe has.
func (f *File) StripeRows(stripe int) int64 { return f.tail.Footer.Stripes[stripe].Rows }

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

// Name is the name of a column.
func (f *File) Name(column int) string { return f.names[column] }

// Type is the type of a column.
func (f *File) Type(column int) hivetype.Type { return f.types[column] }

func (f *File) typeOf(id uint32, depth int) (t hivetype.Type, err error) {
	if depth > hivetype.MaxDepth {
		return t, orcfile.Malformed("types nested more than %d deep", hivetype.MaxDepth)
	}
	info := f.tail.Footer.Types[id]
	below := make([]hivetype.Type, len(info.Below))
	for i, c := range info.Below {
		if below[i], err = f.typeOf(c, depth+1); err != nil {
			return t, err
		}
	}
	switch info.Kind {
	case orcfile.KindList:
		return hivetype.ArrayOf(below[0]), nil
	case orcfile.KindMap:
		return hivetype.MapOf(below[0], below[1]), nil
	case orcfile.KindStruct, orcfile.KindUnion:
		t = hivetype.StructOf()
		for i, b := range below {
			f := hivetype.Field{Type: b}
			if info.Kind == orcfile.KindStruct {
				f.Name = info.Names[i]
			}
			t.Fields = append(t.Fields, f)
		}
		if info.Kind == orcfile.KindUnion {
			t.Kind = hivetype.Union
		}
		return t, nil
	case orcfile.KindDecimal:
		if info.Precision == 0 { // of files of Hive 0.11, with any
			return hivetype.DecimalOf(hivetype.MaxPrecision, 18), nil
		}
		if info.Precision > hivetype.MaxPrecision || info.Scale > info.Precision {
			return t, orcfile.Malformed("decimal(%d,%d)", info.Precision, info.Scale)
		}
		return hivetype.DecimalOf(int(info.Precision), int(info.Scale)), nil
	case orcfile.KindVarchar:
		return hivetype.VarcharOf(int(info.Length)), nil
	case orcfile.KindChar:
		return hivetype.CharOf(int(info.Length)), nil
	}
	if kind, ok := primitiveKinds()[info.Kind]; ok {
		return hivetype.Of(kind), nil
	}
	return t, orcfile.Malformed("a type of the unknown kind %d", info.Kind)
}

func primitiveKinds() map[uint64]hivetype.Kind {
	return map[uint64]hivetype.Kind{
		orcfile.KindBoolean: hivetype.Boolean, orcfile.KindByte: hivetype.TinyInt, orcfile.KindShort: hivetype.SmallInt, orcfile.KindInt: hivetype.Int,
		orcfile.KindLong: hivetype.BigInt, orcfile.KindFloat: hivetype.Float, orcfile.KindDouble: hivetype.Double, orcfile.KindString: hivetype.String,
		orcfile.KindBinary: hivetype.Binary, orcfile.KindTimestamp: hivetype.Timestamp, orcfile.KindDate: hivetype.Date, orcfile.KindInstant: hivetype.TimestampLocalTZ,
	}
}
