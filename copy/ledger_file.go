package copier

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/skepdata/skep/copy/internal/spill"
	"github.com/skepdata/skep/storage"
)

const (
	// stateDir is where records are kept, below the destination.
	stateDir = ".distcp/"
	// ledgerFile has the records of all runs that have ended; others have one of one output.
	ledgerFile = "outputs.gz"
)

// isState reports whether a key is not an object to copy, but a record of ours.
func isState(key string) bool {
	return strings.HasPrefix(key, stateDir) || strings.Contains(key, "/"+stateDir)
}

// ledgerDir is where the records of a job are: apart for each source, grouping and codec, which
// are what makes two runs the same job.
func (j *job) ledgerDir() string {
	id := strings.Join([]string{strings.TrimRight(j.src.URL(), "/"), j.opts.GroupBy, string(j.opts.OutputCodec)}, "\x00")
	sum := sha256.Sum256([]byte(id))
	return fmt.Sprintf("%s%s%x/", j.dir, stateDir, sum[:8])
}

// ledgerLine is a record, which has an output, or a source of the record above it.
type ledgerLine struct {
	Output exactText `json:"output,omitempty"`
	Key    exactText `json:"key,omitempty"`
	Size   int64     `json:"size"`
	CRC32C string    `json:"crc32c,omitempty"`
	ETag   string    `json:"etag,omitempty"`
	Group  exactText `json:"group,omitempty"`
	Index  int       `json:"index,omitempty"`
	MTime  time.Time `json:"mtime,omitzero"`
}

// readRecords yields the records of a file, of which the ledger keeps the sources.
func (j *job) readRecords(ctx context.Context, key string) iter.Seq2[*record, error] {
	return func(yield func(*record, error) bool) {
		r, err := j.dest.Bucket.Open(ctx, key, storage.ReadOptions{})
		if errors.Is(err, storage.ErrNotExist) {
			return // another run has just ended
		}
		if err != nil {
			yield(nil, err)
			return
		}
		defer r.Close()
		fail := func(err error) {
			yield(nil, fmt.Errorf("%s: %w; delete it to group all files anew", j.dest.Bucket.URL()+key, err))
		}
		gz, err := gzip.NewReader(bufio.NewReader(r))
		if err != nil {
			fail(err)
			return
		}
		in := &ledgerReader{dec: json.NewDecoder(gz)}
		for in.next() {
			one := in.record()
			if err := j.ledger.keep(one, in.sources); err != nil {
				fail(err)
				return
			}
			if !yield(one, nil) {
				return
			}
		}
		if in.err != nil {
			fail(in.err)
		}
	}
}

// ledgerReader reads the lines of a file of records.
type ledgerReader struct {
	dec  *json.Decoder
	line ledgerLine // that was read, and is not used yet
	read bool
	err  error // but for the end
}

// next reports whether there is another line.
func (r *ledgerReader) next() bool {
	if r.read || r.err != nil {
		return r.read
	}
	r.line = ledgerLine{}
	err := r.dec.Decode(&r.line)
	switch {
	case errors.Is(err, io.EOF):
		return false
	case err == nil && r.line.Output == "" && r.line.Key == "":
		err = errNoRecord
	}
	r.err, r.read = err, err == nil
	return r.read
}

var errNoRecord = errors.New("not a record of outputs")

// record is the line as a record without its sources.
func (r *ledgerReader) record() *record {
	l := r.line
	if r.read = false; l.Output == "" {
		r.err = errNoRecord
	}
	return &record{Output: string(l.Output), Size: l.Size, CRC32C: l.CRC32C, ETag: l.ETag, Group: string(l.Group), Index: l.Index}
}

// sources are those in the lines up to the next record.
func (r *ledgerReader) sources(yield func(recordedSource, error) bool) {
	for r.next() && r.line.Output == "" {
		l := r.line
		r.read = false
		if !yield(recordedSource{string(l.Key), l.Size, l.ETag, l.MTime}, nil) {
			return
		}
	}
	if r.err != nil {
		yield(recordedSource{}, r.err)
	}
}

