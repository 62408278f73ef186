package copier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/skepdata/skep/copy/internal/codec"
	"github.com/skepdata/skep/copy/internal/steal"
	"github.com/skepdata/skep/storage"
)

// Run plans and does a job. It returns a *FailedError when some outputs could not be made and
// all others were; any other error ended the job early. The Summary tells in each case what was
// done. Run waits for everything it started, and nothing partial stays behind, but for uploads that
// Options.Journal knows and the next run goes on with.
func Run(ctx context.Context, src, dest storage.Location, opts Options) (Summary, error) {
	started := time.Now()
	j, err := newJob(src, dest, opts)
	if err != nil {
		return Summary{}, err
	}
	defer j.planner.aside.Close() //nolint:errcheck // the file is gone in any case
	defer j.lanes.close()
	if opts.DryRun {
		err = j.dryRun(ctx)
	} else {
		err = j.tries(ctx)
	}
	sum, failed := j.rec.summary()
	sum.Elapsed, sum.RoundTrip = time.Since(started), j.roundTrip()
	if err == nil {
		err = failed
	}
	return sum, err
}

// job is one Run.
type job struct {
	src, dest storage.Location
	dir       string // prefix of all outputs
	opts      Options
	planner   *planner
	rec       *recorder
	manifest  *manifestWriter // nil if none is wanted
	ledger    *ledger         // nil if the job does not group

	serverCopier storage.ServerCopier // nil if there is none
	serverRefuse atomic.Bool          // the two stores do not belong together
	partUploader storage.PartUploader // nil if there is none
	appender     storage.Appender     // nil if nothing is appended to
	buffers      sync.Pool            // of *[]byte
	small, tiny  sync.Pool            // likewise, for what is no larger
	long         sync.Pool            // likewise, for large outputs of a near service
	slabs        sync.Pool            // likewise, for the contents of batches
	memory       memory
	openSources  openSources
	growing      *growing
	deletions    *gathering[string] // of sources
	crew         *codec.Crew
	processors   *processors
	lanes        lanes
	gate         *gate
	aheadMemory  *semaphore.Weighted // of sources that are read before their turn
	rates        *rates
	retries      *retryBudget
	batches      storage.BatchWriter // nil if small outputs are not sent together
	batchesAhead *semaphore.Weighted
	noBatches    atomic.Bool // the service takes none
	backup       *job        // keeps what is replaced and removed; nil if that is not wanted

	reached  func() error // waits for reachDestination, which goes on meanwhile
	denied   bool         // the destination could not be listed, and perhaps cannot be written
	rejected atomic.Int64 // outputs the destination did not want
	outage   atomic.Int64 // outputs in a row that failed for reasons that should have passed
	mu       sync.Mutex
	uploads  map[*upload]bool // begun and neither committed nor aborted

	triesLeft int     // of the job
	later     []later // outputs for the next try
}

// work is one task of the pool: an output, or one part of one.
type work struct {
	task    Task
	attempt int // how often it has been tried before

	upload *upload // of which part is to be written; nil for an output
	part   int

	batch []Task // small outputs to be sent together; nil otherwise
}

const (
	bufferSize = 256 << 10
	tinySize   = 16 << 10 // of the buffers of what is no larger, of which there may be hundreds at once
	longBuffer = 1 << 20
	longSize   = 4 << 20 // of what may be read into one: the job's memory bounds how many such are written at once
)

