package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// change is one change of the namespace that waits for its transaction.
type change struct {
	ctx context.Context
	do  func(context.Context, *transaction) error
	err error
	// lead gets true when it is for the waiting goroutine to run the next transaction, and
	// false when its change has been done.
	lead chan bool
}

// refusal is an error of one change that leaves the others in its transaction alone. A change
// refuses before it writes.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// queue gathers the changes that come while a transaction runs, for the next one: a
// transaction costs a sync of the disk, however many changes it has.
type queue struct {
	mu      sync.Mutex
	waiting []*change
	busy    bool
}

// maxBatch bounds how long a change can wait for the others in its transaction.
const maxBatch = 500

// commit makes a change, and returns when it is durable, with others that come at the same time.
func (s *store) commit(ctx context.Context, do func(context.Context, *transaction) error) error {
	c := &change{ctx: ctx, do: do, lead: make(chan bool, 1)}
	q := &s.commits
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	if q.busy {
		q.mu.Unlock()
		if !<-c.lead {
			return c.err
		}
	} else {
		q.busy = true
		q.mu.Unlock()
	}
	// The others in the batch must not suffer from the end of this one's context.
	done := s.lead(context.WithoutCancel(ctx))
	for _, other := range done {
		if other != c {
			other.lead <- false
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy = len(q.waiting) > 0; q.busy {
		q.waiting[0].lead <- true
	}
	return c.err
}

// lead makes the changes that wait, and those that come while it does, and then syncs them all at
// once: who was woken by the last sync is about to come again, one after the other.
func (s *store) lead(ctx context.Context) (done []*change) {
	q := &s.commits
	var garbage []blockRef
	var w *writerLease
	var committed []*change
	for len(done) < maxBatch {
		q.mu.Lock()
		batch := slices.Clone(q.waiting[:min(len(q.waiting), maxBatch-len(done))])
		q.waiting = slices.Delete(q.waiting, 0, len(batch))
		q.mu.Unlock()
		if len(batch) == 0 {
			break
		}
		done = append(done, batch...)
		t, by, err := s.run(ctx, batch)
		if err != nil {
			fail(batch, err)
			continue
		}
		garbage, w = append(garbage, t.garbage...), by
		committed = append(committed, batch...)
		runtime.Gosched()
	}
	if len(committed) == 0 {
		return done
	}
	err := s.ns.sync(w.journal.sync)
	if err != nil {
		if _, unknown := s.settle(ctx, w); unknown == nil {
			err = nil // it is durable now
		}
	}
	if err != nil {
		fail(committed, err)
		return done
	}
	s.removeBlocks(ctx, garbage)
	return done
}

// run makes a batch of changes in one transaction, which is not durable yet.
func (s *store) run(ctx context.Context, batch []*change) (t *transaction, w *writerLease, err error) {
	if w, err = s.asWriter(ctx); err != nil { // not in the transaction, which who holds the lease may wait for
		return nil, nil, err
	}
	if s.inDoubt(w) {
		if _, err := s.settle(ctx, w); err != nil {
			return nil, nil, fmt.Errorf("an earlier change was not confirmed, and whether it was made cannot be told yet: %w", err)
		}
	}
	var size int64
	err = s.changeUnsynced(ctx, func(tx *sql.Tx) (err error) {
		t = &transaction{Tx: tx, s: s, now: time.Now()}
		for _, c := range batch {
			if c.ctx.Err() != nil {
				c.err = context.Cause(c.ctx)
				continue
			}
			var refused refusal
			if c.err = c.do(ctx, t); c.err != nil && !errors.As(c.err, &refused) {
				return c.err
			}
		}
		if err := t.finish(ctx, w); err != nil {
			return err
		}
		size, err = w.journal.write(t.entries)
		return err
	})
	var unsettled *unsettledError
	if errors.As(err, &unsettled) {
		w.doubt = &unconfirmed{t.numbers, size}
		there, unknown := s.settle(ctx, w)
		if unknown != nil {
			return nil, nil, err
		}
		if !there {
			return nil, nil, fmt.Errorf("the namespace: %w", unsettled.err)
		}
		return t, w, nil
	}
	if err != nil {
		return nil, nil, err
	}
	w.journal.commit(size)
	w.changed = w.changed || len(t.entries) > 0
	return t, w, nil
}

func fail(batch []*change, err error) {
	for _, c := range batch {
		c.err = err
	}
}

// refList holds replicas of which the list of garbage is to be told: those whose files were
// removed, or those that could not be.
type refList struct {
	mu     sync.Mutex
	blocks []blockRef
}

func (g *refList) add(blocks ...blockRef) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocks = append(g.blocks, blocks...)
}

func (g *refList) take() []blockRef {
	g.mu.Lock()
	defer g.mu.Unlock()
	blocks := g.blocks
	g.blocks = nil
	return blocks
}

// update runs fn in a transaction, as the namespace's update does, and brings the list of garbage up
// to date on the way. When it returns all is durable.
func (s *store) update(ctx context.Context, fn func(*sql.Tx) error) error {
	if err := s.ns.settle(ctx); err != nil {
		return err
	}
	if err := s.changeUnsynced(ctx, fn); err != nil {
		return err
	}
	return s.ns.sync()
}

func (s *store) changeUnsynced(ctx context.Context, fn func(*sql.Tx) error) error {
	gone, waste := s.gone.take(), s.waste.take()
	err := s.ns.change(ctx, func(tx *sql.Tx) error {
		for _, b := range waste {
			_, err := tx.ExecContext(ctx, "INSERT OR IGNORE INTO garbage (block, disk) VALUES (?, ?)", b.id, b.disk)
			if err != nil {
				return err
			}
		}
		for _, b := range gone {
			_, err := tx.ExecContext(ctx, "DELETE FROM garbage WHERE block = ? AND disk = ?", b.id, b.disk)
			if err != nil {
				return err
			}
		}
		return fn(tx)
	})
	if err != nil {
		s.gone.add(gone...)
		s.waste.add(waste...)
	}
	return err
}
