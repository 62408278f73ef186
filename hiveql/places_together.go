package hiveql

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/storage"
)

const (
	// manyPlaces is the number of places below a table's from which on they are listed together.
	manyPlaces = 64
	// keysForPlace is how many objects may be listed for each of them: a page of a listing for 32 places,
	// which by themselves take a request each.
	keysForPlace = 1000 / 32
)

// placeBelow is a target that lies below the location of its table.
type placeBelow struct {
	*target
	loc storage.Location
}

// lookTogether looks at many places of the table by one listing of it, and gives those that are left: those
// that lie elsewhere, and, where the table has much besides, those that the listing would have come to late.
func (j *job) lookTogether(ctx context.Context, l *lister, targets []*target) (rest []*target, err error) {
	if len(targets) < manyPlaces {
		return targets, nil
	}
	root, err := j.s.cfg.directory(ctx, j.table.Storage.Location)
	if err != nil {
		return nil, err
	}
	var places []placeBelow
	for _, t := range targets {
		loc, err := j.s.cfg.directory(ctx, t.location)
		if err != nil {
			return nil, err
		}
		if loc.Bucket.URL() == root.Bucket.URL() && strings.HasPrefix(loc.Prefix, root.Prefix) && loc.Prefix != root.Prefix {
			places = append(places, placeBelow{t, loc})
		} else {
			rest = append(rest, t)
		}
	}
	slices.SortFunc(places, func(a, b placeBelow) int { return strings.Compare(a.loc.Prefix, b.loc.Prefix) })
	for i := 1; i < len(places); i++ {
		if len(places) < manyPlaces || strings.HasPrefix(places[i].loc.Prefix, places[i-1].loc.Prefix) { // one in another
			return targets, nil
		}
	}
	seen, err := j.listTogether(ctx, l, root, places)
	if err != nil {
		return nil, err
	}
	for _, p := range places[seen:] {
		rest = append(rest, p.target)
	}
	if seen == 0 {
		return rest, nil
	}
	pending, err := j.pendingNow(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range places[:seen] {
		if err := j.looked(p.target, p.loc, pending); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// listTogether lists the table for places in their order, and reports how many of them it has come past.
func (j *job) listTogether(ctx context.Context, l *lister, root storage.Location, places []placeBelow) (int, error) {
	gone, err := l.gone(ctx)
	if err != nil {
		return 0, errReplacedIfStale(err)
	}
	for _, p := range places {
		p.forgetSeen()
	}
	at, keys := 0, 0
	for o, err := range within(ctx, root) {
		if err != nil {
			return 0, err
		}
		for at < len(places) && places[at].loc.Prefix < o.Key && !strings.HasPrefix(o.Key, places[at].loc.Prefix) {
			at++
		}
		if keys++; at == len(places) || keys > keysForPlace*len(places) {
			return at, nil
		}
		if p := places[at]; strings.HasPrefix(o.Key, p.loc.Prefix) {
			p.see(j.id, p.loc, o, gone[p.location])
		}
	}
	return len(places), nil
}
