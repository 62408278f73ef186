package hiveql

import (
	"context"
	"strconv"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// analyze runs ANALYZE TABLE ... COMPUTE STATISTICS: it sets the numbers of files, bytes and,
// for tables without partition keys, rows. FOR COLUMNS computes nothing: queries do not use
// statistics of columns here, and scripts that ask for them should go on.
func (s *Session) analyze(ctx context.Context, n *syntax.Analyze) error {
	t, err := s.table(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10091, "ANALYZE is not supported for views")
	}
	if n.ForColumns {
		for i := range n.Columns {
			if t.Storage.Column(n.Columns[i].Name) < 0 && t.Keys().Find(n.Columns[i].Name) < 0 {
				return semantic(&n.Columns[i], 10002, "Invalid column reference '%s'", n.Columns[i].Name)
			}
		}
		return nil
	}
	if t.Partitioned() {
		return s.analyzePartitions(ctx, t, n.Partition)
	}
	stats, err := s.sizes(ctx, t, t.Storage.Location, t.Parameters)
	if err != nil {
		return err
	}
	if !n.NoScan && s.cfg.Executor != nil {
		if stats["numRows"], err = s.countRows(ctx, t); err != nil {
			return err
		}
	}
	return s.alterRow(ctx, t.TableName, func(t *metastore.Table) error {
		for k, v := range stats {
			setParam(&t.Parameters, k, v)
		}
		return nil
	})
}

func (s *Session) analyzePartitions(ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec) error {
	var match partitions.Predicate
	if spec != nil {
		var err error
		if match, err = s.specPredicate(t, spec); err != nil {
			return err
		}
	}
	stats := map[string]map[string]string{}
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, match) {
		if err != nil {
			return err
		}
		if stats[p.Storage.Location], err = s.sizes(ctx, t, p.Storage.Location, p.Parameters); err != nil {
			return err
		}
	}
	return s.alterPartitions(ctx, t, spec, func(p *metastore.Partition) error {
		for k, v := range stats[p.Storage.Location] {
			setParam(&p.Parameters, k, v)
		}
		return nil
	})
}

// sizes are the numbers of files and bytes at a location.
func (s *Session) sizes(
	ctx context.Context, t *metastore.Table, url string, params map[string]string,
) (map[string]string, error) {
	files, err := newLister(s.cfg, t).files(ctx, url, params)
	if err != nil {
		return nil, err
	}
	var bytes int64
	for _, f := range files {
		bytes += f.Object.Size
	}
	return map[string]string{"numFiles": strconv.Itoa(len(files)), "totalSize": strconv.FormatInt(bytes, 10)}, nil
}

func (s *Session) countRows(ctx context.Context, t *metastore.Table) (string, error) {
	stmts, err := syntax.Parse("SELECT count(*) FROM " + quoted(t.Database) + "." + quoted(t.Name))
	if err != nil {
		return "", err
	}
	q := stmts[0].(*syntax.QueryStmt).Query
	count := "0"
	err = s.replanning(ctx, func() error {
		plan, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q)
		if err != nil {
			return err
		}
		src, err := s.newSource(ctx, plan, &counts{})
		if err != nil {
			return err
		}
		rows, err := s.cfg.Executor.Query(ctx, plan, src)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		if rows.Next() {
			if n, ok := rows.Row()[0].(int64); ok {
				count = strconv.FormatInt(n, 10)
			}
		}
		return rows.Err()
	})
	return count, err
}
