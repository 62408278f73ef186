package blockstore

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		roots  []string
		volume string
		size   int64
		want   string
	}{
		{nil, "v", 0, "a block store needs at least one directory"},
		{[]string{"x"}, "", 0, `block store volume "": the name must not be empty or contain a slash`},
		{[]string{"x"}, "a/b", 0, `block store volume "a/b": the name must not be empty or contain a slash`},
		{[]string{"x"}, "v", 1000, "block size 1000: want a multiple of 65536, at most 1073741824"},
		{[]string{"x"}, "v", 2 << 30, "block size 2147483648: want a multiple of 65536, at most 1073741824"},
	} {
		_, err := Open(test.roots, test.volume, Options{BlockSize: test.size})
		if err == nil || err.Error() != test.want {
			t.Errorf("open %q %q %d: %v, want %s", test.roots, test.volume, test.size, err, test.want)
		}
	}
}

func TestReadingCreatesNothing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "store")
	b := openAt(t, "v", 0, root)
	if _, err := b.Stat(t.Context(), "a"); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("stat: %v, want ErrNotExist", err)
	}
	if err := b.Delete(t.Context(), "a"); err != nil {
		t.Errorf("delete: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v, want nothing there", root, err)
	}
	put(t, b, "a", "content")
	other := openAt(t, "w", 0, root)
	if _, err := other.Stat(t.Context(), "a"); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("stat in another volume: %v, want ErrNotExist", err)
	}
}

func TestVolumesAreApart(t *testing.T) {
	root := t.TempDir()
	v, w := openAt(t, "v", testBlock, root), openAt(t, "w", 2*testBlock, root)
	put(t, v, "a", "in v")
	put(t, w, "a", "in w")
	if err := v.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := list(t, w); !slices.Equal(got, []string{"a"}) {
		t.Errorf("w has %q", got)
	}
	if got := list(t, v); len(got) > 0 {
		t.Errorf("v has %q", got)
	}
	// The block size is the volume's, whoever opens it.
	again := openAt(t, "w", testBlock, root)
	put(t, again, "big", strings.Repeat("x", 2*testBlock))
	if paths := pathsOf(t, again, "big"); len(paths) != 1 {
		t.Errorf("big has %d blocks, want one of the volume's size", len(paths))
	}
}

func TestCopySharesBlocks(t *testing.T) {
	root := t.TempDir()
	v, w := openAt(t, "v", testBlock, root), openAt(t, "w", testBlock, root)
	content := strings.Repeat("0123456789", 40_000)
	o := put(t, v, "a", content)
	before := blockFiles(t, v)
	if _, err := w.CopyFrom(t.Context(), "b", v, o); err != nil {
		t.Fatal(err)
	}
	if after := blockFiles(t, v); !slices.Equal(after, before) {
		t.Errorf("the copy changed the blocks from %q to %q", before, after)
	}
	if err := v.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, w, "b"); got != content {
		t.Errorf("the copy has %d bytes after its source went, want %d", len(got), len(content))
	}
	if err := w.Delete(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	if left := blockFiles(t, v); len(left) > 0 {
		t.Errorf("blocks %q are left of nothing", left)
	}
}

func TestCopyFromAnotherStore(t *testing.T) {
	v, w := newBucket(t, testBlock, 1), newBucket(t, testBlock, 1)
	o := put(t, v, "a", "content")
	if _, err := w.CopyFrom(t.Context(), "a", v, o); !errors.Is(err, storage.ErrUnsupported) {
		t.Errorf("copy: %v, want ErrUnsupported", err)
	}
}

