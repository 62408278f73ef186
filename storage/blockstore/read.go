package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/skepdata/skep/storage"
)

const (
	// openAhead is how many blocks of a range are opened by Open, and so outlive their object.
	openAhead = 16
	// openAttempts is how often Open looks again when a block vanished after it looked.
	openAttempts = 5
)

// Open implements storage.Bucket.
func (b *Bucket) Open(
	ctx context.Context, key string, opts storage.ReadOptions,
) (storage.Reader, error) {
	if err := opts.Demands(); err != nil {
		return nil, b.fail(ctx, "open", key, err)
	}
	if err := b.check(ctx, "open", key); err != nil {
		return nil, err
	}
	v, err := b.forReading(ctx)
	if err != nil {
		return nil, b.fail(ctx, "open", key, err)
	}
	var last int64
	for range openAttempts {
		var r *reader
		if r, err = v.open(ctx, b, key, opts); err == nil {
			return r, nil
		}
		var gone *missingBlockError
		if !errors.As(err, &gone) || gone.version == last {
			break // the block did not go with its object: it is lost
		}
		last = gone.version
	}
	return nil, b.fail(ctx, "open", key, err)
}

// missingBlockError is what comes of a block that is in the namespace and not on its disk.
type missingBlockError struct {
	replica blockRef
	version int64
	err     error
}

func (e *missingBlockError) Error() string { return e.replica.name() + " is missing: " + e.err.Error() }

// firstBlock is an object and its first block, of size 0 if it has none.
type firstBlock struct {
	fileRow
	block  block
	inline []byte
}

const (
	firstColumns = fileColumns + ", i.content, b.id, b.size, b.chunks, " + replicaList
	firstJoins   = `LEFT JOIN inline i ON i.version = f.version
		LEFT JOIN file_blocks fb ON fb.version = f.version AND fb.seq = 0 LEFT JOIN blocks b ON b.id = fb.block`
	firstQuery = "SELECT " + firstColumns + " FROM files f " + firstJoins + " WHERE f.volume = ? AND f.key = ?"
)

// first looks an object up.
func (v volumeRef) first(ctx context.Context, key string) (f firstBlock, err error) {
	var id, size sql.NullInt64
	var disks sql.NullString
	err = v.lookUp(ctx, v.ns.first, firstColumns, firstJoins, key, func(scan func(...any) error) error {
		return f.scan(scan, &f.inline, &id, &size, (*[]byte)(&f.block.chunks), &disks)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return f, storage.ErrNotExist
	}
	if err != nil {
		return f, err
	}
	f.block.id, f.block.size = id.Int64, size.Int64
	f.block.disks, err = parseReplicas(disks.String)
	return f, err
}

// open opens a range of the current version of an object.
func (v volumeRef) open(
	ctx context.Context, b *Bucket, key string, opts storage.ReadOptions,
) (*reader, error) {
	first, err := v.first(ctx, key)
	if err != nil {
		return nil, err
	}
	if opts.IfMatch != "" && opts.IfMatch != first.ETag {
		return nil, storage.ErrChanged
	}
	if opts.Offset < 0 || opts.Length < 0 || opts.Offset > first.Size {
		return nil, fmt.Errorf("%w: offset %d, length %d, size %d",
			storage.ErrInvalidRange, opts.Offset, opts.Length, first.Size)
	}
	end := first.Size
	if opts.Length > 0 && opts.Length < end-opts.Offset {
		end = opts.Offset + opts.Length
	}
	r := &reader{b: b, v: v, ctx: ctx, row: first.fileRow}
	if first.block.size == 0 {
		return r, r.takeInline(first.inline, opts.Offset, end)
	}
	blocks := []block{first.block}
	if first.block.size < first.Size {
		if blocks, err = v.blocks(ctx, first.version); err != nil {
			return nil, err
		}
	}
	if whole := r.cut(blocks, opts.Offset, end); whole != first.Size {
		// The version went between the two looks at the namespace.
		err := fmt.Errorf("of %d bytes %d are left", first.Size, whole)
		return nil, &missingBlockError{first.block.first(), first.version, err}
	}
	for i := range min(len(r.segments), openAhead) {
		if err := r.segments[i].prepare(r); err != nil {
			r.closeAll()
			return nil, err
		}
	}
	return r, nil
}

// takeInline makes the content that the namespace holds what is read.
func (r *reader) takeInline(content []byte, offset, end int64) error {
	sum := storage.CRC32C(content)
	if int64(len(content)) != r.row.Size || sum.Differs(r.row.CRC32C) {
		return fmt.Errorf("%w: the namespace at %s has %d bytes with %s of it, want %d with %s", storage.ErrChecksum,
			r.v.home, len(content), sum, r.row.Size, r.row.CRC32C)
	}
	r.pending = content[offset:end]
	return nil
}

// blocks returns all blocks of a version, without their checksums.
func (v volumeRef) blocks(ctx context.Context, version int64) (all []block, err error) {
	err = patiently(ctx, func() error {
		all = nil
		rows, err := v.ns.reads.QueryContext(ctx, "SELECT b.id, b.size, "+replicaList+`
			FROM file_blocks fb JOIN blocks b ON b.id = fb.block WHERE fb.version = ? ORDER BY fb.seq`, version)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var b block
			var disks sql.NullString
			if err := rows.Scan(&b.id, &b.size, &disks); err != nil {
				return err
			}
			if b.disks, err = parseReplicas(disks.String); err != nil {
				return err
			}
			all = append(all, b)
		}
		return rows.Err()
	})
	return all, err
}

