package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"github.com/skepdata/skep/storage"
)

// span reads a range of the concatenated sources of a task. It opens them one after another, in
// the versions that were listed, computes the checksum of each piece and makes sure that each
// source is as long as it was listed. One goroutine uses it.
type span struct {
	ctx  context.Context // of the transfer, for opening sources on the way
	j    *job
	task Task

	next   int   // source to open next
	until  int   // source before which to stop with io.EOF, for those who read one by one
	offset int64 // in source next where to begin
	left   int64 // bytes to read in all

	r        storage.Reader // of source next-1; nil if none is open
	ahead    *lookahead     // of the sources behind it; nil if they are not asked for before their turn
	here     int64          // bytes to read from r
	begun    bool           // the first source has been opened
	pieces   []piece        // one for each source begun, the last in progress
	ended    *endedSources  // those that have ended and are no pieces any more; nil if all are
	hash     hash.Hash      // computes a digest of what is read, too; nil if it does not
	quiet    bool           // reports no progress
	reported int64          // bytes reported as progress
	err      error          // that ended it, other than io.EOF
}

// piece is what a span has read of one source.
type piece struct {
	source int
	size   int64
	sum    storage.Checksum
	known  storage.Checksum // of the whole source, if its store told
}

// endedSources are sources of which all has been read, and compared with what their stores keep.
type endedSources struct {
	joined storage.Joiner
	sums   []storage.Checksum // of each; nil if nobody wants them
	wanted bool
}

// readWhole returns the span of all sources. Each is compared as it ends: little is kept in mind of it, for there may
// be millions.
func (j *job) readWhole(ctx context.Context, t Task) *span {
	s := j.read(ctx, t, 0, t.Size())
	s.ended = &endedSources{wanted: j.manifest != nil}
	if s.ended.wanted {
		s.ended.sums = make([]storage.Checksum, 0, t.Sources.Len())
	}
	return s
}

// read returns the span of length bytes from offset on. Nothing is opened before it is needed.
func (j *job) read(ctx context.Context, t Task, offset, length int64) *span {
	s := &span{ctx: ctx, j: j, task: t, left: length, until: t.Sources.Len()}
	s.next, s.offset = t.Sources.find(offset)
	return s
}

// Object describes the first source, which it opens.
func (s *span) Object() (storage.Object, error) {
	if s.r == nil {
		if err := s.advance(); err != nil {
			s.err = err
			return storage.Object{}, err
		}
	}
	return s.r.Object(), nil
}

// advance opens the next source.
func (s *span) advance() error {
	src := s.task.Sources.At(s.next)
	if src.lost != nil {
		return src.lost
	}
	s.here = min(src.Size-s.offset, s.left)
	if !s.begun {
		s.begun, s.ahead = true, newLookahead(s)
	}
	var r storage.Reader
	var err error
	if early := s.ahead.take(); early != nil {
		r, err = early.wait()
	} else {
		r, err = s.open(s.ctx, src, s.offset, s.here)
	}
	if err != nil {
		return err
	}
	s.r = r
	known := src.CRC32C
	if o := r.Object(); o.CRC32C.Known {
		known = o.CRC32C
	}
	s.pieces = append(s.pieces, piece{source: s.next, known: known, sum: storage.CRC32C(nil)})
	s.next++
	s.offset = 0
	return nil
}

// open opens length bytes of a source. Several goroutines may.
func (s *span) open(ctx context.Context, src Source, offset, length int64) (storage.Reader, error) {
	plain := s.task.merge == "" // what is merged the store compares
	opts := storage.ReadOptions{
		Offset: offset, IfMatch: src.ETag, VersionID: src.VersionID,
		Summed: plain, Unverified: plain && !s.j.opts.Verify.digests(), // verify compares the CRC32C
	}
	if whole := offset == 0 && length == src.Size; !whole {
		opts.Length = length // reading all of it without a length lets the store verify it
	}
	if err := s.j.rates.requests.take(ctx, 1); err != nil {
		return nil, err
	}
	return s.j.bucketOf(src).Open(ctx, src.Key, opts)
}

// Read implements io.Reader.
func (s *span) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.read(p)
	if err != nil && err != io.EOF { //nolint:errorlint // the io.Reader contract: EOF is never wrapped
		s.err = err
	}
	return n, err
}

func (s *span) read(p []byte) (int, error) {
	for {
		if s.r == nil {
			// Empty sources at the end of the range belong to whoever reads the last byte.
			if s.next >= s.until || s.left == 0 && s.next > 0 && s.task.Sources.sizeAt(s.next) > 0 {
				return 0, io.EOF
			}
			if err := s.advance(); err != nil {
				return 0, err
			}
		}
		n, err := s.r.Read(p)
		s.took(p[:n])
		if err := s.j.rates.bytes.take(s.ctx, int64(n)); err != nil {
			return 0, err
		}
		switch {
		case s.here < 0:
			return 0, s.about(storage.ErrChanged)
		case err == io.EOF && s.here > 0: //nolint:errorlint // the io.Reader contract: EOF is never wrapped
			return n, s.about(fmt.Errorf("the source ended %d bytes early: %w", s.here, io.ErrUnexpectedEOF))
		case err == io.EOF: //nolint:errorlint // the io.Reader contract: EOF is never wrapped
			if err := errors.Join(s.endSource(), s.endWhole()); err != nil || n > 0 {
				return n, err
			}
		case err != nil:
			return n, err
		case n > 0:
			return n, nil
		}
	}
}

