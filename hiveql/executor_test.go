package hiveql_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// lines is a small executor for text tables: enough of scans, projections, VALUES and UNION ALL
// to see which rows a statement reads and writes, without cgo. What it does not know is NULL.
type lines struct{}

func (lines) Close() error { return nil }

func (lines) SetLimits(hiveql.Limits) error { return nil }

func (lines) ParquetColumns(_ context.Context, path string) ([]metastore.Column, error) {
	return nil, fmt.Errorf("%s: there is only text here", path)
}

func (lines) Query(ctx context.Context, q *analysis.Query, src hiveql.Source) (hiveql.Rows, error) {
	rows, err := evaluate(ctx, q.Root, src)
	if err != nil {
		return nil, err
	}
	out := &lineRows{columns: q.Output}
	for _, r := range rows {
		out.rows = append(out.rows, output(q, r))
	}
	return out, nil
}

func (lines) Write(
	ctx context.Context, q *analysis.Query, src hiveql.Source, out hiveql.Output,
) error {
	rows, err := evaluate(ctx, q.Root, src)
	if err != nil {
		return err
	}
	files := map[string]*hiveql.Written{}
	texts := map[string]string{}
	for _, r := range rows {
		values := output(q, r)
		data := values[:len(values)-out.Dynamic]
		var key partitions.Values
		for _, v := range values[len(data):] {
			if v == nil {
				v = partitions.DefaultName
			}
			key = append(key, v.(string))
		}
		name := strings.Join(key, "\x00")
		if files[name] == nil {
			files[name] = &hiveql.Written{Path: filepath.Join(out.Dir, fmt.Sprint("f", len(files))), Values: key}
		}
		var cells []string
		for i, v := range data {
			cells = append(cells, strings.Replace(string(hivetype.AppendText(nil, v, q.Output[i].Type)), "NULL", `\N`, 1))
		}
		texts[name] += strings.Join(cells, "\x01") + "\n"
		files[name].Rows++
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		f.Bytes = int64(len(texts[name]))
		if err := out.Sink.Grow(f.Bytes); err != nil {
			return err
		}
		if err := os.WriteFile(f.Path, []byte(texts[name]), 0o600); err != nil {
			return err
		}
		if err := out.Sink.Take(*f); err != nil {
			return err
		}
	}
	return nil
}

func output(q *analysis.Query, row map[int]hivetype.Value) []hivetype.Value {
	values := make([]hivetype.Value, len(q.Output))
	for i, o := range q.Output {
		values[i] = row[o.ID]
	}
	return values
}

type lineRows struct {
	columns []analysis.Output
	rows    [][]hivetype.Value
	at      int
}

func (r *lineRows) Columns() []analysis.Output { return r.columns }
func (r *lineRows) Next() bool                 { r.at++; return r.at <= len(r.rows) }
func (r *lineRows) Row() []hivetype.Value      { return r.rows[r.at-1] }
func (r *lineRows) Err() error                 { return nil }
func (r *lineRows) Close() error               { return nil }

type row = map[int]hivetype.Value

func evaluate(ctx context.Context, rel analysis.Rel, src hiveql.Source) ([]row, error) {
	switch n := rel.(type) {
	case *analysis.Scan:
		return scan(ctx, n, src)
	case *analysis.OneRow:
		return []row{{}}, nil
	case *analysis.Values:
		var rows []row
		for _, xs := range n.Rows {
			r := row{}
			for i, x := range xs {
				r[n.Cols[i].ID] = value(x, r)
			}
			rows = append(rows, r)
		}
		return rows, nil
	case *analysis.Filter: // tests filter by partition keys only, which the scan has done
		return evaluate(ctx, n.Input, src)
	case *analysis.Project:
		rows, err := evaluate(ctx, n.Input, src)
		for i, r := range rows {
			out := row{}
			for _, c := range n.Exprs {
				out[c.ID] = value(c.X, r)
			}
			rows[i] = out
		}
		return rows, err
	case *analysis.SetOp:
		var rows []row
		for _, side := range []analysis.Rel{n.L, n.R} {
			got, err := evaluate(ctx, side, src)
			if err != nil {
				return nil, err
			}
			for _, r := range got {
				out := row{}
				for i, c := range side.Columns() {
					out[n.Cols[i].ID] = r[c.ID]
				}
				rows = append(rows, out)
			}
		}
		return rows, nil
	}
	return nil, fmt.Errorf("the test's executor has no %T", rel)
}

func value(x analysis.Expr, r row) hivetype.Value {
	switch n := x.(type) {
	case *analysis.Ref:
		return r[n.ID]
	case *analysis.Const:
		return n.Value
	case *analysis.Cast:
		v := value(n.X, r)
		if v == nil {
			return nil
		}
		cast, _ := hivetype.ParseValue(string(hivetype.AppendText(nil, v, n.X.Type())), n.T)
		return cast
	case *analysis.Call:
		if n.Func.Name == "=" {
			l, r := value(n.Args[0], r), value(n.Args[1], r)
			if l != nil && r != nil {
				return l == r
			}
		}
	case *analysis.Case:
		for _, w := range n.Whens {
			if value(w.Cond, r) == true {
				return value(w.Then, r)
			}
		}
		if n.Else != nil {
			return value(n.Else, r)
		}
	}
	return nil
}

func scan(ctx context.Context, n *analysis.Scan, src hiveql.Source) ([]row, error) {
	var rows []row
	for files, err := range src.Files(ctx, n) {
		if err != nil {
			return nil, err
		}
		for _, f := range files.Files {
			got, err := readFile(ctx, n, files, f, src)
			if err != nil {
				return nil, err
			}
			rows = append(rows, got...)
		}
	}
	return rows, nil
}

func readFile(
	ctx context.Context, n *analysis.Scan, files hiveql.PartitionFiles, f hiveql.File, src hiveql.Source,
) ([]row, error) {
	r, err := src.Open(ctx, f, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var rows []row
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		cells := strings.Split(sc.Text(), "\x01")
		out := row{}
		for _, c := range n.Cols {
			switch {
			case c.Source == analysis.PartitionKey:
				out[c.ID], _ = hivetype.ParseValue(files.Partition.Values[c.Index], c.Type)
			case c.Source == analysis.DataColumn && c.Index < len(cells) && cells[c.Index] != `\N`:
				out[c.ID], _ = hivetype.ParseValue(cells[c.Index], c.Type)
			}
		}
		rows = append(rows, out)
	}
	return rows, sc.Err()
}
