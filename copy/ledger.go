package copier

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/copy/internal/spill"
	"github.com/skepdata/skep/storage"
)

// ledger is what a grouping job knows of the outputs that its earlier runs have left at the
// destination, and of those it makes. It is how a run finds the sources that are in an output
// already, and the last output of a group, to which it may append.
//
// What outputs hold may be more than fits into memory: the ledger keeps it on disk, and reads what
// a group holds when the plan comes to it.
//
// For each output there is a record, written before the output becomes visible. A run that ends
// puts all of them into one file; those it finds besides are of a run that was killed, and hold
// where the output is there with the checksum that they state.
type ledger struct {
	dir string // where the records are: a prefix in the destination's bucket

	sources *spill.Store // of the outputs, as records keep them

	mu      sync.Mutex
	outputs map[string]*record // by the outputs' keys in the destination's bucket
	pending []string           // keys of records outside the file of all
	changed bool               // the file of all is out of date

	intentions *gathering[fullRecord] // to be written
	intended   map[string][]string    // by the outputs' keys: files in which this run has written a record, and no output yet
	absent     []*record              // of a run that was killed, whose outputs were not there when the run began
}

// record is one output of the job. In a file it is followed by its sources, a line each.
type record struct {
	Output string // key in the destination's bucket
	Size   int64
	CRC32C string
	ETag   string // empty before the output is visible
	Group  string // what its group key is
	Index  int    // in its name

	kept   []spill.Piece  // its sources, in the ledger
	count  int            // of the sources
	object storage.Object // as found by this run
}

// fullRecord is a record with its sources.
type fullRecord struct {
	*record
	sources recordedSources
}

// recordedSources are read one after the other, as often as somebody wants them. There may be millions of them.
type recordedSources = iter.Seq2[recordedSource, error]

// recordedSource is one version of a source.
type recordedSource struct {
	Key   string
	Size  int64
	ETag  string
	MTime time.Time
}

func newLedger(dir string) *ledger {
	return &ledger{dir: dir, sources: spill.NewStore(""), outputs: map[string]*record{}, intended: map[string][]string{}}
}

func (l *ledger) close() error { return l.sources.Close() }

// add keeps a record and makes it known.
func (l *ledger) add(r fullRecord) error {
	if err := l.keep(r.record, r.sources); err != nil {
		return err
	}
	l.know(r.record)
	return nil
}

// know makes a record known, in place of an older one of the same output.
func (l *ledger) know(r *record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outputs[r.Output] = r
	delete(l.intended, r.Output)
}

// drop forgets the intention of an output of which it is sure that it has not come to be.
func (l *ledger) drop(output string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.intended, output)
}

// miss remembers a record of an output that is not there.
func (l *ledger) miss(r *record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.absent = append(l.absent, r)
}

// awaited returns the records of an output that was not there when the run began.
func (l *ledger) awaited(output string) (all []*record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.absent {
		if r.Output == output {
			all = append(all, r)
		}
	}
	return all
}

// after reports whether r is a later output of the group than another.
func (r *record) after(other *record) bool {
	return cmp.Or(cmp.Compare(r.Index, other.Index), strings.Compare(r.Output, other.Output)) > 0
}

// forget drops from the record of an output the sources that are gone.
func (l *ledger) forget(output string, gone func(key string) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.outputs[output]
	if r == nil {
		return nil
	}
	l.changed = true
	before := l.sourcesOf(r)
	return l.keep(r, func(yield func(recordedSource, error) bool) {
		for s, err := range before {
			if (err != nil || !gone(s.Key)) && !yield(s, err) {
				return
			}
		}
	})
}

// records returns those worth keeping, in the order of the outputs. One without sources says
// only where a group may be appended to.
func (l *ledger) records(appends bool) []*record {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []*record
	for _, r := range l.outputs {
		if appends || r.count > 0 {
			all = append(all, r)
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return strings.Compare(a.Output, b.Output) })
	return all
}
