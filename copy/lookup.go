package copier

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

const (
	// lookupTogether is how many names of a list are looked up together: as many as S3 lists by one request.
	lookupTogether = 1000
	// lookupFew is how many names are asked for one by one, whatever else.
	lookupFew = 8
	// lookupSpread is how many objects are listed for each name at most: a page of a listing costs a service as
	// much as some dozens of questions for one object.
	lookupSpread = 10
	// lookupSkip is how many names are asked for one by one after a page that was not worth it, and twice as many
	// after each further one.
	lookupSkip = 64
	mostMisses = 10
)

// promise is something that a list names, of which more is to be known.
type promise struct {
	Source
	unknown bool // nothing but its key and its Base is known
	err     error
	known   chan struct{} // closed when what there is to know is known; nil if it is
}

// lookups ask the source for what lists and manifests do not tell of objects. Many names below one directory a listing
// tells with little: it begins before the first of them and is used as long as a page has enough of them. Others,
// and what no listing has, are asked for one by one, so that what is said of an object that is not there is the
// same. One goroutine uses it.
type lookups struct {
	p      *planner
	pages  storage.PageLister // nil if there are none, or nobody lets us list
	misses int                // pages in a row that were not worth it
	skip   int                // names to be asked for one by one before the next page
}

func newLookups(p *planner) *lookups {
	l := &lookups{p: p}
	// A listing tells neither what there was at some time nor a checksum. The capability is asked of the bucket
	// itself, as by listWide.
	if p.opts.AsOf.IsZero() && p.opts.Sync.CompareBy != CompareChecksum {
		l.pages, _ = p.src.Bucket.(storage.PageLister)
	}
	return l
}

// wanted reports whether something has to be looked up: not what no filter lets pass, by its name. Where a server
// copies alone, it is quicker with the version: otherwise it asks for what it has made of each.
func (l *lookups) wanted(s *promise) bool {
	if !s.unknown && (!l.p.opts.CopyFromManifest || !l.p.ofServer || l.pages == nil) {
		return false
	}
	named, err := l.p.selectsName(s.Source)
	return named || err != nil
}

// answer makes known what there is to know of a part of a list.
func (l *lookups) answer(ctx context.Context, list []promise) {
	var asked []*promise
	for i := range list {
		if list[i].known != nil {
			asked = append(asked, &list[i])
		}
	}
	byKey := slices.Clone(asked)
	slices.SortStableFunc(byKey, func(a, b *promise) int { return strings.Compare(a.Key, b.Key) })
	listed := l.byPages(ctx, byKey)
	var all errgroup.Group
	all.SetLimit(l.p.opts.workers())
	for _, one := range asked { // in the order in which they are waited for
		switch {
		case listed[one]:
		case !one.unknown:
			close(one.known) // its copy will tell
		default:
			all.Go(func() error {
				one.Object, one.lost = l.p.described(ctx, one.Key)
				close(one.known)
				return nil
			})
		}
	}
	_ = all.Wait() // each has its own error
}

// byPages makes known what pages of a listing tell, of names in order, and returns which.
func (l *lookups) byPages(ctx context.Context, asked []*promise) map[*promise]bool {
	told := map[*promise]bool{}
	for len(asked) > lookupFew && l.pages != nil {
		if skipped := min(l.skip, len(asked)); skipped > 0 {
			l.skip -= skipped
			asked = asked[skipped:]
			continue
		}
		first, last := asked[0].Key, asked[len(asked)-1].Key
		dir := commonDir(first, last)
		objects, more, err := l.pages.ListPage(ctx, dir, justBefore(first), min(lookupTogether, lookupSpread*len(asked)))
		if errors.Is(err, storage.ErrPermission) || ctx.Err() != nil {
			l.pages = nil
			break
		}
		before := len(told)
		asked = l.match(asked, objects, more && err == nil, told)
		if found := len(told) - before; found > 0 && found*lookupSpread >= len(objects) {
			l.misses = 0
			continue
		}
		l.skip = lookupSkip << l.misses
		l.misses = min(l.misses+1, mostMisses)
	}
	return told
}

// match makes known what a page tells of names, and returns those behind it.
func (l *lookups) match(asked []*promise, objects []storage.Object, more bool, told map[*promise]bool) []*promise {
	for _, o := range objects {
		for len(asked) > 0 && asked[0].Key < o.Key {
			asked = asked[1:] // it is not there
		}
		for len(asked) > 0 && asked[0].Key == o.Key {
			l.know(asked[0], o)
			told[asked[0]] = true
			asked = asked[1:]
		}
	}
	if !more {
		return nil
	}
	return asked
}

// know makes known what a listing tells of an object. Its time is told as one request for it alone would, which is
// how journals know it.
func (l *lookups) know(s *promise, o storage.Object) {
	defer close(s.known)
	switch {
	case s.unknown:
		o.ModTime = o.ModTime.Truncate(time.Second)
		s.Object = o
	case s.Size == o.Size:
		s.ETag = o.ETag
	default:
		s.lost = resized(l.p.src.Bucket.URL()+s.Key, s.Size, o.Size)
	}
}

// commonDir is the directory that two keys are below.
func commonDir(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:strings.LastIndexByte(a[:min(n, len(a)-1)], '/')+1]
}

// justBefore is a key before another that few others are between, in the same directory.
func justBefore(key string) string {
	last := len(key) - 1
	if c := key[last]; c > '!' && c <= '~' {
		return key[:last] + string(rune(c-1)) + "~"
	}
	return key[:last]
}
