package copier

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/skepdata/skep/storage"
)

const methodAppend = "append"

// checkAppend finds what Options.Append needs.
func (j *job) checkAppend() error {
	if !j.opts.Append {
		return nil
	}
	if j.opts.Sync.Existing != ExistingUpdate {
		return &OptionError{"Append", errors.New("is for what an update finds longer than at the destination; it needs one")}
	}
	a, ok := storage.As[storage.Appender](j.dest.Bucket)
	if !ok {
		return &OptionError{"Append", fmt.Errorf("%s cannot append to what it has; block:// can", j.dest.Bucket.URL())}
	}
	j.appender = a
	return nil
}

// appendable reports whether an output may be what the destination has and something behind it.
func (j *job) appendable(t Task) bool {
	return j.appender != nil && t.there != nil && t.Sources.Len() == 1 && t.raw() && t.there.CRC32C.Known &&
		0 < t.there.Size && t.there.Size < t.Size()
}

// appendTail makes an output of what the destination has of it already and what the source has
// behind that. Where the source's store tells the checksum of all of it, only the tail is read;
// otherwise what comes before is read, too, and compared. appended is false if it is no such output.
func (j *job) appendTail(ctx context.Context, t Task) (res result, appended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	first, err := j.describeFirst(ctx, t)
	if err != nil {
		return res, false, err
	}
	opts, err := j.createOptions(ctx, t, first)
	if err != nil {
		return res, false, err
	}
	w, kept, head, err := j.appender.Append(ctx, *t.there, opts)
	if errors.Is(err, storage.ErrChanged) || errors.Is(err, storage.ErrNotExist) {
		return res, false, nil // it will be replaced, whatever it is now
	}
	if err != nil {
		return res, false, err
	}
	defer w.Abort() // of no use after Commit, and nothing to add to an error
	if kept == 0 {
		return res, false, nil // all would be written
	}
	known := t.Sources.First().CRC32C
	if first.CRC32C.Known {
		known = first.CRC32C
	}
	if !known.Known {
		if same, err := j.beginsWith(ctx, t, kept, head); err != nil || !same {
			return res, false, err
		}
	}
	from := j.read(ctx, t, kept, t.Size()-kept)
	err = errors.Join(j.pump(w, from), from.Close())
	if from.err != nil {
		err = from.err
	}
	sum := storage.CombineCRC32C(head, from.CRC32C(), t.Size()-kept)
	if err == nil && known.Differs(sum) {
		j.progress(t, -from.reported)
		return res, false, nil // it begins with something else, or was read wrong, which a whole copy finds
	}
	var o storage.Object
	if err == nil {
		o, err = w.Commit()
	}
	if err != nil {
		j.progress(t, -from.reported)
		if errors.Is(err, storage.ErrChanged) && from.err == nil {
			return res, false, nil
		}
		return res, false, err
	}
	if wrong := j.opts.Verify.mismatch(t.Size(), sum, o); wrong != nil {
		return res, false, j.discard(ctx, t, wrong)
	}
	j.progress(t, kept)
	return result{method: methodAppend, object: o, sum: sum, sums: []storage.Checksum{sum}}, true, nil
}

// beginsWith reports whether the first n bytes of a source have that checksum.
func (j *job) beginsWith(ctx context.Context, t Task, n int64, sum storage.Checksum) (bool, error) {
	from := j.read(ctx, t, 0, n)
	from.quiet = true
	err := errors.Join(j.pump(io.Discard, from), from.Close())
	return err == nil && from.CRC32C() == sum, err
}
