package s3store_test

import (
	"errors"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// TestAnonymous reads a public bucket without credentials, and may not write to it.
func TestAnonymous(t *testing.T) {
	s := testenv.MinIO(t)
	owner := newClient(t, s, s3store.Config{}).Bucket(s.Bucket)
	mustPut(t, owner, "a/b", []byte("content"))
	if err := owner.MakePublic(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, err := s3store.New(s3store.Config{Endpoint: s.Endpoint, Anonymous: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := c.Bucket(s.Bucket)
	if got, err := get(t, b, "a/b", storage.ReadOptions{}); err != nil || string(got) != "content" {
		t.Errorf("read %q, %v", got, err)
	}
	n := 0
	for o, err := range b.List(t.Context(), "a/") {
		if err != nil || o.Key != "a/b" {
			t.Errorf("listed %+v, %v", o, err)
		}
		n++
	}
	if n != 1 {
		t.Errorf("listed %d objects", n)
	}
	if _, err := put(t, b, "c", nil); !errors.Is(err, storage.ErrPermission) {
		t.Errorf("put: %v, want ErrPermission", err)
	}
	if err := b.Delete(t.Context(), "a/b"); !errors.Is(err, storage.ErrPermission) {
		t.Errorf("delete: %v, want ErrPermission", err)
	}
}
