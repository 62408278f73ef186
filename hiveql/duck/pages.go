package duck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"sync"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/internal/parquetpages"
	"github.com/skepdata/skep/storage"
)

// What comes of a far Parquet file without sums may have changed on the way. The columns that a scan reads are
// looked at, row group by row group, before anybody gets bytes of them: whether their pages agree with the footer,
// and with the CRC that some writers give them. A column comes as a whole for that, as DuckDB reads it anyway. What
// does not agree is fetched once more, and is what the store has if it comes so again. The cache keeps
// marks of what has been looked at, so that it is done once. What lies beside the columns, as the footer and Bloom filters
// do, is confirmed; and so are the columns, unless their pages have a CRC, as that of parquet-mr is expected to have.

// pageBook knows the pages of the files that are being read, by their paths: the statements that read one share what
// they know.
type pageBook struct {
	mu    sync.Mutex
	files map[string]*pagedFile
}

// pagedFile is what is known of the columns of one file.
type pagedFile struct {
	users  int           // guarded by the book's mu
	fixing chan struct{} // has one in it while somebody fetches again

	mu     sync.Mutex
	chunks []pagedChunk // by their places; nil until the footer is known
	apart  bool         // no two of them have bytes in common
	read   []bool       // by leaf, whether a scan reads it
	strays int          // chunks whose headers do not agree with the footer at the store either
	sure   bool         // whether pages without a CRC are to be confirmed
	twice  bool         // whether all is: it is expected to have such
}

// pagedChunk is a column of a row group, which is right as a whole or not.
type pagedChunk struct {
	off, end int64
	leaf     int
	mark     int // that it has in the blocks that it lies in; -1 if it has none
	pages    *parquetpages.Chunk
}

// mostStrays is the number of strays from which on a file's headers are taken for what the store has.
const mostStrays = 3

// of is a file whose pages are looked at, once its Parts know the footer.
func (k *pageBook) of(file hiveql.File, local hiveql.Local) (hiveql.Local, *pagedParts) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.files[local.Path]
	if f == nil {
		f = &pagedFile{fixing: make(chan struct{}, 1)}
		if k.files == nil {
			k.files = map[string]*pagedFile{}
		}
		k.files[local.Path] = f
	}
	f.users++
	p, release := &pagedParts{Parts: local.Parts, file: f, url: file.URL()}, local.Release
	return hiveql.Local{Path: local.Path, Parts: p, Whole: local.Whole, Ranges: local.Ranges, Release: func() {
		k.leave(local.Path)
		release()
	}}, p
}

func (k *pageBook) leave(path string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f := k.files[path]
	if f.users--; f.users == 0 {
		delete(k.files, path)
	}
}

// know tells what the footer says, which leaves are read, and whether pages without a CRC are to be confirmed, which is so
// from then on for all who read the file.
func (p *pagedParts) know(of *footer.File, reads []bool, sure bool) {
	if of == nil || p.Sure() {
		return
	}
	f := p.file
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.chunks == nil {
		f.chunks, f.apart = chunksOf(of)
	}
	f.sure = f.sure || sure
	f.twice = f.twice || sure && !summedBy(of.Writer)
	read := make([]bool, max(len(reads), len(f.read))) // others may be reading that before
	copy(read, reads)
	for leaf, was := range f.read {
		read[leaf] = read[leaf] || was
	}
	f.read = read
}

// summing is how a program names itself that gives pages a CRC unless it is told not to.
var summing = regexp.MustCompile(`^parquet-mr version 1\.(1[3-9]|[2-9][0-9])`)

// summedBy guesses from the name of a file's writer whether pages have a CRC.
func summedBy(writer string) bool { return summing.MatchString(writer) }

// comesTwice reports whether all of the file is confirmed that is read.
func (f *pagedFile) comesTwice() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.twice
}

// bare says that there is a column whose pages have no CRC, and reports whether it is to be confirmed.
func (f *pagedFile) bare() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.twice = f.twice || f.sure
	return f.twice
}

// chunksOf are the columns of all row groups, by their places, and whether they lie apart.
func chunksOf(of *footer.File) (list []pagedChunk, apart bool) {
	list = []pagedChunk{}
	for i := range of.Groups {
		for leaf := range of.Groups[i].Chunks {
			if c := &of.Groups[i].Chunks[leaf]; c.Size > 0 {
				list = append(list, pagedChunk{off: c.Offset, end: c.Offset + c.Size, leaf: leaf, mark: -1, pages: c.Pages()})
			}
		}
	}
	byPlace := func(a, b pagedChunk) int { return cmp.Compare(a.off, b.off) }
	if !slices.IsSortedFunc(list, byPlace) {
		slices.SortStableFunc(list, byPlace)
	}
	for i := 1; i < len(list); i++ {
		if list[i].off < list[i-1].end {
			return list, false
		}
	}
	giveMarks(list)
	return list, true
}

