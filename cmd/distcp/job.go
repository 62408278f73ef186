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
	"text/tabwriter"
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
	lock, err := store.lock(flags.job)
	for ticker := time.NewTicker(waitTime); errors.Is(err, errLocked) && flags.wait; lock, err = store.lock(flags.job) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return copier.Summary{}, context.Cause(ctx)
		}
	}
	if errors.Is(err, errLocked) {
		err = &preconditionError{fmt.Errorf("the job %s: %w (--wait waits for its end)", flags.job, err)}
	}
	if err != nil {
		return copier.Summary{}, err
	}
	defer lock.Close() // nothing was written
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
		return r, fmt.Errorf("%w %s", errNoJob, name)
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

const jobsSynopsis = "jobs ls | show NAME | rm NAME"

// jobs tells of jobs, and forgets them.
func (c *command) jobs(ctx context.Context, args []string) error {
	f := pflag.NewFlagSet("jobs", pflag.ContinueOnError)
	force, asJSON := false, false
	f.BoolVar(&force, "force", false, "with rm: forget a job though parts of outputs that it has left cannot be aborted")
	f.BoolVar(&asJSON, "json", false, "with ls: print a job a line, in JSON")
	if err := c.parse(f, args, jobsSynopsis, 1, 2); err != nil {
		return err
	}
	store, err := c.jobStore()
	if err != nil {
		return err
	}
	name := f.Arg(1)
	switch verb := f.Arg(0); {
	case force && verb != "rm":
		return usagef("--force has a meaning with rm only")
	case asJSON && verb != "ls":
		return usagef("--json has a meaning with ls only: show prints JSON")
	case verb == "ls" && name == "":
		return c.listJobs(store, asJSON)
	case verb == "show" && isJobName(name):
		r, err := store.read(name)
		if err != nil {
			return err
		}
		enc := json.NewEncoder(c.stdout)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	case verb == "rm" && isJobName(name):
		err := c.forget(ctx, store, name, force)
		if errors.Is(err, errLocked) {
			err = &preconditionError{err}
		}
		return err
	}
	return usagef("want: distcp %s", jobsSynopsis)
}

func (c *command) listJobs(store jobStore, asJSON bool) error {
	names, err := store.names()
	if err != nil {
		return err
	}
	var errs []error // of jobs whose records cannot be read; the others are told of
	lines, columns := c.jsonLines(), tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	for _, name := range names {
		r, err := store.read(name)
		if err == nil && asJSON {
			err = lines.Encode(r)
		} else if err == nil {
			_, err = fmt.Fprintf(columns, "%s\t%s\t%s\t%s to %s\n", r.State, r.Started.Format(time.RFC3339), name, printable(r.Src), printable(r.Dest))
		}
		if !errors.Is(err, errNoJob) { // it was removed meanwhile
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, columns.Flush())...)
}
