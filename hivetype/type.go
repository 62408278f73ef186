package hivetype

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is a type constructor of Hive's.
type Kind uint8

// The kinds, primitive ones in Hive's order of implicit widening where they have one.
const (
	Void Kind = iota // the type of NULL
	Boolean
	TinyInt
	SmallInt
	Int
	BigInt
	Float
	Double
	Decimal // Precision, Scale
	String
	Varchar // Length
	Char    // Length
	Binary
	Date
	Timestamp
	TimestampLocalTZ
	IntervalYearMonth
	IntervalDayTime
	Array  // Elem
	Map    // Key, Elem
	Struct // Fields
	Union  // Fields, without names
)

// Type is one Hive type. The zero value is void. Types are immutable once made; compare them
// with Equal.
type Type struct {
	Kind      Kind
	Precision int     // of Decimal, 1-38
	Scale     int     // of Decimal, 0-Precision
	Length    int     // of Char (1-255) and Varchar (1-65535), in characters
	Key       *Type   // of Map
	Elem      *Type   // of Array and Map
	Fields    []Field // of Struct and Union
}

// Field is one field of a struct.
type Field struct {
	Name    string
	Type    Type
	Comment string
}

// Of is the type of a kind that needs no parameters.
func Of(k Kind) Type { return Type{Kind: k} }

// DecimalOf is decimal(p,s).
func DecimalOf(p, s int) Type { return Type{Kind: Decimal, Precision: p, Scale: s} }

// VarcharOf is varchar(n).
func VarcharOf(n int) Type { return Type{Kind: Varchar, Length: n} }

// CharOf is char(n).
func CharOf(n int) Type { return Type{Kind: Char, Length: n} }

// ArrayOf is array<elem>.
func ArrayOf(elem Type) Type { return Type{Kind: Array, Elem: &elem} }

// MapOf is map<key,value>.
func MapOf(key, value Type) Type { return Type{Kind: Map, Key: &key, Elem: &value} }

// Variants is the struct that has a value of t, a uniontype, in parts: tag, which says which of its types
// it has, and for each type a field called by its number, of which all others are NULL.
func (t Type) Variants() Type {
	fields := []Field{{Name: "tag", Type: Of(TinyInt)}}
	for i, f := range t.Fields {
		fields = append(fields, Field{Name: strconv.Itoa(i), Type: f.Type})
	}
	return StructOf(fields...)
}

// Contains reports whether t is of a kind, or has parts that are.
func (t Type) Contains(k Kind) bool {
	switch {
	case t.Kind == k, t.Key != nil && t.Key.Contains(k), t.Elem != nil && t.Elem.Contains(k):
		return true
	}
	return slices.ContainsFunc(t.Fields, func(f Field) bool { return f.Type.Contains(k) })
}

// StructOf is struct<...>.
func StructOf(fields ...Field) Type { return Type{Kind: Struct, Fields: fields} }

var kindNames = [...]string{
	Void: "void", Boolean: "boolean", TinyInt: "tinyint", SmallInt: "smallint", Int: "int",
	BigInt: "bigint", Float: "float", Double: "double", Decimal: "decimal", String: "string",
	Varchar: "varchar", Char: "char", Binary: "binary", Date: "date", Timestamp: "timestamp",
	TimestampLocalTZ: "timestamp with local time zone", IntervalYearMonth: "interval_year_month",
	IntervalDayTime: "interval_day_time", Array: "array", Map: "map", Struct: "struct",
	Union: "uniontype",
}

// String is the name Hive gives the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// String is Hive's canonical spelling, as DESCRIBE prints it: decimal(10,2),
// array<struct<a:int,b:string>>.
func (t Type) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t Type) write(b *strings.Builder) {
	b.WriteString(t.Kind.String())
	switch t.Kind {
	case Decimal:
		b.WriteString("(" + strconv.Itoa(t.Precision) + "," + strconv.Itoa(t.Scale) + ")")
	case Varchar, Char:
		b.WriteString("(" + strconv.Itoa(t.Length) + ")")
	case Array:
		b.WriteByte('<')
		t.Elem.write(b)
		b.WriteByte('>')
	case Map:
		b.WriteByte('<')
		t.Key.write(b)
		b.WriteByte(',')
		t.Elem.write(b)
		b.WriteByte('>')
	case Struct, Union:
		b.WriteByte('<')
		for i, f := range t.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			if t.Kind == Struct {
				b.WriteString(f.Name + ":")
			}
			f.Type.write(b)
		}
		b.WriteByte('>')
	}
}

// LowerFields is t with the names of fields in lower case: so formats have them that keep no
// names in their files.
func (t Type) LowerFields() Type {
	lower := func(part *Type) *Type {
		if part == nil {
			return nil
		}
		of := part.LowerFields()
		return &of
	}
	t.Key, t.Elem, t.Fields = lower(t.Key), lower(t.Elem), slices.Clone(t.Fields)
	for i, f := range t.Fields {
		t.Fields[i].Name, t.Fields[i].Type = strings.ToLower(f.Name), f.Type.LowerFields()
	}
	return t
}

// Same is Equal, and the names of fields are spelled in the same way.
func (t Type) Same(u Type) bool { return t.Equal(u) && (t.Primitive() || t.String() == u.String()) }

// Equal reports whether the two types are the same, ignoring the case of field names and
// comments.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Precision != u.Precision || t.Scale != u.Scale || t.Length != u.Length ||
		len(t.Fields) != len(u.Fields) {
		return false
	}
	if (t.Key != nil && !t.Key.Equal(*u.Key)) || (t.Elem != nil && !t.Elem.Equal(*u.Elem)) {
		return false
	}
	for i, f := range t.Fields {
		if !strings.EqualFold(f.Name, u.Fields[i].Name) || !f.Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	return true
}

// Integer reports whether t is tinyint, smallint, int or bigint.
func (t Type) Integer() bool { return t.Kind >= TinyInt && t.Kind <= BigInt }

// Numeric reports whether t is an integer, float, double or decimal.
func (t Type) Numeric() bool { return t.Kind >= TinyInt && t.Kind <= Decimal }

// Text reports whether t is string, varchar or char.
func (t Type) Text() bool { return t.Kind >= String && t.Kind <= Char }

// Primitive reports whether t is not array, map, struct or uniontype.
func (t Type) Primitive() bool { return t.Kind < Array }