func newJob(src, dest storage.Location, opts Options) (*job, error) {
	opts.useJournal()
	p, err := newPlanner(src, opts)
	if err != nil {
		return nil, err
	}
	j := &job{
		src: src, dest: dest, dir: directory(dest.Prefix), opts: opts, planner: p,
		rec:     &recorder{report: opts.Report},
		retries: newRetryBudget(opts),
		uploads: map[*upload]bool{},
		memory:  newMemory(opts.workers(), opts.partSize()),
		growing: newGrowing(mostGrown),

		openSources: newOpenSources(),
		reached:     func() error { return nil },
		deletions: &gathering[string]{all: func(ctx context.Context, keys []string) error {
			return src.Bucket.Delete(ctx, keys...)
		}},
		aheadMemory: newAheadMemory(),

		batchesAhead: semaphore.NewWeighted(batchesAhead),

		crew:       newCrew(),
		processors: newProcessors(),
		rates:      newRates(opts),
		buffers:    sync.Pool{New: func() any { b := make([]byte, bufferSize); return &b }},
		long:       sync.Pool{New: func() any { b := make([]byte, longBuffer); return &b }},
		tiny:       sync.Pool{New: func() any { b := make([]byte, tinySize); return &b }},
		small:      sync.Pool{New: func() any { b := make([]byte, lightSize); return &b }},
	}
	if j.gate = newFixedGate(int64(opts.Workers)); opts.Workers == 0 {
		j.gate = newGate(j.throttled, j.spent)
	}
	if err := j.prepareSync(); err != nil {
		return nil, err
	}
	if j.onePlace() {
		if err := j.checkOverlap(); err != nil {
			return nil, err
		}
	}
	p.occupied, p.arrived, p.destDir, p.ignored = j.occupied, j.arrived, j.dir, j.ignore
	p.farNames = isFlat(dest.Bucket)
	p.found = func() { j.rec.found.Add(1) }
	if opts.AppendToLastFile && isFlat(dest.Bucket) {
		return nil, &OptionError{"AppendToLastFile", errors.New("S3 cannot append; new files go into a further output without it")}
	}
	// A record states the checksum of what is to come, which a server tells afterwards.
	if sc, ok := storage.As[storage.ServerCopier](dest.Bucket); ok && !opts.DisableServerCopy && p.group == nil && j.onServer() {
		j.serverCopier, p.ofServer = sc, true
	}
	if pu, ok := storage.As[storage.PartUploader](dest.Bucket); ok && !opts.DisableParts {
		j.partUploader = pu
	}
	if err := j.checkAppend(); err != nil {
		return nil, err
	}
	return j, j.openBatches()
}

// onePlace reports whether a key stands for the same object on both sides.
func (j *job) onePlace() bool {
	return j.src.Bucket.URL() == j.dest.Bucket.URL() && !j.opts.TwoServices
}

// checkOverlap refuses jobs whose listing would find their own outputs. Grouping lists
// everything before it writes, so it may go on in one place.
func (j *job) checkOverlap() error {
	from := j.src.Prefix
	if !isFlat(j.src.Bucket) {
		from = directory(from)
	}
	if j.planner.group != nil || j.opts.CopyFromManifest {
		j.planner.inPlace = &j.dir
		return nil
	}
	if !strings.HasPrefix(j.dir, from) || j.opts.ofVersions() {
		return nil // versions that are made now are not listed
	}
	hint := CopyElsewhere
	if isFlat(j.src.Bucket) && from != "" && !strings.HasSuffix(from, "/") && !strings.HasPrefix(j.dir, from+"/") {
		hint = "end the source with a slash to leave out " + j.dest.URL()
	}
	return &OverlapError{Src: j.src.URL(), Dest: j.dest.URL(), Hint: hint}
}

// CopyElsewhere is the usual hint of an OverlapError.
const CopyElsewhere = "copy to a place outside the source"

// OverlapError is a destination inside the source, where a copy would go on copying itself.
type OverlapError struct {
	Src, Dest string // URLs
	Hint      string // what to do about it
}

func (e *OverlapError) Error() string {
	return fmt.Sprintf("the destination %s is inside the source %s; %s", e.Dest, e.Src, e.Hint)
}

func (j *job) run(ctx context.Context) (err error) {
	j.reached = j.reachMeanwhile(ctx) // nothing waits for it: what would fail all the same fails
	defer j.reached()                 //nolint:errcheck // work has told it
	if err := j.openLedger(ctx); err != nil {
		return cmp.Or(j.reached(), err)
	}
	defer func() { err = errors.Join(err, j.closeLedger(ctx)) }()
	if j.opts.OutputManifest != "" {
		if j.manifest, err = createManifest(ctx, j.dest, j.opts.OutputManifest, j.opts.Attributes); err != nil {
			return err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, j.manifest.abort())
			}
		}()
	}
	err = j.work(ctx, func(ctx context.Context) iter.Seq2[work, error] { return j.batched(ctx, j.seed(ctx)) })
	for err == nil && len(j.later) > 0 {
		if err = j.tryAgain(ctx); err == nil {
			err = j.work(ctx, j.postponed)
		}
	}
	j.abandonUploads(ctx)
	if err != nil {
		return err
	}
	if err := j.abortForgotten(ctx); err != nil {
		return err
	}
	if sum, err := j.rec.summary(); err != nil {
		if sum.Outputs == 0 && sum.Failed == j.rejected.Load() {
			return &GivenUpError{"nothing could be written to " + j.dest.URL(), sum.Failures[0].Err} // some outputs are not to blame
		}
		return err
	}
	if j.manifest != nil {
		if err := j.manifest.commit(); err != nil {
			return err
		}
	}
	return j.removeExtras(ctx)
}

