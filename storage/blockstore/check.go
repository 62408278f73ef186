package blockstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/skepdata/skep/storage"
)

// CheckOptions say what Check looks at. The zero value is the whole store, without reading blocks.
type CheckOptions struct {
	Volume         string // only what is in it; empty stands for all, and what no object has
	Path           string // only the object of that key, and what is below it
	Deep           bool   // read every block and compare its checksums
	BytesPerSecond int64  // at most, of a deep check; 0 is as fast as it goes
	// Progress, if not nil, is called now and then by the goroutine that takes the findings.
	Progress func(CheckProgress)
}

// CheckProgress is how far a check is.
type CheckProgress struct {
	Objects, Blocks int64 // that were looked at
	Bytes           int64 // that were read
}

// Check yields what is wrong with the store. It changes nothing. An error is what kept it from
// looking; damage is a finding.
func (s *Store) Check(ctx context.Context, opts CheckOptions) iter.Seq2[Finding, error] {
	return func(yield func(Finding, error) bool) {
		c := &checker{store: s.store, opts: opts, yield: yield, begun: time.Now()}
		if err := c.run(ctx); err != nil && !errors.Is(err, errStopped) {
			yield(Finding{}, err)
		}
	}
}

var errStopped = errors.New("the caller wants no more findings")

type checker struct {
	*store
	opts  CheckOptions
	yield func(Finding, error) bool
	begun time.Time
	done  CheckProgress
	buf   []byte
}

func (c *checker) report(f Finding) error {
	if !c.yield(f, nil) {
		return errStopped
	}
	return nil
}

func (c *checker) run(ctx context.Context) error {
	if c.opts.Volume == "" {
		if err := c.checkNamespace(ctx); err != nil {
			return err
		}
		if err := c.checkDisks(ctx); err != nil {
			return err
		}
	}
	volumes, err := c.volumes(ctx)
	if err != nil {
		return err
	}
	for _, v := range volumes {
		for _, old := range []bool{false, true} {
			if err := c.checkVolume(ctx, v, old); err != nil {
				return err
			}
		}
	}
	if c.opts.Progress != nil {
		c.opts.Progress(c.done)
	}
	if c.opts.Volume != "" {
		return nil
	}
	return c.orphans(ctx, func(d *disk, path string, id int64, age time.Duration) error {
		return c.report(Finding{Kind: Orphan, Block: id, Disk: d.id, Path: path, Detail: fmt.Sprintf("since %s", age.Round(time.Second))})
	})
}

// volumes are those to look at.
func (c *checker) volumes(ctx context.Context) ([]volumeState, error) {
	if c.opts.Volume != "" {
		v, ok, err := c.ns.volume(ctx, c.opts.Volume)
		if err == nil && !ok {
			err = fmt.Errorf("%w: no volume %q in the block store", storage.ErrNotExist, c.opts.Volume)
		}
		return []volumeState{v}, err
	}
	names, err := column[string](ctx, c.ns.reads, "SELECT name FROM volumes ORDER BY name")
	if err != nil {
		return nil, err
	}
	var all []volumeState
	for _, name := range names {
		v, ok, err := c.ns.volume(ctx, name)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, v)
		}
	}
	return all, nil
}

