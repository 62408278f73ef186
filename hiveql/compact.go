package hiveql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// mergeSize is the setting that says how large files should be, in bytes.
const mergeSize = "hive.merge.size.per.task"

// targetSize is its value.
func (s *Session) targetSize() int64 {
	n, _ := strconv.ParseInt(s.Setting(mergeSize), 10, 64) // set checks it
	return n
}

// concatenate runs ALTER TABLE ... CONCATENATE.
func (s *Session) concatenate(
	ctx context.Context, r *Result, t *metastore.Table, spec *syntax.PartitionSpec, n *syntax.Concatenate,
) error {
	if t.Partitioned() && spec == nil {
		return semantic(n, 0, "source table %s is partitioned but no partition desc found.", t.TableName)
	}
	done, err := s.compact(ctx, r, n, t, spec, nil)
	for _, c := range done {
		r.say(fmt.Sprintf("Concatenated %s: %d files before, %d after", c.name, c.filesBefore, c.filesAfter))
	}
	return err
}

// optimize runs OPTIMIZE TABLE: CONCATENATE for any number of partitions, which shows what it did.
func (s *Session) optimize(ctx context.Context, r *Result, n *syntax.Optimize) error {
	t, err := s.dataTable(ctx, &n.Table)
	if err != nil {
		return err
	}
	done, err := s.compact(ctx, r, n, t, n.Partition, n.Where)
	if err != nil {
		return err
	}
	rows := make([][]string, len(done))
	for i, c := range done {
		rows[i] = []string{c.name, strconv.Itoa(c.filesBefore), strconv.Itoa(c.filesAfter),
			strconv.FormatInt(c.bytesBefore, 10), strconv.FormatInt(c.bytesAfter, 10)}
	}
	r.show([]string{"place", "files_before", "files_after", "bytes_before", "bytes_after"}, rows)
	return nil
}

// compacted is what became of one partition, or of a table without partition keys.
type compacted struct {
	name                    string
	filesBefore, filesAfter int
	bytesBefore, bytesAfter int64
}

// compact joins the small files of a table, or of those of its partitions that agree with a spec
// and a condition, into files of about the target size. It is one overwrite that replaces the files
// it has read and no others: rows that come in between stay.
func (s *Session) compact(
	ctx context.Context, r *Result, n syntax.Node, t *metastore.Table, spec *syntax.PartitionSpec, where syntax.Expr,
) ([]compacted, error) {
	if err := compactable(n, t); err != nil {
		return nil, err
	}
	match, err := s.placesWanted(t, spec, where)
	if err != nil {
		return nil, err
	}
	var done []compacted
	err = s.replanning(ctx, func() (err error) {
		if t, err = s.cfg.Store.Table(ctx, t.TableName); err != nil {
			return err
		}
		done, err = s.compactOnce(ctx, r, t, match)
		return s.staleIfReplaced(ctx, t, err)
	})
	if err == nil && len(done) == 0 && spec != nil {
		return nil, semantic(spec, 10006, "Partition not found %s", syntax.Print(spec))
	}
	return done, err
}

// staleIfReplaced tells files that have gone because others have replaced them from files that are
// lost.
func (s *Session) staleIfReplaced(ctx context.Context, t *metastore.Table, err error) error {
	if !errors.Is(err, storage.ErrNotExist) && !errors.Is(err, storage.ErrChanged) {
		return err
	}
	now, lost := s.cfg.Store.Table(ctx, t.TableName)
	if lost != nil || now.Parameters[generationParam] == t.Parameters[generationParam] {
		return err
	}
	return errStale
}

// compactable refuses tables of which files cannot be joined.
func compactable(n syntax.Node, t *metastore.Table) error {
	switch {
	case t.Type == metastore.View:
		return semantic(n, 10091, "Concatenate/Merge is not supported for views")
	case t.Storage.NumBuckets > 0 && len(t.Storage.BucketColumns) > 0:
		return semantic(n, 30031, "Concatenate/Merge can not be performed on bucketized tables")
	}
	for _, lines := range []string{"skip.header.line.count", "skip.footer.line.count"} {
		if v := t.Parameters[lines]; v != "" && v != "0" {
			return unsupported(n, "joining files with lines that are to be skipped ("+lines+")")
		}
	}
	if classEqual(t.Storage.SerDe.Library, avroSerDe) {
		return unsupported(n, "joining Avro files, which may have more than the table shows,")
	}
	return readable(&t.Storage, t)
}

