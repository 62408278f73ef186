package s3store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

func putWith(t *testing.T, b storage.Bucket, key string, p []byte, opts storage.CreateOptions) storage.Object {
	t.Helper()
	w, err := b.Create(t.Context(), key, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if _, err := w.Write(p); err != nil {
		t.Fatal(err)
	}
	o, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEncryption(t *testing.T) {
	b := newBucket(t)
	for _, test := range []struct {
		encryption storage.Encryption
		want       string
	}{
		{storage.Encryption{Mode: storage.EncryptS3}, "AES256"},
		{storage.Encryption{Mode: storage.EncryptKMS, KeyID: "skep-test"}, "aws:kms"},
	} {
		for _, size := range []int{100, 6 * mib} {
			p := content(size)
			o := putWith(t, b, "a", p, storage.CreateOptions{Encryption: test.encryption})
			got, err := get(t, b, "a", storage.ReadOptions{})
			if err != nil || !bytes.Equal(got, p) || o.CRC32C != storage.CRC32C(p) {
				t.Errorf("%v: read %d of %d bytes, %v; written as %+v", test.encryption, len(got), size, err, o)
			}
			if by, err := b.EncryptedBy(t.Context(), "a"); err != nil || by != test.want {
				t.Errorf("%v: encrypted by %q, %v", test.encryption, by, err)
			}
			plain := mustPut(t, b, "plain", p)
			if _, err := b.CopyWith(t.Context(), "copied", b, plain,
				storage.CopyOptions{To: storage.CreateOptions{Encryption: test.encryption}}); err != nil {
				t.Fatal(err)
			}
			if by, err := b.EncryptedBy(t.Context(), "copied"); err != nil || by != test.want {
				t.Errorf("%v: the copy is encrypted by %q, %v", test.encryption, by, err)
			}
		}
	}
	for _, bad := range []storage.Encryption{{Mode: "rot13"}, {KeyID: "x"}, {Mode: storage.EncryptS3, KeyID: "x"}} {
		if _, err := b.Create(t.Context(), "a", storage.CreateOptions{Encryption: bad}); err == nil {
			t.Errorf("%+v: no error", bad)
		}
	}
}

func TestStorageClass(t *testing.T) {
	b := newBucket(t)
	o := putWith(t, b, "a", []byte("x"), storage.CreateOptions{StorageClass: "REDUCED_REDUNDANCY"})
	got, err := b.Stat(t.Context(), "a")
	if err != nil || got.StorageClass != "REDUCED_REDUNDANCY" || o.StorageClass != got.StorageClass {
		t.Errorf("stat: %+v, %v", got, err)
	}
	for o, err := range b.List(t.Context(), "") {
		if err != nil || o.StorageClass != "REDUCED_REDUNDANCY" {
			t.Errorf("listed: %+v, %v", o, err)
		}
	}
	w, err := b.Create(t.Context(), "b", storage.CreateOptions{StorageClass: "NO_SUCH_CLASS"})
	if err == nil {
		defer w.Abort()
		_, err = w.Commit()
	}
	if err == nil {
		t.Errorf("a storage class that does not exist: no error")
	}
}

func TestVersions(t *testing.T) {
	b := newBucket(t)
	if err := b.KeepVersions(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.DeleteVersions(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var times []time.Time
	mark := func() { // a time that is after everything so far and before everything to come
		o := mustPut(t, b, "~clock", []byte{byte(len(times))})
		for info, err := range b.ListAsOf(t.Context(), "~clock", time.Now().Add(time.Hour)) {
			if err != nil || info.VersionID != o.VersionID {
				t.Fatalf("clock: %+v, %v, want version %s", info, err, o.VersionID)
			}
			times = append(times, info.ModTime)
		}
	}
	mark()
	first := mustPut(t, b, "a", []byte("one"))
	mustPut(t, b, "b", []byte("bee"))
	mark()
	mustPut(t, b, "a", []byte("two!"))
	if err := b.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	mark()
	for i, want := range [][]string{{}, {"a 3", "b 3"}, {"a 4"}} {
		got := []string{}
		for o, err := range b.ListAsOf(t.Context(), "", times[i]) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Key != "~clock" {
				got = append(got, fmt.Sprint(o.Key, " ", o.Size))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("as of mark %d: %q, want %q", i, got, want)
		}
	}
	p, err := get(t, b, "a", storage.ReadOptions{VersionID: first.VersionID})
	if err != nil || string(p) != "one" {
		t.Errorf("the first version holds %q, %v", p, err)
	}
	if _, err := b.CopyFrom(t.Context(), "c", b, first); err != nil {
		t.Fatal(err)
	}
	if p, err := get(t, b, "c", storage.ReadOptions{}); err != nil || string(p) != "one" {
		t.Errorf("the copy of the first version holds %q, %v", p, err)
	}
}

// TestRequesterPays shows that each request says who pays, under a signature that holds.
func TestRequesterPays(t *testing.T) {
	s := testenv.MinIO(t)
	p := testenv.NewProxy(t, s)
	p.Change(func(r *http.Request) {
		if r.Header.Get("X-Amz-Request-Payer") != "requester" ||
			!strings.Contains(r.Header.Get("Authorization"), "x-amz-request-payer") {
			t.Errorf("%s %s says %q under %q", r.Method, r.URL, r.Header.Get("X-Amz-Request-Payer"), r.Header.Get("Authorization"))
		}
	}, nil)
	cfg := p.Config()
	cfg.RequesterPays = true
	c, err := s3store.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	b := c.Bucket(s.Bucket)
	o := mustPut(t, b, "a b", content(20*mib))
	if _, err := get(t, b, "a b", storage.ReadOptions{Offset: 5}); err != nil {
		t.Error(err)
	}
	if _, err := b.CopyFrom(t.Context(), "c", b, o); err != nil {
		t.Error(err)
	}
	for _, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Error(err)
		}
	}
	if err := b.Delete(t.Context(), "a b", "c"); err != nil {
		t.Error(err)
	}
}

func TestCustomerKey(t *testing.T) {
	raw := []byte("0123456789abcdefghijklmnopqrstuv")
	text := base64.StdEncoding.EncodeToString(raw)
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	k, err := s3store.ReadCustomerKey(file)
	if err != nil || !k.Set() {
		t.Fatalf("read: %v, %v", k, err)
	}
	if direct, err := s3store.ParseCustomerKey(raw); err != nil || direct != k {
		t.Errorf("the raw key differs from its base64: %v", err)
	}
	cfg := s3store.Config{Endpoint: "https://127.0.0.1:1", AccessKey: "a", SecretKey: "b", CustomerKey: k}
	encoded, err := json.Marshal(cfg)
	if err == nil {
		t.Errorf("a key was marshalled")
	}
	for _, s := range []string{fmt.Sprint(k), fmt.Sprintf("%#v %+v %x %s %q", k, k, k, k, k), fmt.Sprintf("%#v %v", cfg, cfg), string(encoded)} {
		if strings.Contains(s, text) || strings.Contains(s, string(raw)) || strings.Contains(s, "30313233") || strings.Contains(s, "48, 49") {
			t.Errorf("printed %s", s)
		}
	}
	if _, err := s3store.New(cfg); err != nil {
		t.Error(err)
	}
	cfg.Endpoint = "http://127.0.0.1:1"
	if _, err := s3store.New(cfg); err == nil {
		t.Errorf("a key over plain http: no error")
	}
	for _, bad := range []string{"", "short", text + "x", text[:40]} {
		if _, err := s3store.ParseCustomerKey([]byte(bad)); err == nil || strings.Contains(err.Error(), "0123") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestThrottled(t *testing.T) {
	p := newProxy(t)
	p.SetFaults(testenv.Faults{Busy: 1})
	_, err := p.bucket.Stat(t.Context(), "a")
	if !storage.IsThrottled(err) || !storage.IsTemporary(err) {
		t.Errorf("stat: %v, throttled %v, temporary %v", err, storage.IsThrottled(err), storage.IsTemporary(err))
	}
	p.SetFaults(testenv.Faults{})
	if _, err := p.bucket.Stat(t.Context(), "a"); storage.IsThrottled(err) || !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("stat: %v", err)
	}
}
