package duck

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// cast converts by Hive's rules: what cannot be converted is NULL.
func (l *lowerer) cast(x string, from, to hivetype.Type) string {
	if err := checkType(to); err != nil {
		return l.fail(err)
	}
	switch {
	case from.Same(to):
		return x
	case from.Kind == hivetype.Void:
		return "NULL::" + l.sqlType(to)
	case !from.Primitive() && to.Text():
		return l.fail(unsupported("a conversion from %s to %s", from, to))
	case !from.Primitive() || !to.Primitive():
		return l.castNested(x, from, to)
	}
	if from.Kind == hivetype.Char && !to.Text() && to.Kind != hivetype.Binary {
		x = "rtrim(" + x + ", ' ')"
	}
	if l.resolution == nanos && (stamped(from) || stamped(to)) {
		return l.castNanos(x, from, to)
	}
	switch to.Kind {
	case hivetype.Boolean:
		return l.castBoolean(x, from)
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		return l.castInteger(x, from, to)
	case hivetype.Float, hivetype.Double:
		return l.castFloat(x, from, to)
	case hivetype.Decimal:
		return l.castDecimal(x, from, to)
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return l.castText(x, from, to)
	case hivetype.Binary:
		if from.Text() {
			return "skep_bytes(" + x + ")"
		}
	case hivetype.Date:
		if from.Text() {
			return "skep_to_date(" + x + ")"
		}
		if instant(from) {
			return "(" + x + ")::DATE"
		}
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		return l.castTimestamp(x, from, to)
	case hivetype.IntervalDayTime, hivetype.IntervalYearMonth:
		if from.Text() {
			return l.castInGo(x, from, to)
		}
	}
	return l.fail(unsupported("a conversion from %s to %s", from, to))
}

func instant(t hivetype.Type) bool {
	return t.Kind == hivetype.Date || t.Kind == hivetype.Timestamp || t.Kind == hivetype.TimestampLocalTZ
}

func (l *lowerer) castBoolean(x string, from hivetype.Type) string {
	switch {
	case from.Text():
		return "skep_to_boolean(" + x + ")"
	case from.Numeric():
		return "(" + x + " <> 0)"
	case from.Kind == hivetype.Date:
		return "NULL::BOOLEAN" // of all dates, as in Hive
	case instant(from):
		return "(epoch_us((" + x + ")::TIMESTAMP) <> 0)"
	}
	return l.fail(unsupported("a conversion from %s to boolean", from))
}

// castInteger wraps around as Java does, but a decimal out of range is NULL.
func (l *lowerer) castInteger(x string, from, to hivetype.Type) string {
	fn := "skep_to_" + to.Kind.String()
	switch {
	case from.Integer() && from.Kind < to.Kind || from.Kind == hivetype.Boolean:
		return "(" + x + ")::" + l.sqlType(to)
	case from.Integer():
		return fn + "((" + x + ")::BIGINT)"
	case from.Kind == hivetype.Float:
		return fn + "((" + x + ")::DOUBLE)"
	case from.Kind == hivetype.Decimal:
		return "TRY_CAST(trunc(" + x + ") AS " + l.sqlType(to) + ")"
	case from.Text() || from.Kind == hivetype.Double:
		return fn + "(" + x + ")"
	case instant(from):
		s := "skep_seconds((" + x + ")::TIMESTAMP)"
		if to.Kind != hivetype.BigInt {
			s = fn + "(" + s + ")"
		}
		return s
	}
	return l.fail(unsupported("a conversion from %s to %s", from, to))
}

func (l *lowerer) castFloat(x string, from, to hivetype.Type) string {
	switch {
	case from.Text():
		return "skep_to_" + to.Kind.String() + "(" + x + ")"
	case instant(from):
		return "(epoch_us((" + x + ")::TIMESTAMP) / 1000000.0::DOUBLE)::" + l.sqlType(to)
	case from.Kind == hivetype.Double:
		return strings.ReplaceAll("coalesce(TRY_CAST($1 AS FLOAT), CASE WHEN ($1) > 0 THEN 'inf'::FLOAT WHEN ($1) < 0 THEN '-inf'::FLOAT END)", "$1", x)
	case from.Numeric() || from.Kind == hivetype.Boolean:
		return "(" + x + ")::" + l.sqlType(to)
	}
	return l.fail(unsupported("a conversion from %s to %s", from, to))
}

// castDecimal rounds half up. Floating numbers go through their shortest text, as in Java, so
// that 1.005 is taken for what it prints.
func (l *lowerer) castDecimal(x string, from, to hivetype.Type) string {
	switch {
	case from.Text():
		x = "skep_number(" + x + ")"
	case from.Kind == hivetype.Float || from.Kind == hivetype.Double:
		x = "skep_number(skep_print(" + x + "))"
	case from.Kind == hivetype.Boolean:
		x = "(" + x + ")::INTEGER"
	case instant(from):
		x = "skep_number(skep_print(" + l.castFloat(x, from, hivetype.Of(hivetype.Double)) + "))"
	case !from.Numeric():
		return l.fail(unsupported("a conversion from %s to %s", from, to))
	case from.Kind == hivetype.Decimal && from.Precision > compactDigits && to.Scale < from.Scale:
		// DuckDB divides numbers of 128 bits bit by bit.
		one := hivetype.DecimalOf(1, 0)
		return l.decimal("mul", x, "1::"+l.sqlType(one), from, one, to)
	}
	return "TRY_CAST(" + x + " AS " + l.sqlType(to) + ")"
}

