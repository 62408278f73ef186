package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

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
	scratch  []byte    // a chunk
	pending  []byte    // bytes that were verified and are to be handed out
	err      error     // of an earlier Read
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
	for i := range r.segments {
		r.segments[i].close()
	}
	r.segments, r.pending = nil, nil
}

func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, r.err
	}
	if n, err := r.fill(p); n > 0 || err != nil {
		return n, err
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// fill reads more, unless something is pending: whole chunks into p, of which n are for the caller,
// or one that is pending then.
func (r *reader) fill(p []byte) (n int, err error) {
	if r.err == nil && r.ctx.Err() != nil {
		r.err = r.b.fail(r.ctx, "read", r.row.Key, context.Cause(r.ctx))
	}
	if r.err != nil || len(r.pending) > 0 {
		return 0, r.err
	}
	if len(r.segments) == 0 {
		return 0, io.EOF
	}
	if n, err = r.next(p); err != nil {
		r.err = r.b.fail(r.ctx, "read", r.row.Key, err)
	}
	return n, r.err
}

// copySize is how much WriteTo reads at a time.
const copySize = 16 * chunkSize

// WriteTo implements io.WriterTo, with a buffer of its own.
func (r *reader) WriteTo(w io.Writer) (written int64, err error) {
	var buf []byte
	for {
		if buf == nil && len(r.segments) > 0 {
			buf = make([]byte, min(copySize, max(r.segments[0].end-r.segments[0].pos, 1)))
		}
		n, err := r.fill(buf)
		if errors.Is(err, io.EOF) {
			return written, nil
		}
		if err != nil {
			return written, err
		}
		p := buf[:n]
		if n == 0 {
			p, r.pending = r.pending, nil
		}
		m, err := w.Write(p)
		written += int64(m)
		if err != nil {
			return written, err
		}
	}
}

// next reads whole chunks of the current segment: into p if they fit there, and n is the bytes
// that are for the caller; otherwise one chunk into scratch, what is wanted of it is pending, and n is 0.
func (r *reader) next(p []byte) (n int, err error) {
	s := &r.segments[0]
	if err := s.prepare(r); err != nil {
		var gone *missingBlockError
		if errors.As(err, &gone) && r.replaced() {
			err = storage.ErrChanged
		}
		return 0, err
	}
	chunk := s.pos / chunkSize
	start := chunk * chunkSize
	whole := min(int64(len(p)), s.end-start) / chunkSize * chunkSize
	if s.pos == start && s.end == s.size && int64(len(p)) >= s.end-start {
		whole = s.end - start // the last chunk is whole, though it may be short
	}
	if s.pos == start && whole > 0 {
		n, err = int(whole), s.read(r, chunk, p[:whole])
		s.pos += whole
	} else {
		length := min(chunkSize, s.size-start)
		if int64(len(r.scratch)) < length {
			r.scratch = make([]byte, length)
		}
		err = s.read(r, chunk, r.scratch[:length])
		r.pending = r.scratch[s.pos-start : min(length, s.end-start)]
		s.pos = start + min(length, s.end-start)
	}
	if err != nil {
		r.pending = nil
		return 0, err
	}
	if s.pos == s.end {
		s.close()
		r.segments = r.segments[1:]
	}
	return n, nil
}

// replaced tells whether the version being read is no longer an object.
func (r *reader) replaced() bool {
	now, err := r.v.first(r.ctx, r.row.Key)
	return errors.Is(err, storage.ErrNotExist) || err == nil && now.version != r.row.version
}