func (c *checker) checkNamespace(ctx context.Context) error {
	check := "PRAGMA quick_check"
	if c.opts.Deep {
		check = "PRAGMA integrity_check"
	}
	lines, err := column[string](ctx, c.ns.reads, check)
	if err != nil {
		lines = []string{err.Error()}
	}
	for _, line := range lines {
		if line == "ok" {
			continue
		}
		if err := c.report(Finding{Kind: NamespaceDamaged, Path: c.ns.path, Detail: line, Lost: true}); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkDisks(ctx context.Context) error {
	rows, err := c.ns.disks(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.path == "" || row.state == diskRemoved {
			continue
		}
		f := Finding{Kind: DiskMissing, Disk: row.id, Path: row.path}
		d, err := c.disk(ctx, row.id)
		if err == nil {
			f.Kind, f.Path = DiskReadOnly, d.root
			err = c.files.writable(d.root)
		}
		if err == nil {
			continue
		}
		f.Detail = err.Error()
		if err := c.report(f); err != nil {
			return err
		}
	}
	return nil
}

// checkedFile is an object to be checked.
type checkedFile struct {
	key           []byte
	version, size int64
	sum           storage.Checksum
}

// checkVolume checks the objects that are visible or, if old, those that snapshots keep.
func (c *checker) checkVolume(ctx context.Context, v volumeState, old bool) error {
	table := "files"
	if old {
		table = "old_files"
	}
	from, version := []byte(c.opts.Path), int64(-1)
	for {
		page, err := c.page(ctx, table, v.id, from, version)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, f := range page {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := c.checkFile(ctx, v, f, old); err != nil {
				return err
			}
		}
		last := page[len(page)-1]
		from, version = last.key, last.version
		if c.opts.Progress != nil {
			c.opts.Progress(c.done)
		}
	}
}

func (c *checker) page(ctx context.Context, table string, volume int64, from []byte, version int64) (page []checkedFile, err error) {
	query := "SELECT key, version, size, crc32c FROM " + table + " WHERE volume = ? AND (key > ? OR key = ? AND version > ?)"
	args := []any{volume, append([]byte{}, from...), append([]byte{}, from...), version}
	condition, keys := place(c.opts.Path)
	query += " AND key >= ? AND " + condition + " ORDER BY key, version LIMIT 500"
	args = append(append(args, append([]byte{}, from...)), keys...)
	err = patiently(ctx, func() error {
		page = nil
		rows, err := c.ns.reads.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			f := checkedFile{sum: storage.Checksum{Known: true}}
			if err := rows.Scan(&f.key, &f.version, &f.size, &f.sum.Sum); err != nil {
				return err
			}
			page = append(page, f)
		}
		return rows.Err()
	})
	return page, err
}

func (c *checker) checkFile(ctx context.Context, v volumeState, f checkedFile, old bool) error {
	c.done.Objects++
	about := Finding{Volume: v.name, Key: string(f.key), Snapshot: old}
	blocks, err := volumeRef{store: c.store}.blocks(ctx, f.version)
	if err != nil {
		return err
	}
	sum, size, err := c.contentOf(ctx, f.version, blocks)
	if err != nil {
		return err
	}
	if size != f.size || sum.Differs(f.sum) {
		if gone, err := c.isGone(ctx, v.id, f, old); err != nil || gone {
			return err
		}
		about.Kind, about.Lost = ContentDamaged, true
		about.Detail = fmt.Sprintf("the object has %d bytes with CRC32C %s, and its content %d with %s", f.size, f.sum, size, sum)
		return c.report(about)
	}
	for _, b := range blocks {
		if err := c.checkBlock(ctx, b, about); err != nil {
			return err
		}
	}
	return nil
}

// contentOf is the checksum and size that the namespace knows of the content of a version.
func (c *checker) contentOf(ctx context.Context, version int64, blocks []block) (sum storage.Checksum, size int64, err error) {
	sum = storage.CRC32C(nil)
	if len(blocks) == 0 {
		contents, err := column[[]byte](ctx, c.ns.reads, "SELECT content FROM inline WHERE version = ?", version)
		if err != nil || len(contents) == 0 {
			return sum, 0, err
		}
		return storage.CRC32C(contents[0]), int64(len(contents[0])), nil
	}
	for _, b := range blocks {
		sums, err := column[int64](ctx, c.ns.reads, "SELECT crc32c FROM blocks WHERE id = ?", b.id)
		if err != nil || len(sums) == 0 {
			return sum, 0, err
		}
		sum = storage.CombineCRC32C(sum, storage.Checksum{Sum: uint32(sums[0]), Known: true}, b.size)
		size += b.size
	}
	return sum, size, nil
}

// isGone tells whether the object was replaced while it was checked.
func (c *checker) isGone(ctx context.Context, volume int64, f checkedFile, old bool) (bool, error) {
	table := "files"
	if old {
		table = "old_files"
	}
	versions, err := column[int64](ctx, c.ns.reads,
		"SELECT version FROM "+table+" WHERE volume = ? AND key = ? AND version = ?", volume, f.key, f.version)
	return len(versions) == 0, err
}
