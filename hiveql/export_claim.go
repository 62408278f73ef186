package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// Two EXPORTs to one place, perhaps of two metastores, must not both write there. Each puts a claim into the
// place, a hidden file with its id in its name, and then looks whether there is another. Whoever sees one takes
// his own back and tries once more: of two, the later one at least sees that of the other, because all stores
// list what has been put. An EXPORT that goes on puts its claim again now and then, so that one whose process
// died elsewhere becomes older than that by the clock of the store; on this machine it is known at once.

const (
	claimPrefix = ".skep-export-" // begins the name; the id follows
	claimTries  = 5
	claimTerm   = 5 * time.Minute // how long a claim is good
)

// claim is the claim of an EXPORT to a place. Its goroutine ends with end.
type claim struct {
	s       *Session
	to      storage.Location
	id      string
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// claimPlace claims a place, and keeps that claim good. ok is false where somebody else has one.
func (s *Session) claimPlace(ctx context.Context, to storage.Location, id string) (c *claim, ok bool, err error) {
	c = &claim{s: s, to: to, id: id, cancel: func() {}}
	for try := range claimTries {
		if try > 0 {
			select {
			case <-ctx.Done():
				return nil, false, context.Cause(ctx)
			case <-time.After(time.Duration(rand.Int64N(int64(200 * time.Millisecond)))):
			}
		}
		mine, err := c.put(ctx)
		if err == nil {
			ok, err = c.alone(ctx, mine)
		}
		if err == nil && ok {
			ctx, cancel := context.WithCancel(ctx)
			c.cancel = cancel
			c.running.Go(func() { c.renew(ctx) })
			return c, true, nil
		}
		if removeErr := c.remove(context.WithoutCancel(ctx)); err == nil {
			err = removeErr
		}
		if err != nil {
			return nil, false, err
		}
	}
	return nil, false, nil
}

func (c *claim) key() string { return c.to.Prefix + claimPrefix + c.id }

func (c *claim) put(ctx context.Context) (storage.Object, error) {
	w, err := c.to.Bucket.Create(ctx, c.key(), storage.CreateOptions{})
	if err != nil {
		return storage.Object{}, err
	}
	defer w.Abort()
	if _, err := io.WriteString(w, thisProcess().String()); err != nil {
		return storage.Object{}, err
	}
	if _, err := w.Commit(); err != nil {
		return storage.Object{}, err
	}
	return c.to.Bucket.Stat(ctx, c.key())
}

// alone reports whether there is no other claim that is good. Others go, with the files of their EXPORTs.
func (c *claim) alone(ctx context.Context, mine storage.Object) (bool, error) {
	for o, err := range c.to.Bucket.List(ctx, c.to.Prefix+claimPrefix) {
		if err != nil {
			return false, err
		}
		if o.Key == c.key() {
			continue
		}
		dead, err := c.dead(ctx, mine, o)
		if err != nil || !dead {
			return false, err
		}
		id := strings.TrimPrefix(o.Key, c.to.Prefix+claimPrefix)
		if err := c.s.endExport(ctx, c.to, id); err != nil {
			return false, err
		}
	}
	return true, nil
}

// isClaimed reports whether there is a claim in a place.
func isClaimed(ctx context.Context, to storage.Location) (bool, error) {
	for _, err := range to.Bucket.List(ctx, to.Prefix+claimPrefix) {
		return err == nil, nilIfGone(err)
	}
	return false, nil
}

// dead reports whether nobody renews a claim.
func (c *claim) dead(ctx context.Context, mine, other storage.Object) (bool, error) {
	r, err := c.to.Bucket.Open(ctx, other.Key, storage.ReadOptions{})
	if err != nil {
		return false, nilIfGone(err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, 4096))
	if err != nil {
		return false, err
	}
	if by, known := parseOwner(string(text)); known && by.here() {
		return by.dead(), nil
	}
	return mine.ModTime.Sub(other.ModTime) > claimTerm, nil
}

// renew puts the claim again, as long as it is there.
func (c *claim) renew(ctx context.Context) {
	tick := time.NewTicker(claimTerm / 5)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.held(ctx) == nil {
			_, _ = c.put(ctx) // the next time, perhaps
		}
	}
}

// held makes sure that nobody has taken the claim away.
func (c *claim) held(ctx context.Context) error {
	if _, err := c.to.Bucket.Stat(ctx, c.key()); err != nil {
		return fmt.Errorf("the place %s is no longer kept for this EXPORT: %w", c.to.URL(), err)
	}
	return nil
}

func (c *claim) remove(ctx context.Context) error { return c.to.Bucket.Delete(ctx, c.key()) }

// end gives the claim up.
func (c *claim) end(ctx context.Context) error {
	c.stop()
	return c.remove(ctx)
}

// stop ends the renewal. It is idempotent.
func (c *claim) stop() {
	c.cancel()
	c.running.Wait()
}

// nilIfGone is no error where an object has gone.
func nilIfGone(err error) error {
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	return err
}