func read(t testing.TB, b *Bucket, key string) string {
	t.Helper()
	r, err := b.Open(t.Context(), key, storage.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestDisksTakeTurns(t *testing.T) {
	b := newBucket(t, chunkSize, 3)
	put(t, b, "a", strings.Repeat("x", 12*chunkSize))
	perDisk := map[string]int{}
	for _, path := range pathsOf(t, b, "a") {
		perDisk[filepath.Dir(filepath.Dir(path))]++
	}
	if len(perDisk) != 3 {
		t.Errorf("the blocks are on %v, want all three disks", perDisk)
	}
}

func TestDisksAreKnownByTheirIdentity(t *testing.T) {
	b := newBucket(t, chunkSize, 3)
	content := strings.Repeat("x", 12*chunkSize)
	put(t, b, "a", content)
	roots := slices.Clone(b.roots)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(roots[1], moved); err != nil {
		t.Fatal(err)
	}
	if got := read(t, openAt(t, "test", 0, moved, roots[2], roots[0]), "a"); got != content {
		t.Errorf("read %d bytes with disks moved and in another order, want %d", len(got), len(content))
	}
	part := openAt(t, "test", 0, roots[0], roots[2])
	_, err := part.Open(t.Context(), "a", storage.ReadOptions{})
	want := "open block://test/a: disk 2, last seen at " + roots[1] +
		", is not among the directories of the store"
	if err == nil || err.Error() != want {
		t.Errorf("open without a disk: %v\nwant %s", err, want)
	}
}

func TestForeignDisks(t *testing.T) {
	a, b := newBucket(t, 0, 1), newBucket(t, 0, 2)
	put(t, a, "x", "x")
	put(t, b, "x", "x")
	for _, roots := range [][]string{{a.roots[0], b.roots[0]}, {a.roots[0], b.roots[1]}, {b.roots[1]}} {
		w, err := openAt(t, "test", 0, roots...).Create(t.Context(), "y", storage.CreateOptions{})
		if err == nil {
			w.Abort()
			t.Errorf("create on %q: no error, want one of different stores", roots)
		}
	}
}

func TestNewerFormat(t *testing.T) {
	b := newBucket(t, 0, 1)
	v, err := b.forWriting(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.ns.writes.ExecContext(t.Context(), "PRAGMA user_version = 3"); err != nil {
		t.Fatal(err)
	}
	_, err = openAt(t, "test", 0, b.roots...).Stat(t.Context(), "a")
	if err == nil || !strings.HasSuffix(err.Error(), "it has format 3; this program knows format 2") {
		t.Errorf("stat: %v, want the format named", err)
	}
}

// TestDamage has every way in which a block can go bad.
func TestDamage(t *testing.T) {
	content := strings.Repeat("0123456789", 30_000) // of three blocks
	for _, test := range []struct {
		name   string
		damage func(path string) error
		want   string // after the name of the block's file
	}{
		{"truncated", func(path string) error { return os.Truncate(path, 70_000) },
			" ends after 70000 of 131072 bytes"},
		{"emptied", func(path string) error { return os.Truncate(path, 0) },
			" ends after 0 of 131072 bytes"},
		{"a bit", func(path string) error { return flip(path, 100_000) }, ", bytes 65536 to 131072: have "},
		{"removed", os.Remove, ": no such file or directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBucket(t, testBlock, 1)
			put(t, b, "a", content)
			path := pathsOf(t, b, "a")[1]
			if err := test.damage(path); err != nil {
				t.Fatal(err)
			}
			r, err := b.Open(t.Context(), "a", storage.ReadOptions{})
			if err == nil {
				var got []byte
				got, err = io.ReadAll(r)
				r.Close()
				if !strings.HasPrefix(content, string(got)) {
					t.Errorf("damaged bytes were handed out")
				}
				if !errors.Is(err, storage.ErrChecksum) {
					t.Errorf("read: %v, want ErrChecksum", err)
				}
			}
			for _, want := range []string{" on disk 1 ", path, test.want} {
				if !strings.Contains(fmt.Sprint(err), want) {
					t.Errorf("the error is %v, want it to tell %q", err, want)
				}
			}
			// What is not damaged can be read.
			r, err = b.Open(t.Context(), "a", storage.ReadOptions{Length: testBlock})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || string(got) != content[:testBlock] {
				t.Errorf("the first block: %d bytes, %v", len(got), err)
			}
		})
	}
}

func flip(path string, at int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	var b [1]byte
	_, err = f.ReadAt(b[:], at)
	b[0] ^= 1
	if err == nil {
		_, err = f.WriteAt(b[:], at)
	}
	return errors.Join(err, f.Close())
}

// TestLongReader reads more blocks than are opened at once, with a replacement in the middle.
func TestLongReader(t *testing.T) {
	b := newBucket(t, chunkSize, 1)
	content := strings.Repeat("0123456789abcdef", (openAhead+8)*chunkSize/16)
	put(t, b, "a", content)
	if got := read(t, b, "a"); got != content {
		t.Fatalf("read %d bytes, want %d", len(got), len(content))
	}
	r, err := b.Open(t.Context(), "a", storage.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	put(t, b, "a", "other")
	got, err := io.ReadAll(r)
	if !errors.Is(err, storage.ErrChanged) || !strings.HasPrefix(content, string(got)) ||
		len(got) < openAhead*chunkSize {
		t.Errorf("read %d bytes, %v, want those of %d blocks and ErrChanged", len(got), err, openAhead)
	}
}

func TestCloseEndsWriters(t *testing.T) {
	b := newBucket(t, testBlock, 1)
	w, err := b.Create(t.Context(), "a", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 300_000)); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); err == nil {
		t.Errorf("commit: no error after Close")
	}
	again := openAt(t, "test", 0, b.roots...)
	if got := list(t, again); len(got) > 0 {
		t.Errorf("the volume has %q", got)
	}
	if left := leftovers(t, again); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestManyBuckets has several stores open on the same directories, as several processes have.
func TestManyBuckets(t *testing.T) {
	root := t.TempDir()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			b := openAt(t, "test", testBlock, root)
			for j := range 5 {
				w, err := b.Create(t.Context(), fmt.Sprintf("%d/%d", i, j), storage.CreateOptions{})
				if err == nil {
					_, err = w.Write(bytes.Repeat([]byte{byte(i)}, 1000))
				}
				if err == nil {
					_, err = w.Commit()
				}
				if err != nil {
					t.Errorf("bucket %d: %v", i, err)
				}
			}
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	b := openAt(t, "test", 0, root)
	if got := list(t, b); len(got) != 30 {
		t.Errorf("the volume has %d objects, want 30: %q", len(got), got)
	}
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if locks, err := os.ReadDir(filepath.Join(root, writersDir)); err != nil || len(locks) > 0 {
		t.Errorf("locks of writers that ended: %v, %v", locks, err)
	}
}

func TestOddPlaces(t *testing.T) {
	for _, name := range []string{"with space", "percent%20", "question?x=1", "hash#1", "plus+", "ünï"} {
		b := openAt(t, "völume", 0, filepath.Join(t.TempDir(), name))
		put(t, b, "a", name)
		if got := read(t, b, "a"); got != name {
			t.Errorf("in %q: read %q", name, got)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(b.roots[0], namespaceFile)); err != nil {
			t.Errorf("the namespace is elsewhere: %v", err)
		}
	}
}

// TestUnsettledCommit fails commits of which nobody knows whether they happened: it is found out, the change is
// reported as what it is, and the store goes on.
func TestUnsettledCommit(t *testing.T) {
	for _, happened := range []bool{true, false} {
		b := newBucket(t, testBlock, 2)
		put(t, b, "there", "content")
		content := strings.Repeat("0123456789", 40_000)
		w, err := b.Create(t.Context(), "a", storage.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
		broken := errors.New("disk I/O error")
		b.open.ns.commit = func(tx *sql.Tx) error {
			if happened {
				return errors.Join(broken, tx.Commit())
			}
			return errors.Join(broken, tx.Rollback())
		}
		if _, err := w.Commit(); happened && err != nil || !happened && !errors.Is(err, broken) {
			t.Errorf("commit: %v; it happened: %v", err, happened)
		}
		b.open.ns.commit = (*sql.Tx).Commit
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		wantAfterDoubt(t, b, map[bool]string{true: content}[happened])
	}
}

// TestUnsettledSync fails the sync of the namespace's log, or of the journal, of which nobody knows what it left.
// While nothing helps, no change is made; then the store goes on.
func TestUnsettledSync(t *testing.T) {
	for _, suffix := range []string{"-wal", journalSuffix} {
		for _, times := range []int{1, 1000} {
			b := newBucket(t, testBlock, 2)
			put(t, b, "there", "content")
			layer := faulty(t, b)
			failed := 0
			layer.set(func(op, path string) error {
				if op != "sync" || !strings.HasSuffix(path, suffix) || !strings.HasPrefix(path, b.roots[0]) || failed == times {
					return nil
				}
				failed++
				return unix.EIO
			})
			create := func(key string) error {
				w, err := b.Create(t.Context(), key, storage.CreateOptions{})
				if err == nil {
					_, err = io.WriteString(w, "unsettled")
				}
				if err == nil {
					_, err = w.Commit()
				}
				return err
			}
			err := create("a")
			if got, want := errors.Is(err, unix.EIO), times > 1; got != want || failed == 0 || !want && err != nil {
				t.Errorf("%d syncs of %s failed: %v", failed, suffix, err)
			}
			if times > 1 {
				if err := create("never"); !errors.Is(err, unix.EIO) {
					t.Errorf("a change while syncs of %s fail: %v, want the error", suffix, err)
				}
			}
			layer.set(nil)
			wantAfterDoubt(t, b, "unsettled") // it was committed, though nobody could know
		}
	}
}

// wantAfterDoubt goes on after a change that made a what it is, or did not where that is empty. Then the namespace
// is made anew from the journal, which must know the same.
func wantAfterDoubt(t *testing.T, b *Bucket, a string) {
	t.Helper()
	put(t, b, "next", strings.Repeat("next", 50_000))
	want := []string{"a", "next", "there"}
	if a == "" {
		want = want[1:]
	}
	roots := b.roots
	for _, what := range []string{"by the same", "when it is opened again", "made anew"} {
		if got := list(t, b); !slices.Equal(got, want) {
			t.Fatalf("%s: there are %q, want %q", what, got, want)
		}
		for _, key := range want {
			if got := read(t, b, key); key == "a" && got != a {
				t.Errorf("%s: a has %d bytes, want %d", what, len(got), len(a))
			}
		}
		if left := leftovers(t, b); len(left) > 0 {
			t.Errorf("%s: left behind: %q", what, left)
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if what == "when it is opened again" {
			if err := removeDatabase(filepath.Join(roots[0], namespaceFile)); err != nil {
				t.Fatal(err)
			}
			if report, err := Rebuild(t.Context(), roots); err != nil || report.Losses > 0 {
				t.Fatalf("rebuild: %+v, %v", report, err)
			}
		}
		b = openAt(t, "test", testBlock, roots...)
	}
}
