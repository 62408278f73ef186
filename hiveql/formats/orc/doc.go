// Package orc reads and writes ORC files: stripes of rows, in each the values of one column after
// those of another, and at the end of the file what is where.
//
//	f, err := orc.Open(r, size)
//	for i := range f.Stripes {
//		s, err := f.Stripe(i, func(t *orc.Type) bool { return true })
//		for n := s.Rows; n > 0; n -= 1024 {
//			v, err := s.Read(min(n, 1024)) // a vector of structs: the rows
//		}
//	}
//
// A Vector has a value for each row, also where that is NULL; those of lists and maps lie one behind
// the other in vectors of their own. Compression by zlib, Snappy, LZ4 and Zstandard is read and
// written, all encodings of Hive's and Spark's writers are read. What is written has no row index and
// no bounds of columns.
//
// The package knows ORC's types and no others, and nothing of tables.
package orc

import "errors"

// ErrUnsupported is wrapped by errors about what ORC has and this package has not.
var ErrUnsupported = errors.New("not supported")

// Kind is a kind of type, numbered as in files.
type Kind uint8

// The kinds.
const (
	Boolean Kind = iota
	Byte
	Short
	Int
	Long
	Float
	Double
	String
	Binary
	Timestamp
	List
	Map
	Struct
	Union
	Decimal
	Date
	Varchar
	Char
	Instant // timestamp with local time zone
)

// Type is a type of a file.
type Type struct {
	Kind      Kind
	ID        int // its number: that of the column, from 0, the rows
	Below     []*Type
	Names     []string // of the fields of a struct
	Length    int      // of varchar and char
	Precision int      // of decimals
	Scale     int
}

// Vector is some values of one type, in order. Null is nil where no value is NULL.
type Vector struct {
	Type   *Type
	N      int
	Null   []bool
	Ints   []int64    // whole numbers, booleans as 0 and 1, dates as days, seconds of timestamps since 1970, tags of unions
	Nanos  []int64    // of timestamps, from 0 to 999,999,999, behind the seconds
	Floats []float64  // float and double
	Bytes  [][]byte   // text and binary
	Digits []Unscaled // of decimals
	Scales []int64    // of decimals
	Starts []int      // of lists and maps: where the elements of each begin, and at the end where those of the last end
	Below  []*Vector  // fields, elements, keys and values, or variants of unions
}

// Unscaled is a whole number of 128 bits in two's complement.
type Unscaled struct {
	High int64
	Low  uint64
}
