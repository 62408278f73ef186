package copier

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
)

// fromList yields what Options.SrcList names, in the order of the names. The objects are looked up
// some ahead, as many at once as there are workers.
func (p *planner) fromList(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		keys := make([]string, len(p.opts.SrcList))
		for i, name := range p.opts.SrcList {
			keys[i] = p.listedKey(name)
		}
		slices.SortFunc(keys, p.compareKeys)
		keys = slices.Compact(keys)

		ctx, cancel := context.WithCancel(ctx)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel()
		answers := make(chan chan Source, p.opts.workers())
		running.Go(func() {
			defer close(answers)
			for _, key := range keys {
				answer := make(chan Source, 1)
				select {
				case answers <- answer:
				case <-ctx.Done():
					return
				}
				running.Go(func() { answer <- p.lookUp(ctx, key) })
			}
		})
		for answer := range answers {
			s := <-answer
			if ctx.Err() != nil {
				yield(Source{}, context.Cause(ctx))
				return
			}
			if !yield(s, nil) {
				return
			}
		}
		if ctx.Err() != nil {
			yield(Source{}, context.Cause(ctx))
		}
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

func (p *planner) lookUp(ctx context.Context, key string) Source {
	o, err := p.described(ctx, key)
	return Source{Object: o, Base: baseName(p.src.Prefix, key), lost: err}
}

// Err is why the output cannot be made, if that is known: a source on a list is not there, or another
// one has its name.
func (t Task) Err() error {
	for _, s := range t.Sources {
		if s.lost != nil {
			return s.lost
		}
	}
	return nil
}
