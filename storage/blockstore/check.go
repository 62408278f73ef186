package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/skepdata/skep/storage"
)

// FindingKind is what is wrong.
type FindingKind string

// The kinds of findings.
const (
	NamespaceDamaged FindingKind = "namespace damaged" // SQLite finds the database inconsistent
	DiskMissing      FindingKind = "disk missing"
	DiskReadOnly     FindingKind = "disk read-only"
	BlockMissing     FindingKind = "block missing"    // a replica whose file is not there
	BlockDamaged     FindingKind = "block damaged"    // a replica of another size or with other bytes
	UnderReplicated  FindingKind = "under-replicated" // fewer good replicas than there should be
	ContentDamaged   FindingKind = "content damaged"  // the namespace does not agree with itself on an object
	Orphan           FindingKind = "orphan"           // a file that no block has
)

// Finding is one thing that is wrong.
type Finding struct {
	Kind        FindingKind
	Volume, Key string // of the object; empty where it is about none
	Snapshot    bool   // the object is one that only snapshots have
	Block       int64  // 0 where it is about none
	Disk        int64
	Path        string // of the file
	Offset      int64  // in the block, of the first chunk that is damaged
	Detail      string
	// Lost says that no good replica is left: the object cannot be read.
	Lost bool
}

func (f Finding) String() string {
	text := string(f.Kind)
	if f.Key != "" {
		text += fmt.Sprintf(": block://%s/%s", f.Volume, f.Key)
	}
	if f.Block != 0 {
		text += fmt.Sprintf(", block %x", f.Block)
	}
	if f.Disk != 0 {
		text += fmt.Sprintf(" on disk %d", f.Disk)
	}
	if f.Path != "" {
		text += " (" + f.Path + ")"
	}
	if f.Detail != "" {
		text += ": " + f.Detail
	}
	if f.Lost {
		text += "; no good replica is left"
	}
	return text
}

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

// checkBlock checks every replica of a block.
func (c *checker) checkBlock(ctx context.Context, b block, about Finding) error {
	c.done.Blocks++
	known, ok, err := c.look(ctx, b.id)
	if err != nil || !ok {
		return err // it went meanwhile
	}
	var findings []Finding
	good := 0
	for _, disk := range b.disks {
		f := about
		f.Block, f.Disk = b.id, disk
		if err := c.checkReplica(ctx, b, &f); err != nil {
			return err
		}
		if f.Kind == "" && slices.Contains(known.bad, disk) {
			f.Kind, f.Detail = BlockDamaged, "it was found damaged or missing, and waits for a repair"
		}
		if f.Kind == "" {
			good++
		} else {
			findings = append(findings, f)
		}
	}
	if len(findings) > 0 || good < known.copies {
		if now, err := column[int64](ctx, c.ns.reads, "SELECT id FROM blocks WHERE id = ?", b.id); err != nil || len(now) == 0 {
			return err
		}
	}
	if good > 0 && good < known.copies {
		f := about
		f.Kind, f.Block = UnderReplicated, b.id
		f.Detail = fmt.Sprintf("%s, want %d", countGood(good), known.copies)
		findings = append(findings, f)
	}
	if len(b.disks) == 0 {
		f := about
		f.Kind, f.Block, f.Detail = BlockMissing, b.id, "the namespace has no replica of it"
		findings = append(findings, f)
	}
	for _, f := range findings {
		f.Lost = good == 0
		if err := c.report(f); err != nil {
			return err
		}
	}
	return nil
}

func countGood(n int) string {
	if n == 1 {
		return "1 good replica"
	}
	return fmt.Sprintf("%d good replicas", n)
}

// checkReplica gives f a kind if something is wrong with the replica.
func (c *checker) checkReplica(ctx context.Context, b block, f *Finding) error {
	d, err := c.disk(ctx, f.Disk)
	if err != nil {
		f.Kind, f.Detail = BlockMissing, err.Error()
		return nil
	}
	f.Path = d.path(b.id)
	info, err := os.Stat(f.Path)
	switch {
	case err != nil:
		f.Kind, f.Detail = BlockMissing, err.Error()
	case info.Size() != b.size:
		f.Kind, f.Detail = BlockDamaged, fmt.Sprintf("it has %d bytes, want %d", info.Size(), b.size)
	case c.opts.Deep:
		var damage *damageError
		if err := c.readAll(ctx, d, &b, nil); errors.As(err, &damage) {
			f.Kind, f.Offset, f.Detail = BlockDamaged, damage.offset, damage.Error()
		} else if err != nil {
			return err
		}
	}
	return nil
}

