package copier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/storage"
)

const parquetSuffix = ".parquet"

// isParquet reports whether a name says that its object is a Parquet file.
func isParquet(name string) bool { return strings.EqualFold(path.Ext(name), parquetSuffix) }

// allParquet reports whether the files of an output are Parquet files, which are not put together
// byte by byte. Some of them being so is an error.
func (p *planner) allParquet(files []Source) (bool, error) {
	n := 0
	var other, one Source
	for _, s := range files {
		if isParquet(s.Key) {
			n++
			one = s
		} else {
			other = s
		}
	}
	switch {
	case n == 0:
		return false, nil
	case n < len(files):
		return false, fmt.Errorf("%s is a Parquet file and %s is none: they cannot be put together; "+
			"choose a srcPattern that selects one kind", one.Base, other.Base)
	case p.opts.OutputCodec != CodecKeep && p.opts.OutputCodec != CodecNone:
		return false, fmt.Errorf("%s is a Parquet file, which is compressed inside: outputCodec %s is not for it",
			one.Base, p.opts.OutputCodec)
	}
	return true, nil
}

// mergeParquet writes an output that has the row groups of several Parquet files.
func (j *job) mergeParquet(ctx context.Context, t Task) (result, error) {
	ctx, cancel := context.WithCancel(ctx) // leaving leaves nothing behind
	defer cancel()
	giveBack, err := j.memory.take(ctx, j.opts.partSize())
	if err != nil {
		return result{}, err
	}
	defer giveBack()
	m := &parquetMerge{j: j, t: t, from: j.read(ctx, t, 0, t.Size()), tailOf: -1}
	res, err := j.writeMerged(ctx, t, m)
	err = errors.Join(err, m.from.Close())
	if err != nil {
		j.progress(t, -m.from.reported)
	}
	return res, err
}

func (j *job) writeMerged(ctx context.Context, t Task, m *parquetMerge) (res result, err error) {
	first, err := j.describeFirst(ctx, t)
	if err != nil {
		return result{clean: true}, err
	}
	opts, err := j.createOptions(ctx, t, first)
	if err != nil {
		return result{clean: true}, err
	}
	out, err := j.dest.Bucket.Create(ctx, j.dir+t.Key, opts)
	if err != nil {
		return result{}, err
	}
	hashed := &hashWriter{w: out}
	defer func() { res.clean = out.Abort() == nil && !hashed.failed }() // of no use after Commit, and nothing to add to an error
	_, err = parquetmerge.Merge(ctx, hashed, m.inputs())
	if err == nil {
		err = j.pump(io.Discard, m.from) // what is not a row group counts for the checksums, too
	}
	if m.from.err != nil {
		return result{}, m.from.err // the cause, unwrapped of what the merge said
	}
	if err != nil {
		return result{}, err
	}
	return j.commit(ctx, t, out, hashed, m.from)
}

// parquetMerge is what a merge reads from. Footers are looked up by ranges. After that each
// source is read once, from its beginning to its end, so that its checksum can be compared.
type parquetMerge struct {
	j    *job
	t    Task
	from *span
	pos  int64 // in all sources, one behind the other

	tail   []byte // the end of one source
	tailOf int    // which
}

// tailSize is how much of the end of a file is read to find its footer.
const tailSize = 64 << 10

func (m *parquetMerge) inputs() []parquetmerge.Input {
	inputs := make([]parquetmerge.Input, len(m.t.Sources))
	start := int64(0)
	for i, s := range m.t.Sources {
		inputs[i] = parquetmerge.Input{
			Name: m.j.urlOf(s), Size: s.Size, ReaderAt: &parquetInput{m: m, source: i, start: start, ctx: m.from.ctx},
		}
		start += s.Size
	}
	return inputs
}

// Read reads on in the sources.
func (m *parquetMerge) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.pos += int64(n)
	return n, err
}

// parquetInput is one source of a merge.
type parquetInput struct {
	m      *parquetMerge
	source int
	start  int64           // where it begins among all
	ctx    context.Context //nolint:containedctx // io.ReaderAt has none
}

// ReadAt implements io.ReaderAt for footers and indexes.
func (p *parquetInput) ReadAt(b []byte, off int64) (int, error) {
	size := p.m.t.Sources[p.source].Size
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

func (p *parquetInput) readRange(b []byte, off int64) error {
	r, err := p.open(off, int64(len(b)))
	if err != nil {
		return err
	}
	_, err = io.ReadFull(r, b)
	return errors.Join(err, r.Close())
}

func (p *parquetInput) open(off, length int64) (io.ReadCloser, error) {
	s := p.m.t.Sources[p.source]
	return p.m.j.bucketOf(s).Open(p.ctx, s.Key, storage.ReadOptions{
		Offset: off, Length: length, IfMatch: s.ETag, VersionID: s.VersionID,
	})
}

// OpenRange implements parquetmerge.RangeOpener. Row groups follow each other in nearly all
// files; where they do not, one behind is read apart.
func (p *parquetInput) OpenRange(_ context.Context, off, length int64) (io.ReadCloser, error) {
	skip := p.start + off - p.m.pos
	if skip < 0 {
		return p.open(off, length)
	}
	if _, err := io.CopyN(io.Discard, p.m, skip); err != nil {
		return nil, err
	}
	return io.NopCloser(io.LimitReader(p.m, length)), nil
}