// took accounts for bytes read.
func (s *span) took(p []byte) {
	n := int64(len(p))
	s.here -= n
	s.left -= n
	last := &s.pieces[len(s.pieces)-1]
	last.sum = storage.UpdateCRC32C(last.sum, p)
	last.size += n
	if s.hash != nil {
		_, _ = s.hash.Write(p) // a hash reports no errors
	}
	if !s.quiet {
		s.reported += n
		s.j.progress(s.task, n)
	}
}

func (s *span) endSource() error {
	err := s.r.Close()
	s.r = nil
	return err
}

// endWhole compares a source that has ended, where each is compared by itself.
func (s *span) endWhole() error {
	if s.ended == nil {
		return nil
	}
	p := s.pieces[len(s.pieces)-1]
	if err := wrong(s.task.Sources.At(p.source), p.size, p.sum, s.pieces[len(s.pieces)-1:]); err != nil {
		return s.about(err)
	}
	s.pieces = s.pieces[:0]
	s.ended.joined.Append(p.sum, p.size)
	if s.ended.wanted {
		s.ended.sums = append(s.ended.sums, p.sum)
	}
	return nil
}

func (s *span) about(err error) error {
	return &storage.Error{Op: "read", URL: s.j.urlOf(s.task.Sources.At(s.next - 1)), Err: err}
}

// Close closes the source in progress, and those behind it.
func (s *span) Close() error {
	s.ahead.end()
	if s.r == nil {
		return nil
	}
	return s.endSource()
}

// CRC32C implements storage.Summed.
func (s *span) CRC32C() storage.Checksum {
	var all storage.Joiner
	if s.ended != nil {
		all = s.ended.joined
	}
	for _, p := range s.pieces {
		all.Append(p.sum, p.size)
	}
	return all.Sum()
}

// inFile reports whether all there is to read is in one local file. It may open the file. An error
// is found again by reading.
func (s *span) inFile() bool {
	if s.r == nil {
		src := s.task.Sources.At(s.next)
		_, local := storage.As[storage.LocalPather](s.j.bucketOf(src))
		if !local || src.Size-s.offset < s.left {
			return false
		}
		if err := s.advance(); err != nil {
			s.err = err
			return false
		}
	}
	_, ok := s.r.(storage.FileRanger)
	return ok && s.here == s.left
}

// FileRange implements storage.FileRanger.
func (s *span) FileRange() (*os.File, int64, bool) {
	if !s.inFile() {
		return nil, 0, false
	}
	return s.r.(storage.FileRanger).FileRange()
}

// verify compares the sum of each source, read to its end, with what its store keeps.
func (s *span) verify(t Task) ([]storage.Checksum, error) {
	switch {
	case s.ended == nil:
		return s.j.verify(t, s.pieces)
	case len(s.pieces) > 0:
		return nil, s.about(io.ErrUnexpectedEOF)
	}
	return s.ended.sums, nil
}

// verify puts together the pieces of all sources, in order, and compares each source's sum
// with the one its store keeps.
func (j *job) verify(t Task, pieces []piece) ([]storage.Checksum, error) {
	// Parts that end within a source may have read empty ones behind it.
	slices.SortStableFunc(pieces, func(a, b piece) int { return cmp.Compare(a.source, b.source) })
	var joined storage.Joiner
	sums := slices.Repeat([]storage.Checksum{joined.Sum()}, t.Sources.Len())
	var errs []error
	for from := 0; from < len(pieces) && len(errs) == 0; {
		source, size, to := pieces[from].source, int64(0), from
		joined = storage.Joiner{}
		for ; to < len(pieces) && pieces[to].source == source; to++ {
			joined.Append(pieces[to].sum, pieces[to].size)
			size += pieces[to].size
		}
		sums[source] = joined.Sum()
		if err := wrong(t.Sources.At(source), size, sums[source], pieces[from:to]); err != nil {
			errs = append(errs, &storage.Error{Op: "read", URL: j.urlOf(t.Sources.At(source)), Err: err})
		}
		from = to
	}
	return sums, errors.Join(errs...)
}

// wrong is what is wrong with a source of which so many bytes were read, in pieces.
func wrong(s Source, size int64, sum storage.Checksum, pieces []piece) error {
	if size != s.Size {
		return fmt.Errorf("%d bytes read, %d listed: %w", size, s.Size, io.ErrUnexpectedEOF)
	}
	for _, p := range pieces {
		if sum.Differs(p.known) {
			return fmt.Errorf("the bytes have crc32c %s, the store keeps %s: %w", sum, p.known, storage.ErrChecksum)
		}
	}
	return nil
}
