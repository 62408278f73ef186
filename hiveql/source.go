package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
)

// counts collect the costs of a statement from several goroutines.
type counts struct {
	rows, files, parts, bytes, fetched      atomic.Int64
	groups, groupsPruned, filesPruned       atomic.Int64
	gets, found, lists, listed, changed     atomic.Int64
	compared                                atomic.Int64
	firstRow                                atomic.Int64 // when it came, in nanoseconds since 1970
	rowsWritten, filesWritten, bytesWritten atomic.Int64
	cut                                     atomic.Int64 // timestamps that lost digits
	mu                                      sync.Mutex
	opened                                  map[string]bool
	planned                                 []considered
	coming                                  map[*rangecache.File]bool // those of which more may be fetched
}

func (c *counts) stats() Stats {
	st := Stats{
		Rows: c.rows.Load(), Files: c.files.Load(), FilesListed: c.listed.Load(), PartitionsRead: c.parts.Load(),
		Lists: c.lists.Load(), RowGroups: c.groups.Load(), RowGroupsPruned: c.groupsPruned.Load(),
		FilesPruned: c.filesPruned.Load(), BytesRead: c.bytes.Load(), RowsWritten: c.rowsWritten.Load(),
		FilesWritten: c.filesWritten.Load(), BytesWritten: c.bytesWritten.Load(), TimestampsCut: c.cut.Load(),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	st.BytesFetched, st.BytesFound, st.Gets = c.fetched.Load(), c.found.Load(), c.gets.Load()
	st.BlocksChanged, st.BytesCompared = c.changed.Load(), c.compared.Load()
	for f := range c.coming {
		st.BytesFetched += f.Fetched()
		st.BytesFound += f.Found()
		st.Gets += f.Requests()
		st.BlocksChanged += f.Changed()
		st.BytesCompared += f.Compared()
	}
	return st
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
		c.found.Add(f.Found())
		c.gets.Add(f.Requests())
		c.changed.Add(f.Changed())
		c.compared.Add(f.Compared())
		_ = f.Close()
	}
}

// whole reports timestamps that lost digits, where they are refused.
func (c *counts) whole(refuse bool) error {
	if n := c.cut.Load(); refuse && n > 0 {
		return &Error{Phase: Execution, Code: 2, SQLState: "22008", Task: queryTask, Msg: fmt.Sprintf(
			"%d timestamps have digits behind the microseconds, which are not kept", n), Hint: "SET " + nanos + "=cut cuts them off"}
	}
	return nil
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
	lease  *lease
	kept   *listings
	ttl    time.Duration          // for them
	since  time.Time              // what was listed since then is good; zero if nothing is
	shared map[tableState]*lister // of the tables that several scans are of
	nanos  bool                   // whether timestamps keep their nanoseconds
	whole  bool                   // whether far Parquet files without sums are compared before they are used
	ranges bool                   // whether parts of far files that have no sums are confirmed before they are used
}

// errStale says that a table was overwritten, or changed otherwise, between planning and
// listing; the plan has to be made again.
var errStale = errors.New("the table was changed while the statement was being planned; run it again")

// newSource lists the files of every scan of the plan. It is closed when the plan has been carried
// out.
func (s *Session) newSource(ctx context.Context, q *analysis.Query, c *counts) (*source, error) {
	src, scans, err := s.openSource(ctx, q, c, time.Time{})
	if err != nil {
		return nil, err
	}
	if err := s.listAll(ctx, src, scans); err != nil {
		src.close()
		return nil, err
	}
	return src, nil
}

// openSource is newSource that has listed nothing yet, but what is asked before. What was listed at a time or later, unless
// that is zero, is not listed again.
func (s *Session) openSource(ctx context.Context, q *analysis.Query, c *counts, since time.Time) (*source, []*analysis.Scan, error) {
	src := s.emptySource(c)
	src.since = since
	scans := q.Scans(nil)
	if err := s.avroScans(ctx, scans); err != nil {
		return nil, nil, err
	}
	var tables []metastore.TableName
	for _, scan := range scans {
		if name := scan.Table.TableName; !s.temporary.has(name) && !slices.Contains(tables, name) {
			tables = append(tables, name)
		}
	}
	src.lease = s.lease(ctx, tables)
	src.share(scans)
	if err := s.reduce(ctx, q, src); err != nil {
		src.close()
		return nil, nil, err
	}
	return src, scans, nil
}

// emptySource has listed nothing yet.
func (s *Session) emptySource(c *counts) *source {
	ttl, err := time.ParseDuration(s.Setting(listingTTL))
	if err != nil {
		ttl = 0 // it came in as a hiveconf
	}
	return &source{cfg: s.cfg, counts: c, scans: map[*analysis.Scan][]PartitionFiles{}, kept: &s.engine.listings, ttl: ttl, nanos: s.keepsNanos(),
		whole: s.settings.isTrue(verifyWhole), ranges: s.settings.isTrue(verifyRanges)}
}

// listAll lists the files of scans that have not been listed yet.
func (s *Session) listAll(ctx context.Context, src *source, scans []*analysis.Scan) error {
	scans = slices.DeleteFunc(slices.Clone(scans), func(scan *analysis.Scan) bool { return src.scans[scan] != nil })
	found, err := src.listed(ctx, scans)
	if err != nil {
		return err
	}
	for i, scan := range scans {
		if err := src.has(scan, found[i]); err != nil {
			return err
		}
	}
	return nil
}

