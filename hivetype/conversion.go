package hivetype

import "strings"

// group is what Hive calls a primitive grouping.
type group uint8

const (
	otherGroup group = iota
	voidGroup
	booleanGroup
	numericGroup
	stringGroup
	dateGroup
)

func groupOf(k Kind) group {
	switch k {
	case Void:
		return voidGroup
	case Boolean:
		return booleanGroup
	case TinyInt, SmallInt, Int, BigInt, Float, Double, Decimal:
		return numericGroup
	case String, Varchar, Char:
		return stringGroup
	case Date, Timestamp, TimestampLocalTZ:
		return dateGroup
	}
	return otherGroup
}

// width orders numbers as Hive widens them. A double is wider than any decimal: a decimal that
// could hold every double does not exist.
func width(k Kind) int {
	switch k {
	case Float:
		return int(Decimal) + 1
	case Double:
		return int(Decimal) + 2
	}
	return int(k)
}

// wider is the wider one of two kinds of numbers, or of dates.
func wider(a, b Kind) Kind {
	if width(a) > width(b) {
		return a
	}
	return b
}

// Common is the type that CASE, IF, COALESCE, NVL and the elements of array(...) take when
// their operands are of types a and b, if there is one. NULL gives way to anything; numbers
// widen in the order tinyint, smallint, int, bigint, decimal, float, double; dates and
// timestamps widen to the finer one; a string with a number or a date is a string. Structs with
// equal field names have a common type when their fields do; other nested types only when they
// are equal.
func Common(a, b Type) (Type, bool) {
	if t, ok, decided := akin(a, b, Common); decided {
		return t, ok
	}
	ga, gb := groupOf(a.Kind), groupOf(b.Kind)
	switch {
	case ga == gb && (ga == numericGroup || ga == dateGroup):
		return qualify(a, b, wider(a.Kind, b.Kind)), true
	case ga == stringGroup && gb == stringGroup:
		return Of(String), true
	case ga == stringGroup && (gb == numericGroup || gb == dateGroup):
		return a, true
	case gb == stringGroup && (ga == numericGroup || ga == dateGroup):
		return b, true
	}
	return Type{}, false
}

// ForUnion is the type of a column of UNION whose sides have types a and b. Hive is stricter
// here than in Common: only types of one group (numbers, texts, dates) and NULL have one, so a
// string and a number do not.
func ForUnion(a, b Type) (Type, bool) {
	if a.Primitive() && b.Primitive() && a.Kind != Void && b.Kind != Void &&
		a.Kind != b.Kind && groupOf(a.Kind) != groupOf(b.Kind) {
		return Type{}, false
	}
	return Common(a, b)
}

// ForComparison is the type as which values of types a and b are compared, in =, <, IN, BETWEEN
// and the conditions of joins. A string and a number compare as double, a string and a date or
// timestamp as the latter, a timestamp and a number as double. Where Hive knows no common type for a boolean and a number or a string it compares
// them as double, and so does this. It is false where comparing is an error.
func ForComparison(a, b Type) (Type, bool) {
	if t, ok, decided := akin(a, b, ForComparison); decided {
		return t, ok
	}
	ga, gb := groupOf(a.Kind), groupOf(b.Kind)
	switch {
	case ga == dateGroup && gb == dateGroup:
		return Of(max(a.Kind, b.Kind)), true
	case ga == stringGroup && gb == stringGroup:
		return Of(String), true
	case ga == stringGroup && gb == dateGroup:
		return b, true
	case ga == dateGroup && gb == stringGroup:
		return a, true
	case (ga == numericGroup || gb == numericGroup) && (a.Kind == Timestamp || b.Kind == Timestamp):
		return Of(Double), true
	}
	for _, k := range [...]Kind{TinyInt, SmallInt, Int, BigInt, Decimal, Float, Double, String} {
		if implicitKind(a.Kind, k) && implicitKind(b.Kind, k) {
			return qualify(a, b, k), true
		}
	}
	if (ga == booleanGroup && (gb == numericGroup || gb == stringGroup)) ||
		(gb == booleanGroup && (ga == numericGroup || ga == stringGroup)) {
		return Of(Double), true
	}
	return Type{}, false
}

