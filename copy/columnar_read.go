package copier

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

// mergeReader is what a merge reads from. What files say at their ends is looked up by ranges. After that each
// source is read once, from its beginning to its end, so that its checksum can be compared; what came by ranges
// has to be what comes then.
type mergeReader struct {
	j    *job
	t    Task
	from *span
	pos  int64 // in all sources, one behind the other

	source int             // which pos is in
	start  int64           // where that begins among all
	seen   map[int][]*part // what came by ranges and has not come again, by source
	latest [2]int          // the sources of which something came by a range first, and last

	tail   []byte // the end of one source
	tailOf int    // which
}

// part is a range of a source, and the sums of what came of it.
type part struct {
	off, size   int64
	sum, passed storage.Checksum
	done        int64 // bytes that have come again
}

// tailSize is how much of the end of a file is read to find its footer.
const tailSize = 64 << 10

func (j *job) mergeReader(ctx context.Context, t Task) *mergeReader {
	return &mergeReader{j: j, t: t, from: j.read(ctx, t, 0, t.Size()), seen: map[int][]*part{}, latest: [2]int{-1, -1}, tailOf: -1}
}

// inputs are the sources, in order.
func (m *mergeReader) inputs() []*mergeInput {
	inputs := make([]*mergeInput, m.t.Sources.Len())
	start := int64(0)
	for i, s := range m.t.Sources.All() {
		inputs[i] = &mergeInput{m: m, source: i, start: start, ctx: m.from.ctx}
		start += s.Size
	}
	return inputs
}

// Read reads on in the sources.
func (m *mergeReader) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	for n > 0 && m.pos >= m.start+m.t.Sources.At(m.source).Size {
		m.start += m.t.Sources.At(m.source).Size
		m.source++
	}
	if differs := m.pass(p[:n]); differs != nil {
		return 0, differs
	}
	m.pos += int64(n)
	return n, err
}

// pass compares what came by ranges with what comes now, which is of one source.
func (m *mergeReader) pass(p []byte) error {
	left := m.seen[m.source][:0]
	for _, r := range m.seen[m.source] {
		from := r.off + r.done - (m.pos - m.start) // in p
		if from >= 0 && from < int64(len(p)) {
			b := p[from:min(int64(len(p)), from+r.size-r.done)]
			r.passed = storage.UpdateCRC32C(r.passed, b)
			r.done += int64(len(b))
		}
		switch {
		case r.done < r.size:
			left = append(left, r)
		case r.passed.Differs(r.sum):
			return m.changed(m.source, r)
		}
	}
	if len(left) > 0 {
		m.seen[m.source] = left
	} else {
		delete(m.seen, m.source)
	}
	return nil
}

func (m *mergeReader) changed(source int, r *part) error {
	return &storage.Error{Op: "read", URL: m.j.urlOf(m.t.Sources.At(source)), Err: fmt.Errorf(
		"bytes %d to %d came otherwise the second time, changed on the way: %w", r.off, r.off+r.size-1, storage.ErrChecksum)}
}

// explain is the error of a merge, unless something of what it was about came by a range and comes otherwise now: then
// it is that, which passes.
func (m *mergeReader) explain(ctx context.Context, err error) error {
	if errors.Is(err, storage.ErrChecksum) || ctx.Err() != nil {
		return err
	}
	for _, source := range m.latest {
		for _, r := range m.seen[source] {
			again, reading := m.sumOf(ctx, source, r.off, r.size)
			if reading == nil && again.Differs(r.sum) {
				return m.changed(source, r)
			}
		}
	}
	return err
}

// sumOf reads a range of a source by a request of its own.
func (m *mergeReader) sumOf(ctx context.Context, source int, off, size int64) (storage.Checksum, error) {
	r, err := m.open(ctx, source, off, size)
	if err != nil {
		return storage.Checksum{}, err
	}
	sum := &hashWriter{w: io.Discard}
	err = errors.Join(m.j.pump(sum, r), r.Close())
	if err == nil && sum.n != size {
		err = io.ErrUnexpectedEOF
	}
	return sum.checksum(), err
}