// castText takes the blanks off that fill up a char, as Hive does whenever it becomes text.
func (l *lowerer) castText(x string, from, to hivetype.Type) string {
	switch from.Kind {
	case hivetype.Boolean:
		x = "CASE " + x + " WHEN TRUE THEN 'TRUE' WHEN FALSE THEN 'FALSE' END"
	case hivetype.Float, hivetype.Double:
		x = "skep_print(" + x + ")"
	case hivetype.Binary:
		x = "skep_utf8(" + x + ")"
	case hivetype.Char:
		x = "rtrim(" + x + ", ' ')"
	case hivetype.String, hivetype.Varchar:
	case hivetype.IntervalDayTime, hivetype.IntervalYearMonth:
		x = l.castInGo(x, from, hivetype.Of(hivetype.String))
	case hivetype.Date:
		x = "skep_date_text(" + x + ")"
	case hivetype.Timestamp:
		x = "skep_stamp_text(skep_stamp(" + x + "))"
	default:
		x = "(" + x + ")::VARCHAR"
	}
	switch {
	case to.Kind == hivetype.Char:
		return fmt.Sprintf("skep_pad(%s, (%d)::INTEGER)", x, to.Length)
	case to.Kind == hivetype.Varchar && (from.Kind != hivetype.Varchar || from.Length > to.Length):
		return fmt.Sprintf("skep_cut(%s, (%d)::INTEGER)", x, to.Length)
	}
	return x
}

// castTimestamp takes integers for milliseconds and fractions for seconds, as Hive does.
func (l *lowerer) castTimestamp(x string, from, to hivetype.Type) string {
	switch {
	case from.Text():
		return "skep_to_timestamp(" + x + ")"
	case instant(from):
		return "(" + x + ")::TIMESTAMP"
	case from.Integer() || from.Kind == hivetype.Boolean:
		return "try(make_timestamp((" + x + ")::BIGINT * 1000))"
	case from.Numeric():
		return "try(make_timestamp(skep_to_bigint(round((" + x + ")::DOUBLE * 1000000))))"
	}
	return l.fail(unsupported("a conversion from %s to %s", from, to))
}

// castNested converts arrays, maps and structs part by part. Analysis allows structs of equally
// many fields; those of files may have fewer than the table by now, and miss the last ones, or
// more.
func (l *lowerer) castNested(x string, from, to hivetype.Type) string {
	if from.Kind != to.Kind {
		return l.fail(unsupported("a conversion from %s to %s", from, to))
	}
	switch to.Kind {
	case hivetype.Array:
		e := l.fresh("e")
		return "list_transform(" + x + ", lambda " + e + ": " + l.cast(e, *from.Elem, *to.Elem) + ")"
	case hivetype.Map:
		e := l.fresh("e")
		return "map_from_entries(list_transform(map_entries(" + x + "), lambda " + e + ": struct_pack(k := " +
			l.cast("struct_extract("+e+", 'key')", *from.Key, *to.Key) + ", v := " +
			l.cast("struct_extract("+e+", 'value')", *from.Elem, *to.Elem) + ")))"
	case hivetype.Struct:
		fields := make([]string, len(to.Fields))
		for i, f := range to.Fields {
			if i >= len(from.Fields) {
				fields[i] = name(f.Name) + " := NULL::" + l.sqlType(f.Type)
				continue
			}
			part := "struct_extract(" + x + ", " + quote(from.Fields[i].Name) + ")"
			fields[i] = name(f.Name) + " := " + l.cast(part, from.Fields[i].Type, f.Type)
		}
		return "CASE WHEN " + x + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END"
	}
	return l.fail(unsupported("a conversion from %s to %s", from, to))
}

// castNanos is cast from or to a timestamp where these are in nanoseconds.
func (l *lowerer) castNanos(x string, from, to hivetype.Type) string {
	switch {
	case stamped(from) && stamped(to):
		return x
	case stamped(from) && (to.Kind == hivetype.Double || to.Kind == hivetype.Float):
		return "skep_stamp_seconds(" + x + ")::" + sqlType(to)
	case stamped(from) && to.Kind == hivetype.Decimal:
		return "TRY_CAST(skep_number(skep_print(skep_stamp_seconds(" + x + "))) AS " + sqlType(to) + ")"
	case stamped(from) && to.Text():
		return l.castText("skep_stamp_text("+x+")", hivetype.Of(hivetype.String), to)
	case from.Text():
		return "skep_to_stamp(" + x + ")"
	case from.Kind == hivetype.Decimal:
		return "skep_stamp_of((" + x + ")::VARCHAR)"
	case from.Kind == hivetype.Double || from.Kind == hivetype.Float:
		return "skep_stamp_of(skep_number(skep_print((" + x + ")::DOUBLE)))"
	}
	l.resolution = micros
	s := l.cast(l.inMicros(x, from), from, to)
	l.resolution = nanos
	return l.inNanos(s, to)
}