// placesWanted is what the partitions have in common that a spec and a condition choose; nil is
// nothing.
func (s *Session) placesWanted(t *metastore.Table, spec *syntax.PartitionSpec, where syntax.Expr) (partitions.Predicate, error) {
	var all partitions.And
	if spec != nil {
		p, err := s.specPredicate(t, spec)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if where != nil {
		p, err := partitions.ParseFilter(syntax.Print(namedNull(where)))
		if err == nil {
			err = t.Keys().Check(p)
		}
		if err != nil {
			return nil, semantic(where, 10214, "OPTIMIZE TABLE WHERE takes a condition on partition keys: %v", err)
		}
		all = append(all, p)
	}
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// compaction is one try of compact.
type compaction struct {
	s      *Session
	r      *Result
	src    *source
	table  *metastore.Table
	target int64
	tails  atomic.Int64 // bytes of files that may still be kept in memory
	places []*compactPlace

	uploads *uploads // of files that are made of rows
}

// compactPlace is one partition, or a table without keys.
type compactPlace struct {
	PartitionFiles
	small  []*compactFile
	groups [][]*compactFile // of which each becomes one file, or more where they are decoded
	to     *target
}

// compactFile is a file that is smaller than it should be.
type compactFile struct {
	File
	kind string // files of equal kinds can be joined as they are; "" cannot
	in   *columnarFile
}

func (s *Session) compactOnce(ctx context.Context, r *Result, t *metastore.Table, match partitions.Predicate) ([]compacted, error) {
	c := &compaction{s: s, r: r, table: t, target: s.targetSize()}
	c.tails.Store(keptTails)
	if err := c.find(ctx, match); err != nil {
		return nil, err
	}
	defer c.src.close()
	if err := c.group(ctx); err != nil {
		return nil, err
	}
	done, err := c.before()
	if err != nil {
		return nil, err
	}
	j := &job{s: s, table: t, overwrite: true, compacts: true, upload: c.upload}
	for _, p := range c.places {
		if p.to != nil {
			j.targets = append(j.targets, p.to)
		}
	}
	if len(j.targets) == 0 {
		return done, s.recoverWrites(ctx, t)
	}
	if err := j.run(ctx); err != nil {
		return nil, err
	}
	for i, p := range c.places {
		if p.to == nil {
			continue
		}
		done[i].filesAfter += int(p.to.files)
		done[i].bytesAfter += p.to.bytes
		for _, made := range p.to.made {
			r.counts.filesWritten.Add(1)
			r.counts.bytesWritten.Add(made.Size)
		}
	}
	return done, nil
}

// find lists the files of the places.
func (c *compaction) find(ctx context.Context, match partitions.Predicate) error {
	s, scan := c.s, &analysis.Scan{Table: c.table}
	if c.table.Partitioned() {
		for p, err := range s.cfg.Store.Partitions(ctx, c.table.TableName, match) {
			if err != nil {
				return err
			}
			scan.Partitions = append(scan.Partitions, p)
		}
	}
	var tables []metastore.TableName
	if !s.temporary.has(c.table.TableName) {
		tables = append(tables, c.table.TableName)
	}
	c.src = &source{cfg: s.cfg, counts: &c.r.counts, lease: s.lease(ctx, tables), nanos: true,
		whole: s.settings.isTrue(verifyWhole), ranges: s.settings.isTrue(verifyRanges)}
	found, err := c.src.list(ctx, scan, make(chan struct{}, s.cfg.Parallel))
	if err != nil {
		c.src.close()
		return err
	}
	for _, p := range found {
		c.places = append(c.places, &compactPlace{PartitionFiles: p})
	}
	return nil
}

// before is what there is of each place, and counts as what there will be.
func (c *compaction) before() ([]compacted, error) {
	done := make([]compacted, len(c.places))
	for i, p := range c.places {
		d := &done[i]
		d.name = c.table.String()
		if p.Partition != nil {
			var err error
			if d.name, err = c.table.Keys().Name(p.Partition.Values); err != nil {
				return nil, err
			}
		}
		for _, f := range p.Files {
			d.filesBefore++
			d.bytesBefore += f.Object.Size
		}
		d.filesAfter, d.bytesAfter = d.filesBefore, d.bytesBefore
	}
	return done, nil
}

// group finds out what to join with what. A file has the target size if it has three quarters of it.
func (c *compaction) group(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(c.s.cfg.Parallel)
	for _, p := range c.places {
		var small []*compactFile
		for _, f := range p.Files {
			if f.Object.Size < c.target/4*3 {
				small = append(small, &compactFile{File: f})
			}
		}
		if len(small) < 2 {
			continue
		}
		p.small = small
		for _, f := range small {
			g.Go(func() error { return c.recognise(gctx, p, f) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, p := range c.places {
		for _, group := range packed(p.small, c.target) {
			if len(group) > 1 {
				p.groups = append(p.groups, group)
			}
		}
		if len(p.groups) > 0 {
			p.to = c.targetOf(p)
		}
	}
	return nil
}

// targetOf is the place as the job's target.
func (c *compaction) targetOf(p *compactPlace) *target {
	t := &target{location: p.Storage.Location, storage: p.Storage, replaces: map[string]bool{}}
	if p.Partition != nil {
		t.values = p.Partition.Values
	}
	for _, group := range p.groups {
		for _, f := range group {
			t.replaces[f.Object.Key] = true
			t.files--
			t.bytes -= f.Object.Size
		}
	}
	return t
}

// packed puts files into groups of at most the target size, the largest first. What it has put
// together once it leaves alone the next time.
func packed(files []*compactFile, target int64) [][]*compactFile {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b *compactFile) int { return cmp.Compare(b.Object.Size, a.Object.Size) })
	var groups [][]*compactFile
	var room []int64
	open := 0 // the groups before it are full
	for _, f := range files {
		i := open
		for i < len(groups) && room[i] < f.Object.Size {
			i++
		}
		if i == len(groups) {
			groups, room = append(groups, nil), append(room, target)
		}
		groups[i] = append(groups[i], f)
		room[i] -= f.Object.Size
		for open < len(room) && room[open] < files[len(files)-1].Object.Size {
			open++
		}
	}
	for _, group := range groups { // rows stay in the order of the files' names
		slices.SortFunc(group, func(a, b *compactFile) int { return strings.Compare(a.Object.Key, b.Object.Key) })
	}
	return groups
}
