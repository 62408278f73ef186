package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
)

// counts collect the costs of a statement from several goroutines.
type counts struct {
	rows, files, parts, bytes, fetched      atomic.Int64
	rowsWritten, filesWritten, bytesWritten atomic.Int64
	mu                                      sync.Mutex
	opened                                  map[string]bool
	coming                                  map[*rangecache.File]bool // those of which more may be fetched
}

func (c *counts) stats() Stats {
	return Stats{
		Rows: c.rows.Load(), Files: c.files.Load(), PartitionsRead: c.parts.Load(),
		BytesRead: c.bytes.Load(), BytesFetched: c.bytesFetched(), RowsWritten: c.rowsWritten.Load(),
		FilesWritten: c.filesWritten.Load(), BytesWritten: c.bytesWritten.Load(),
	}
}

// comes counts what is fetched of a file from now on, until it is released.
func (c *counts) comes(f *rangecache.File) (release func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.coming == nil {
		c.coming = map[*rangecache.File]bool{}
	}
	c.coming[f] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.coming, f)
		c.fetched.Add(f.Fetched())
		_ = f.Close()
	}
}

func (c *counts) bytesFetched() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.fetched.Load()
	for f := range c.coming {
		n += f.Fetched()
	}
	return n
}

// open counts a file the first time it is opened.
func (c *counts) open(f File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if url := f.URL(); !c.opened[url] {
		if c.opened == nil {
			c.opened = map[string]bool{}
		}
		c.opened[url] = true
		c.files.Add(1)
		c.bytes.Add(f.Object.Size)
	}
}

// source is the Source of one plan. All listings are done before the executor starts, so that
// a plan that a write overtook can be made again before it has any effect.
type source struct {
	cfg    *Config
	counts *counts
	scans  map[*analysis.Scan][]PartitionFiles
}

// errStale says that a table was overwritten, or changed otherwise, between planning and
// listing; the plan has to be made again.
var errStale = errors.New("the table was changed while the statement was being planned; run it again")

// newSource lists the files of every scan of the plan.
func (s *Session) newSource(ctx context.Context, q *analysis.Query, c *counts) (*source, error) {
	src := &source{cfg: s.cfg, counts: c, scans: map[*analysis.Scan][]PartitionFiles{}}
	for _, scan := range scansOf(q) {
		if _, done := src.scans[scan]; done {
			continue
		}
		files, err := src.list(ctx, scan)
		if err != nil {
			return nil, err
		}
		src.scans[scan] = files
	}
	return src, nil
}

// list finds the files of one scan, several partitions at a time.
func (src *source) list(ctx context.Context, scan *analysis.Scan) ([]PartitionFiles, error) {
	t := scan.Table
	found := []PartitionFiles{{Storage: &t.Storage}}
	if t.Partitioned() {
		found = make([]PartitionFiles, len(scan.Partitions))
		for i, p := range scan.Partitions {
			found[i] = PartitionFiles{Partition: p, Storage: &p.Storage}
		}
	}
	l := newLister(src.cfg, t)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(src.cfg.Parallel)
	for i := range found {
		p := &found[i]
		g.Go(func() error {
			params := t.Parameters
			if p.Partition != nil {
				params = p.Partition.Parameters
			}
			files, err := l.files(gctx, p.Storage.Location, params)
			p.Files = files
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := l.verify(ctx, found); err != nil {
		return nil, err
	}
	src.counts.parts.Add(int64(len(found)))
	for _, p := range found {
		if len(p.Files) > 0 {
			if err := readable(p.Storage, t); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// keys are those of all files that were listed.
func (src *source) keys() map[string]bool {
	keys := map[string]bool{}
	for _, parts := range src.scans {
		for _, p := range parts {
			for _, f := range p.Files {
				keys[f.Object.Key] = true
			}
		}
	}
	return keys
}

// Files yields what was listed.
func (src *source) Files(ctx context.Context, scan *analysis.Scan) iter.Seq2[PartitionFiles, error] {
	return func(yield func(PartitionFiles, error) bool) {
		files, ok := src.scans[scan]
		if !ok {
			var err error
			if files, err = src.list(ctx, scan); err != nil {
				yield(PartitionFiles{}, err)
				return
			}
		}
		for _, p := range files {
			if err := ctx.Err(); err != nil {
				yield(PartitionFiles{}, context.Cause(ctx))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Local gives a file in place or in the cache.
func (src *source) Local(ctx context.Context, f File) (Local, error) {
	if lp, ok := storage.As[storage.LocalPather](f.Bucket); ok {
		path, ok, err := lp.LocalPath(ctx, f.Object.Key)
		if err != nil {
			return Local{}, err
		}
		if ok {
			src.counts.open(f)
			return Local{Path: path, Release: func() {}}, nil
		}
	}
	if src.cfg.Cache == nil {
		return Local{}, fmt.Errorf("read %s: it has to be fetched, and there is no cache directory", f.URL())
	}
	file, err := src.cfg.Cache.Object(ctx, f.Bucket, f.Object)
	if err != nil {
		return Local{}, err
	}
	src.counts.open(f)
	return Local{Path: file.Path(), Parts: file, Release: src.counts.comes(file)}, nil
}

// Open streams a file.
func (src *source) Open(ctx context.Context, f File, from int64) (storage.Reader, error) {
	if from == 0 {
		src.counts.open(f)
	}
	return f.Bucket.Open(ctx, f.Object.Key, storage.ReadOptions{IfMatch: f.Object.ETag, Offset: from})
}

// directory opens a location as a prefix that ends in a slash.
func (cfg *Config) directory(ctx context.Context, url string) (storage.Location, error) {
	loc, err := cfg.Storage.Open(ctx, url)
	if err != nil {
		return loc, err
	}
	if loc.Prefix != "" && loc.Prefix[len(loc.Prefix)-1] != '/' {
		loc.Prefix += "/"
	}
	return loc, nil
}

// within lists the objects at a location. A bucket that does not exist holds none: the first
// write may be what makes it.
func within(ctx context.Context, loc storage.Location) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for o, err := range loc.Bucket.List(ctx, loc.Prefix) {
			if errors.Is(err, storage.ErrNotExist) {
				return
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
	}
}

// locationOf is where the files of a new partition go.
func locationOf(t *metastore.Table, v []string) (string, error) {
	name, err := t.Keys().Name(v)
	if err != nil {
		return "", err
	}
	return t.Storage.Location + "/" + name, nil
}
