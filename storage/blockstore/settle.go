package blockstore

import (
	"context"
	"errors"
)

// unsettledError is a transaction of which nobody knows whether it was committed: the database could
// not write or sync all of it, and what is there may be found when it is opened again.
type unsettledError struct{ err error }

func (e *unsettledError) Error() string {
	return "the namespace does not tell whether it was committed: " + e.err.Error()
}
func (e *unsettledError) Unwrap() error { return e.err }

// unsettled says that err leaves it open whether a transaction was committed, or is durable.
func (n *namespace) unsettled(err error) error {
	doubt := &unsettledError{err}
	n.doubt.Store(doubt)
	return doubt
}

// settle ends the doubt about earlier transactions: from then on those that can be seen are durable, and the others
// will not come back. It moves all of the log to the database and empties it. What a failed sync left of the
// log nobody could tell otherwise, nor whether a crash would bring back a commit that failed while it was written.
func (n *namespace) settle(ctx context.Context) error {
	doubt := n.doubt.Load()
	if doubt == nil {
		return nil
	}
	if err := n.getReady(ctx); err != nil {
		return err
	}
	if err := n.turn.enter(ctx); err != nil {
		return err
	}
	defer n.turn.leave()
	if err := n.renew(ctx); err != nil {
		return err
	}
	err := patiently(ctx, func() error {
		var busy bool
		var frames, moved int64
		err := n.writes.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
		if err == nil && busy {
			err = errors.New("a process that reads the namespace keeps its log from being moved to the database")
		}
		return err
	})
	if err == nil {
		err = n.syncLog()
	}
	if err == nil {
		n.doubt.CompareAndSwap(doubt, nil)
	}
	return err
}

// renew gives up the connection that has failed. The caller has the turn.
func (n *namespace) renew(ctx context.Context) error {
	n.writes.SetMaxIdleConns(-1)
	n.writes.SetMaxIdleConns(1)
	hot, err := n.compile(ctx)
	if err != nil {
		return err
	}
	n.readying.Lock()
	defer n.readying.Unlock()
	old := n.hot
	n.hot = hot
	return closeAll(old)
}

// committed tells whether a transaction of a writer was committed, of which next was the number after its own.
func (n *namespace) committed(ctx context.Context, writer string, next int64) (bool, error) {
	known, err := column[int64](ctx, n.reads, "SELECT committed FROM writers WHERE id = ?", writer)
	if err == nil && len(known) == 0 {
		err = errors.New("another process took this one for dead")
	}
	return err == nil && known[0] >= next, err
}

// unconfirmed is a transaction of which it is not known whether it was committed.
type unconfirmed struct {
	next int64 // the number after its own
	size int64 // of the journal with its entries
}

// inDoubt tells whether there is something to settle.
func (s *store) inDoubt(w *writerLease) bool {
	return s.ns.doubt.Load() != nil || w.doubt != nil || w.journal.isInDoubt()
}

// settle finds out what became of changes that were not confirmed, and makes those that were made durable. It reports
// whether the last one was made.
func (s *store) settle(ctx context.Context, w *writerLease) (there bool, err error) {
	if err := s.ns.settle(ctx); err != nil {
		return false, err
	}
	if w.doubt != nil {
		if there, err = s.ns.committed(ctx, w.id, w.doubt.next); err != nil {
			return false, err
		}
		if there {
			w.journal.commit(w.doubt.size)
			w.changed = true
		}
		w.doubt = nil
	}
	return there, w.journal.again()
}
