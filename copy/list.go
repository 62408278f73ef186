package copier

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/skepdata/skep/storage"
)

// fromList yields what Options.SrcList names, in the order of the keys. The objects are looked up
// some ahead, as many at once as there are workers.
func (p *planner) fromList(ctx context.Context) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		keys := make([]string, len(p.opts.SrcList))
		for i, name := range p.opts.SrcList {
			keys[i] = p.listedKey(name)
		}
		slices.Sort(keys)
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

// listedKey is the key that a list means by a name.
func (p *planner) listedKey(name string) string {
	if strings.HasPrefix(name, p.src.URL()) {
		return strings.TrimPrefix(name, p.src.Bucket.URL())
	}
	return directory(p.src.Prefix) + name
}

func (p *planner) lookUp(ctx context.Context, key string) Source {
	o, err := p.stat(ctx, key)
	if err != nil {
		o = storage.Object{Key: key}
	}
	return Source{Object: o, Base: baseName(p.src.Prefix, key), lost: err}
}

// lost is why a source of t cannot be copied, if that is known.
func (t Task) lost() error {
	for _, s := range t.Sources {
		if s.lost != nil {
			return s.lost
		}
	}
	return nil
}
