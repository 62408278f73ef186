package hiveql

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// droppedList are files that go. What lies outside of the home has lists of their own where it is, so that a table that is
// made there takes them over.
type droppedList struct {
	id     string
	home   string // where it is kept
	files  []replaced
	intent string // its record until the commit; "" where there is none
	record string // from the commit on
}

// mostFarLists bounds the records of one statement: of places outside of the home beyond that the data goes at once.
const mostFarLists = 1000

// listOf is the list for a place.
func (d *dropping) listOf(place string) *droppedList {
	home := d.home
	if far := !isBelow(place, d.home) && d.lasts && d.s.grace() > 0; far && len(d.lists) < mostFarLists {
		home = place
	}
	for _, l := range d.lists {
		if home == d.home && l.home == home {
			return l
		}
	}
	l := &droppedList{id: newWriteID(0), home: home}
	d.lists = append(d.lists, l)
	return l
}

// write records the lists, and writes them.
func (d *dropping) write(ctx context.Context) error {
	s := d.s
	for _, l := range d.lists {
		l.intent = s.intentText(ctx, stateWriting, l.home)
	}
	err := s.changeIntentsOr(ctx, d.table.Database, &d.kept, func(p map[string]string) {
		for _, l := range d.lists {
			p[writeParam+l.id] = l.intent
		}
	})
	if err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(s.cfg.Parallel)
	for _, l := range d.lists {
		if !d.kept {
			l.intent = ""
		}
		g.Go(func() error { return s.cfg.writeReplaced(gctx, l.home, l.id, l.files) })
	}
	return g.Wait()
}

// finishList is finish for one list, of what has been removed or will be.
func (d *dropping) finishList(ctx context.Context, l *droppedList) error {
	s := d.s
	switch {
	case d.waits():
		s.cleanups = append(s.cleanups, cleanup{table: d.table, id: l.id, due: time.Now().Add(s.grace()), dropped: !d.ofTable(l)})
		return nil
	case !d.ofTable(l):
		return s.forgetDropped(ctx, d.table.Database, intentOf(l.id, l.record), l.files)
	}
	if was, err := s.changeRecord(ctx, d.table, l.id, l.record, stateCleaned); err != nil || !was {
		return err // another process is doing the same
	}
	_, err := s.finishWrite(ctx, d.table, l.id)
	return err
}

// ofTable reports whether a list becomes one of the table's, and none of the database's.
func (d *dropping) ofTable(l *droppedList) bool { return d.stays && l.home == d.home }

// recordOf is the record of a list from the commit on.
func (d *dropping) recordOf(ctx context.Context, l *droppedList) string {
	switch {
	case d.ofTable(l) && d.waits():
		return cleaningRecord(d.at, l.home)
	case d.ofTable(l):
		return cleaningRecord(time.UnixMilli(0), l.home)
	case d.waits():
		return droppedRecord(d.at.UnixMilli(), d.table, l.home)
	}
	return d.s.intentText(ctx, stateDropping, l.home)
}
