package hiveql

import (
	"context"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// concatenate runs ALTER TABLE ... CONCATENATE: the rows of a table, or of one partition, are read
// and written again into as few files as their size allows. It is an overwrite that replaces the
// files it has read and no others: rows that come in between stay.
func (s *Session) concatenate(
	ctx context.Context, r *Result, t *metastore.Table, spec *syntax.PartitionSpec, n *syntax.Concatenate,
) error {
	if t.Partitioned() && spec == nil {
		return semantic(n, 0, "source table %s is partitioned but no partition desc found.", t.TableName)
	}
	part, err := s.chosenPartition(ctx, t, spec)
	if err != nil {
		return err
	}
	items := make([]string, len(t.Storage.Columns))
	for i, c := range t.Storage.Columns {
		items[i] = quoted(c.Name)
	}
	sql := "SELECT " + strings.Join(items, ", ") + " FROM " + quoted(t.Database) + "." + quoted(t.Name)
	full := make(partitions.Spec, len(t.PartitionKeys))
	if part != nil {
		conds := make([]string, len(full))
		for i, k := range t.PartitionKeys {
			full[i] = partitions.SpecField{Name: k.Name, Value: part.Values[i], Set: true}
			conds[i] = quoted(k.Name) + " = CAST(" + literal(part.Values[i]) + " AS " + k.Type.String() + ")"
			if part.Values[i] == partitions.DefaultName {
				conds[i] = quoted(k.Name) + " IS NULL"
			}
		}
		sql += " WHERE " + strings.Join(conds, " AND ")
	}
	stmts, err := syntax.Parse(sql)
	if err != nil {
		return err
	}
	q := stmts[0].(*syntax.QueryStmt).Query
	return s.replanning(ctx, func() error {
		plan, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q)
		if err != nil {
			return err
		}
		w, err := analysis.WriteTo(t, full, true, plan)
		if err != nil {
			return err
		}
		return s.writeOver(ctx, r, w)
	})
}
