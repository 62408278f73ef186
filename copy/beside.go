package copier

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/skepdata/skep/storage"
)

// How a destination is listed beside the source.
const (
	guidedPage    = 1000 // objects, as S3 lists by one request
	guidedStreams = 4    // pages that wait, besides the one that is wanted and the one to come
	guidedMisses  = 3    // pages one after the other that may be other than expected
	// The source is so many batches of aheadBatch ahead: marks are waited for, and they must come though
	// nobody takes sources. That is so until guidedMisses pages have been of no use, and those that
	// are on their way by then.
	guidedBatches = 48
)

// marks are every thousandth of the source's names, as its listing comes, for where a destination is
// much like its source, a page of its listing ends there.
type marks struct {
	mu      sync.Mutex
	names   []string
	seen    int
	latest  string
	ended   bool
	changed chan struct{} // closed by the next change; nil if nobody waits for it
}

func newMarks() *marks { return &marks{} }

// watch yields what sources does, and takes note of it.
func (m *marks) watch(sources iter.Seq2[Source, error]) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		defer m.end()
		for s, err := range sources {
			if err == nil {
				m.pass(s.Base)
			}
			if !yield(s, err) {
				return
			}
		}
	}
}

func (m *marks) pass(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return
	}
	if name < m.latest {
		m.ended = true // they are in no order
	} else if m.seen++; m.seen%guidedPage == 0 {
		m.names = append(m.names, name)
	} else {
		m.latest = name
		return
	}
	m.latest = name
	m.tell()
}

func (m *marks) tell() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// end says that no more come.
func (m *marks) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	m.tell()
}

// after waits for the first mark behind a name; ok is false if there is none. The source goes on
// meanwhile, for it may be further ahead than marks are apart.
func (m *marks) after(ctx context.Context, name string) (mark string, ok bool) {
	for {
		m.mu.Lock()
		i, found := slices.BinarySearch(m.names, name)
		if found {
			i++
		}
		if i < len(m.names) || m.ended {
			defer m.mu.Unlock()
			if i < len(m.names) {
				return m.names[i], true
			}
			return "", false
		}
		if m.changed == nil {
			m.changed = make(chan struct{})
		}
		changed := m.changed
		m.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return "", false
		}
	}
}

// listBeside lists as listWide does, some pages at the same time: from one mark to the next. Where that
// does not save requests, for the destination has other names than the source, it goes on as
// listWide.
func listBeside(ctx context.Context, b storage.Bucket, prefix string, m *marks) iter.Seq2[storage.Object, error] {
	pages, ok := b.(storage.PageLister)
	levels, ok2 := b.(storage.LevelLister)
	if !ok || !ok2 {
		return b.List(ctx, prefix)
	}
	return func(yield func(storage.Object, error) bool) {
		w := &wide{bucket: b, levels: levels}
		g := &guide{wide: w, pages: pages, prefix: prefix, marks: m}
		w.join(ctx, prefix, guidedStreams, g.begin, yield)
	}
}

// guide lists from mark to mark.
type guide struct {
	*wide
	pages  storage.PageLister
	prefix string
	marks  *marks

	misses atomic.Int64 // the latest pages that did not end at a mark
	ended  atomic.Bool  // nothing is behind what has been listed
}

// begin begins the streams, in order.
func (g *guide) begin(ctx context.Context, begin beginStream) {
	mark, ok := "", true
	for ok && !g.ended.Load() && !g.lost() {
		from := mark
		if !begin(func(ctx context.Context) iter.Seq2[storage.Object, error] { return g.toMark(ctx, from) }) {
			return
		}
		mark, ok = g.marks.after(ctx, from)
	}
	if ok && ctx.Err() == nil && !g.ended.Load() {
		g.level(ctx, g.prefix, g.prefix+mark, begin)
	}
}

// lost reports whether the marks are of no use.
func (g *guide) lost() bool { return g.misses.Load() >= guidedMisses }

// toMark lists what is behind a mark, up to the next, or to the end if there is none.
func (g *guide) toMark(ctx context.Context, mark string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		last := ""
		if mark != "" {
			last = g.prefix + mark
		}
		for n, requests := 0, 1; ; requests++ {
			objects, more, err := g.pages.ListPage(ctx, g.prefix, last, guidedPage)
			if err != nil {
				yield(storage.Object{}, err)
				return
			}
			next, bounded := g.marks.after(ctx, mark)
			until := g.prefix + next
			for _, o := range objects {
				if bounded && o.Key > until {
					g.count(requests == 1 && 2*n >= guidedPage)
					return
				}
				if !yield(o, nil) {
					return
				}
				n++
				last = o.Key
			}
			switch {
			case !more:
				g.ended.Store(true)
				return
			case bounded && last == until:
				g.count(requests == 1 && 2*n >= guidedPage)
				return
			case len(objects) == 0: // a page may have nothing but what was deleted
				g.behind(ctx, last, until, bounded, yield)
				return
			case !bounded:
				(&wide{bucket: g.bucket, levels: g.levels, last: last}).rest(ctx, g.prefix, yield)
				return
			}
		}
	}
}

// behind lists what is behind a key, up to another.
func (g *guide) behind(ctx context.Context, last, until string, bounded bool, yield func(storage.Object, error) bool) {
	for o, err := range g.levels.ListAfter(ctx, g.prefix, last) {
		if bounded && err == nil && o.Key > until || !yield(o, err) || err != nil {
			return
		}
	}
}

// count takes note of whether one page had what is between two marks, and little else.
func (g *guide) count(asExpected bool) {
	if asExpected {
		g.misses.Store(0)
	} else {
		g.misses.Add(1)
	}
}