func (m *mergeReader) open(ctx context.Context, source int, off, length int64) (io.ReadCloser, error) {
	s := m.t.Sources.At(source)
	return m.j.bucketOf(s).Open(ctx, s.Key, storage.ReadOptions{Offset: off, Length: length, IfMatch: s.ETag, VersionID: s.VersionID})
}

// mergeInput is one source of a merge.
type mergeInput struct {
	m      *mergeReader
	source int
	start  int64           // where it begins among all
	ctx    context.Context //nolint:containedctx // io.ReaderAt has none
}

func (p *mergeInput) name() string { return p.m.j.urlOf(p.m.t.Sources.At(p.source)) }
func (p *mergeInput) size() int64  { return p.m.t.Sources.At(p.source).Size }

// ReadAt implements io.ReaderAt for footers and indexes.
func (p *mergeInput) ReadAt(b []byte, off int64) (int, error) {
	size := p.size()
	if tail := max(size-tailSize, 0); off >= tail && off+int64(len(b)) <= size {
		if p.m.tailOf != p.source {
			data := make([]byte, size-tail)
			if err := p.readRange(data, tail); err != nil {
				return 0, err
			}
			p.m.tail, p.m.tailOf = data, p.source
		}
		return copy(b, p.m.tail[off-tail:]), nil
	}
	if err := p.readRange(b, off); err != nil {
		return 0, err
	}
	return len(b), nil
}

// readRange reads what will come again when the source is read, or, where it has, comes twice now.
func (p *mergeInput) readRange(b []byte, off int64) error {
	size := int64(len(b))
	r, err := p.m.open(p.ctx, p.source, off, size)
	if err != nil {
		return err
	}
	_, err = io.ReadFull(r, b)
	if err = errors.Join(err, r.Close()); err != nil {
		return err
	}
	came := &part{off: off, size: size, sum: storage.CRC32C(b), passed: storage.CRC32C(nil)}
	if p.start+off < p.m.pos {
		again, err := p.m.sumOf(p.ctx, p.source, off, size)
		if err == nil && again.Differs(came.sum) {
			err = p.m.changed(p.source, came)
		}
		return err
	}
	if size > 0 {
		p.m.seen[p.source] = append(p.m.seen[p.source], came)
	}
	if p.m.latest[0] < 0 {
		p.m.latest[0] = p.source
	}
	p.m.latest[1] = p.source
	return nil
}

// OpenRange implements rangecopy.Opener, for the packages that merge. What is copied follows each other in nearly all
// files; where it does not, what is behind is read apart, and twice.
func (p *mergeInput) OpenRange(ctx context.Context, off, length int64) (io.ReadCloser, error) {
	skip := p.start + off - p.m.pos
	if skip >= 0 {
		if _, err := io.CopyN(io.Discard, p.m, skip); err != nil {
			return nil, err
		}
		return io.NopCloser(io.LimitReader(p.m, length)), nil
	}
	want, err := p.m.sumOf(ctx, p.source, off, length)
	if err != nil {
		return nil, err
	}
	r, err := p.m.open(ctx, p.source, off, length)
	if err != nil {
		return nil, err
	}
	return &twice{ReadCloser: r, of: p, part: part{off: off, size: length, sum: want, passed: storage.CRC32C(nil)}}, nil
}

// twice gives out what comes a second time, and before its end makes sure that it is the same.
type twice struct {
	io.ReadCloser
	part
	of *mergeInput
}

func (t *twice) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.passed = storage.UpdateCRC32C(t.passed, p[:n])
	if t.done += int64(n); t.done == t.size && t.passed.Differs(t.sum) {
		return 0, t.of.m.changed(t.of.source, &t.part)
	}
	return n, err
}