// listed lists the files of scans, which show one state of each table.
func (src *source) listed(ctx context.Context, scans []*analysis.Scan) ([][]PartitionFiles, error) {
	found := make([][]PartitionFiles, len(scans))
	g, gctx := errgroup.WithContext(ctx)
	limit := make(chan struct{}, src.cfg.Parallel) // of all scans together
	for i, scan := range scans {
		g.Go(func() (err error) {
			found[i], err = src.list(gctx, scan, limit)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return found, src.verify(ctx, scans, found)
}

// has takes what was listed for a scan.
func (src *source) has(scan *analysis.Scan, found []PartitionFiles) error {
	src.counts.parts.Add(int64(len(found)))
	src.counts.plans(src.cfg.Store, scan)
	var last *metastore.StorageDescriptor // one that is readable: partitions have much in common
	for _, p := range found {
		src.counts.listed.Add(int64(len(p.Files)))
		if len(p.Files) > 0 && (last == nil || last.InputFormat != p.Storage.InputFormat || last.SerDe.Library != p.Storage.SerDe.Library) {
			last = p.Storage
			if err := readable(p.Storage, scan.Table); err != nil {
				return err
			}
		}
	}
	src.scans[scan] = found
	return nil
}

// verify makes sure that what was listed shows one state of each table, which is read once for all scans
// of it.
func (src *source) verify(ctx context.Context, scans []*analysis.Scan, found [][]PartitionFiles) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(src.cfg.Parallel)
	of := map[metastore.TableName][]int{}
	for i, scan := range scans {
		of[scan.Table.TableName] = append(of[scan.Table.TableName], i)
	}
	for name, places := range of {
		g.Go(func() error {
			now, err := tableNow(ctx, src.cfg.Store, name)
			for _, i := range places {
				if err == nil {
					err = verify(scans[i].Table, now, found[i])
				}
			}
			return err
		})
	}
	return g.Wait()
}

// close says that the plan needs its files no more.
func (src *source) close() { src.lease.end() }

// list finds the files of one scan, several partitions at a time.
func (src *source) list(ctx context.Context, scan *analysis.Scan, limit chan struct{}) ([]PartitionFiles, error) {
	found := partsOf(scan)
	l := src.lister(scan.Table)
	g, gctx := errgroup.WithContext(ctx)
	for i := range found {
		p := &found[i]
		select {
		case limit <- struct{}{}:
		case <-gctx.Done():
			return nil, errors.Join(g.Wait(), context.Cause(ctx))
		}
		g.Go(func() error {
			defer func() { <-limit }()
			files, err := l.files(gctx, p.Storage.Location, p.params(scan.Table))
			p.Files = files
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return found, nil
}

// partsOf are the partitions of a scan, or its table, without files.
func partsOf(scan *analysis.Scan) []PartitionFiles {
	t := scan.Table
	if !t.Partitioned() {
		return []PartitionFiles{{Storage: &t.Storage}}
	}
	parts := make([]PartitionFiles, len(scan.Partitions))
	for i, p := range scan.Partitions {
		parts[i] = PartitionFiles{Partition: p, Storage: &p.Storage}
	}
	return parts
}

// params are those of the partition, or of its table.
func (p *PartitionFiles) params(t *metastore.Table) map[string]string {
	if p.Partition != nil {
		return p.Partition.Parameters
	}
	return t.Parameters
}

func (src *source) lister(t *metastore.Table) *lister {
	if l := src.shared[stateOf(t)]; l != nil {
		return l
	}
	return src.newLister(t)
}

func (src *source) newLister(t *metastore.Table) *lister {
	l := newLister(src.cfg, t)
	l.lists, l.kept, l.ttl, l.since = &src.counts.lists, src.kept, src.ttl, src.since
	return l
}

// tableState is a table in one of its versions.
type tableState struct {
	metastore.TableName
	version int64
}

func stateOf(t *metastore.Table) tableState { return tableState{t.TableName, t.Version} }

// share makes that what several scans of a table read is listed once.
func (src *source) share(scans []*analysis.Scan) {
	seen := map[tableState]bool{}
	src.shared = map[tableState]*lister{}
	for _, scan := range scans {
		state := stateOf(scan.Table)
		if seen[state] && src.shared[state] == nil {
			l := src.newLister(scan.Table)
			l.once = map[string]func() ([]storage.Object, error){}
			src.shared[state] = l
		}
		seen[state] = true
	}
}

// Files yields what was listed.
func (src *source) Files(ctx context.Context, scan *analysis.Scan) iter.Seq2[PartitionFiles, error] {
	return func(yield func(PartitionFiles, error) bool) {
		files, ok := src.scans[scan]
		if !ok {
			yield(PartitionFiles{}, fmt.Errorf("table %s is not in the plan", scan.Table.TableName))
			return
		}
		left := scan.SampleBytes
		for _, p := range files {
			if err := ctx.Err(); err != nil {
				yield(PartitionFiles{}, context.Cause(ctx))
				return
			}
			if scan.SampleBytes > 0 {
				p.Files = firstBytes(p.Files, &left)
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// firstBytes are the first files that have what is left to be taken, of which it takes theirs off.
func firstBytes(files []File, left *int64) []File {
	for i, f := range files {
		if *left <= 0 {
			return files[:i]
		}
		*left -= f.Object.Size
	}
	return files
}

// RowGroups counts them.
func (src *source) RowGroups(considered, pruned int) {
	src.counts.groups.Add(int64(considered))
	src.counts.groupsPruned.Add(int64(pruned))
	if considered > 0 && pruned == considered {
		src.counts.filesPruned.Add(1)
	}
}

// Nanos is what the setting says.
func (src *source) Nanos() bool { return src.nanos }

// Cut is the counter of the statement.
func (src *source) Cut() *atomic.Int64 { return &src.counts.cut }

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
	return Local{Path: file.Path(), Parts: file, Whole: src.whole, Ranges: src.ranges, Release: src.counts.comes(file)}, nil
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
