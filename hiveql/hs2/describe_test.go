package hs2_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql"
)

// TestDescribe: programs read names and types without what aligns them in a terminal, as from HiveServer2 4.0.1.
func TestDescribe(t *testing.T) {
	host, port, _ := serveEngine(t, func(c *hiveql.Config) { c.ForPrograms = true }, nil)
	c := connect(t, host, port, "NONE", nil).Cursor()
	all(t, c, "CREATE TABLE t (id INT COMMENT 'a\nb', s STRUCT<x:INT>) PARTITIONED BY (ds STRING COMMENT 'day')")
	for _, want := range []struct{ statement, rows string }{
		{"DESCRIBE t", `id|int|a\nb
s|struct<x:int>|
ds|string|day
|NULL|NULL
# Partition Information|NULL|NULL
# col_name|data_type|comment
ds|string|day`},
		{"DESCRIBE t id", "id|int|from deserializer"},
		{"DESCRIBE t s", "x|int|from deserializer"},
		{"SHOW COLUMNS IN t", "id\ns\nds"},
		{"SHOW TBLPROPERTIES t ('none')", "Table default.t does not have property: none|NULL"},
	} {
		if got := shown(t, all(t, c, want.statement)); got != want.rows {
			t.Errorf("%s\n%s\nwant\n%s", want.statement, got, want.rows)
		}
	}
	formatted := shown(t, all(t, c, "DESCRIBE FORMATTED t"))
	for _, part := range []string{
		"id|int|a\\nb\ns|struct<x:int>|\n|NULL|NULL\n# Partition Information|NULL|NULL\n", "\nDatabase:           |default             |NULL\n",
		"\nTable Parameters:|NULL|NULL\n", "\n|bucketing_version   |2                   \n",
	} {
		if !strings.Contains("\n"+formatted, part) {
			t.Errorf("DESCRIBE FORMATTED lacks %q:\n%s", part, formatted)
		}
	}
	column := shown(t, all(t, c, "DESCRIBE FORMATTED t ds"))
	if want := "col_name|ds\ndata_type|string\nmin|\n"; !strings.HasPrefix(column, want) {
		t.Errorf("DESCRIBE FORMATTED of a column begins with\n%s\nwant\n%s", column, want)
	}
}

// shown are rows of text, their columns in the order of DESCRIBE's and SHOW's.
func shown(t *testing.T, rows []map[string]any) string {
	t.Helper()
	var lines []string
	for _, row := range rows {
		var columns []string
		for _, name := range []string{"col_name", "data_type", "comment", "field", "prpt_name", "prpt_value", "column_property", "value"} {
			v, ok := row[name]
			switch {
			case !ok:
			case v == nil:
				columns = append(columns, "NULL")
			default:
				columns = append(columns, fmt.Sprint(v))
			}
		}
		lines = append(lines, strings.Join(columns, "|"))
	}
	return strings.Join(lines, "\n")
}
