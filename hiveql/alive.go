package hiveql

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/metastore"
)

// A session that writes for longer than a moment gives signs of life: a lock in the metastore of no table, which
// it renews while a statement runs. What it records of its writes names the lock. Without a lock that is good, and
// a while after the record was made, a process on another machine counts as dead, and what it has left is brought
// to an end. All times are of the metastore's clock. If it lives after all, and was only cut off, its
// commit finds that its record is another, and fails; and files that it may still put there stay out of sight
// for a day, by a record that nobody owns: "nobody since" and a time.

const (
	aliveAgent = "skep writer " // begins the agent of such a lock; the token of the session follows
	// lateFiles is how long a write that was taken back, of an owner that is not certainly dead, stays on record.
	lateFiles = 24 * time.Hour
	// clockGood is how long the clock of the metastore is taken to run as that of this machine does.
	clockGood = 10 * time.Second
	since     = ownerless + " since " // begins the owner of such a record
)

// writers are the sessions of an engine that may be writing, by their tokens. What a session of it has recorded and does not
// write any more is known to be left, without waiting for the process to end: where the metastore was away, for instance,
// when the write was to be taken back.
type writers struct {
	mu     sync.Mutex
	engine string // begins the tokens
	active map[string]bool
}

// begin notes a session, whose token it gives; "" wants a new one.
func (w *writers) begin(token string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active == nil {
		w.engine, w.active = fmt.Sprintf("%016x-", rand.Uint64()), map[string]bool{}
	}
	if token == "" {
		token = fmt.Sprintf("%s%016x", w.engine, rand.Uint64())
	}
	w.active[token] = true
	return token
}

func (w *writers) end(token string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.active, token)
}

// ended reports whether a token is of a session of the engine, which writes nothing now.
func (w *writers) ended(token string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active != nil && strings.HasPrefix(token, w.engine) && !w.active[token]
}

// clock tells the time of a metastore.
type clock struct {
	mu   sync.Mutex
	at   time.Time // here
	then time.Time // there
}

// now is the time of the metastore; ok is false where it does not tell.
func (c *clock) now(ctx context.Context, store metastore.Store) (t time.Time, ok bool) {
	source, ok := store.(metastore.Clock)
	if !ok {
		return time.Time{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed := time.Since(c.at); !c.at.IsZero() && passed < clockGood {
		return c.then.Add(passed), true
	}
	t, err := source.Now(ctx)
	if err != nil {
		return time.Time{}, false
	}
	c.at, c.then = time.Now(), t
	return t, true
}

// now is the time of the metastore, or of this machine where that does not tell.
func (e *Engine) now(ctx context.Context) time.Time {
	if t, ok := e.clock.now(ctx, e.cfg.Store); ok {
		return t
	}
	return time.Now()
}

// forget lets the metastore be asked the next time.
func (c *clock) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = time.Time{}
}

// signs are the signs of life of one session.
type signs struct {
	mu      sync.Mutex
	token   string
	stop    context.CancelFunc // of the goroutine; nil where none runs
	running sync.WaitGroup
	lock    int64 // 0 for none
}

// owner is this process as the records of a session's writes name it. From then on, until rest, the session
// gives signs of life.
func (s *Session) owner(ctx context.Context) string {
	me := thisProcess()
	term, err := time.ParseDuration(s.Setting(writeLease))
	now, ok := s.engine.clock.now(ctx, s.engine.cfg.Store)
	if err != nil || !ok {
		return me.String()
	}
	g := &s.signs
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stop == nil {
		g.token = s.engine.writers.begin(g.token)
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		g.stop = cancel
		lock := &metastore.Lock{State: "ACQUIRED", User: s.cfg.User, Agent: aliveAgent + g.token}
		lock.Host, _ = os.Hostname()
		g.running.Go(func() { g.lock = s.engine.live(ctx, lock, term) })
	}
	me.life = life{g.token, now, term}
	return me.String()
}

// live keeps a lock good until ctx ends, from the first sign on, which is due after a part of the term. It gives
// the lock's id, 0 if there is none.
func (e *Engine) live(ctx context.Context, lock *metastore.Lock, term time.Duration) int64 {
	beat := time.NewTicker(max(term/5, time.Second))
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return lock.ID
		case <-beat.C:
		}
		e.clock.forget()
		now, ok := e.clock.now(ctx, e.cfg.Store)
		if !ok {
			continue
		}
		lock.Heartbeat, lock.Expires = now, now.Add(term)
		if lock.Acquired.IsZero() {
			lock.Acquired = now
		}
		var id int64
		err := e.cfg.Store.Update(ctx, func(tx metastore.Tx) (err error) {
			id, err = tx.PutLock(ctx, lock)
			return err
		})
		switch {
		case err == nil:
			lock.ID = id
		case errors.Is(err, metastore.ErrNoSuchLock): // somebody has found it expired
			lock.ID = 0
		}
	}
}

// rest ends the signs of life: no write is under way.
func (s *Session) rest() {
	g := &s.signs
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stop == nil {
		return
	}
	g.stop()
	g.running.Wait()
	g.stop = nil
	s.engine.writers.end(g.token)
	if g.lock == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaseTerm/2)
	defer cancel()
	_ = s.engine.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropLock(ctx, g.lock) }) // it expires
	g.lock = 0
}

// abandoned reports whether nobody goes on with the write of an owner. certain is false where the owner may
// live all the same, cut off from the metastore.
func (s *Session) abandoned(ctx context.Context, by string) (abandoned, certain bool) {
	if by == ownerless {
		return true, true
	}
	if text, ok := strings.CutPrefix(by, since); ok {
		ms, err := strconv.ParseInt(strings.Fields(text + " -")[0], 10, 64)
		now, ok := s.engine.clock.now(ctx, s.engine.cfg.Store)
		return err != nil || ok && now.Sub(time.UnixMilli(ms)) > lateFiles, true
	}
	who, known := parseOwner(by)
	if s.engine.writers.ended(who.life.token) {
		return true, true
	}
	if !known || who.here() {
		return known && who.dead(), true
	}
	return s.silent(ctx, who.life), false
}

// silent reports whether an owner has given no sign of life for its term.
func (s *Session) silent(ctx context.Context, l life) bool {
	store := s.engine.cfg.Store
	now, ok := s.engine.clock.now(ctx, store)
	if !ok || l.token == "" || now.Before(l.since.Add(l.term)) {
		return false
	}
	locks, err := store.Locks(ctx)
	if err != nil {
		return false
	}
	for _, lock := range locks {
		if lock.Agent == aliveAgent+l.token && lock.Expires.After(now) {
			return false
		}
	}
	return true
}

// takenBack is what the record of a write says once it has been taken back: "" for nothing.
func (s *Session) takenBack(ctx context.Context, certain bool) string {
	now, ok := s.engine.clock.now(ctx, s.engine.cfg.Store)
	if certain || !ok {
		return ""
	}
	return stateWriting + " " + since + strconv.FormatInt(now.UnixMilli(), 10)
}
