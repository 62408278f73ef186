package blockstore

import (
	"context"
	"database/sql"
	"errors"
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

// commit makes a change, in a transaction with others that come at the same time.
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
		q.mu.Lock()
	}
	q.busy = true
	batch := q.waiting[:min(len(q.waiting), maxBatch)] // c is the first of them, or alone
	q.waiting = slices.Clone(q.waiting[len(batch):])
	q.mu.Unlock()

	// The others in the batch must not suffer from the end of this one's context.
	s.run(context.WithoutCancel(ctx), batch)

	for _, other := range batch {
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

// run makes a batch of changes in one transaction, and removes what became garbage.
func (s *store) run(ctx context.Context, batch []*change) {
	var t *transaction
	w, err := s.asWriter(ctx) // not in the transaction, which who holds the lease may wait for
	if err != nil {
		fail(batch, err)
		return
	}
	var size int64
	err = s.update(ctx, func(tx *sql.Tx) (err error) {
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
	}, func() error {
		w.journal.commit(size)
		w.changed = w.changed || len(t.entries) > 0
		return w.journal.sync()
	})
	if err != nil {
		fail(batch, err)
		return
	}
	s.removeBlocks(ctx, t.garbage)
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

// update is the namespace's, and brings the list of garbage up to date on the way.
func (s *store) update(ctx context.Context, fn func(*sql.Tx) error, syncs ...func() error) error {
	gone, waste := s.gone.take(), s.waste.take()
	err := s.ns.update(ctx, func(tx *sql.Tx) error {
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
	}, syncs...)
	if err != nil {
		s.gone.add(gone...)
		s.waste.add(waste...)
	}
	return err
}