// reader reads a range of one version.
type reader struct {
	b   *Bucket
	v   volumeRef
	ctx context.Context // of Open, which bounds the reads as it does for a remote store
	row fileRow

	segments []segment // the first is being read
	size     int64     // bytes of the next window: more and more, as more and more was wanted
	current  *window   // that pending is of; nil before the first
	next     *window   // that is being read; nil if none is
	pending  []byte    // bytes that were verified and are to be handed out
	err      error     // what comes after pending
}

// cut finds the segments of the bytes from offset to end, and returns the size of all blocks.
func (r *reader) cut(blocks []block, offset, end int64) int64 {
	start := int64(0)
	for _, b := range blocks {
		from, to := max(offset-start, 0), min(end-start, b.size)
		if from < to {
			r.segments = append(r.segments, segment{block: b, pos: from, end: to})
		}
		start += b.size
	}
	return start
}

func (r *reader) Object() storage.Object { return r.row.Object }

func (r *reader) Close() error {
	r.closeAll()
	if r.err == nil {
		r.err = errors.New("the reader is closed")
	}
	return nil
}

func (r *reader) closeAll() {
	r.drop(r.next)
	r.drop(r.current)
	for i := range r.segments {
		r.segments[i].close()
	}
	r.segments, r.pending, r.next, r.current = nil, nil, nil, nil
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, r.err
	}
	if n, err := r.fill(int64(len(p)), p); n > 0 || err != nil {
		return n, err
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// WriteTo implements io.WriterTo, without copying.
func (r *reader) WriteTo(w io.Writer) (written int64, err error) {
	for {
		if _, err := r.fill(maxWindow, nil); errors.Is(err, io.EOF) {
			return written, nil
		} else if err != nil {
			return written, err
		}
		p := r.pending
		r.pending = nil
		m, err := w.Write(p)
		written += int64(m)
		if err != nil {
			return written, err
		}
	}
}

// fill makes something pending, unless something is, or puts n bytes into p. The user wants so many bytes at a time.
func (r *reader) fill(wanted int64, p []byte) (n int, err error) {
	switch {
	case r.ctx.Err() != nil && (r.err == nil || len(r.pending) > 0):
		r.pending = nil
		r.err = r.b.fail(r.ctx, "read", r.row.Key, context.Cause(r.ctx))
		return 0, r.err
	case len(r.pending) > 0:
		return 0, nil
	case r.err != nil:
		return 0, r.err
	case len(r.segments) == 0:
		return 0, io.EOF
	}
	if n, err = r.advance(wanted, p); err != nil {
		r.err = r.b.fail(r.ctx, "read", r.row.Key, err)
	}
	if n > 0 || len(r.pending) > 0 {
		return n, nil
	}
	return 0, r.err
}

// advance makes the next window the current one. There may be something pending, or in p, although it fails.
func (r *reader) advance(wanted int64, p []byte) (n int, err error) {
	w := r.next
	r.next = nil
	r.drop(r.current)
	r.current = nil
	if w == nil {
		if err := r.segments[0].prepare(r); err != nil {
			var gone *missingBlockError
			if errors.As(err, &gone) && r.replaced() {
				err = storage.ErrChanged
			}
			return 0, err
		}
		w = r.begin(min(max(r.size, wanted), maxWindow), p, runtime.GOMAXPROCS(0)-1)
	}
	r.size = min(max(2*r.size, wanted), maxWindow)
	if n, err = r.finish(w); err == nil && !w.direct {
		r.readAhead()
	}
	return n, err
}

// replaced tells whether the version being read is no longer an object.
func (r *reader) replaced() bool {
	now, err := r.v.first(r.ctx, r.row.Key)
	return errors.Is(err, storage.ErrNotExist) || err == nil && now.version != r.row.version
}
