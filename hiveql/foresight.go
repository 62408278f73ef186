package hiveql

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/storage"
)

// A query of tables whose places have to be listed begins with what was found there before, while they are listed anew: so
// that a listing takes hardly any time of its own, near or far. Nobody is given a row before the two have been compared. If
// they differ what has been done is dropped, and the query begins again with what is there now.

// foresee is newSource, with files that are foreseen where all that have to be listed have been before. Then settled
// returns when they have been listed anew: errStale if they are others now. It must be called, may be called again, and
// its error goes before what the query says of files that may be gone. As soon as there is one, stop is called. What was
// listed since the statement began is not listed again.
func (s *Session) foresee(ctx context.Context, q *analysis.Query, c *counts, began time.Time, stop func()) (src *source, settled func() error, err error) {
	if len(q.Reductions) > 0 { // queries that are run before this one have to be right
		src, err = s.newSource(ctx, q, c)
		return src, func() error { return nil }, err
	}
	src, scans, err := s.openSource(ctx, q, c, began)
	if err != nil {
		return nil, nil, err
	}
	opened := src
	defer func() {
		if err != nil {
			opened.close()
		}
	}()
	before, err := src.foreseen(ctx, scans)
	if err != nil {
		return nil, nil, err
	}
	if before == nil || !src.takes(scans, before) {
		err = s.listAll(ctx, src, scans)
		return src, func() error { return nil }, err
	}
	listing := make(chan error, 1)
	go func() {
		err := Guard(func() error {
			now, err := src.listed(ctx, scans)
			if err == nil && !slices.EqualFunc(before, now, sameFiles) {
				return errStale
			}
			return err
		})
		if err != nil {
			stop()
		}
		listing <- err
	}()
	return src, sync.OnceValue(func() error {
		err := <-listing
		if err != nil {
			c.beginAgain()
		}
		return err
	}), nil
}

// takes takes what is foreseen, if all of it can be read: otherwise it is to be seen whether it is still there.
func (src *source) takes(scans []*analysis.Scan, before [][]PartitionFiles) bool {
	for i, scan := range scans {
		if src.has(scan, before[i]) != nil {
			clear(src.scans)
			src.counts.beginAgain()
			return false
		}
	}
	return true
}

// foreseen are the files of each scan as they were found before, nil if some were not, or none has to be listed.
func (src *source) foreseen(ctx context.Context, scans []*analysis.Scan) ([][]PartitionFiles, error) {
	all, lists := make([][]PartitionFiles, len(scans)), false
	for i, scan := range scans {
		l := src.lister(scan.Table)
		all[i] = partsOf(scan)
		for at := range all[i] {
			p := &all[i][at]
			files, how, err := l.before(ctx, p.Storage.Location, p.params(scan.Table))
			if err != nil || how == unknown {
				return nil, err
			}
			p.Files, lists = files, lists || how == listedBefore
		}
	}
	if !lists {
		return nil, nil
	}
	return all, nil
}

// sameFiles reports whether two listings of a scan are the same.
func sameFiles(a, b []PartitionFiles) bool {
	return slices.EqualFunc(a, b, func(a, b PartitionFiles) bool {
		return slices.EqualFunc(a.Files, b.Files, func(a, b File) bool { return sameVersion(a.Object, b.Object) })
	})
}

func sameVersion(a, b storage.Object) bool {
	return a.Key == b.Key && a.Size == b.Size && a.ETag == b.ETag && a.ModTime.Equal(b.ModTime)
}

// beginAgain forgets what was counted of a plan that is made again, but not what it has cost.
func (c *counts) beginAgain() {
	for _, n := range []interface{ Store(int64) }{&c.parts, &c.listed, &c.files, &c.bytes, &c.groups, &c.groupsPruned, &c.filesPruned} {
		n.Store(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.opened, c.planned = nil, nil
}
