package s3store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// TestCopyInParts copies as objects beyond 5 GiB are copied, at a smaller limit.
func TestCopyInParts(t *testing.T) {
	s := testenv.MinIO(t)
	c := newClient(t, s, s3store.Config{PartSize: 5 * mib})
	c.SetCopyLimit(6 * mib)
	b := c.Bucket(s.Bucket)
	want := content(16*mib + 7)
	w, err := b.Create(t.Context(), "a", storage.CreateOptions{ContentType: "text/csv", Metadata: map[string]string{"owner": "bee"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	src, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	o, err := b.CopyFrom(t.Context(), "b", b, src)
	if err != nil {
		t.Fatal(err)
	}
	if o.CRC32C != src.CRC32C || o.Size != src.Size || o.ContentType != "text/csv" || o.Metadata["owner"] != "bee" {
		t.Errorf("copied %+v, from %+v", o, src)
	}
	if got, err := get(t, b, "b", storage.ReadOptions{}); err != nil || string(got) != string(want) {
		t.Errorf("the copy holds %d bytes, %v", len(got), err)
	}

	stale := src
	stale.ETag = "another"
	if _, err := b.CopyFrom(t.Context(), "c", b, stale); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("copy of another version: %v, want ErrChanged", err)
	}
	if left := pendingUploads(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestCopyBetweenBuckets(t *testing.T) {
	from, to := newBucket(t), newBucket(t)
	src := mustPut(t, from, "a", []byte("content"))
	o, err := to.CopyFrom(t.Context(), "b/c", from, src)
	if err != nil || o.CRC32C != src.CRC32C {
		t.Fatalf("copied %+v, %v", o, err)
	}
	if got, err := get(t, to, "b/c", storage.ReadOptions{}); err != nil || string(got) != "content" {
		t.Errorf("the copy holds %q, %v", got, err)
	}
}

func TestCopyOntoItself(t *testing.T) {
	b := newBucket(t)
	src := mustPut(t, b, "a", []byte("content"))
	if o, err := b.CopyFrom(t.Context(), "a", b, src); err != nil || o.ETag != src.ETag {
		t.Errorf("copied %+v, %v, want the object as it is", o, err)
	}
	mustPut(t, b, "a", []byte("other"))
	if _, err := b.CopyFrom(t.Context(), "a", b, src); !errors.Is(err, storage.ErrChanged) {
		t.Errorf("copy of the older version: %v, want ErrChanged", err)
	}
}

func TestCopyToAnotherServiceIsForTheCaller(t *testing.T) {
	s := testenv.MinIO(t)
	b := newClient(t, s, s3store.Config{}).Bucket(s.Bucket)
	src := mustPut(t, b, "a", []byte("content"))
	other := s.Config()
	other.AccessKey = "somebody-else"
	c, err := s3store.New(other)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Bucket(s.Bucket).CopyFrom(t.Context(), "b", b, src)
	if !errors.Is(err, storage.ErrUnsupported) || !strings.Contains(err.Error(), b.URL()) {
		t.Errorf("copy: %v, want ErrUnsupported and the source's URL", err)
	}
}

// TestForeignObjects reads and copies what others have written without a checksum of the
// whole.
func TestForeignObjects(t *testing.T) {
	b := newBucket(t)
	want := content(11 * mib)
	for name, headers := range map[string]map[string]string{
		"no checksum":        nil,
		"composite checksum": {"x-amz-checksum-algorithm": "CRC32C"},
		"other checksum":     {"x-amz-checksum-algorithm": "SHA256"},
	} {
		t.Run(name, func(t *testing.T) {
			key := strings.ReplaceAll(name, " ", "-")
			if err := b.PutForeign(t.Context(), key, want, headers); err != nil {
				t.Fatal(err)
			}
			src, err := b.Stat(t.Context(), key)
			if err != nil || src.CRC32C.Known {
				t.Fatalf("stat: %+v, %v, want no checksum", src, err)
			}
			if got, err := get(t, b, key, storage.ReadOptions{}); err != nil || string(got) != string(want) {
				t.Errorf("read %d bytes, %v", len(got), err)
			}
			o, err := b.CopyFrom(t.Context(), key+"-copied", b, src)
			if err != nil || o.CRC32C != storage.CRC32C(want) {
				t.Errorf("copied %+v, %v, want CRC32C %s", o, err, storage.CRC32C(want))
			}
		})
	}
}

func TestAbortUploads(t *testing.T) {
	s := testenv.MinIO(t)
	c := newClient(t, s, s3store.Config{PartSize: 5 * mib})
	b := c.Bucket(s.Bucket)
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		if _, err := b.CreateParts(t.Context(), key, storage.CreateOptions{Size: 1}); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		prefix string
		before time.Time
		want   int
		left   string
	}{
		{"", time.Now().Add(-time.Hour), 0, "a/1 a/2 b/1"},
		{"b/1", time.Now().Add(time.Hour), 1, "a/1 a/2"},
		{"", time.Now().Add(time.Hour), 2, ""},
	} {
		n, err := c.AbortUploads(t.Context(), s.Bucket, step.prefix, step.before)
		if left := strings.Join(pendingUploads(t, b), " "); err != nil || n != step.want || left != step.left {
			t.Errorf("%+v: aborted %d, %v, left %q", step, n, err, left)
		}
	}
}
