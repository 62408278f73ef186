package hiveql

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// truncateColumns runs TRUNCATE ... COLUMNS, which Hive can only do in RCFile: it is an overwrite of
// the table, or of one partition, with itself, the columns NULL.
func (s *Session) truncateColumns(ctx context.Context, t *metastore.Table, n *syntax.Truncate) error {
	for i := range n.Columns {
		if t.Storage.Column(strings.ToLower(n.Columns[i].Name)) < 0 {
			return semantic(&n.Columns[i], 10002, "Invalid column reference '%s'", n.Columns[i].Name)
		}
	}
	if f, ok := formatOf(&t.Storage); !ok || f.names[0] != "RCFILE" {
		return semantic(&n.Columns[0], 10231, "Only RCFileFormat supports column truncation. %s", t.Storage.InputFormat)
	}
	if t.Storage.NumBuckets > 0 {
		for i := range n.Columns {
			if slices.ContainsFunc(t.Storage.BucketColumns, func(b string) bool { return strings.EqualFold(b, n.Columns[i].Name) }) {
				return semantic(&n.Columns[i], 10232, "A column on which a partition/table is bucketed cannot be truncated. %s", n.Columns[i].Name)
			}
		}
	}
	if t.Partitioned() && (n.Partition == nil || !fullSpec(t, n.Partition)) {
		return unsupported(&n.Columns[0], "TRUNCATE ... COLUMNS of more than one partition")
	}
	sql := truncation(t, n)
	stmts, err := syntax.Parse(sql)
	if err != nil {
		return err
	}
	return s.insert(ctx, s.newResult(sql, n.Pos()), stmts[0].(*syntax.Insert))
}

// truncation is the statement that overwrites.
func truncation(t *metastore.Table, n *syntax.Truncate) string {
	items := make([]string, len(t.Storage.Columns))
	for i, c := range t.Storage.Columns {
		items[i] = quoted(c.Name)
		if slices.ContainsFunc(n.Columns, func(id syntax.Ident) bool { return strings.EqualFold(id.Name, c.Name) }) {
			items[i] = "NULL"
		}
	}
	table := quoted(t.Database) + "." + quoted(t.Name)
	sql := "INSERT OVERWRITE TABLE " + table
	if n.Partition != nil {
		sql += " " + syntax.Print(n.Partition)
	}
	return sql + " SELECT " + strings.Join(items, ", ") + " FROM " + table + specCondition(n.Partition)
}
