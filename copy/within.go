package copier

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/skepdata/skep/storage"
)

// endsWithinName reports whether the source is a prefix as s3://b/log, to which belong the keys log/a
// and loga, both named "a" relative to it.
func (p *planner) endsWithinName() bool {
	return p.below == "" && isFlat(p.src.Bucket) && p.src.Prefix != "" && !strings.HasSuffix(p.src.Prefix, "/")
}

// listWithin lists such a source in the order of the names, in which two of one name are neighbours:
// what is below the slash is listed apart from what is beside it, if there are both.
func (p *planner) listWithin(ctx context.Context) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		dir := p.src.Prefix + "/"
		mixed, all, err := p.isMixed(ctx, dir)
		if err != nil {
			yield(storage.Object{}, err)
			return
		}
		if all != nil {
			p.inOrder(func(yield func(storage.Object, error) bool) {
				for _, o := range all {
					if !yield(o, nil) {
						return
					}
				}
			})(yield)
			return
		}
		if !mixed {
			p.inOrder(p.list(ctx, p.src.Prefix))(yield)
			return
		}
		nextBelow, stopBelow := iter.Pull2(p.inOrder(p.list(ctx, dir)))
		defer stopBelow()
		below, belowErr, more := nextBelow()
		for o, err := range p.inOrder(p.list(ctx, p.src.Prefix)) {
			if err == nil && strings.HasPrefix(o.Key, dir) {
				continue
			}
			for err == nil && more && (belowErr != nil || p.baseOf(below.Key) <= p.baseOf(o.Key)) {
				if !yield(below, belowErr) || belowErr != nil {
					return
				}
				below, belowErr, more = nextBelow()
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
		for more && yield(below, belowErr) && belowErr == nil {
			below, belowErr, more = nextBelow()
		}
	}
}

// fewBeside is how many objects may be all of a source that ends within a name: a page of a listing.
const fewBeside = 1000

// isMixed reports whether the source has keys below the slash as well as others. It takes a request
// or two. Where it has but a few others, as one object is, all are those, and nothing has to be listed.
func (p *planner) isMixed(ctx context.Context, dir string) (mixed bool, all []storage.Object, err error) {
	beside := !p.opts.AsOf.IsZero() // nothing but a listing tells what there was
	if !beside {
		all, complete := []storage.Object{}, true
		for e, err := range storage.ListDir(ctx, p.src.Bucket, p.src.Prefix) {
			if err != nil {
				return false, nil, err
			}
			beside = beside || e.Key != dir
			if complete = complete && !e.Dir && len(all) < fewBeside; complete {
				all = append(all, e.Object)
			} else if beside {
				break
			}
		}
		if complete {
			return false, all, nil
		}
	}
	if !beside {
		return false, nil, nil
	}
	mixed, err = p.hasAny(ctx, dir)
	return mixed, nil, err
}

// inOrder puts the key that is the whole prefix, which is listed first, where its name belongs. It
// leaves out those that stand for directories, which have no names.
func (p *planner) inOrder(listed iter.Seq2[storage.Object, error]) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		var own *storage.Object
		for o, err := range listed {
			switch {
			case err == nil && strings.HasSuffix(o.Key, "/"):
				continue
			case err == nil && o.Key == p.src.Prefix:
				own = &o
				continue
			}
			if own != nil && err == nil && p.baseOf(own.Key) <= p.baseOf(o.Key) {
				if !yield(*own, nil) {
					return
				}
				own = nil
			}
			if !yield(o, err) || err != nil {
				return
			}
		}
		if own != nil {
			yield(*own, nil)
		}
	}
}

func (p *planner) baseOf(key string) string { return baseName(p.src.Prefix, key) }

// namesakes finds sources that come one after the other and have one name, of which the first is
// copied and the others fail: one would replace the other. What is below the slash comes first.
type namesakes struct{ name, key string }

func (n *namesakes) add(p *planner, s *Source) {
	switch {
	case s.lost != nil, !p.endsWithinName():
	case n.key == "" || n.name != s.Base || n.key == s.Key:
		n.name, n.key = s.Base, s.Key
	default:
		url := p.src.Bucket.URL()
		s.lost = &storage.Error{Op: "copy", URL: url + s.Key, Err: fmt.Errorf(
			"it and %s would both become %s; end the source with a slash to copy what is below it alone", url+n.key, n.name)}
	}
}
