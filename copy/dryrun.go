package copier

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
)

// Reason is why an output is to be made, or not.
type Reason string

// Reasons of Planned, Skipped and Removed.
const (
	ReasonAll      Reason = "all"      // copied whatever there is
	ReasonMissing  Reason = "missing"  // the destination does not have it
	ReasonSize     Reason = "size"     // it differs in this from what the destination has
	ReasonTime     Reason = "time"     // likewise
	ReasonETag     Reason = "etag"     // likewise
	ReasonChecksum Reason = "checksum" // likewise
	ReasonChanged  Reason = "changed"  // one side is not as the journal knows it
	ReasonNew      Reason = "new"      // an earlier manifest, or the outputs of a group, do not have it
	ReasonSame     Reason = "same"     // the destination has it, as far as was to be compared
	ReasonThere    Reason = "there"    // the destination has something of its name
	ReasonDone     Reason = "done"     // the journal says so
	ReasonManifest Reason = "manifest" // an earlier manifest has it
	ReasonGrouped  Reason = "grouped"  // an output of its group has it
	ReasonExtra    Reason = "extra"    // only the destination has it
)

// Action is what a job would do.
type Action string

// What a dry run plans.
const (
	ActionCopy     Action = "copy"
	ActionContinue Action = "continue" // copy what is missing of a large output
	ActionJoin     Action = "join"
	ActionMerge    Action = "merge"  // files by their row groups or stripes
	ActionAppend   Action = "append" // to what is there, of a longer file if it begins with that
	ActionSkip     Action = "skip"
	ActionDelete   Action = "delete"
)

// dryRun reports what a run would do now. Where only the contents tell, it reads them.
func (j *job) dryRun(ctx context.Context) (err error) {
	if j.planner.sync != nil { // what is not compared may be anything
		if err := j.reachDestination(ctx); err != nil {
			return err
		}
	}
	if err := j.openLedger(ctx); err != nil {
		return err
	}
	if j.ledger != nil {
		defer func() { err = errors.Join(err, j.ledger.close()) }()
	}
	var waiting []Task // the first is one to be compared; reported in order
	for t, err := range j.planner.tasks(ctx) {
		if err != nil {
			return errors.Join(j.planAll(ctx, waiting), err)
		}
		if waiting = append(waiting, t); waiting[0].check && len(waiting) < j.opts.workers() {
			continue
		}
		if err := j.planAll(ctx, waiting); err != nil {
			return err
		}
		waiting = waiting[:0]
	}
	if err := j.planAll(ctx, waiting); err != nil {
		return err
	}
	j.rec.event(Event{Kind: Listed})
	return j.removeExtras(ctx)
}

// planAll compares what has to be, all at once, and reports the tasks.
func (j *job) planAll(ctx context.Context, tasks []Task) error {
	var all errgroup.Group
	errs := make([]error, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		if errs[i] = t.Err(); errs[i] != nil || !t.check {
			continue
		}
		all.Go(func() error {
			same, err := j.sameContent(ctx, *t)
			t.Skip, t.held, t.Reason, errs[i] = same, same, ReasonChecksum, err
			if same {
				t.Reason = ReasonSame
			}
			return nil
		})
	}
	_ = all.Wait() // each has its own error
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for i, t := range tasks {
		j.rec.event(j.planned(t, errs[i]))
		if errs[i] == nil && j.opts.DeleteOnSuccess && (!t.Skip || t.held) {
			j.planDeletion(t)
		}
	}
	return nil
}

// planDeletion reports the sources that would be deleted once their output is durable.
func (j *job) planDeletion(t Task) {
	fresh := t.fresh()
	for _, s := range fresh.All() {
		e := j.about(t, Deleted)
		e.Source, e.Sources, e.Bytes, e.Action = j.src.Bucket.URL()+s.Key, 1, s.Size, ActionDelete
		j.rec.event(e)
	}
}

func (j *job) planned(t Task, err error) Event {
	switch {
	case err != nil:
		e := j.about(t, Failed)
		e.Err = err
		return e
	case t.Skip:
		e := j.about(t, Skipped)
		e.Action = ActionSkip
		return e
	}
	e := j.about(t, Planned)
	switch e.There = j.resumable(t); {
	case t.base != nil, j.appendable(t):
		e.Action = ActionAppend
	case t.merge != "":
		e.Action = ActionMerge
	case t.Sources.Len() > 1:
		e.Action = ActionJoin
	case e.There > 0:
		e.Action = ActionContinue
	default:
		e.Action = ActionCopy
	}
	return e
}

// resumable is how many bytes of a large output an earlier run has written, which this one would
// go on with.
func (j *job) resumable(t Task) int64 {
	if _, ok := j.resumer(); !ok || j.partUploader == nil || !t.raw() || t.Size() <= j.opts.partSize() {
		return 0
	}
	b := j.opts.Journal.uploadOf(j.dest.Bucket.URL(), j.dir+t.Key)
	if b == nil || !b.fits(t.Size(), j.partUploader.PartSize(t.Size(), j.partSizeOf(t, 0)), versionOf(t)) {
		return 0
	}
	var there int64
	for _, pieces := range b.parts {
		for _, p := range pieces {
			there += p.size
		}
	}
	return there
}
