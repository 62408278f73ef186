package copier

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/skepdata/skep/storage"
)

// journalDir is where intentions are noted, below the destination.
const journalDir = ".distcp/"

// intention is what a grouping job that deletes its sources notes before it commits an output:
// once there is an object Output with these bytes, the sources are to be deleted. Without it, a
// job killed in between would leave sources that the next one, which must not replace anything,
// would put into one more output. In the journal it is followed by its sources, a line each.
type intention struct {
	Output string `json:"output"` // key in the destination's bucket
	Size   int64  `json:"size"`
	CRC32C string `json:"crc32c"`
	Src    string `json:"src"` // URL of the sources' bucket
}

type intendedSource struct {
	Key  string `json:"key"`
	Size int64  `json:"size"`
	ETag string `json:"etag,omitempty"`
}

// journaled reports whether the job notes its intentions. Otherwise an output has one name and
// may be made again, whatever has been deleted.
func (j *job) journaled() bool { return j.opts.DeleteOnSuccess && j.planner.group != nil }

func (j *job) journalKey(t Task) string {
	return fmt.Sprintf("%s%s%x", j.dir, journalDir, sha256.Sum256([]byte(t.Key)))
}

// intend notes that the sources of t are to be deleted once its output is there.
func (j *job) intend(ctx context.Context, t Task, size int64, sum storage.Checksum) error {
	if !j.journaled() {
		return nil
	}
	out, err := j.dest.Bucket.Create(ctx, j.journalKey(t), storage.CreateOptions{Durable: true})
	if err != nil {
		return err
	}
	defer out.Abort() // of no use after Commit, and nothing to add to an error
	w := bufio.NewWriter(out)
	enc := json.NewEncoder(w)
	err = enc.Encode(intention{j.dir + t.Key, size, sum.String(), j.src.Bucket.URL()})
	for _, s := range t.Sources {
		if err == nil {
			err = enc.Encode(intendedSource{s.Key, s.Size, s.ETag})
		}
	}
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		_, err = out.Commit()
	}
	return err
}

// fulfilled forgets an intention. One that stays is found to be fulfilled by the next job.
func (j *job) fulfilled(ctx context.Context, t Task) {
	if j.journaled() {
		_ = j.dest.Bucket.Delete(ctx, j.journalKey(t))
	}
}

// recover does what earlier jobs intended and did not come to do.
func (j *job) recover(ctx context.Context) error {
	if !j.journaled() {
		return nil
	}
	for o, err := range j.dest.Bucket.List(ctx, j.dir+journalDir) {
		if errors.Is(err, storage.ErrNotExist) {
			return nil // a store that the first write creates
		}
		if err == nil {
			err = j.recoverOne(ctx, o.Key)
		}
		if err != nil {
			return fmt.Errorf("finish an earlier job: %w", err)
		}
	}
	return nil
}

func (j *job) recoverOne(ctx context.Context, key string) error {
	r, err := j.dest.Bucket.Open(ctx, key, storage.ReadOptions{})
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	dec := json.NewDecoder(bufio.NewReader(r))
	var in intention
	if err := dec.Decode(&in); err != nil {
		return fmt.Errorf("%s: %w", j.dest.Bucket.URL()+key, err)
	}
	if in.Src != j.src.Bucket.URL() {
		return nil // that job will have to be run again
	}
	there, err := j.holds(ctx, in)
	if err != nil {
		return err
	}
	for there {
		var s intendedSource
		if err := dec.Decode(&s); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("%s: %w", j.dest.Bucket.URL()+key, err)
		}
		if err := j.deleteIntended(ctx, in, s); err != nil {
			return err
		}
	}
	return j.dest.Bucket.Delete(ctx, key)
}

// holds reports whether the output of an intention is what it was to be.
func (j *job) holds(ctx context.Context, in intention) (bool, error) {
	o, err := j.dest.Bucket.Stat(ctx, in.Output)
	if errors.Is(err, storage.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if o.Size != in.Size {
		return false, nil
	}
	buf := j.buffers.Get().(*[]byte)
	defer j.buffers.Put(buf)
	sum, err := checksum(ctx, j.dest.Bucket, o, *buf, func(int) {})
	return err == nil && sum.String() == in.CRC32C, err
}

// deleteIntended deletes a source, if it is the one that the output holds.
func (j *job) deleteIntended(ctx context.Context, in intention, s intendedSource) error {
	o, err := j.src.Bucket.Stat(ctx, s.Key)
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.Size != s.Size || o.ETag != s.ETag {
		return nil
	}
	if err := j.src.Bucket.Delete(ctx, s.Key); err != nil {
		return err
	}
	j.rec.event(Event{Kind: Deleted, Source: j.src.Bucket.URL() + s.Key, Sources: 1, Dest: j.dest.Bucket.URL() + in.Output, Bytes: s.Size})
	return nil
}

// isJournal reports whether a key of the destination's bucket is an intention of such a job.
func isJournal(dir, key string) bool { return strings.HasPrefix(key, dir+journalDir) }

// checksum is the one that the description of an object or its store has, or else that of its
// bytes, which it reads with buf and tells to read.
func checksum(
	ctx context.Context, b storage.Bucket, o storage.Object, buf []byte, read func(n int),
) (sum storage.Checksum, err error) {
	if o.CRC32C.Known {
		return o.CRC32C, nil
	}
	if described, err := b.Stat(ctx, o.Key); err != nil {
		return sum, err
	} else if described.CRC32C.Known {
		return described.CRC32C, nil
	}
	r, err := b.Open(ctx, o.Key, storage.ReadOptions{IfMatch: o.ETag})
	if err != nil {
		return sum, err
	}
	defer r.Close()
	sum = storage.CRC32C(nil)
	for {
		n, err := r.Read(buf)
		sum = storage.UpdateCRC32C(sum, buf[:n])
		read(n)
		if err == io.EOF { //nolint:errorlint // the io.Reader contract: EOF is never wrapped
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}