// writeRecords writes a file of records, durably.
func (j *job) writeRecords(ctx context.Context, key string, records iter.Seq[fullRecord]) error {
	out, err := j.dest.Bucket.Create(ctx, key, j.opts.Attributes.private("application/gzip", true))
	if err != nil {
		return err
	}
	defer out.Abort() // of no use after Commit, and nothing to add to an error
	gz := gzip.NewWriter(out)
	enc := json.NewEncoder(gz)
	for r := range records {
		err := enc.Encode(ledgerLine{
			Output: exactText(r.Output), Size: r.Size, CRC32C: r.CRC32C, ETag: r.ETag, Group: exactText(r.Group), Index: r.Index,
		})
		if err != nil {
			return err
		}
		for s, err := range r.sources {
			if err == nil {
				err = enc.Encode(ledgerLine{Key: exactText(s.Key), Size: s.Size, ETag: s.ETag, MTime: s.MTime})
			}
			if err != nil {
				return err
			}
		}
	}
	if err := gz.Close(); err != nil {
		return err
	}
	_, err = out.Commit()
	return err
}

// openLedger reads what earlier runs have left, and finds out which of their outputs are still
// there, unchanged. It changes nothing.
func (j *job) openLedger(ctx context.Context) error {
	if j.planner.group == nil {
		return nil
	}
	l := newLedger(j.ledgerDir())
	l.intentions = &gathering[fullRecord]{all: j.writeIntentions}
	j.ledger, j.planner.ledger = l, l
	err := j.retried(ctx, func() error { return j.loadLedger(ctx) })
	if err != nil {
		return errors.Join(fmt.Errorf("read what earlier runs have grouped: %w", err), l.close())
	}
	return nil
}

func (j *job) loadLedger(ctx context.Context) error {
	l := j.ledger
	l.pending, l.absent = nil, nil
	all := false
	for o, err := range j.dest.Bucket.List(ctx, l.dir) {
		switch {
		case errors.Is(err, storage.ErrNotExist):
			return nil // a store that the first write creates
		case err != nil:
			return err
		case o.Key == l.dir+ledgerFile:
			all = true
		default:
			l.pending = append(l.pending, o.Key)
		}
	}
	var err error
	if all {
		err = j.readLedger(ctx)
	}
	if err == nil {
		err = j.readPending(ctx)
	}
	if err == nil && len(l.pending) > 0 && j.opts.DeleteOnSuccess {
		err = j.forgetGone(ctx)
	}
	return err
}

// forgetGone drops the sources that a run deleted before it was killed. One of that name that
// comes later is another.
func (j *job) forgetGone(ctx context.Context) error {
	l := j.ledger
	sorted := spill.NewSorter("", groupMemory)
	defer sorted.Close() //nolint:errcheck // the files are gone in any case
	first, last := "", ""
	for _, r := range l.outputs {
		for s, err := range l.sourcesOf(r) {
			if err != nil {
				return err
			}
			if first == "" || s.Key < first {
				first = s.Key
			}
			last = max(last, s.Key)
			if err := sorted.Add([]byte(s.Key), nil); err != nil {
				return err
			}
		}
	}
	if last == "" {
		return nil
	}
	gone, err := j.gone(ctx, sorted, commonPrefix([]string{first, last}))
	for output := range l.outputs {
		if err == nil && len(gone) > 0 {
			err = l.forget(output, func(key string) bool {
				_, found := slices.BinarySearch(gone, hashText(fnvBasis, key))
				return found
			})
		}
	}
	return err
}

// gone are the hashes, in order, of the keys that the source does not have any more.
func (j *job) gone(ctx context.Context, keys *spill.Sorter, prefix string) (gone []uint64, err error) {
	in, err := keys.Read()
	if err != nil {
		return nil, err
	}
	key, _, err := in.Next()
	pass := func(until string) { // the end of all keys if it is empty
		for err == nil && (until == "" || string(key) < until) {
			gone = append(gone, hashText(fnvBasis, string(key)))
			key, _, err = in.Next()
		}
	}
	for o, failed := range j.src.Bucket.List(ctx, prefix) {
		if failed != nil {
			return nil, failed
		}
		pass(o.Key)
		for err == nil && string(key) == o.Key {
			key, _, err = in.Next()
		}
		if err != nil {
			break
		}
	}
	if pass(""); !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.Sort(gone)
	return gone, nil
}

