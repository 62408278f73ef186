package hs2

import (
	"context"
	"iter"
	"slices"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

func columnColumns() []analysis.Output {
	return typed("TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE i", "TYPE_NAME", "COLUMN_SIZE i",
		"BUFFER_LENGTH i", "DECIMAL_DIGITS i", "NUM_PREC_RADIX i", "NULLABLE i", "REMARKS", "COLUMN_DEF", "SQL_DATA_TYPE i",
		"SQL_DATETIME_SUB i", "CHAR_OCTET_LENGTH i", "ORDINAL_POSITION i", "IS_NULLABLE", "SCOPE_CATALOG", "SCOPE_SCHEMA",
		"SCOPE_TABLE", "SOURCE_DATA_TYPE h", "IS_AUTO_INCREMENT")
}

// columns lists the columns of tables, those of partitions last.
func (s *Service) columns(r *catalogRequest) rowSeq {
	return func(ctx context.Context) iter.Seq2[[]any, error] {
		return func(yield func([]any, error) bool) {
			named := pattern(r.Column)
			for t, err := range s.each(ctx, r.Schema, r.Table) {
				if err != nil {
					yield(nil, err)
					return
				}
				for i, c := range slices.Concat(t.Storage.Columns, t.PartitionKeys) {
					if named(c.Name) && !yield(columnRow(t, c, i+1), nil) {
						return
					}
				}
			}
		}
	}
}

func columnRow(t *metastore.Table, c metastore.Column, at int) []any {
	size, digits, radix := measures(c.Type)
	var octets any
	if c.Type.Text() {
		octets = size
	}
	const nullable = int64(1)
	return []any{nil, t.Database, t.Name, c.Name, jdbcType(c.Type.Kind), c.Type.String(), size, nil, digits, radix, nullable,
		c.Comment, nil, nil, nil, octets, int64(at), "YES", nil, nil, nil, nil, "NO"}
}

// jdbcType is the constant of java.sql.Types.
func jdbcType(k hivetype.Kind) int64 {
	switch k {
	case hivetype.Boolean:
		return 16
	case hivetype.TinyInt:
		return -6
	case hivetype.SmallInt:
		return 5
	case hivetype.Int:
		return 4
	case hivetype.BigInt:
		return -5
	case hivetype.Float:
		return 6
	case hivetype.Double:
		return 8
	case hivetype.Decimal:
		return 3
	case hivetype.Char:
		return 1
	case hivetype.Binary:
		return -2
	case hivetype.Date:
		return 91
	case hivetype.Timestamp:
		return 93
	case hivetype.TimestampLocalTZ, hivetype.Union, hivetype.IntervalYearMonth, hivetype.IntervalDayTime:
		return 1111 // OTHER
	case hivetype.Array:
		return 2003
	case hivetype.Map:
		return 2000 // JAVA_OBJECT
	case hivetype.Struct:
		return 2002
	case hivetype.Void:
		return 0
	case hivetype.String, hivetype.Varchar:
	}
	return 12 // VARCHAR
}

// measures are the size, the decimal digits and the radix that JDBC wants to know of a type, nil
// where it has none.
func measures(t hivetype.Type) (size, digits, radix any) {
	switch t.Kind {
	case hivetype.Boolean:
		return int64(1), nil, nil
	case hivetype.TinyInt:
		return int64(3), int64(0), int64(10)
	case hivetype.SmallInt:
		return int64(5), int64(0), int64(10)
	case hivetype.Int:
		return int64(10), int64(0), int64(10)
	case hivetype.BigInt:
		return int64(19), int64(0), int64(10)
	case hivetype.Float:
		return int64(7), int64(7), int64(10)
	case hivetype.Double:
		return int64(15), int64(15), int64(10)
	case hivetype.Decimal:
		return int64(t.Precision), int64(t.Scale), int64(10)
	case hivetype.Char, hivetype.Varchar:
		return int64(t.Length), nil, nil
	case hivetype.String, hivetype.Binary:
		return int64(1<<31 - 1), nil, nil
	case hivetype.Date:
		return int64(10), nil, nil
	case hivetype.Timestamp, hivetype.TimestampLocalTZ:
		return int64(29), int64(9), nil
	default:
		return nil, nil, nil
	}
}

func typeInfoColumns() []analysis.Output {
	return typed("TYPE_NAME", "DATA_TYPE i", "PRECISION i", "LITERAL_PREFIX", "LITERAL_SUFFIX", "CREATE_PARAMS", "NULLABLE h",
		"CASE_SENSITIVE b", "SEARCHABLE h", "UNSIGNED_ATTRIBUTE b", "FIXED_PREC_SCALE b", "AUTO_INCREMENT b", "LOCAL_TYPE_NAME",
		"MINIMUM_SCALE h", "MAXIMUM_SCALE h", "SQL_DATA_TYPE i", "SQL_DATETIME_SUB i", "NUM_PREC_RADIX i")
}

// typeInfo describes all types.
func typeInfo() [][]any {
	kinds := []hivetype.Kind{
		hivetype.Void, hivetype.Boolean, hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float,
		hivetype.Double, hivetype.String, hivetype.Char, hivetype.Varchar, hivetype.Date, hivetype.Timestamp,
		hivetype.TimestampLocalTZ, hivetype.Binary, hivetype.Decimal, hivetype.Array, hivetype.Map, hivetype.Struct, hivetype.Union,
		hivetype.IntervalYearMonth, hivetype.IntervalDayTime,
	}
	const nullable, searchable, notSearchable = int64(1), int64(3), int64(0)
	var rows [][]any
	for _, k := range kinds {
		t := hivetype.Of(k)
		searched, name := searchable, k.String()
		var precision, radix any
		switch k {
		case hivetype.Decimal:
			precision, radix = int64(hivetype.MaxPrecision), int64(10)
		case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt, hivetype.Float, hivetype.Double:
			precision, _, radix = measures(t)
		case hivetype.Array, hivetype.Map, hivetype.Struct, hivetype.Union:
			searched = notSearchable
		default:
		}
		rows = append(rows, []any{name, jdbcType(k), precision, nil, nil, nil, nullable, t.Text(), searched, !t.Numeric(), false, false,
			nil, int64(0), int64(0), nil, nil, radix})
	}
	return rows
}
