package copier_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// unwell is what servers say that will be well again.
func unwell(why string) error { return &storage.Error{Err: errors.New(why), Temporary: true} }

// tried are options of a job that is tried again at once.
func tried(times int) copier.Options {
	return copier.Options{JobRetries: times, JobBackoff: time.Nanosecond, Retries: -1, DisableServerCopy: true}
}

// A job whose outputs fail for passing reasons comes back to those, and to nothing else.
func TestTriesOfOutputs(t *testing.T) {
	for name, opts := range map[string]copier.Options{
		"plain": {}, "parts": {PartSize: 1000}, "groups": {GroupBy: `.*/(\d)/.*`}, "update": {Sync: copier.Sync{Existing: copier.ExistingUpdate}},
		"packed": {OutputCodec: copier.CodecGzip}, "by checksum": {Sync: copier.Sync{Existing: copier.ExistingUpdate, CompareBy: copier.CompareChecksum}},
	} {
		src, dest := storagetest.NewCounting(lake()), storagetest.NewMem("s3://copy/")
		var again atomic.Int64 // several parts of an output may fail in one try
		failing := storagetest.Faulty(src, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpOpen && op.Key == "in/1/part-4" && again.Load() < 2 {
				return unwell("busy")
			}
			return nil
		})
		base := tried(3)
		opts.JobRetries, opts.JobBackoff, opts.Retries, opts.DisableServerCopy = base.JobRetries, base.JobBackoff, base.Retries, true
		opts.OutputManifest = "manifest.gz"
		kinds := map[copier.EventKind]int{}
		opts.Report = func(e copier.Event) {
			kinds[e.Kind]++
			if e.Kind == copier.TriedAgain {
				again.Add(1)
			}
		}
		sum, err := copier.Run(t.Context(), at(failing, "in/"), at(dest, "out/"), quick(opts))
		if err != nil || sum.Tries != 3 || sum.Failed != 0 || sum.Objects != 8 {
			t.Errorf("%s: %v, %+v", name, err, sum)
		}
		if kinds[copier.Postponed] != 2 || kinds[copier.TriedAgain] != 2 || kinds[copier.Failed] != 0 {
			t.Errorf("%s: events %v", name, kinds)
		}
		if n := len(src.Lists()); n != 1 {
			t.Errorf("%s: the source was listed %d times", name, n)
		}
		if _, there := dest.Content("out/manifest.gz"); !there {
			t.Errorf("%s: there is no manifest", name)
		}
	}
}

// The last try decides, and what cannot pass is not tried again.
func TestTriesEnd(t *testing.T) {
	for _, c := range []struct {
		why   error
		tries int
	}{
		{unwell("busy"), 3},
		{&storage.Error{Err: storage.ErrPermission}, 1},
	} {
		failing := storagetest.Faulty(lake(), func(op storagetest.Op) error {
			if op.Kind == storagetest.OpOpen && op.Key == "in/1/part-4" {
				return c.why
			}
			return nil
		})
		sum, err := copier.Run(t.Context(), at(failing, "in/"), at(storagetest.NewMem("s3://copy/"), ""), quick(tried(2)))
		var failed *copier.FailedError
		if !errors.As(err, &failed) || failed.Failed != 1 || sum.Failed != 1 || sum.Objects != 7 || sum.Tries != c.tries {
			t.Errorf("%v: %v, %+v", c.why, err, sum)
		}
	}
}

// A source that is replaced while it is copied is copied as it is then.
func TestTriesOfReplacedSources(t *testing.T) {
	src, dest := lake(), storagetest.NewMem("s3://copy/")
	var once atomic.Bool
	meddling := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && op.Key == "in/1/part-4" && once.CompareAndSwap(false, true) {
			src.Put("in/1/part-4", "new")
			return src.Delete(t.Context(), "in/0/part-3")
		}
		return nil
	})
	opts := tried(1)
	opts.Workers = 1
	sum, err := copier.Run(t.Context(), at(meddling, "in/"), at(dest, ""), quick(opts))
	if got, _ := dest.Content("1/part-4"); err != nil || got != "new" || sum.Tries != 2 {
		t.Errorf("%v, %q, %+v", err, got, sum)
	}
}

