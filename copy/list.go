package copier

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/skepdata/skep/storage"
)

// fromList yields what Options.SrcList names, in the order of the names.
func (p *planner) fromList(ctx context.Context) iter.Seq2[Source, error] {
	return p.lookUpAhead(ctx, func(ctx context.Context, yield func(promise) bool) {
		keys := make([]string, len(p.opts.SrcList))
		for i, name := range p.opts.SrcList {
			keys[i] = p.listedKey(name)
		}
		slices.SortFunc(keys, p.compareKeys)
		for _, key := range slices.Compact(keys) {
			if !yield(promise{Source: Source{Object: storage.Object{Key: key}, Base: baseName(p.src.Prefix, key)}, unknown: true}) {
				return
			}
		}
	})
}

// lookUpAhead yields what list does, in that order. What is not known of objects is looked up some ahead. list is called
// in a goroutine of its own.
func (p *planner) lookUpAhead(
	ctx context.Context, list func(ctx context.Context, yield func(promise) bool),
) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		parts := make(chan []promise, 1)
		running.Go(func() {
			defer close(parts)
			p.lookUp(ctx, list, parts)
		})
		for part := range parts {
			for i := range part {
				s := &part[i]
				if s.known != nil {
					<-s.known
				}
				if ctx.Err() != nil {
					yield(Source{}, context.Cause(ctx))
					return
				}
				if !yield(s.Source, s.err) || s.err != nil {
					return
				}
			}
		}
		if ctx.Err() != nil {
			yield(Source{}, context.Cause(ctx))
		}
	}
}

// lookUp passes on what list yields, in parts, and makes it known then.
func (p *planner) lookUp(
	ctx context.Context, list func(ctx context.Context, yield func(promise) bool), to chan<- []promise,
) {
	l := newLookups(p)
	var part []promise
	flush := func() bool {
		select {
		case to <- part:
		case <-ctx.Done():
			return false
		}
		l.answer(ctx, part)
		part = nil
		return true
	}
	wanted := true
	list(ctx, func(s promise) bool {
		if s.err == nil && l.wanted(&s) {
			s.known = make(chan struct{})
		}
		part = append(part, s)
		wanted = len(part) < lookupTogether || flush()
		return wanted
	})
	if wanted && len(part) > 0 {
		flush()
	}
}

// given yields Options.Objects.
func (p *planner) given(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for o, err := range p.opts.Objects(ctx) {
			if !yield(Source{Object: o, Base: baseName(p.src.Prefix, o.Key)}, err) || err != nil {
				return
			}
		}
	}
}

// compareKeys orders keys by their names relative to the source, and those of one name as listWithin
// does.
func (p *planner) compareKeys(a, b string) int {
	if c := strings.Compare(p.baseOf(a), p.baseOf(b)); c != 0 {
		return c
	}
	switch dir := directory(p.src.Prefix); {
	case strings.HasPrefix(a, dir) == strings.HasPrefix(b, dir):
		return strings.Compare(a, b)
	case strings.HasPrefix(a, dir):
		return -1
	}
	return 1
}

// listedKey is the key that a list means by a name.
func (p *planner) listedKey(name string) string {
	if strings.HasPrefix(name, p.src.URL()) {
		return strings.TrimPrefix(name, p.src.Bucket.URL())
	}
	return directory(p.src.Prefix) + name
}

// Err is why the output cannot be made, if that is known: a source on a list is not there, or another
// one has its name.
func (t Task) Err() error {
	return t.Sources.lost()
}
