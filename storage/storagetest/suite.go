package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// Config tells the suite how to reach a store, and what the store cannot do. Only New is
// needed; the other fields are for stores that keep less than Mem does.
type Config struct {
	// New returns an empty bucket that no other test uses. The test closes it; whatever else
	// there is to clean up, New leaves to t.Cleanup.
	New func(t testing.TB) storage.Bucket

	// Tree says that keys are paths in a tree: no key can lie below another one.
	Tree bool
	// Holds says which keys the store can hold; nil stands for all of them but the empty one. For
	// others Create must report ErrInvalidKey.
	Holds func(key string) bool

	// Shadows says that an object below another one ("a/b" beside "a") can be written and
	// read but is not listed, as at MinIO. The suite then leaves such keys out.
	Shadows bool

	// NoMetadata says that the store keeps neither content types nor metadata.
	NoMetadata bool
	// NoStoredChecksums says that checksums are known after Commit but not kept, so that
	// Stat and List do not tell them.
	NoStoredChecksums bool

	// NoACL says that the store takes ACLs and forgets them, as MinIO does.
	NoACL bool

	// Missing returns a bucket of the same kind that does not exist.
	Missing func(t testing.TB) storage.Bucket
	// Corrupt damages a byte of the stored content of key behind the store's back, where
	// that is possible. Reading it must then report ErrChecksum.
	Corrupt func(t testing.TB, b storage.Bucket, key string)
	// Leftovers names what the store holds that no object needs: temporary files, pending
	// uploads, unreferenced blocks. There must be none after an Abort.
	Leftovers func(t testing.TB, b storage.Bucket) []string

	// Sizes are sizes in bytes to try besides the usual ones, such as those around the
	// store's blocks and parts.
	Sizes []int64
	// Many is how many objects make a listing of several pages; 0 stands for 1100.
	Many int
}

// Run runs the conformance suite on the store that cfg describes.
func Run(t *testing.T, cfg Config) {
	s := &suite{cfg}
	if s.Many == 0 {
		s.Many = 1100
	}
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"List", s.listTests()},
		{"Read", s.readTests()},
		{"Write", s.writeTests()},
		{"LocalFile", s.localFileTests()},
		{"Delete", s.deleteTests()},
		{"Keys", s.keyTests()},
		{"Concurrent", s.concurrentTests()},
		{"Parts", s.partTests()},
		{"Resume", s.resumeTests()},
		{"Batch", s.batchTests()},
		{"Attributes", s.attributeTests()},
		{"Copy", s.copyTests()},
		{"Local", s.localTests()},
		{"Tree", s.treeTests()},
		{"Other", s.otherTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					f := &fixture{t, cfg.New(t)}
					t.Cleanup(func() {
						if err := f.b.Close(); err != nil {
							t.Errorf("close: %v", err)
						}
					})
					test.run(f)
				})
			}
		})
	}
}

// suite makes the tests that cfg calls for.
type suite struct{ Config }

// test is one sentence of the contract.
type test struct {
	name string
	run  func(f *fixture)
}

// fixture is one test and the empty bucket it is done on.
type fixture struct {
	*testing.T
	b storage.Bucket
}

// create starts an object with the given options.
func (f *fixture) create(key string, opts storage.CreateOptions) storage.Writer {
	f.Helper()
	w, err := f.b.Create(f.Context(), key, opts)
	if err != nil {
		f.Fatalf("create %q: %v", key, err)
	}
	return w
}

// write writes content into w.
func (f *fixture) write(w io.Writer, content []byte) {
	f.Helper()
	if n, err := w.Write(content); err != nil || n != len(content) {
		f.Fatalf("write %d bytes: wrote %d, %v", len(content), n, err)
	}
}

// commit ends w.
func (f *fixture) commit(w storage.Writer) storage.Object {
	f.Helper()
	o, err := w.Commit()
	if err != nil {
		f.Fatalf("commit: %v", err)
	}
	return o
}

// put stores content under key.
func (f *fixture) put(key string, content []byte) storage.Object {
	f.Helper()
	w := f.create(key, storage.CreateOptions{Size: int64(len(content))})
	defer w.Abort()
	f.write(w, content)
	return f.commit(w)
}

// putAll stores an object under each key, the key being its content.
func (f *fixture) putAll(keys ...string) {
	f.Helper()
	for _, key := range keys {
		f.put(key, []byte(key))
	}
}

