package s3store_test

import (
	"bytes"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// TestCustomerKeyOnServer writes, reads and copies what only the key's owner can read.
func TestCustomerKeyOnServer(t *testing.T) {
	server, err := testenv.StartMinIOTLS(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if err := server.MakeBucket(t.Context(), "lake"); err != nil {
		t.Fatal(err)
	}
	client := func(key s3store.CustomerKey) *s3store.Bucket {
		cfg := server.Config()
		cfg.PartSize, cfg.CustomerKey = 5*mib, key
		c, err := s3store.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c.Bucket("lake")
	}
	key := func(b byte) s3store.CustomerKey {
		k, err := s3store.ParseCustomerKey(bytes.Repeat([]byte{b}, 32))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ours, others, none := client(key(1)), client(key(2)), client(s3store.CustomerKey{})
	for _, size := range []int{100, 6 * mib} {
		want := content(size)
		o := mustPut(t, ours, "a", want)
		if got, err := get(t, ours, "a", storage.ReadOptions{}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("read %d of %d bytes, %v", len(got), size, err)
		}
		if _, err := ours.Stat(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		if _, err := ours.CopyFrom(t.Context(), "b", ours, o); err != nil {
			t.Errorf("copy of %d bytes: %v", size, err)
		} else if got, err := get(t, ours, "b", storage.ReadOptions{}); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the copy holds %d of %d bytes, %v", len(got), size, err)
		}
		for name, b := range map[string]*s3store.Bucket{"another key": others, "no key": none} {
			if _, err := get(t, b, "a", storage.ReadOptions{}); err == nil {
				t.Errorf("read with %s: no error", name)
			}
		}
		mustPut(t, none, "plain", want)
		if got, err := get(t, ours, "plain", storage.ReadOptions{Offset: 1}); err != nil || !bytes.Equal(got, want[1:]) {
			t.Errorf("read without need for the key: %d bytes, %v", len(got), err)
		}
		if _, err := ours.Stat(t.Context(), "plain"); err != nil {
			t.Error(err)
		}
	}
}
