package duck

import (
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
)

// What is asked before a query is run makes it wait. That is worth while where much would have to
// be fetched, and little read to find out what of it is needed.
const (
	leastNarrowed = 8 << 20 // bytes that would have to be fetched
	mostNarrowing = 16 << 20
	narrowedShare = 4 // times the bytes that are read to find out
)

// narrow leaves out row groups, and whole files, by the values that the small sides of joins and
// subqueries have, which it runs first: of files that are far away and of which much is missing.
// DuckDB passes over such row groups itself, but knows them only when it has read the small side;
// by then they would be on their way.
func (l *lowerer) narrow(q *analysis.Query) error {
	for _, r := range q.Narrowings {
		if !l.worthAsking(r) {
			continue
		}
		for _, ask := range r.Asks {
			if ask.Answered() {
				continue
			}
			if err := hiveql.Answer(l.ctx, asking{l.exec}, ask, uncounted{l.src, new(atomic.Int64)}); err != nil {
				return err
			}
		}
		for _, g := range l.prepared[r.Scan] {
			g.count()
		}
		work, ctx := errgroup.WithContext(l.ctx)
		work.SetLimit(filesAtOnce)
		for _, g := range l.prepared[r.Scan] {
			for i := range g.files {
				work.Go(func() error { return hiveql.Guard(func() error { return narrowFile(ctx, r, &g.files[i]) }) })
			}
		}
		if err := work.Wait(); err != nil {
			return &Error{Op: "read", Msg: err.Error(), Err: err}
		}
	}
	return nil
}

// count notes how many rows the files have before any of them is left out.
func (g *scanGroup) count() {
	if g.before > 0 {
		return
	}
	for _, f := range g.files {
		if f.footer != nil && len(f.groups) > 0 {
			g.before += f.footer.Rows
		}
	}
}

// narrowFile takes those row groups from a file that cannot meet the condition.
func narrowFile(ctx context.Context, r *analysis.Reduction, f *scanFile) error {
	if f.footer == nil {
		return nil
	}
	conds := []analysis.Expr{r.Cond()}
	f.groups = slices.DeleteFunc(f.groups, func(n int) bool {
		return !analysis.MayHold(conds, ranges(r.Scan, f.footer, &f.footer.Groups[n]))
	})
	return f.sift(ctx, r.Scan, conds)
}

// worthAsking reports whether what a reduction asks is cheap, measured by what it may spare, and
// likely to spare something.
func (l *lowerer) worthAsking(r *analysis.Reduction) bool {
	missing := l.missing(r.Scan)
	if missing < leastNarrowed {
		return false
	}
	cost := int64(0)
	for _, ask := range r.Asks {
		if ask.Answered() {
			continue
		}
		for _, s := range ask.Query.Scans(nil) {
			if s == r.Scan {
				return false
			}
			cost += l.toRead(s)
		}
	}
	if cost > mostNarrowing || cost > missing/narrowedShare {
		return false
	}
	var all []map[int]analysis.Range
	for _, g := range l.prepared[r.Scan] {
		for _, f := range g.files {
			for _, n := range f.groups {
				all = append(all, ranges(r.Scan, f.footer, &f.footer.Groups[n]))
			}
		}
	}
	return r.Divides(all)
}

// missing is how many bytes that a scan reads have to be fetched.
func (l *lowerer) missing(s *analysis.Scan) int64 {
	n := int64(0)
	for _, g := range l.prepared[s] {
		var a ahead
		for i := range g.files {
			a.addFile(&g.files[i], s)
		}
		for _, r := range a.ranges {
			n += r.parts.Missing(r.off, r.n)
		}
	}
	return n
}

// toRead is how many bytes a scan reads.
func (l *lowerer) toRead(s *analysis.Scan) int64 {
	n := int64(0)
	for _, g := range l.prepared[s] {
		for i := range g.files {
			f := &g.files[i]
			if f.footer == nil {
				n += f.file.Object.Size
				continue
			}
			read := f.reads(s)
			for _, group := range f.groups {
				for leaf, c := range f.footer.Groups[group].Chunks {
					if read[leaf] {
						n += c.Size
					}
				}
			}
		}
	}
	return n
}

// uncounted is a source for a part of a query that is run before it: its row groups are counted
// with those of the query.
type uncounted struct {
	hiveql.Source
	cut *atomic.Int64
}

func (uncounted) RowGroups(int, int) {}

func (u uncounted) Cut() *atomic.Int64 { return u.cut }