// read returns what Open and reading to the end give, and the object the reader describes.
func (f *fixture) read(key string, opts storage.ReadOptions) ([]byte, storage.Object, error) {
	r, err := f.b.Open(f.Context(), key, opts)
	if err != nil {
		return nil, storage.Object{}, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return content, r.Object(), err
}

// wantContent checks that key holds content.
func (f *fixture) wantContent(key string, content []byte) {
	f.Helper()
	got, _, err := f.read(key, storage.ReadOptions{})
	if err != nil {
		f.Fatalf("read %q: %v", key, err)
	}
	if !bytes.Equal(got, content) {
		f.Fatalf("%q holds %s, want %s", key, brief(got), brief(content))
	}
}

// wantAbsent checks that there is no object called key, by every way to see one.
func (f *fixture) wantAbsent(key string) {
	f.Helper()
	if o, err := f.b.Stat(f.Context(), key); !errors.Is(err, storage.ErrNotExist) {
		f.Errorf("stat %q: %+v, %v, want ErrNotExist", key, o, err)
	}
	if _, _, err := f.read(key, storage.ReadOptions{}); !errors.Is(err, storage.ErrNotExist) {
		f.Errorf("open %q: %v, want ErrNotExist", key, err)
	}
	if slices.Contains(f.list(key), key) {
		f.Errorf("list %q: yields it, want nothing there", key)
	}
}

// list returns the keys that List yields.
func (f *fixture) list(prefix string) []string {
	f.Helper()
	keys := []string{}
	for o, err := range f.b.List(f.Context(), prefix) {
		if err != nil {
			f.Fatalf("list %q: %v", prefix, err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// wantList checks what List yields.
func (f *fixture) wantList(prefix string, want ...string) {
	f.Helper()
	if got := f.list(prefix); !slices.Equal(got, want) {
		f.Errorf("list %q:\n got %q\nwant %q", prefix, got, want)
	}
}

// wantError checks that err is a *storage.Error that is for the bucket, and is target.
func (f *fixture) wantError(what string, err, target error) {
	f.Helper()
	if !errors.Is(err, target) {
		f.Errorf("%s: %v, want %v", what, err, target)
		return
	}
	var e *storage.Error
	if !errors.As(err, &e) {
		f.Errorf("%s: %T %v, want a *storage.Error", what, err, err)
		return
	}
	if e.Op == "" || !strings.HasPrefix(e.URL, f.b.URL()) {
		f.Errorf("%s: the error has Op %q and URL %q, want an operation and a URL in %s",
			what, e.Op, e.URL, f.b.URL())
	}
}

// wantNoLeftovers checks that the store holds nothing that no object needs.
func (s *suite) wantNoLeftovers(f *fixture) {
	f.Helper()
	if s.Leftovers == nil {
		return
	}
	if left := s.Leftovers(f, f.b); len(left) > 0 {
		f.Errorf("left behind: %q", left)
	}
}

// sizes are the object sizes to try.
func (s *suite) sizes() []int64 {
	sizes := []int64{0, 1, 2, 4095, 4096, 4097, 65535, 65536, 65537, 1<<20 + 3}
	return append(sizes, s.Sizes...)
}

// holds tells whether the store can hold key.
func (s *suite) holds(key string) bool {
	return key != "" && (s.Holds == nil || s.Holds(key))
}

// beside leaves out those of some keys that cannot be held, or not together with the ones before
// them.
func (s *suite) beside(keys []string) []string {
	var fit []string
	for _, key := range keys {
		clashes := func(other string) bool {
			return key == other || (s.Tree || s.Shadows) &&
				(strings.HasPrefix(key, other+"/") || strings.HasPrefix(other, key+"/"))
		}
		if s.holds(key) && !slices.ContainsFunc(fit, clashes) {
			fit = append(fit, key)
		}
	}
	return fit
}

// random returns size bytes that differ from those of any other seed.
func random(seed uint64, size int64) []byte {
	var key [32]byte
	copy(key[:], fmt.Sprintf("seed %d", seed))
	content := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(content)
	return content
}

// brief describes content, which may be long.
func brief(content []byte) string {
	if len(content) <= 40 {
		return fmt.Sprintf("%q", content)
	}
	return fmt.Sprintf("%d bytes, %q..., CRC32C %s", len(content), content[:16], storage.CRC32C(content))
}

// dead returns a context that has ended for the given reason.
func dead(f *fixture, cause error) context.Context {
	ctx, cancel := context.WithCancelCause(f.Context())
	cancel(cause)
	return ctx
}

// recent tells whether t is about now, with some room for another machine's clock.
func recent(t time.Time) bool {
	return time.Since(t).Abs() < 5*time.Minute
}
