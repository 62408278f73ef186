package hiveql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// What is asked before a query is run has to be cheap: so many bytes of files at most are read
// for it, of so many partitions, for so many values.
const (
	mostAskedBytes      = 64 << 20
	mostAskedPartitions = 1000
	mostAskedValues     = 10000
)

var errTooManyValues = errors.New("too many values")

// reduce leaves out partitions of a plan by the values that the small sides of its joins and its
// subqueries have, which it runs first. Their files are listed once, for this and for the query, so
// that both see the same rows.
func (s *Session) reduce(ctx context.Context, q *analysis.Query, src *source) error {
	if s.cfg.Executor == nil || strings.EqualFold(s.Setting("hive.tez.dynamic.partition.pruning"), "false") {
		q.Narrowings = nil
		return nil
	}
	asked := map[*analysis.Ask]bool{}
	for _, r := range q.Reductions {
		if _, listed := src.scans[r.Scan]; listed || len(r.Scan.Partitions) < 2 {
			continue
		}
		for _, ask := range r.Asks {
			if asked[ask] {
				continue
			}
			asked[ask] = true
			if err := s.answer(ctx, ask, r.Scan, src); err != nil {
				return err
			}
		}
		r.Apply()
	}
	return nil
}

// answer runs what is asked, if it is small and does not read the scan that is to be reduced.
func (s *Session) answer(ctx context.Context, ask *analysis.Ask, about *analysis.Scan, src *source) error {
	scans := ask.Query.Scans(nil)
	for _, scan := range scans {
		if scan == about || len(scan.Partitions) > mostAskedPartitions {
			return nil
		}
	}
	if err := s.listAll(ctx, src, scans); err != nil {
		return err
	}
	var bytes int64
	for _, scan := range scans {
		for _, p := range src.scans[scan] {
			for _, f := range p.Files {
				bytes += f.Object.Size
			}
		}
	}
	if bytes > mostAskedBytes {
		return nil
	}
	return Answer(ctx, s.cfg.Executor, ask, src)
}

// Answer runs what is asked and says what it gave, unless it fails or has too many values. The error
// is that of ctx: the query itself will say what else is wrong.
func Answer(ctx context.Context, e Executor, ask *analysis.Ask, src Source) error {
	values, err := valuesOf(ctx, e, ask.Query, src)
	if err == nil {
		ask.Answer(values)
	}
	return ctx.Err()
}

// valuesOf are the values of a query of one column.
func valuesOf(ctx context.Context, e Executor, q *analysis.Query, src Source) (values []hivetype.Value, err error) {
	rows, err := e.Query(ctx, q, src)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if len(values) == mostAskedValues {
			return nil, errTooManyValues
		}
		values = append(values, keep(rows.Row()[0]))
	}
	return values, rows.Err()
}

// keep copies a value that would not outlast its row.
func keep(v hivetype.Value) hivetype.Value {
	switch v := v.(type) {
	case string:
		return strings.Clone(v)
	case []byte:
		return slices.Clone(v)
	}
	return v
}
