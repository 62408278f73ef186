package hiveql

import (
	"context"
	"errors"
	"os"
	"sync"
	"time"

	"github.com/skepdata/skep/metastore"
)

// A statement that reads tables for longer than a moment says so in the metastore, by a lock of
// the kind that Hive's readers take, so that what its plan needs is not removed under it.

const (
	leaseDelay = 200 * time.Millisecond // a statement that ends sooner takes no lease
	// leastGrace is the shortest grace that there is but for none: until then, what runs has a lease.
	leastGrace = leaseDelay + 100*time.Millisecond
	leaseTerm  = time.Minute // how long a lease holds when its process dies
	leaseAgent = "skep reader"
	// clockSkew is how far the clocks of two machines may be apart, where the metastore has none, and clockLag how
	// far what two processes believe that the clock of the metastore says.
	clockSkew = 10 * time.Second
	clockLag  = time.Second
)

// lease is the claim of one statement. Its goroutine ends with end.
type lease struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// lease begins a claim, before the files are listed: what is replaced before that is not in the plan,
// or the plan is made again. A metastore that does not take it, a
// read-only one for instance, leaves the statement unprotected: what is removed under it then is an
// error of its own.
func (s *Session) lease(ctx context.Context, tables []metastore.TableName) *lease {
	ctx, cancel := context.WithCancel(ctx)
	l := &lease{cancel: cancel}
	if len(tables) == 0 {
		return l
	}
	host, _ := os.Hostname()
	lock := &metastore.Lock{State: "ACQUIRED", User: s.cfg.User, Host: host, Agent: leaseAgent}
	for _, t := range tables {
		lock.Components = append(lock.Components, metastore.LockComponent{Type: "SHARED_READ", Level: "TABLE",
			Database: t.Database, Table: t.Name, Operation: "SELECT"})
	}
	begun := time.Now()
	l.running.Go(func() { s.engine.hold(ctx, lock, begun) })
	return l
}

// hold keeps a lock alive until ctx ends, or gives up where the metastore has none. A change that
// has begun is not called off. The times are of the metastore's clock: those of machines may be wrong.
func (e *Engine) hold(ctx context.Context, lock *metastore.Lock, begun time.Time) {
	store := e.cfg.Store
	update := func(fn func(context.Context, metastore.Tx) error) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaseTerm/2)
		defer cancel()
		return store.Update(ctx, func(tx metastore.Tx) error { return fn(ctx, tx) })
	}
	for wait := leaseDelay; ; wait = leaseTerm / 3 {
		select {
		case <-ctx.Done():
			if lock.ID != 0 {
				_ = update(func(ctx context.Context, tx metastore.Tx) error { return tx.DropLock(ctx, lock.ID) }) // it expires
			}
			return
		case <-time.After(wait):
		}
		lock.Heartbeat = e.now(ctx)
		if lock.Acquired.IsZero() {
			lock.Acquired = lock.Heartbeat.Add(-time.Since(begun))
		}
		lock.Expires = lock.Heartbeat.Add(leaseTerm)
		var id int64
		err := update(func(ctx context.Context, tx metastore.Tx) (err error) {
			id, err = tx.PutLock(ctx, lock)
			return err
		})
		if errors.Is(err, errors.ErrUnsupported) {
			return
		}
		if err == nil {
			lock.ID = id
		}
	}
}

// end gives the claim up and waits until that is done. It is idempotent.
func (l *lease) end() {
	l.cancel()
	l.running.Wait()
}

// grace is how long replaced files stay whatever happens; with 0 they go at once, whoever reads them.
func (s *Session) grace() time.Duration {
	d, err := time.ParseDuration(s.Setting(vacuumGrace))
	if err != nil || d <= 0 {
		return 0 // set checks it
	}
	return max(d, leastGrace)
}

// needed reports whether a plan made before a commit may still be in use.
func (s *Session) needed(ctx context.Context, table metastore.TableName, committed time.Time) (bool, error) {
	if s.grace() == 0 {
		return false, nil
	}
	now := s.engine.now(ctx)
	if now.Before(committed.Add(s.grace())) {
		return true, nil
	}
	locks, err := s.cfg.Store.Locks(ctx)
	if errors.Is(err, errors.ErrUnsupported) { // a metastore of others, where we could not ask for locks either
		return false, nil
	}
	if err != nil {
		return false, err
	}
	host, _ := os.Hostname()
	for _, l := range locks {
		before := committed.Add(clockLag)
		if l.Host != host {
			before = before.Add(clockSkew)
		}
		if l.Agent != leaseAgent || l.Expires.Before(now) || l.Acquired.After(before) {
			continue
		}
		for _, c := range l.Components {
			if c.Database == table.Database && c.Table == table.Name {
				return true, nil
			}
		}
	}
	return false, nil
}