// akin decides for all types but primitive ones of two kinds: the same, NULL, structs, whose fields have the
// type that fields gives them, and what has none.
func akin(a, b Type, fields func(a, b Type) (Type, bool)) (t Type, ok, decided bool) {
	switch {
	case a.Equal(b), b.Kind == Void:
		return a, true, true
	case a.Kind == Void:
		return b, true, true
	case a.Kind == Struct && b.Kind == Struct:
		t, ok = commonStruct(a, b, fields)
		return t, ok, true
	case !a.Primitive() || !b.Primitive():
		return Type{}, false, true
	case a.Kind == b.Kind:
		return qualify(a, b, a.Kind), true, true
	}
	return Type{}, false, false
}

// qualify gives kind the parameters that hold the values of both a and b.
func qualify(a, b Type, kind Kind) Type {
	switch kind {
	case Varchar, Char:
		return Type{Kind: kind, Length: max(textLength(a), textLength(b))}
	case Decimal:
		pa, sa := decimalParameters(a)
		pb, sb := decimalParameters(b)
		whole, fraction := max(pa-sa, pb-sb), max(sa, sb)
		return DecimalOf(min(whole+fraction, MaxPrecision), min(fraction, MaxPrecision-whole))
	}
	return Of(kind)
}

func textLength(t Type) int {
	if t.Kind == String {
		return MaxVarchar
	}
	return t.Length
}

func commonStruct(a, b Type, common func(a, b Type) (Type, bool)) (Type, bool) {
	if len(a.Fields) != len(b.Fields) {
		return Type{}, false
	}
	fields := make([]Field, len(a.Fields))
	for i, f := range a.Fields {
		t, ok := common(f.Type, b.Fields[i].Type)
		if !ok || !strings.EqualFold(f.Name, b.Fields[i].Name) {
			return Type{}, false
		}
		fields[i] = Field{Name: f.Name, Type: t, Comment: f.Comment}
	}
	return StructOf(fields...), true
}

// Implicit reports whether Hive converts a value of type from to type to without being asked,
// as it does for arguments of functions: NULL to anything, a number to a wider one, numbers and
// dates to text, text to text, and text to double. Parameters (lengths, precision)
// do not matter. Nested types convert only to themselves.
func Implicit(from, to Type) bool {
	if from.Equal(to) || from.Kind == Void {
		return true
	}
	return from.Primitive() && to.Primitive() && implicitKind(from.Kind, to.Kind)
}

func implicitKind(from, to Kind) bool {
	if from == to || from == Void {
		return true
	}
	gf, gt := groupOf(from), groupOf(to)
	switch {
	case gf == stringGroup:
		return gt == stringGroup || to == Double
	case gt == stringGroup:
		return gf == dateGroup || gf == numericGroup
	}
	return gf == numericGroup && gt == numericGroup && width(from) < width(to)
}

// Castable reports whether CAST(x AS to) is allowed for an x of type from; the cast itself may
// still give NULL. Nested types are castable where their parts are, which Hive 4 allows and
// Hive 3 does not.
func Castable(from, to Type) bool {
	if from.Equal(to) || from.Kind == Void {
		return true
	}
	if !from.Primitive() || !to.Primitive() {
		return castableNested(from, to)
	}
	gf := groupOf(from.Kind)
	switch to.Kind {
	case Void:
		return false
	case String, Varchar, Char:
		return true
	case Binary:
		return gf == stringGroup || from.Kind == Binary
	case Date:
		return gf == stringGroup || gf == dateGroup
	case Timestamp:
		return gf == stringGroup || gf == dateGroup || gf == numericGroup || gf == booleanGroup
	case TimestampLocalTZ:
		return gf == stringGroup || gf == dateGroup || gf == numericGroup
	case IntervalYearMonth, IntervalDayTime:
		return gf == stringGroup || from.Kind == to.Kind
	case Boolean:
		return gf == stringGroup || gf == numericGroup || gf == dateGroup || from.Kind == Boolean
	}
	return gf == stringGroup || gf == numericGroup || gf == booleanGroup || from.Kind == Timestamp ||
		from.Kind == TimestampLocalTZ
}

func castableNested(from, to Type) bool {
	if from.Kind != to.Kind || len(from.Fields) != len(to.Fields) {
		return false
	}
	if from.Key != nil && !Castable(*from.Key, *to.Key) {
		return false
	}
	if from.Elem != nil && !Castable(*from.Elem, *to.Elem) {
		return false
	}
	for i, f := range from.Fields {
		if !Castable(f.Type, to.Fields[i].Type) {
			return false
		}
	}
	return true
}