// A job that is ended by a passing reason is planned again, and copies nothing again that its
// journal has.
func TestTriesOfJobs(t *testing.T) {
	src := storagetest.NewMem("s3://lake/")
	for i := range 300 {
		src.Put(fmt.Sprintf("in/%03d", i), "x")
	}
	counting, dest := storagetest.NewCounting(src), storagetest.NewMem("s3://copy/")
	var ended, copied atomic.Int64
	enough := make(chan struct{})
	failing := storagetest.Faulty(counting, func(op storagetest.Op) error {
		if op.Kind != storagetest.OpList || op.N != 200 || ended.Add(1) > 2 {
			return nil
		}
		<-enough // workers do what has been listed
		return unwell("the listing is cut off")
	})
	opts := tried(2)
	opts.Report = func(e copier.Event) {
		if e.Kind == copier.Copied && copied.Add(1) == 50 {
			close(enough)
		}
	}
	sum, err := journaled(t.Context(), t, filepath.Join(t.TempDir(), "job.journal"), "a", failing, dest, opts)
	if err != nil || sum.Tries != 3 || len(dest.Contents()) != 300 || sum.Objects != 300 || sum.Skipped < 50 {
		t.Errorf("%v, %d outputs, %+v", err, len(dest.Contents()), sum)
	}
	opens := counting.Opens()
	slices.Sort(opens)
	// What was on its way when a try ended may come again.
	if again := len(opens) - len(slices.Compact(opens)); again > 2*quick(opts).Workers {
		t.Errorf("%d sources were read again", again)
	}
	ended.Store(0)
	sum, err = copier.Run(t.Context(), at(failing, "in/"), at(dest, "x/"), quick(tried(1)))
	if err == nil || sum.Tries != 2 {
		t.Errorf("after two failures of two: %v, %+v", err, sum)
	}
}

// A job that is told to end while it waits for its next try ends as interrupted.
func TestTriesInterrupted(t *testing.T) {
	why := errors.New("told to")
	ctx, cancel := context.WithCancelCause(t.Context())
	failing := storagetest.Faulty(lake(), func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && op.Key == "in/1/part-4" {
			return unwell("busy")
		}
		return nil
	})
	opts := tried(2)
	opts.JobBackoff = time.Hour
	opts.Report = func(e copier.Event) {
		if e.Kind == copier.Postponed {
			cancel(why)
		}
	}
	if _, err := copier.Run(ctx, at(failing, "in/"), at(storagetest.NewMem("s3://copy/"), ""), quick(opts)); !errors.Is(err, why) {
		t.Errorf("got %v", err)
	}
}

// A server that answers everything with trouble is not asked for ever; one that answers half is.
func TestRetryBudget(t *testing.T) {
	src := storagetest.NewMem("s3://lake/")
	for i := range 40 {
		src.Put(fmt.Sprintf("in/%03d", i), "x")
	}
	throttled := &storage.Error{Err: errors.New("SlowDown"), Temporary: true, Throttled: true}
	var opens, spent atomic.Int64
	opts := quick(copier.Options{
		Workers: 1, Retries: 1000, RetryBudget: map[copier.RetryClass]int{copier.RetryThrottled: 30}, DisableServerCopy: true,
		Report: func(e copier.Event) {
			if e.Kind == copier.RetriesSpent {
				spent.Add(1)
			}
		},
	})
	failing := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen {
			opens.Add(1)
			return throttled
		}
		return nil
	})
	sum, err := copier.Run(t.Context(), at(failing, "in/"), at(storagetest.NewMem("s3://copy/"), ""), opts)
	if err == nil || opens.Load() != 30+2 || spent.Load() != 1 || sum.RetriesOf[copier.RetryThrottled] != 30 || sum.Retries != 30 {
		t.Errorf("%d opens, told %d times, %v, %+v", opens.Load(), spent.Load(), err, sum)
	}
	spent.Store(0)
	seen := map[string]bool{}
	opts.RetryBudget[copier.RetryThrottled] = 2
	limping := storagetest.Faulty(src, func(op storagetest.Op) error {
		if op.Kind == storagetest.OpOpen && !seen[op.Key] {
			seen[op.Key] = true
			return throttled
		}
		return nil
	})
	sum, err = copier.Run(t.Context(), at(limping, "in/"), at(storagetest.NewMem("s3://copy/"), ""), opts)
	if err != nil || sum.Retries != 40 || spent.Load() != 0 {
		t.Errorf("%v, told %d times, %+v", err, spent.Load(), sum)
	}
}

func TestRetryOptions(t *testing.T) {
	for option, opts := range map[string]copier.Options{
		"RetryBudget": {RetryBudget: map[copier.RetryClass]int{"bad luck": 1}}, "JobRetries": {JobRetries: -1}, "JobBackoff": {JobBackoff: -1},
	} {
		var bad *copier.OptionError
		if err := opts.Validate(); !errors.As(err, &bad) || bad.Option != option {
			t.Errorf("%s: %v", option, err)
		}
	}
}