// work has the workers do what seed yields.
func (j *job) work(ctx context.Context, seed func(context.Context) iter.Seq2[work, error]) error {
	all, cancel := context.WithCancelCause(ctx) // the plan's and the workers'
	defer cancel(nil)
	do := func(ctx context.Context, w work, spawn func(work)) error {
		err := j.do(ctx, w, spawn)
		if err != nil {
			cancel(err)
		}
		return err
	}
	var reaching sync.WaitGroup
	defer reaching.Wait()
	reaching.Go(func() {
		if err := j.reached(); err != nil {
			cancel(err)
		}
	})
	// The kernel lets one write at a time into a file: as many files as there are workers are faster.
	how := steal.Options{Apart: isFiles(j.dest.Bucket)}
	workers := j.opts.workers()
	if !j.gate.fixed {
		how.Limiter, workers = j.gate, mostLimit
	}
	return steal.RunWith(all, workers, how, seed(all), do)
}

// reachMeanwhile begins reachDestination and returns what waits for its end.
func (j *job) reachMeanwhile(ctx context.Context) (wait func() error) {
	answer := make(chan error, 1)
	go func() { answer <- j.reachDestination(ctx) }()
	return sync.OnceValue(func() error { return <-answer })
}

// reachDestination finds out early when every single output would fail, as when the server is
// not there. One may be allowed to write and not to list, and there are stores that the first
// write creates; then the first output will tell.
func (j *job) reachDestination(ctx context.Context) error {
	err := firstOf(ctx, j.dest.Bucket, j.dir)
	j.denied = errors.Is(err, storage.ErrPermission) || errors.Is(err, storage.ErrNotExist)
	if j.denied {
		return nil
	}
	return err
}

// firstOf looks for one object.
func firstOf(ctx context.Context, b storage.Bucket, prefix string) (err error) {
	if p, ok := b.(storage.PageLister); ok {
		_, _, err = p.ListPage(ctx, prefix, "", 1)
		return err
	}
	for _, err := range b.List(ctx, prefix) {
		return err
	}
	return nil
}

// seed is the plan as tasks of the pool.
func (j *job) seed(ctx context.Context) iter.Seq2[work, error] {
	return func(yield func(work, error) bool) {
		for t, err := range j.planner.tasks(ctx) {
			if err != nil {
				err = cmp.Or(j.reached(), err)
			}
			if err == nil {
				err = j.openSources.begin(ctx, &t)
			}
			if err == nil && !t.Skip && !t.check {
				j.rec.event(j.about(t, Begun))
			}
			if !yield(work{task: t}, err) || err != nil {
				return
			}
		}
		if err := j.reached(); err != nil { // there may have been nothing to copy, and nowhere to
			yield(work{}, err)
			return
		}
		j.rec.event(Event{Kind: Listed})
	}
}

// ignore tells of something of the source that is not copied, whatever the options. A directory that
// could not be listed is a failure: something of it may be missing.
func (j *job) ignore(i storage.Ignored) {
	if i.Err != nil {
		j.rec.event(Event{Kind: Failed, Source: j.src.Bucket.URL() + i.Key, Err: i.Err})
		return
	}
	j.rec.event(Event{Kind: Ignored, Source: j.src.Bucket.URL() + i.Key, Sources: 1, Err: fmt.Errorf("%s is not copied", i.What)})
}

// about is an event of an output. What is appended to is no source to count; only the progress
// of the copy includes its bytes.
func (j *job) about(t Task, kind EventKind) Event {
	fresh := t.fresh()
	e := Event{
		Kind: kind, Source: j.src.Bucket.URL() + fresh.First().Key, Sources: fresh.Len(),
		Dest: j.dest.Bucket.URL() + j.dir + t.Key, Bytes: t.Size(),
	}
	if kind == Planned || kind == Skipped {
		e.Reason = t.Reason
	}
	if t.base != nil && kind != Begun {
		e.Bytes -= t.Sources.sizeAt(0)
	}
	return e
}

