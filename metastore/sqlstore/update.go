package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/skepdata/skep/metastore"
)

// maxAttempts is how often a transaction is run when others get in its way.
const maxAttempts = 100

// outagePatience is how long a call waits for a server that has gone to come back.
const outagePatience = 30 * time.Second

// retry decides whether a call that failed is made again, and waits.
type retry struct {
	attempts int
	since    time.Time // when the server was first away
}

// next waits for the next attempt; false means that the error is final.
func (r *retry) next(ctx context.Context, err error) bool {
	var wait time.Duration
	switch troubleOf(err) {
	case again:
		if r.attempts++; r.attempts >= maxAttempts {
			return false
		}
		wait = time.Millisecond << min(r.attempts+1, 7)
	case gone:
		if r.since.IsZero() {
			r.since = time.Now()
		}
		r.attempts++
		wait = 20 * time.Millisecond << min(r.attempts, 5)
		if time.Since(r.since)+wait > outagePatience {
			return false
		}
	default:
		return false
	}
	return pause(ctx, wait/2+mathrand.N(wait/2+1)) == nil
}

// pause waits, at most until the end of the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Update implements metastore.Store. Where the connection breaks during the commit, it finds out
// whether the commit arrived, so that fn takes effect once.
func (s *Store) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	var r retry
	for {
		failed, err := s.attempt(ctx, fn)
		switch {
		case failed != nil && troubleOf(failed) == fatal:
			return failed
		case failed == nil && err == nil:
			return nil
		case err == nil:
			err = failed
		}
		if r.next(ctx, err) {
			continue
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("update metastore: %w", err)
	}
}

// attempt runs fn in a transaction; failed is its error.
func (s *Store) attempt(ctx context.Context, fn func(metastore.Tx) error) (failed, err error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.sql.Rollback() }() // does nothing after a commit
	if failed = fn(t); failed != nil {
		return failed, nil
	}
	token, err := t.finish(ctx)
	if err != nil {
		return nil, err
	}
	err = s.d.wrap(t.sql.Commit())
	if s.d.remote && troubleOf(err) == gone {
		return nil, s.outcome(ctx, token, err)
	}
	return nil, err
}

// begin waits for the lock of the store and reads what is counted under it.
func (s *Store) begin(ctx context.Context) (*tx, error) {
	q, err := beginPatiently(ctx, s.write, s.d)
	if err != nil {
		return nil, err
	}
	t := &tx{reader: reader{session: session{q, s.d}, descriptors: &descriptorCache{}, inTx: true}, sql: q}
	err = t.one(ctx, `SELECT next_id, last_change, keep_days FROM store WHERE one = 1`+s.d.lock, nil, &t.nextID, &t.lastChange, &t.keepDays)
	if err != nil {
		_ = q.Rollback()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	t.before = t.counters
	return t, nil
}

// finish writes what was counted, and on a server a token by which the commit can be found.
func (t *tx) finish(ctx context.Context) (token string, err error) {
	if t.counters != t.before {
		_, err := t.exec(ctx, `UPDATE store SET next_id = ?, last_change = ? WHERE one = 1`, t.nextID, t.lastChange)
		if err != nil {
			return "", err
		}
	}
	if !t.d.remote || !t.wrote {
		return "", nil
	}
	token = rand.Text()
	now := time.Now()
	if _, err := t.exec(ctx, `INSERT INTO commits (token, at) VALUES (?, ?)`, token, now.UnixMicro()); err != nil {
		return "", err
	}
	if mathrand.N(256) == 0 { // nobody asks after an hour
		_, err = t.exec(ctx, `DELETE FROM commits WHERE at < ?`, now.Add(-time.Hour).UnixMicro())
	}
	return token, err
}

// outcome finds out whether a transaction whose commit was not answered took place. Under the
// lock of the store it can no longer be under way.
func (s *Store) outcome(ctx context.Context, token string, lost error) error {
	if token == "" {
		return nil // there was nothing to commit
	}
	var r retry
	for {
		err := func() error {
			t, err := s.begin(ctx)
			if err != nil {
				return err
			}
			defer func() { _ = t.sql.Rollback() }()
			var n int
			return t.one(ctx, `SELECT 1 FROM commits WHERE token = ?`, with(token), &n)
		}()
		switch {
		case err == nil:
			return nil
		case errors.Is(err, sql.ErrNoRows):
			return lost // it did not, and can be run again
		case r.next(ctx, err):
			continue
		}
		// Not to be taken for something that can be run again.
		return &dbError{fmt.Errorf("%v, and then: %v", lost, err), fatal, //nolint:errorlint // kept out of the chain
			"the connection broke during a commit, and it could not be found out whether the change was made; look before doing it again"}
	}
}

// view runs fn on one moment of the metastore, again where the server has gone meanwhile, unless
// final says that it is too late.
func (s *Store) view(ctx context.Context, fn func(reader) error, final func() bool) error {
	var r retry
	for {
		err := func() error {
			q, err := s.read.BeginTx(ctx, s.d.read)
			if err != nil {
				return s.d.wrap(err)
			}
			defer func() { _ = q.Rollback() }()
			r := reader{session: session{q, s.d}, descriptors: &s.descriptors}
			if s.d.prepares {
				r.tables = &tableReads{q: q, store: s}
			}
			return fn(r)
		}()
		if err == nil || final != nil && final() || !r.next(ctx, err) {
			return err
		}
	}
}
