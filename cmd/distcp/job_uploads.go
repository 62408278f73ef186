package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
)

// destAt is how a job's destination is opened, as its command line had it, for whoever has to tidy
// up there later. Keys are never part of it.
type destAt struct {
	Config    string `json:"config,omitempty"`
	S3        string `json:"s3Endpoint,omitempty"`
	BlockRoot string `json:"blockRoot,omitempty"`
	Endpoint  string `json:"destEndpoint,omitempty"`
	Profile   string `json:"destProfile,omitempty"`
	Region    string `json:"destRegion,omitempty"`
}

func (f *copyFlags) destAt() destAt {
	at := destAt{
		Config: f.configFile, S3: f.endpoint, BlockRoot: f.blockRoot,
		Endpoint: f.sides.dest.endpoint, Profile: f.sides.dest.profile, Region: f.sides.dest.region,
	}
	if abs, err := filepath.Abs(at.Config); err == nil && at.Config != "" {
		at.Config = abs
	}
	if roots, err := absolute(at.BlockRoot); err == nil {
		at.BlockRoot = roots
	}
	return at
}

// abortUploads aborts the uploads that a journal knows, but for those to one bucket, which a run goes
// on with.
func (c *command) abortUploads(ctx context.Context, j *copier.Journal, at destAt, except string) error {
	s := settings{configFile: at.Config, endpoint: at.S3, blockRoot: at.BlockRoot, workers: 1}
	cfg, err := c.configSide(s, side{endpoint: at.Endpoint, profile: at.Profile, region: at.Region}, false)
	if err != nil {
		return err
	}
	opener := cfg.Opener()
	defer opener.Close() //nolint:errcheck // what was aborted is
	_, err = j.AbortUploads(ctx, except, func(ctx context.Context, url string) (storage.Bucket, error) {
		l, err := opener.Open(ctx, url)
		return l.Bucket, err
	})
	return err
}

// abortElsewhere aborts what earlier runs of a job have begun at another destination. What cannot be
// aborted is told of, and tried again by the next run.
func (c *command) abortElsewhere(ctx context.Context, flags *copyFlags, dest storage.Location) {
	before := flags.before
	if flags.opts.Journal == nil || flags.opts.DryRun || before == nil {
		return
	}
	except := dest.Bucket.URL()
	if before.DestAt != flags.destAt() {
		except = "" // a bucket of that name may be another one
	}
	err := c.abortUploads(ctx, flags.opts.Journal, before.DestAt, except)
	if err != nil && ctx.Err() == nil && !flags.quiet {
		fmt.Fprintf(c.stderr, "distcp: parts of outputs that an earlier run has left at %s stay there: %s\n", before.Dest, oneLine(err))
	}
}

// forget removes a job that is not running, and what it has begun at its destination. With force it
// does so though that cannot be aborted.
func (c *command) forget(ctx context.Context, s jobStore, name string, force bool) error {
	r, err := s.read(name)
	if err != nil {
		return err
	}
	lock, err := s.lock(name)
	if err != nil {
		return fmt.Errorf("the job %s: %w", name, err)
	}
	defer lock.Close() // nothing was written
	journal, err := copier.ReadJournal(s.path(name, ".journal"), "")
	if err == nil {
		err = c.abortUploads(ctx, journal, r.DestAt, "")
	}
	if err != nil && !force {
		return fmt.Errorf("the job %s stays, for parts of outputs that it has left at %s cannot be aborted (--force forgets it all the same): %w",
			name, r.Dest, err)
	}
	return s.removeFiles(name)
}

func (s jobStore) removeFiles(name string) error {
	errs := []error{os.Remove(s.path(name, ".json"))}
	for _, suffix := range []string{".journal", ".limits", ".lock"} {
		if err := os.Remove(s.path(name, suffix)); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// expireTime is how long the tidying up of one old job may take. What fails is tried again by later
// runs, until the job is twice as old.
const expireTime = 10 * time.Second