// bucketOf is where a source is.
func (j *job) bucketOf(s Source) storage.Bucket {
	if s.kept {
		return j.dest.Bucket
	}
	return j.src.Bucket
}

func (j *job) urlOf(s Source) string { return j.bucketOf(s).URL() + s.Key }

// do is what the workers do. Failures of single outputs are recorded and are no errors.
func (j *job) do(ctx context.Context, w work, spawn func(work)) error {
	if w.upload != nil {
		return j.writePart(ctx, w, spawn)
	}
	if w.batch != nil {
		return j.writeBatch(ctx, w.batch, spawn)
	}
	if w.task.Skip {
		return j.skip(ctx, w.task)
	}
	if done, err := j.settle(ctx, &w.task); done || err != nil {
		return err
	}
	var res result
	var err error
	j.tell(w.task, Event{Kind: Started})
	end := j.begin(w.task)
	for {
		res, err = j.transfer(ctx, w, spawn)
		if err == nil || !j.again(ctx, w.task, w.attempt, err) {
			break
		}
		w.attempt++
	}
	if err == nil && res.deferred {
		end(0)
		return nil // the last part will see to the rest
	}
	end(done(w.task.Size(), err))
	return j.finish(ctx, w.task, res, err)
}

// skip records sources that have been copied before. Those that are safe in an output are
// deleted if asked to: the run that made it has not come to do so.
func (j *job) skip(ctx context.Context, t Task) error {
	defer j.openSources.end(t)
	j.rec.event(j.about(t, Skipped))
	if err := j.note(t, nil); err != nil {
		return err
	}
	if t.held && j.opts.DeleteOnSuccess {
		return j.deleteSources(ctx, t)
	}
	return nil
}

// result is a finished transfer.
type result struct {
	method   string
	deferred bool               // its parts are on their way
	clean    bool               // of an output that failed: nothing has come of it, nor will
	sum      storage.Checksum   // of the output
	object   storage.Object     // the output
	sums     []storage.Checksum // of the sources, where they are known
	partSize int64              // of methodParts
	compared bool               // with another digest of its source
}

const (
	methodServer = "server"
	methodStream = "stream"
	methodParts  = "parts"
)

// transfer copies one output, in the best of the three ways.
func (j *job) transfer(ctx context.Context, w work, spawn func(work)) (result, error) {
	t := w.task
	if err := j.checkSelf(t); err != nil {
		return result{}, err
	}
	if j.appendable(t) {
		if res, appended, err := j.appendTail(ctx, t); appended || err != nil {
			return res, err
		}
	}
	if j.serverCopier != nil && !j.serverRefuse.Load() && t.Sources.Len() == 1 && t.raw() && !j.holdsBackKernel() {
		res, err := j.intended(ctx, t, j.serverCopy)
		if !errors.Is(err, storage.ErrUnsupported) {
			return res, err
		}
		j.serverRefuse.Store(true)
	}
	if j.partUploader != nil && t.raw() {
		if size := t.Size(); size > j.opts.partSize() {
			return result{deferred: true}, j.beginParts(ctx, w, spawn)
		}
	}
	if t.merge != "" {
		return j.intended(ctx, t, j.mergeColumnar)
	}
	return j.intended(ctx, t, j.stream)
}

// holdsBackKernel reports whether the job has a limit on bytes that the kernel, which copies local files
// by itself, would not know.
func (j *job) holdsBackKernel() bool {
	return isFiles(j.dest.Bucket) && j.rates.bytes.perSecond.Load() > 0
}

// checkSelf refuses to replace an object by a copy of which it is a source.
func (j *job) checkSelf(t Task) error {
	if !j.onePlace() {
		return nil
	}
	fresh := t.fresh()
	for _, s := range fresh.All() {
		if s.Key == j.dir+t.Key && s.VersionID == "" {
			return fmt.Errorf("copy %s: the output is its own source", j.src.Bucket.URL()+s.Key)
		}
	}
	return nil
}

// patience bounds the failures in a row, in pairs, after which a server is taken to be gone.
const patience = 16

// enough is how many outputs the destination may turn down before a job in which nothing has
// succeeded is given up.
const enough = 20