// damageError is what is wrong with the bytes of a replica.
type damageError struct {
	offset int64
	err    error
}

func (e *damageError) Error() string { return fmt.Sprintf("offset %d: %v", e.offset, e.err) }
func (e *damageError) Unwrap() error { return e.err }

// readAll reads a replica, compares its checksums, and writes it to the file to unless that is nil.
func (c *checker) readAll(ctx context.Context, d *disk, b *block, to file) error {
	if b.chunks == nil {
		sums, err := column[[]byte](ctx, c.ns.reads, "SELECT chunks FROM blocks WHERE id = ?", b.id)
		if err != nil {
			return err
		}
		if len(sums) == 0 {
			return nil // it went meanwhile
		}
		b.chunks = sums[0]
	}
	if int64(len(b.chunks)) != 4*chunksIn(b.size) {
		return &damageError{0, fmt.Errorf("%w: the namespace has %d bytes of checksums for it", storage.ErrChecksum, len(b.chunks))}
	}
	f, err := c.files.open(d.path(b.id), os.O_RDONLY)
	if err != nil {
		return &damageError{0, err}
	}
	defer f.Close() // nothing was written
	if c.buf == nil {
		c.buf = make([]byte, 16*chunkSize)
	}
	for offset := int64(0); offset < b.size; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		piece := c.buf[:min(int64(len(c.buf)), b.size-offset)]
		if n, err := f.ReadAt(piece, offset); err != nil && !(errors.Is(err, io.EOF) && n == len(piece)) {
			return &damageError{offset, err}
		}
		for at := 0; at < len(piece); at += chunkSize {
			chunk := piece[at:min(at+chunkSize, len(piece))]
			if storage.CRC32C(chunk).Sum != b.chunks.at((offset+int64(at))/chunkSize) {
				return &damageError{offset + int64(at), storage.ErrChecksum}
			}
		}
		if to != nil {
			if _, err := to.WriteAt(piece, offset); err != nil {
				return err
			}
		}
		offset += int64(len(piece))
		c.done.Bytes += int64(len(piece))
		if err := c.throttle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// throttle waits until as many bytes as were read may have been.
func (c *checker) throttle(ctx context.Context) error {
	if c.opts.BytesPerSecond <= 0 {
		return nil
	}
	due := c.begun.Add(time.Duration(float64(c.done.Bytes) / float64(c.opts.BytesPerSecond) * float64(time.Second)))
	wait := time.Until(due)
	if wait <= 0 {
		return nil
	}
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// orphans calls found for each file among the blocks that nothing in the namespace accounts for.
func (s *store) orphans(ctx context.Context, found func(d *disk, path string, id int64, age time.Duration) error) error {
	for _, d := range s.disks() {
		err := filepath.WalkDir(filepath.Join(d.root, blocksDir), func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && e.IsDir() {
				return nil
			}
			if err != nil {
				return d.wrap(err)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			info, err := e.Info()
			if err != nil {
				return nil // it went meanwhile
			}
			id, err := strconv.ParseInt(e.Name(), 16, 64)
			if err != nil {
				id = 0 // no block's name
			}
			known, err := s.isKnown(ctx, blockRef{id, d.id})
			if err != nil || known && path == d.path(id) {
				return err
			}
			if _, err := os.Lstat(path); err != nil {
				return nil
			}
			return found(d, path, id, time.Since(info.ModTime()))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// isKnown tells whether a file is a replica, or garbage, or may become a replica yet.
func (s *store) isKnown(ctx context.Context, b blockRef) (known bool, err error) {
	err = patiently(ctx, func() error {
		return s.ns.reads.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM replicas WHERE block = ?1 AND disk = ?2)
			OR EXISTS (SELECT 1 FROM garbage WHERE block = ?1 AND disk = ?2)
			OR EXISTS (SELECT 1 FROM upload_blocks WHERE block = ?1 AND disk = ?2)
			OR EXISTS (SELECT 1 FROM (SELECT last FROM ranges WHERE first <= ?1 ORDER BY first DESC LIMIT 1) WHERE last > ?1
				AND NOT EXISTS (SELECT 1 FROM blocks WHERE id = ?1))`,
			b.id, b.disk).Scan(&known)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return known, err
}
