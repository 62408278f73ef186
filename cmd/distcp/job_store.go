package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// jobRecord is what is remembered of the last run of a job.
type jobRecord struct {
	Job     string       `json:"job"`
	State   string       `json:"state"` // running, done, failed, or died when it runs no more and has not said how it ended
	Src     string       `json:"src"`
	Dest    string       `json:"dest"`
	DestAt  destAt       `json:"destAt,omitzero"`
	PID     int          `json:"pid"`
	Started time.Time    `json:"started"`
	Ended   time.Time    `json:"ended,omitzero"`
	Summary *summaryLine `json:"summary,omitempty"`
}

// jobStore is the directory of the jobs of a user on this machine: NAME.json is a record and
// NAME.lock is locked while the job runs. The kernel unlocks it when the process dies.
type jobStore struct{ dir string }

func (c *command) jobStore() (jobStore, error) {
	dir := c.getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(dir) {
		home := c.getenv("HOME")
		if home == "" {
			return jobStore{}, errors.New("neither XDG_STATE_HOME nor HOME is set, so that jobs have no place; set one of them")
		}
		dir = filepath.Join(home, ".local", "state")
	}
	return jobStore{filepath.Join(dir, "skep", "jobs")}, nil
}

// usable makes the directory and reports why nothing can be written to it.
func (s jobStore) usable() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(s.dir, ".probe-")
	if err != nil {
		return err
	}
	_, err = f.WriteString("is there room?")
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

func (s jobStore) path(name, suffix string) string { return filepath.Join(s.dir, name+suffix) }

// errLocked is a job that runs already.
var errLocked = errors.New("it is running already")

// lock locks a job. Closing the file unlocks it.
func (s jobStore) lock(name string) (*os.File, error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	for {
		f, err := os.OpenFile(s.path(name, ".lock"), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			f.Close() // nothing was written
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, errLocked
			}
			return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
		}
		opened, err := f.Stat()
		there, statErr := os.Stat(f.Name())
		if err == nil && statErr == nil && os.SameFile(opened, there) {
			return f, nil
		}
		f.Close() // it was removed before it was locked
	}
}

// waitTime is how often a waiting run looks whether the other has ended.
const waitTime = 200 * time.Millisecond

// acquire locks a job; where it runs already it waits for its end, or says that it does.
func (s jobStore) acquire(ctx context.Context, name string, wait bool) (*os.File, error) {
	ticker := time.NewTicker(waitTime)
	defer ticker.Stop()
	lock, err := s.lock(name)
	for ; errors.Is(err, errLocked) && wait; lock, err = s.lock(name) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if errors.Is(err, errLocked) {
		err = &preconditionError{fmt.Errorf("the job %s: %w (--wait waits for its end)", name, err)}
	}
	return lock, err
}

// undo makes the record of a job what it was before a run that was refused, and of one that there
// was none of leaves nothing. The job is locked.
func (s jobStore) undo(name string, before *jobRecord) error {
	if before != nil {
		return s.write(*before)
	}
	return s.removeFiles(name)
}

func (s jobStore) write(r jobRecord) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = replaceFile(s.path(r.Job, ".json"), append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("record the job %s: %w", r.Job, err)
	}
	return nil
}

var errNoJob = errors.New("there is no job")

// readRecord returns the record of a job as the last run has left it.
func (s jobStore) readRecord(name string) (r jobRecord, err error) {
	text, err := os.ReadFile(s.path(name, ".json"))
	if errors.Is(err, os.ErrNotExist) {
		return r, &absentError{fmt.Errorf("%w %s", errNoJob, name)}
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("the record of the job %s: %w", name, err)
	}
	return r, nil
}

// read returns the record of a job as it is now.
func (s jobStore) read(name string) (r jobRecord, err error) {
	if r, err = s.readRecord(name); err != nil {
		return r, err
	}
	if r.State == "running" && errors.Is(syscall.Kill(r.PID, 0), syscall.ESRCH) {
		r.State = "died" // found without touching the lock, for which the next run may be reaching
	}
	if r.State == "running" {
		if lock, err := s.lock(name); err == nil {
			r.State = "died"
			lock.Close() // nothing was written
		}
	}
	return r, nil
}

func (s jobStore) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".json"); ok && isJobName(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}
