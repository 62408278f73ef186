package duck

import (
	"slices"
	"sync"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
)

// ahead asks for what a scan is going to read, in the order in which DuckDB reads it: file by file,
// row group by row group, and of each the columns that the scan needs. It runs some way ahead of
// the furthest that has been read, so that a query that ends early has not brought everything.
type ahead struct {
	mu      sync.Mutex
	ranges  []aheadRange
	next    int // the first that has not been asked for
	reached int // the furthest that was read, once one has begun
	begun   bool
	pending int64 // what those count that were asked for, from reached on
	window  int64 // for pending
}

// aheadRange is a part of a file that will be read.
type aheadRange struct {
	parts  hiveql.Parts
	off, n int64
	counts int64 // once it has been asked for: what had to be fetched, about
	// instead, if not nil, says that it is all of a file, which is compared as a whole if it can be, and what is
	// wanted of it.
	instead []aheadRange
}

const (
	// The window grows as more is read: of scans of which all is wanted it begins with firstWindow,
	// of those that may end after some rows with leastWindow once they have begun.
	firstWindow = 32 << 20
	mostWindow  = 128 << 20
	leastWindow = 1 << 20
	// closeBytes is how near parts must be for one request to bring what is between them too.
	closeBytes = 128 << 10
	// wholeBytes is the size of a file up to which it comes whole, with its footer.
	wholeBytes = 256 << 10
	// comparedBytes is the size of a file up to which it comes whole instead of twice where that is fewer bytes, though
	// nothing of it is used before all of it has come.
	comparedBytes = 32 << 20
)

// planAhead finds what a scan will read of the far files of a group, and asks for the first of it.
// With few set the scan may end after some rows.
func planAhead(s *analysis.Scan, g *scanGroup, few bool) {
	a := &ahead{window: firstWindow}
	if few {
		a.window = 1 // the first range
	}
	for i := range g.files {
		f := &g.files[i]
		if first := len(a.ranges); a.addFile(f, s) {
			if !few {
				a.asWhole(f, first)
			}
			f.touch.by(a, first, len(a.ranges))
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ask()
}

// addFile plans a file, if it is one that comes by parts.
func (a *ahead) addFile(f *scanFile, s *analysis.Scan) bool {
	if f.parts == nil || f.footer == nil || f.file.Object.Size <= wholeBytes {
		return false
	}
	read := f.reads(s)
	for _, n := range f.groups {
		a.add(f, read, n)
	}
	return true
}

// asWhole plans a file as a whole, whose ranges are those from first on, if they would come twice and it is fewer bytes.
func (a *ahead) asWhole(f *scanFile, first int) {
	size := f.file.Object.Size
	if f.paged == nil || !f.paged.file.comesTwice() || size > comparedBytes || first == len(a.ranges) {
		return
	}
	twice := int64(0)
	for _, r := range a.ranges[first:] {
		twice += r.parts.Unconfirmed(r.off, r.n)
	}
	if twice > f.parts.Missing(0, size) {
		all := aheadRange{parts: f.parts, n: size, instead: slices.Clone(a.ranges[first:])}
		a.ranges = append(a.ranges[:first], all)
	}
}

// add plans the columns of one row group whose leaves are read. Neighbours become one range.
func (a *ahead) add(f *scanFile, read []bool, group int) {
	begin := len(a.ranges)
	chunks := f.footer.Groups[group].Chunks
	for leaf := range chunks {
		if !read[leaf] || chunks[leaf].Size == 0 {
			continue
		}
		off, n := chunks[leaf].Offset, chunks[leaf].Size
		if at := len(a.ranges) - 1; at >= begin {
			if last := &a.ranges[at]; off >= last.off && off-(last.off+last.n) <= closeBytes {
				last.n = max(last.n, off+n-last.off)
				continue
			}
		}
		a.ranges = append(a.ranges, aheadRange{parts: f.parts, off: off, n: n})
	}
}

// reads says of each leaf of the file whether a scan reads it.
func (f *scanFile) reads(s *analysis.Scan) []bool {
	read := make([]bool, f.footer.Leaves())
	for _, c := range s.Cols {
		if c.Source != analysis.DataColumn {
			continue
		}
		if col := dataColumn(s, c, f.footer); col != nil {
			for leaf := col.Leaf; leaf < col.Leaf+col.Leaves; leaf++ {
				read[leaf] = true
			}
		}
	}
	return read
}

// ask asks for what the window has room for. The caller holds the lock.
func (a *ahead) ask() {
	for a.next < len(a.ranges) && a.pending < a.window {
		r := &a.ranges[a.next]
		r.counts = r.toFetch()
		r.ask()
		a.pending += r.counts
		a.next++
	}
}

// toFetch is how many bytes have to be fetched, about. What is there counts a little, so that one scan does not look
// through all of a large file at once.
func (r *aheadRange) toFetch() int64 {
	n := r.parts.Missing(r.off, r.n)
	if p, ok := r.parts.(*pagedParts); ok && p.file.comesTwice() {
		n = p.Unconfirmed(r.off, r.n)
	}
	return max(n, r.n/64)
}

func (r *aheadRange) ask() {
	if r.instead == nil {
		r.parts.Prefetch(r.off, r.n)
	} else if !r.parts.ConfirmWhole() {
		for i := range r.instead {
			r.instead[i].ask()
		}
	}
}

// read notes that something of a file is read, whose ranges are those from first to before last.
func (a *ahead) read(first, last int, off, n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := -1
	for i := max(first, a.reached); i < last; i++ {
		if r := a.ranges[i]; off < r.off+r.n && r.off < off+n {
			at = i
			break
		}
	}
	if at < 0 || at == a.reached && a.begun {
		return
	}
	a.begun = true
	for ; a.reached < at; a.reached++ {
		if a.reached < a.next {
			a.pending -= a.ranges[a.reached].counts
		}
	}
	a.next = max(a.next, at)
	a.window = min(max(2*a.window, leastWindow), mostWindow)
	a.ask()
}

// touched passes on what is read of a file to the one who runs ahead, once there is one.
type touched struct {
	mu          sync.Mutex
	a           *ahead
	first, last int
}

func (t *touched) by(a *ahead, first, last int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.a, t.first, t.last = a, first, last
}

// read notes what is read, and reports whether somebody runs ahead of it.
func (t *touched) read(off, n int64) bool {
	t.mu.Lock()
	a, first, last := t.a, t.first, t.last
	t.mu.Unlock()
	if a == nil || first == last {
		return false
	}
	a.read(first, last, off, n)
	return true
}
