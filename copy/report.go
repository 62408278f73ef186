package copier

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/storage"
)

// EventKind is a kind of thing that happens in a job.
type EventKind string

// What happens in a job. One output ends in exactly one of Planned, Copied, Skipped and Failed.
const (
	Planned      EventKind = "plan"        // a dry run would have copied it
	Begun        EventKind = "begin"       // the output is next; Bytes are to be copied
	Started      EventKind = "start"       // a worker has taken the output up, perhaps not for the first time
	Progress     EventKind = "progress"    // Bytes more have been copied; negative when an attempt failed
	Retried      EventKind = "retry"       // Err was met, and it is tried again
	Copied       EventKind = "copy"        // the output is complete and visible
	Skipped      EventKind = "skip"        // it has been copied by an earlier job
	Failed       EventKind = "fail"        // the output could not be made, because of Err
	Deleted      EventKind = "delete"      // a source is gone, as asked for; in a dry run it would be
	DeleteFailed EventKind = "delete-fail" // a source could not be deleted, because of Err
	Removed      EventKind = "remove"      // what only the destination has is gone; in a dry run it would be
	RemoveFailed EventKind = "remove-fail" // it could not be removed, because of Err
	Ignored      EventKind = "ignore"      // something of the source can be no object, as Err says: a pipe, a link to nothing
	Listed       EventKind = "list"        // the plan is complete

	// Trouble that may pass. Postponed is no end of an output: Copied, Skipped or Failed follow.
	Postponed    EventKind = "postpone"      // the output could not be made, because of Err; it comes again in a further try
	TriedAgain   EventKind = "try"           // a further try of the job begins, with Sources outputs, because of Err; none: all are planned again
	LeftThere    EventKind = "left"          // parts of Dest that an earlier run has left may not be removed, as Err says
	RetriesSpent EventKind = "retries-spent" // nothing is tried again any more after errors such as Err
)

// Event is something that happened.
type Event struct {
	Kind    EventKind
	Source  string // URL of the (first) source
	Sources int    // how many there are
	Dest    string // URL of the output
	Bytes   int64  // of the sources
	CRC32C  storage.Checksum
	ETag    string // of Copied: the output's, where the store has told
	Method  string // of Copied: "server", "stream", "parts", "batch" or "append"
	Action  Action // of Planned, Skipped, Deleted and Removed, in a dry run
	Reason  Reason // of Planned, Skipped and Removed
	There   int64  // of Planned: bytes that an earlier run has written already
	Err     error

	// Row, of Failed, is how many outputs have failed in a row, or with none made, for a reason that ends
	// the job when there are some more; 0 for other reasons.
	Row int64

	PartSize int64 // of Copied in parts: bytes of each but the last
}

// Summary is what a job did. A dry run counts what it would have done.
type Summary struct {
	Found          int64 // objects of the source, or those that a list or manifest names, before the filters
	Objects        int64 // source objects copied
	Outputs        int64 // objects made of them
	Bytes          int64 // of the source objects copied
	Skipped        int64 // source objects that an earlier job, or try of this one, has copied
	Ignored        int64 // what the source has besides that is no object
	Failed         int64 // outputs that could not be made
	Failures       []Failure
	Deleted        int64 // sources deleted
	DeleteFailures int64 // sources that could not be deleted
	Removed        int64 // objects that only the destination had
	RemoveFailures int64 // of those that could not be removed, which are also Failures
	Retries        int64
	RetriesOf      map[RetryClass]int64 // what they were for; nil for none
	Tries          int                  // of the job, the first included; 0 if it did not come to that
	Resumed        int64                // bytes of parts that were there already, from an earlier run
	ServerCopied   int64                // outputs copied on the server
	Elapsed        time.Duration
	RoundTrip      time.Duration // of the farther of the two services, the shortest that was met; 0 for none
}

// MaxFailures is how many failures a Summary describes. Events tell of all.
const MaxFailures = 1000

// Failure is an output that could not be made.
type Failure struct {
	Dest string // its URL
	Err  error
}

// FailedError is the error of a job in which some outputs could not be made, or some objects of the
// destination not removed, and everything else was done.
type FailedError struct {
	Failed, Outputs int64 // of how many
	First           error
}

func (e *FailedError) Error() string {
	return fmt.Sprintf("%d of %d outputs could not be copied or removed, the first: %v", e.Failed, e.Outputs, e.First)
}

func (e *FailedError) Unwrap() error { return e.First }

// recorder counts events and passes them on, one at a time.
type recorder struct {
	report func(Event)
	found  atomic.Int64

	mu  sync.Mutex
	sum Summary
}

func (r *recorder) event(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.sum
	switch e.Kind {
	case Planned, Copied:
		s.Objects += int64(e.Sources)
		s.Outputs++
		s.Bytes += e.Bytes
		if e.Method == methodServer {
			s.ServerCopied++
		}
	case Skipped:
		s.Skipped += int64(e.Sources)
	case Ignored:
		s.Ignored++
	case Failed:
		s.Failed++
		if len(s.Failures) < MaxFailures {
			s.Failures = append(s.Failures, Failure{e.Dest, e.Err})
		}
	case Removed:
		s.Removed++
	case RemoveFailed:
		s.RemoveFailures++
		if len(s.Failures) < MaxFailures {
			s.Failures = append(s.Failures, Failure{e.Dest, e.Err})
		}
	case Deleted:
		s.Deleted++
	case DeleteFailed:
		s.DeleteFailures++
	case TriedAgain:
		s.Tries++
		if e.Sources == 0 { // what could not be done is found again, and what was done
			s.Failed, s.Failures, s.Skipped, s.Ignored = 0, nil, 0, 0
			r.found.Store(0)
		}
	}
	if r.report != nil {
		r.report(e)
	}
}

// begin says that the job begins.
func (r *recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Tries = 1
}

// retried counts a retry.
func (r *recorder) retried(class RetryClass) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Retries++
	if r.sum.RetriesOf == nil {
		r.sum.RetriesOf = map[RetryClass]int64{}
	}
	r.sum.RetriesOf[class]++
}

// succeeded reports whether any output has been made.
func (r *recorder) succeeded() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sum.Outputs > 0
}

// resumed counts bytes that need not be written again.
func (r *recorder) resumed(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Resumed += n
}

func (r *recorder) summary() (Summary, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Found = r.found.Load()
	if r.sum.Failed == 0 && r.sum.RemoveFailures == 0 {
		return r.sum, nil
	}
	failed := r.sum.Failed + r.sum.RemoveFailures
	return r.sum, &FailedError{failed, r.sum.Outputs + failed, r.sum.Failures[0].Err}
}
