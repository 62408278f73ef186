package blockstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// turnFile is what processes queue at to change the namespace.
const turnFile = "skep-turn.lock"

// turnstile lets one transaction in at a time, of all processes: the kernel wakes the next one as soon
// as the last has left, where SQLite would have all of them look again now and then. It is for speed
// alone; SQLite's own locks decide.
type turnstile struct {
	file  *os.File
	local chan struct{} // has a token while a goroutine of this process is in, or waits
}

func newTurnstile(path string) (*turnstile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, err
	}
	return &turnstile{f, make(chan struct{}, 1)}, nil
}

// enter waits for the turn, lockPatience at most. leave ends it.
func (t *turnstile) enter(ctx context.Context) error {
	select {
	case t.local <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	err := unix.Flock(int(t.file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EWOULDBLOCK) {
		<-t.local
		return fmt.Errorf("lock %s: %w", t.file.Name(), err)
	}
	entered := make(chan error, 1)
	go func() { entered <- waitForLock(t.file) }()
	select {
	case err := <-entered:
		if err != nil {
			<-t.local
		}
		return err
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-time.After(lockPatience):
		err = fmt.Errorf("%s: another process has been changing the namespace for %s", t.file.Name(), lockPatience)
	}
	go func() { // the turn comes yet, and is passed on
		if <-entered == nil {
			t.leave()
		} else {
			<-t.local
		}
	}()
	return err
}

func (t *turnstile) leave() {
	_ = unix.Flock(int(t.file.Fd()), unix.LOCK_UN) // at the latest the end of the process does it
	<-t.local
}

func (t *turnstile) close() error { return t.file.Close() }
