package duck

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// sqlType is how DuckDB spells the type that holds values of t where timestamps are in microseconds.
func sqlType(t hivetype.Type) string { return micros.sqlType(t) }

// sqlType is how DuckDB spells the type that holds values of t.
func (r resolution) sqlType(t hivetype.Type) string {
	switch t.Kind {
	case hivetype.Void:
		return "INTEGER"
	case hivetype.Boolean, hivetype.TinyInt, hivetype.SmallInt, hivetype.BigInt, hivetype.Float,
		hivetype.Double, hivetype.Date:
		return strings.ToUpper(t.Kind.String())
	case hivetype.Int:
		return "INTEGER"
	case hivetype.Decimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return "VARCHAR"
	case hivetype.Binary:
		return "BLOB"
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		if r == nanos {
			return "HUGEINT"
		}
		return "TIMESTAMP"
	case hivetype.IntervalDayTime:
		if r == nanos {
			return "HUGEINT"
		}
		return "INTERVAL"
	case hivetype.IntervalYearMonth:
		return "INTERVAL"
	case hivetype.Array:
		return r.sqlType(*t.Elem) + "[]"
	case hivetype.Map:
		return "MAP(" + r.sqlType(*t.Key) + ", " + r.sqlType(*t.Elem) + ")"
	case hivetype.Struct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = name(f.Name) + " " + r.sqlType(f.Type)
		}
		return "STRUCT(" + strings.Join(fields, ", ") + ")"
	case hivetype.Union:
		return r.sqlType(t.Variants())
	}
	return "VARCHAR"
}

// checkType reports types that have no counterpart.
func checkType(t hivetype.Type) error {
	if t.Kind == hivetype.Union && hasTime(t) { // which would have to be told apart from other structs
		return unsupported("the type %s", t)
	}
	for _, part := range parts(t) {
		if err := checkType(part); err != nil {
			return err
		}
	}
	return nil
}

// noUnion refuses types that can be in text files and in results only.
func noUnion(t hivetype.Type, where string) error {
	if t.Contains(hivetype.Union) {
		return unsupported("the type %s %s", t, where)
	}
	return nil
}

// parts are the types a nested type is made of.
func parts(t hivetype.Type) []hivetype.Type {
	var list []hivetype.Type
	if t.Key != nil {
		list = append(list, *t.Key)
	}
	if t.Elem != nil {
		list = append(list, *t.Elem)
	}
	for _, f := range t.Fields {
		list = append(list, f.Type)
	}
	return list
}

// name quotes a name for DuckDB.
func name(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// quote makes a text constant. The interface ends a statement at a NUL, so that one is spliced in.
func quote(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.ContainsRune(q, 0) {
		q = "(" + strings.ReplaceAll(q, "\x00", "' || chr(0) || '") + ")"
	}
	return q
}
