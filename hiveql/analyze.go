package hiveql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// analyze runs ANALYZE TABLE ... COMPUTE STATISTICS: it sets the numbers of files and bytes,
// unless NOSCAN the number of rows, and FOR COLUMNS the statistics of columns. They are shown;
// queries do not use them. Of files in a format that cannot be read only the sizes are found.
func (s *Session) analyze(ctx context.Context, n *syntax.Analyze) error {
	t, err := s.dataTable(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10091, "ANALYZE is not supported for views")
	}
	var cols []metastore.Column
	if n.ForColumns {
		if cols, err = statColumns(t, n.Columns); err != nil {
			return err
		}
	}
	var rows []analyzed
	if !n.NoScan && s.cfg.Executor != nil && readable(&t.Storage, t) == nil {
		if n.Partition != nil { // its names and values are checked before they become a query
			if _, err := s.specPredicate(t, n.Partition); err != nil {
				return err
			}
		}
		if rows, err = s.analyzeRows(ctx, t, n.Partition, cols); err != nil {
			return err
		}
	}
	if t.Partitioned() {
		return s.keepPartitionStats(ctx, t, n, cols, rows)
	}
	stats, err := s.sizes(ctx, t, t.Storage.Location, t.Parameters)
	if err != nil {
		return err
	}
	return s.alterRowIn(ctx, t.TableName, func(tx metastore.Tx, t *metastore.Table) error {
		if len(rows) == 0 {
			keepStats(&t.Parameters, &t.Storage, stats, nil, cols)
			return nil
		}
		keepStats(&t.Parameters, &t.Storage, stats, &rows[0], cols)
		return tx.SetStatistics(ctx, t.TableName, &metastore.Statistics{Columns: rows[0].columns})
	})
}

// keepStats puts what was found into the parameters of a table or partition.
func keepStats(params *map[string]string, d *metastore.StorageDescriptor, of placeSizes, found *analyzed, cols []metastore.Column) {
	setParam(params, "numFiles", strconv.Itoa(of.files))
	setParam(params, "totalSize", strconv.FormatInt(of.bytes, 10))
	if found == nil {
		return
	}
	before := (*params)["numRows"]
	setParam(params, "numRows", strconv.FormatInt(found.rows, 10))
	if raw := rawSize(d, of, found.rows); raw >= 0 {
		setParam(params, rawParam, strconv.FormatInt(raw, 10))
	} else if before != (*params)["numRows"] {
		delete(*params, rawParam)
	}
	setAccurate(params, cols)
}

// rawSize is Hive's raw data size of a place (Written.Raw), as far as it can be told without reading
// the lines of text; -1 where they are compressed.
func rawSize(d *metastore.StorageDescriptor, of placeSizes, rows int64) int64 {
	format, _ := formatOf(d)
	switch {
	case format.names == nil:
		return -1
	case slices.Contains([]string{"SEQUENCEFILE", "RCFILE", "ORC"}, format.names[0]):
		return -1
	case format.names[0] == "PARQUET":
		return rows * int64(len(d.Columns))
	case !classEqual(d.SerDe.Library, lazySimple) && !classEqual(d.SerDe.Library, lazyBinary):
		return 0
	case of.compressed:
		return -1
	}
	return max(of.bytes-rows, 0)
}

func (s *Session) keepPartitionStats(
	ctx context.Context, t *metastore.Table, n *syntax.Analyze, cols []metastore.Column, rows []analyzed,
) error {
	var match partitions.Predicate
	if n.Partition != nil {
		var err error
		if match, err = s.specPredicate(t, n.Partition); err != nil {
			return err
		}
	}
	sizes := map[string]placeSizes{}
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, match) {
		if err != nil {
			return err
		}
		if sizes[p.Storage.Location], err = s.sizes(ctx, t, p.Storage.Location, p.Parameters); err != nil {
			return err
		}
	}
	byValues := map[string]*analyzed{}
	for i := range rows {
		values, err := t.Keys().Normalize(rows[i].values)
		if err != nil {
			return err
		}
		byValues[strings.Join(values, "\x00")] = &rows[i]
	}
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		var changed []*metastore.Partition
		var stats []*metastore.Statistics
		for p, err := range tx.Partitions(ctx, t.TableName, match) {
			if err != nil {
				return err
			}
			found := byValues[strings.Join(p.Values, "\x00")]
			if found == nil && rows != nil {
				found = &analyzed{} // a partition without rows
			}
			keepStats(&p.Parameters, &p.Storage, sizes[p.Storage.Location], found, cols)
			changed = append(changed, p)
			if found != nil && len(found.columns) > 0 {
				stats = append(stats, &metastore.Statistics{Values: p.Values, Columns: found.columns})
			}
		}
		if len(changed) == 0 && n.Partition != nil {
			return semantic(n.Partition, 10006, "Partition not found %s", syntax.Print(n.Partition))
		}
		if err := tx.AlterPartitions(ctx, t.TableName, changed); err != nil {
			return err
		}
		return tx.SetStatistics(ctx, t.TableName, stats...)
	})
}

// keyText is the value of a partition key as the metastore has it.
func keyText(v hivetype.Value, t hivetype.Type) string {
	if v == nil {
		return partitions.DefaultName
	}
	return string(hivetype.AppendText(nil, v, t))
}

// placeSizes are the numbers of files and bytes at a location.
type placeSizes struct {
	files      int
	bytes      int64
	compressed bool // some, if they are text
}

func (s *Session) sizes(
	ctx context.Context, t *metastore.Table, url string, params map[string]string,
) (placeSizes, error) {
	files, err := newLister(s.cfg, t).files(ctx, url, params)
	of := placeSizes{files: len(files)}
	for _, f := range files {
		of.bytes += f.Object.Size
		of.compressed = of.compressed || !plainText(f.Object.Key)
	}
	return of, err
}

// eachRow runs a query of its own and calls fn with each row and the types of its columns.
func (s *Session) eachRow(ctx context.Context, sql string, fn func([]hivetype.Value, []hivetype.Type)) error {
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
		src, err := s.newSource(ctx, plan, &counts{})
		if err != nil {
			return err
		}
		defer src.close()
		exec, err := s.executor()
		if err != nil {
			return err
		}
		rows, err := exec.Query(ctx, plan, src)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		types := make([]hivetype.Type, len(rows.Columns()))
		for i, c := range rows.Columns() {
			types[i] = c.Type
		}
		for rows.Next() {
			fn(rows.Row(), types)
		}
		return rows.Err()
	})
}