// giveMarks gives chunks marks such that no two in one block have the same: one after the other, and none to those
// that lie among more than there are marks.
func giveMarks(list []pagedChunk) {
	first := func(c pagedChunk) int64 { return c.off / hiveql.PartBlock }
	last := func(c pagedChunk) int64 { return (c.end - 1) / hiveql.PartBlock }
	for i, c := range list {
		before, behind := i-hiveql.PartMarks, i+hiveql.PartMarks
		if (before < 0 || last(list[before]) < first(c)) && (behind >= len(list) || first(list[behind]) > last(c)) {
			list[i].mark = i % hiveql.PartMarks
		}
	}
}

// from are the chunks that end behind a place, and, if they do not lie apart, others. The caller holds mu.
func (f *pagedFile) from(off int64) []pagedChunk {
	first := 0
	if f.apart {
		first, _ = slices.BinarySearchFunc(f.chunks, off+1, func(c pagedChunk, off int64) int { return cmp.Compare(c.end, off) })
	}
	return f.chunks[first:]
}

// beside is how many of n bytes from off on lie before the next chunk. It is 0 if they begin in one, and as long as the
// footer is not known.
func (f *pagedFile) beside(off, n int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.chunks == nil {
		return 0
	}
	for _, c := range f.from(off) {
		switch {
		case c.off > off:
			return min(n, c.off-off)
		case c.end > off:
			return 0
		}
	}
	return n
}

// within are the chunks of which a range has bytes, and that a scan reads.
func (f *pagedFile) within(off, n int64) []pagedChunk {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []pagedChunk
	for _, c := range f.from(off) {
		if c.off >= off+n {
			break
		}
		if c.end > off && f.read[c.leaf] {
			list = append(list, c)
		}
	}
	return list
}

// pagedParts are the parts of a file whose pages are looked at before they are read.
type pagedParts struct {
	hiveql.Parts
	file *pagedFile
	url  string
}

// pageTries is how often a column of a row group is looked at that is another each time.
const pageTries = 6

// ReadAt is that of the parts, of pages that are right, and of confirmed bytes beside them.
func (p *pagedParts) ReadAt(ctx context.Context, b []byte, off int64) (int, error) {
	return p.read(ctx, p.Parts.ReadAt, b, off)
}

// ReadOn is that of the parts, in the same way.
func (p *pagedParts) ReadOn(ctx context.Context, b []byte, off int64) (int, error) {
	return p.read(ctx, p.Parts.ReadOn, b, off)
}

// Prefetch is that of the parts, of both copies of what comes twice.
func (p *pagedParts) Prefetch(off, n int64) {
	if p.file.comesTwice() {
		p.Parts.ConfirmAhead(off, n)
	} else {
		p.Parts.Prefetch(off, n)
	}
}

func (p *pagedParts) read(ctx context.Context, read func(context.Context, []byte, int64) (int, error), b []byte, off int64) (int, error) {
	mended := map[int64]bool{}
	for {
		twice := p.file.comesTwice()
		if twice {
			read = p.Parts.ReadConfirmed
		} else if err := p.Confirm(ctx, off, p.file.beside(off, int64(len(b)))); err != nil {
			return 0, err
		}
		todo := p.unseen(off, int64(len(b)), mended)
		n, err := read(ctx, b, off)
		if len(todo) == 0 || err != nil && !errors.Is(err, io.EOF) {
			return n, err
		}
		bad, failed := p.lookAt(ctx, todo, b[:n], off, twice)
		switch {
		case errors.Is(failed, errBare):
			continue
		case failed != nil:
			return 0, failed
		case bad == nil:
			return n, err
		}
		if err := p.mend(ctx, bad); err != nil {
			return 0, err
		}
		mended[bad.off] = true
	}
}

// unseenChunk is a chunk that nobody has looked at since.
type unseenChunk struct {
	pagedChunk
	since int
}

// unseen are the chunks to look at before a range is read.
func (p *pagedParts) unseen(off, n int64, but map[int64]bool) []unseenChunk {
	var list []unseenChunk
	for _, c := range p.file.within(off, n) {
		if but[c.off] {
			continue
		}
		if u, seen := p.seen(c); !seen {
			list = append(list, u)
		}
	}
	return list
}

