package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
)

// jobFlags give a copy a name, under which it runs once at a time and is remembered.
type jobFlags struct {
	job  string
	wait bool

	identity string // of what the outputs are
	derived  bool   // the name is made of it

	before *jobRecord // what is remembered of the run before this one; nil for nothing
}

// identify names a job after what it does, unless it has been given a name.
func (j *jobFlags) identify(identity string) {
	j.identity = identity
	if j.job == "" {
		j.job, j.derived = derivedPrefix+identity, true
	}
}

func (j *jobFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&j.job, "job", "", "`name` of the job: two runs of it do not overlap (exit code 4), and 'distcp jobs' tells of the last (default: one made of the other options)")
	f.BoolVar(&j.wait, "wait", false, "wait for another run of the job to end")
}

func (j *jobFlags) validate(f *pflag.FlagSet) error {
	if f.Changed("job") && !isJobName(j.job) {
		return usagef("--job: %q is not a name of letters, digits and the signs . _ -", j.job)
	}
	return nil
}

func isJobName(name string) bool {
	const chars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
	return name != "" && len(name) <= 200 && name[0] != '.' && name[0] != '-' && strings.Trim(name, chars) == ""
}

// withoutJournal says that a run will not be remembered.
func (c *command) withoutJournal(flags *copyFlags, err error) {
	if !flags.quiet {
		fmt.Fprintf(c.stderr, "distcp: a run after this one cannot go on where it ends: %s\n", oneLine(err))
	}
}

// expiry is how long a job that was not given a name is remembered.
const expiry = 30 * 24 * time.Hour

// expire forgets the jobs without a name of their own whose last run is as long ago. What cannot
// be removed is left for another time.
func (c *command) expire(ctx context.Context, s jobStore, age time.Duration) {
	names, err := s.names()
	if err != nil {
		return
	}
	for _, name := range names {
		if !strings.HasPrefix(name, derivedPrefix) {
			continue
		}
		if info, err := os.Stat(s.path(name, ".json")); err == nil && time.Since(info.ModTime()) > age {
			ctx, cancel := context.WithTimeout(ctx, expireTime)
			_ = c.forget(ctx, s, name, time.Since(info.ModTime()) > 2*age) // it may be running
			cancel()
		}
	}
}

// asJob does a copy under the lock of its job, with its journal, and records how it ends. A job
// that was not given a name does without where there is no place for them. A dry run only reads the
// journal, of which another run may make more meanwhile.
func (c *command) asJob(ctx context.Context, flags *copyFlags, do func() (copier.Summary, error)) (copier.Summary, error) {
	store, err := c.jobStore()
	if flags.opts.DryRun {
		if err == nil {
			flags.opts.Journal, err = copier.ReadJournal(store.path(flags.job, ".journal"), flags.identity)
		}
		if err != nil && !flags.derived {
			return copier.Summary{}, fmt.Errorf("--job: %w", err)
		}
		return do()
	}
	if err == nil {
		err = store.usable()
	}
	if err != nil && flags.derived {
		c.withoutJournal(flags, err)
		return do()
	}
	if err != nil {
		return copier.Summary{}, &absentError{fmt.Errorf("--job: there is no place for what is remembered of it: %w", err)}
	}
	c.expire(ctx, store, expiry)
	lock, err := store.acquire(ctx, flags.job, flags.wait)
	if err != nil {
		return copier.Summary{}, err
	}
	defer lock.Close() // nothing was written
	return c.asLockedJob(store, flags, do)
}

// asLockedJob does a copy of which the job is locked. One that is refused leaves the record as it was.
func (c *command) asLockedJob(store jobStore, flags *copyFlags, do func() (copier.Summary, error)) (copier.Summary, error) {
	r := jobRecord{Job: flags.job, State: "running", Src: flags.src, Dest: flags.dest, PID: os.Getpid(), Started: time.Now().UTC(), DestAt: flags.destAt()}
	if before, err := store.readRecord(flags.job); err == nil {
		flags.before = &before
	}
	unlimit, err := c.limited(store, flags)
	if err != nil {
		return copier.Summary{}, fmt.Errorf("record the limits of the job %s: %w", flags.job, err)
	}
	defer unlimit()
	if err := store.write(r); err != nil {
		return copier.Summary{}, err
	}
	sum, err := c.journaled(store, flags, do)
	if refused(err) {
		return sum, errors.Join(err, store.undo(r.Job, flags.before))
	}
	line := newSummaryLine(sum, err, false)
	r.State, r.Ended, r.Summary = "done", time.Now().UTC(), &line
	if err != nil {
		r.State = "failed"
	}
	switch recordErr := store.write(r); {
	case recordErr != nil && flags.derived:
		c.withoutJournal(flags, recordErr)
	case err == nil:
		err = recordErr
	}
	return sum, err
}

// journaled does a copy with the journal of its job, or without where there can be none.
func (c *command) journaled(store jobStore, flags *copyFlags, do func() (copier.Summary, error)) (copier.Summary, error) {
	journal, err := copier.OpenJournal(store.path(flags.job, ".journal"), flags.identity)
	if err != nil {
		c.withoutJournal(flags, err)
	}
	flags.opts.Journal = journal
	sum, err := do()
	if journal != nil {
		if closed := journal.Close(); closed != nil {
			c.withoutJournal(flags, closed)
		}
	}
	return sum, err
}
