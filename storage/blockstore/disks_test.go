package blockstore

import (
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

// TestOneBadDisk fails every kind of operation on one of two disks: what is written goes to the other
// one, whole, whether the disk fails at once or in the middle.
func TestOneBadDisk(t *testing.T) {
	content := strings.Repeat("0123456789", 60_000) // five blocks
	for _, cause := range []error{unix.EIO, unix.EROFS, unix.ENOSPC} {
		for _, op := range []string{"create", "write", "sync", "syncdir", "free"} {
			for _, after := range []int{0, 2} {
				t.Run(fmt.Sprintf("%s fails with %v after %d", op, cause, after), func(t *testing.T) {
					b := newBucket(t, testBlock, 2)
					layer := faulty(t, b)
					n := 0
					layer.set(func(o, path string) error {
						if o != op || !strings.HasPrefix(path, b.roots[1]) {
							return nil
						}
						if n++; n > after {
							return cause
						}
						return nil
					})
					put(t, b, "a", content)
					wantContent(t, b, "a", content)
					putInParts(t, b, "parts", content)
					wantContent(t, b, "parts", content)
					layer.set(nil)
					if left := leftovers(t, b); len(left) > 0 {
						t.Errorf("left behind: %q", left)
					}
				})
			}
		}
	}
}

// TestReadOnlyDisk has a disk that can be read only: what is on it is read, nothing is written to it, and it
// is told of.
func TestReadOnlyDisk(t *testing.T) {
	b, s := newReplicated(t, 3, 2)
	content := strings.Repeat("0123456789", 60_000)
	put(t, b, "a", content)
	readOnly := func(op, path string) error {
		if strings.HasPrefix(path, b.roots[1]) && !slices.Contains([]string{"read", "open", "free"}, op) {
			return unix.EROFS
		}
		return nil
	}
	faulty(t, b).set(readOnly)
	layer := &faultyFiles{}
	layer.set(readOnly)
	s.files = layer
	wantContent(t, b, "a", content)
	put(t, b, "b", content)
	putInParts(t, b, "c", content)
	wantKinds(t, s, CheckOptions{Deep: true}, "1 disk read-only")
	disks, err := s.Disks(t.Context())
	if err != nil || len(disks) != 3 {
		t.Fatal(disks, err)
	}
	for i, d := range disks {
		if got := errors.Is(d.ReadOnly, unix.EROFS); got != (i == 1) || !got && d.ReadOnly != nil || d.Missing != nil {
			t.Errorf("disk %d: %+v", d.ID, d)
		}
	}
	before := disks[1].Replicas
	fatal(t, os.Remove(pathsOf(t, b, "b")[0])) // on one of the other two
	if report := repair(t, s, RepairOptions{}); report.Copied != 1 || report.Losses > 0 {
		t.Errorf("%+v", report)
	}
	if err := b.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	layer.set(nil)
	if disks, err = s.Disks(t.Context()); err != nil || disks[1].Replicas > before {
		t.Errorf("%+v, %v: replicas were written to it", disks[1], err)
	}
	fatal(t, b.Close())
	next := openAt(t, "test", testBlock, b.roots...)
	wantContent(t, next, "b", content)
	wantContent(t, next, "c", content)
	put(t, next, "next", "writer")
	if left := leftovers(t, next); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	wantKinds(t, openStoreOf(t, next), CheckOptions{Deep: true}, "")
	fatal(t, next.Close())
}

func TestAllDisksBad(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	layer := faulty(t, b)
	layer.set(func(op, _ string) error {
		if op == "write" {
			return unix.ENOSPC
		}
		return nil
	})
	w, err := b.Create(t.Context(), "a", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(make([]byte, testBlock))
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "disk 1 at "+b.roots[0]) &&
		!strings.Contains(err.Error(), "disk 2 at "+b.roots[1]) {
		t.Errorf("write: %v, want ENOSPC and which disk", err)
	}
	if _, err := w.Commit(); err == nil {
		t.Error("commit: no error")
	}
	layer.set(nil)
	if left := leftovers(t, b); len(left) > 0 || len(list(t, b)) > 0 {
		t.Errorf("left behind: %q, %q", left, list(t, b))
	}
}

// TestUnmountedDisk moves a disk away and leaves the empty directory that it was mounted on.
func TestUnmountedDisk(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	content := strings.Repeat("0123456789", 60_000)
	put(t, b, "a", content)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	mounted := b.roots[1]
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := os.Rename(mounted, elsewhere); err != nil {
		t.Fatal(err)
	}
	for _, empty := range []bool{false, true} {
		if empty {
			if err := os.Mkdir(mounted, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		part := openAt(t, "test", testBlock, b.roots...)
		put(t, part, "b", content) // all of it on the other disk
		wantContent(t, part, "b", content)
		if files, err := os.ReadDir(mounted); err == nil && len(files) > 0 {
			t.Errorf("%q was written where the disk is not mounted", files)
		}
		_, err := part.Open(t.Context(), "a", storage.ReadOptions{})
		if err == nil || !strings.Contains(err.Error(), "disk 2, last seen at "+mounted) {
			t.Errorf("open: %v, want which disk is missing", err)
		}
		if err := part.Delete(t.Context(), "a/other"); err != nil {
			t.Error(err)
		}
		if err := part.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(os.Remove(mounted), os.Rename(elsewhere, mounted)); err != nil {
		t.Fatal(err)
	}
	back := openAt(t, "test", testBlock, b.roots...)
	wantContent(t, back, "a", content)
	if left := leftovers(t, back); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestMissingDiskDoesNotStopReclaiming has a writer die, and a disk of its blocks go and come back.
// TestLostNamespace: a store whose namespace is gone, or on a disk that is not mounted, is no store that
// is not there yet. A reader that took it for one would find a volume empty.
func TestLostNamespace(t *testing.T) {
	for name, test := range map[string]struct {
		lose func(*Bucket) error
		left int // the first of the disks that are given
	}{
		"removed":   {func(b *Bucket) error { return os.Remove(filepath.Join(b.roots[0], namespaceFile)) }, 0},
		"emptied":   {func(b *Bucket) error { return os.Truncate(filepath.Join(b.roots[0], namespaceFile), 0) }, 0},
		"unmounted": {func(*Bucket) error { return nil }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			first := newBucket(t, testBlock, 2)
			put(t, first, "a", "content")
			if err := errors.Join(first.Close(), test.lose(first)); err != nil {
				t.Fatal(err)
			}
			roots := first.roots[test.left:]
			for op, do := range map[string]func(*Bucket) error{
				"stat":   func(b *Bucket) error { _, err := b.Stat(t.Context(), "a"); return err },
				"open":   func(b *Bucket) error { _, err := b.Open(t.Context(), "a", storage.ReadOptions{}); return err },
				"delete": func(b *Bucket) error { return b.Delete(t.Context(), "a") },
				"create": func(b *Bucket) error { _, err := b.Create(t.Context(), "b", storage.CreateOptions{}); return err },
				"list": func(b *Bucket) error {
					for _, err := range b.List(t.Context(), "") {
						return err
					}
					return nil
				},
				"check": func(*Bucket) error { _, err := OpenStore(t.Context(), roots); return err },
			} {
				err := do(openAt(t, "test", testBlock, roots...))
				if err == nil || errors.Is(err, storage.ErrNotExist) || !strings.Contains(err.Error(), "its namespace is in none of") {
					t.Errorf("%s: %v, want that the namespace is lost", op, err)
				}
			}
		})
	}
}

func TestMissingDiskDoesNotStopReclaiming(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	content := strings.Repeat("0123456789", 60_000)
	put(t, b, "kept", content)
	dieWhileWriting(t, b, content)
	away := filepath.Join(t.TempDir(), "away")
	if err := os.Rename(b.roots[1], away); err != nil {
		t.Fatal(err)
	}
	next := openAt(t, "test", testBlock, b.roots...)
	put(t, next, "tiny", "x")
	v, err := next.forReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	writers, err := column[string](t.Context(), v.ns.reads, "SELECT id FROM writers")
	if err != nil || len(writers) != 1 {
		t.Errorf("writers %q, %v, want only the living one", writers, err)
	}
	for _, path := range blockFiles(t, next) {
		if !slices.Contains(pathsOnDisk(t, next), path) {
			t.Errorf("%s was left", path)
		}
	}
	if err := errors.Join(next.Close(), os.Rename(away, b.roots[1])); err != nil {
		t.Fatal(err)
	}
	back := openAt(t, "test", testBlock, b.roots...)
	put(t, back, "tiny", "y")
	if left := leftovers(t, back); len(left) > 0 {
		t.Errorf("left behind when the disk was back: %q", left)
	}
	wantContent(t, back, "kept", content)
}

// TestWriterWithoutLock removes the lock of a dead writer, and then that of a living one.
func TestWriterWithoutLock(t *testing.T) {
	content := strings.Repeat("0123456789", 60_000)
	b := newBucket(t, testBlock, 2)
	id := dieWhileWriting(t, b, content)
	if err := os.Remove(filepath.Join(b.roots[0], writersDir, id)); err != nil {
		t.Fatal(err)
	}
	next := openAt(t, "test", testBlock, b.roots...)
	put(t, next, "tiny", "x")
	if left := leftovers(t, next); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}

	w, err := next.Create(t.Context(), "a", storage.CreateOptions{})
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(b.roots[0], writersDir, next.open.writer.id)); err != nil {
		t.Fatal(err)
	}
	third := openAt(t, "test", testBlock, b.roots...)
	put(t, third, "tiny", "y")
	if _, err := w.Commit(); err == nil {
		t.Error("a writer committed whose blocks were reclaimed")
	}
	if got := list(t, third); !slices.Equal(got, []string{"tiny"}) {
		t.Errorf("listed %q", got)
	}
	if left := leftovers(t, third); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// dieWhileWriting leaves what a process leaves that is killed while it writes: its blocks, and its
// entry in the namespace, and a lock that nobody holds. It returns its name.
func dieWhileWriting(t *testing.T, b *Bucket, content string) string {
	t.Helper()
	dying := openAt(t, "test", testBlock, b.roots...)
	w, err := dying.Create(t.Context(), "never", storage.CreateOptions{})
	if err == nil {
		_, err = io.WriteString(w, content)
	}
	if err != nil {
		t.Fatal(err)
	}
	id := dying.open.writer.id
	if err := errors.Join(dying.open.writer.lock.Close(), dying.open.ns.close()); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	return id
}

// pathsOnDisk are the files of the replicas that the namespace knows on the disks at hand.
func pathsOnDisk(t *testing.T, b *Bucket) []string {
	t.Helper()
	var paths []string
	for _, d := range b.open.disks() {
		ids, err := column[int64](t.Context(), b.open.ns.reads, "SELECT block FROM replicas WHERE disk = ?", d.id)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			paths = append(paths, d.path(id))
		}
	}
	return paths
}

func wantContent(t testing.TB, b *Bucket, key, content string) {
	t.Helper()
	if got := read(t, b, key); got != content {
		t.Errorf("%s has %d bytes, and not the %d that were written", key, len(got), len(content))
	}
}

// putInParts writes an object in parts.
func putInParts(t testing.TB, b *Bucket, key, content string) {
	t.Helper()
	const part = 3 * chunkSize
	u, err := b.CreateParts(t.Context(), key, storage.CreateOptions{Size: int64(len(content)), PartSize: part})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for n := 0; n*part < len(content); n++ {
		wg.Go(func() {
			piece := content[n*part : min((n+1)*part, len(content))]
			if _, err := u.WritePart(t.Context(), n, strings.NewReader(piece), int64(len(piece))); err != nil {
				t.Errorf("part %d: %v", n, err)
			}
		})
	}
	wg.Wait()
	if _, err := u.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}