func (p *pagedParts) seen(c pagedChunk) (unseenChunk, bool) {
	yes, since := p.Marked(c.off, c.end-c.off, max(c.mark, 0))
	return unseenChunk{c, since}, yes && (c.mark >= 0 || p.Sure())
}

// errBare says that pages which were expected to have a CRC have none, and are to be confirmed from now on.
var errBare = errors.New("the pages of a column have no CRC")

// lookAt looks at chunks, and returns the first that is not right. b has been read from off on, and, with twice set, is
// confirmed.
func (p *pagedParts) lookAt(ctx context.Context, list []unseenChunk, b []byte, off int64, twice bool) (bad *unseenChunk, err error) {
	for i, c := range list {
		w := parquetpages.Walk(c.pages)
		if c.off >= off && c.end <= off+int64(len(b)) {
			_, err = w.Write(b[c.off-off : c.end-off])
		} else {
			err = p.stream(ctx, w, c.pagedChunk)
		}
		if err == nil {
			err = w.Close()
		}
		var wrong *parquetpages.Error
		switch {
		case errors.As(err, &wrong):
			return &list[i], nil
		case err != nil:
			return nil, err
		case w.Summed() || twice:
		case p.file.bare():
			return nil, errBare
		default:
			continue // whoever wants it confirmed has to see it
		}
		if err := p.mark(c); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

func (p *pagedParts) mark(c unseenChunk) error {
	if c.mark < 0 {
		return nil
	}
	return p.Mark(c.off, c.end-c.off, c.mark, c.since)
}

// streamBytes is how much of a chunk is read at a time that is not read as a whole.
const streamBytes = 1 << 20

func (p *pagedParts) stream(ctx context.Context, w io.Writer, c pagedChunk) error {
	buf := make([]byte, min(streamBytes, c.end-c.off))
	read := p.Parts.ReadAt
	if p.file.comesTwice() {
		read = p.Parts.ReadConfirmed
	}
	for at := c.off; at < c.end; {
		n, err := read(ctx, buf[:min(int64(len(buf)), c.end-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			return nil // the file ends, which Close says
		}
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		at += int64(n)
	}
	return nil
}

// mend fetches a chunk that is not right until it is, or comes twice in one way.
func (p *pagedParts) mend(ctx context.Context, bad *unseenChunk) error {
	select {
	case p.file.fixing <- struct{}{}:
		defer func() { <-p.file.fixing }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var wrong *parquetpages.Error
	for range pageTries {
		c, seen := p.seen(bad.pagedChunk)
		if seen {
			return nil
		}
		wrong = nil
		w := parquetpages.Walk(c.pages)
		err := p.stream(ctx, w, c.pagedChunk)
		if err == nil {
			err = w.Close()
		}
		switch {
		case err == nil, errors.As(err, &wrong) && p.file.strayed(wrong):
			return p.settle(c, w, wrong)
		case wrong == nil:
			return err
		}
		changed, err := p.Again(ctx, c.off, c.end-c.off)
		if err != nil {
			return err
		}
		if !changed {
			p.file.stray(wrong)
			return p.settle(c, w, wrong)
		}
	}
	return &storage.Error{Op: "read", URL: p.url, Err: fmt.Errorf("bytes %d to %d, a column of a row group, came %d times as what they cannot be, changed on the way, at last %w: %w",
		bad.off, bad.end-1, pageTries, wrong, storage.ErrChecksum)}
}

// settle marks a chunk that counts as right, though something may be wrong with it. Without CRCs it is to be confirmed.
func (p *pagedParts) settle(c unseenChunk, w *parquetpages.Walker, wrong *parquetpages.Error) error {
	if !w.Summed() && (wrong == nil || !wrong.Sum) {
		p.file.bare()
	}
	return p.mark(c)
}

// strayed reports whether what is wrong is how the file's writer writes.
func (f *pagedFile) strayed(wrong *parquetpages.Error) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.strays >= mostStrays && !wrong.Sum
}

func (f *pagedFile) stray(wrong *parquetpages.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !wrong.Sum {
		f.strays++
	}
}

// provenFooter is readFooter; of a file without sums that has to be proven before it is used, when it has been.
func (e *Executor) provenFooter(ctx context.Context, f hiveql.File, local hiveql.Local) (*footer.File, error) {
	of, err := e.readFooter(ctx, f, local)
	if err != nil || !local.Whole || local.Parts == nil || local.Parts.Sure() {
		return of, err
	}
	if err := local.Parts.Prove(ctx); err != nil {
		return nil, err
	}
	return e.readFooter(ctx, f, local)
}