// retried does something that belongs to no single output until it succeeds, as often as the
// options say.
func (j *job) retried(ctx context.Context, do func() error) error {
	for attempt := 0; ; attempt++ {
		err := do()
		if err == nil || !j.pause(ctx, attempt, err) {
			return err
		}
	}
}

// readLedger reads the records of all runs that have ended. One listing tells which of the
// outputs are as they were.
func (j *job) readLedger(ctx context.Context) error {
	l := j.ledger
	recorded := map[string]*record{}
	for r, err := range j.readRecords(ctx, l.dir+ledgerFile) {
		if err != nil {
			return err
		}
		recorded[r.Output] = r
	}
	if len(recorded) == 0 {
		return nil
	}
	found := 0
	for o, err := range j.dest.Bucket.List(ctx, commonPrefix(slices.Collect(maps.Keys(recorded)))) {
		if err != nil {
			return err
		}
		r := recorded[o.Key]
		if r == nil {
			continue
		}
		if found++; r.unchanged(o) {
			r.object = o
			l.outputs[r.Output] = r // nobody else knows the ledger yet
		}
		if found == len(recorded) {
			break
		}
	}
	l.changed = len(l.outputs) != len(recorded)
	return nil
}

// unchanged reports whether o is the recorded output.
func (r *record) unchanged(o storage.Object) bool {
	return o.Size == r.Size && (r.ETag == "" || o.ETag == "" || r.ETag == o.ETag) &&
		(r.CRC32C == "" || !o.CRC32C.Known || r.CRC32C == o.CRC32C.String())
}

// take makes a record known if its output is there as it was to be, and reports that.
func (j *job) take(ctx context.Context, r *record) (bool, error) {
	o, there, err := j.holds(ctx, *r)
	if there && err == nil {
		r.object, r.ETag = o, o.ETag
		j.ledger.know(r)
	}
	return there, err
}

// arrived takes the records of an output that has come to be since the run began: a service may still have
// been at work on the last request of a process that was killed. It reports whether there are any.
func (j *job) arrived(ctx context.Context, key string) (bool, error) {
	if j.ledger == nil {
		return false, nil
	}
	for _, r := range j.ledger.awaited(j.dir + key) {
		var there bool
		err := j.retried(ctx, func() (err error) {
			there, err = j.take(ctx, r)
			return err
		})
		if there || err != nil {
			return there, err
		}
	}
	return false, nil
}

// holds returns the output of a record if it is as it was to be.
func (j *job) holds(ctx context.Context, r record) (storage.Object, bool, error) {
	o, err := j.dest.Bucket.Stat(ctx, r.Output)
	if errors.Is(err, storage.ErrNotExist) {
		return o, false, nil
	}
	if err != nil || o.Size != r.Size {
		return o, false, err
	}
	buf := j.buffers.Get().(*[]byte)
	defer j.buffers.Put(buf)
	sum, err := checksum(ctx, j.dest.Bucket, o, *buf, func(int) {})
	return o, err == nil && sum.String() == r.CRC32C, err
}

// recordOf is the record of an output of which the size and the checksum are known.
func (j *job) recordOf(t Task, size int64, sum storage.Checksum) fullRecord {
	r := &record{Output: j.dir + t.Key, Size: size, CRC32C: sum.String(), Group: t.group, Index: t.index}
	return fullRecord{r, func(yield func(recordedSource, error) bool) {
		if t.base != nil {
			for s, err := range j.ledger.sourcesOf(t.base) {
				if !yield(s, err) {
					return
				}
			}
		}
		fresh := t.fresh()
		for _, s := range fresh.All() {
			if s.Key == "" {
				yield(recordedSource{}, s.lost)
				return
			}
			if !yield(recordedSource{s.Key, s.Size, s.ETag, s.ModTime}, nil) {
				return
			}
		}
	}}
}

func commonPrefix(keys []string) string {
	prefix := slices.Min(keys)
	last := slices.Max(keys)
	for i := range prefix {
		if i == len(last) || prefix[i] != last[i] {
			return prefix[:i]
		}
	}
	return prefix
}
