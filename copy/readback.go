package copier

import (
	"context"
	"errors"
	"fmt"
	"hash"

	"github.com/skepdata/skep/storage"
)

// readBack reads an output that is visible and compares it with what was written. It deletes one
// that differs.
func (j *job) readBack(ctx context.Context, t Task, res result) error {
	for attempt := 0; ; attempt++ {
		err := j.readBackOnce(ctx, t, res)
		if err == nil || !j.again(ctx, t, attempt, err) {
			return err
		}
	}
}

func (j *job) readBackOnce(ctx context.Context, t Task, res result) error {
	buf := j.buffers.Get().(*[]byte)
	defer j.buffers.Put(buf)
	want := res.sum
	if !want.Known {
		s := t.Sources.First().Object // a server has copied it: there is no other
		var err error
		if want, err = contentCRC32C(ctx, j.bucketOf(t.Sources.First()), s, *buf, func(int) {}); err != nil {
			return fmt.Errorf("read the source again: %w", err)
		}
	}
	digest, err := j.digestOfSource(ctx, t, res)
	if err != nil {
		return err
	}
	var h hash.Hash
	if digest.Known() {
		h = digest.New()
	}
	o := storage.Object{Key: j.dir + t.Key}
	got, err := contentCRC32C(ctx, j.dest.Bucket, o, *buf, func(n int) {
		if h != nil {
			_, _ = h.Write((*buf)[:n]) // a hash reports no errors
		}
	})
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if got != want {
		return j.discard(ctx, t, fmt.Errorf("what is read back has crc32c %s instead of %s", got, want))
	}
	if h == nil || !digest.Of(h).Differs(digest) {
		return nil
	}
	s := t.Sources.First()
	if none, err := j.isNone(ctx, s, digest, want); none || err != nil {
		return err
	}
	return j.discard(ctx, t, fmt.Errorf("the bytes that came of %s have %s, its store has %s", j.urlOf(s), digest.Of(h), digest))
}

// digestOfSource is what the source's store has instead of the CRC32C, of an output that was read from it in
// ranges and has not been compared with it.
func (j *job) digestOfSource(ctx context.Context, t Task, res result) (storage.Digest, error) {
	if res.method != methodParts || res.compared || t.Sources.Len() != 1 {
		return storage.Digest{}, nil
	}
	s := t.Sources.First()
	a, ok := storage.As[storage.Attester](j.bucketOf(s))
	if !ok || a.Exact() {
		return storage.Digest{}, nil
	}
	o, err := a.Attest(ctx, s.Object)
	if errors.Is(err, storage.ErrChanged) {
		return storage.Digest{}, nil // what was read is the version before
	}
	return o.Digest, err
}
