package copier

import (
	"context"
	"fmt"

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
	o := storage.Object{Key: j.dir + t.Key}
	got, err := contentCRC32C(ctx, j.dest.Bucket, o, *buf, func(int) {})
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if got != want {
		return j.discard(ctx, t, fmt.Errorf("what is read back has crc32c %s instead of %s", got, want))
	}
	return nil
}
