package filestore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

func put(t testing.TB, b *Bucket, key, content string) storage.Object {
	t.Helper()
	w, err := b.Create(t.Context(), key, storage.CreateOptions{})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestClashesAreNamed(t *testing.T) {
	b := tree(t, "file", "dir/x", "pipe|", "to-dir -> dir")
	tests := []struct{ key, want string }{
		{"file/x", b.root + "file is a file, so nothing can lie below it"},
		{"file/x/y/z", b.root + "file is a file, so nothing can lie below it"},
		{"dir", "there is a directory of this name already"},
		{"to-dir", "there is a directory of this name already"},
		{"pipe", "there is a device, socket or pipe of this name already"},
		{"file/", b.root + "file is a file, so nothing can lie below it"},
		{"file/../x", b.root + "file is a file, so nothing can lie below it"},
		{"", "invalid key: it is empty"},
		{strings.Repeat("n/", 2100), "file name too long"},
	}
	for _, test := range tests {
		_, err := b.Create(t.Context(), test.key, storage.CreateOptions{})
		wantError(t, err, nil, "create "+b.url+test.key+": "+test.want)
	}
}

// TestClashAtCommit lets somebody else take the name while the object is being written.
func TestClashAtCommit(t *testing.T) {
	for _, open := range []func(testing.TB) storage.Bucket{newBucket, newNamed} {
		b := open(t).(*Bucket)
		for key, other := range map[string]string{"a": "a/b", "c/d": "c"} {
			w, err := b.Create(t.Context(), key, storage.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			put(t, b, other, "other")
			if _, err := w.Commit(); err == nil || !strings.Contains(err.Error(), b.root+key[:1]+" is a ") {
				t.Errorf("commit %s beside %s: %v, want what is in the way", key, other, err)
			}
			if err := w.Abort(); err != nil {
				t.Error(err)
			}
		}
		if left := leftovers(t, b); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
}

func TestAbortMakesNoDirectories(t *testing.T) {
	b := newBucket(t).(*Bucket)
	w, err := b.Create(t.Context(), "a/b/c", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Abort(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(b.root + "a"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("lstat a: %v, want nothing there", err)
	}
}

// Others may remove an empty directory between the moment in which it is found and that in which a file is
// made in it.
func TestCreateWhereDirectoriesGo(t *testing.T) {
	b := newBucket(t).(*Bucket)
	ctx, stop := context.WithCancel(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for ctx.Err() == nil {
			_ = os.MkdirAll(b.root+"a/b", 0o777)
			_ = os.Remove(b.root + "a/b")
			_ = os.Remove(b.root + "a")
		}
	}()
	defer func() { stop(); <-gone }()
	for range 3000 {
		w, err := b.Create(t.Context(), "a/b/c", storage.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Abort(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChangeInPlaceIsNoticed(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	changes := map[string]func(path string) error{
		"grown":     func(path string) error { return appendTo(path, "more") },
		"shortened": func(path string) error { return os.Truncate(path, 50_000) },
		"emptied":   func(path string) error { return os.Truncate(path, 0) },
		"overwritten": func(path string) error {
			later := time.Now().Add(time.Second)
			err := os.WriteFile(path, []byte(strings.Repeat("x", 100_000)), 0o666)
			return errors.Join(err, os.Chtimes(path, later, later))
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			b := newBucket(t).(*Bucket)
			put(t, b, "a", content)
			r, err := b.Open(t.Context(), "a", storage.ReadOptions{Offset: 10})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if err := change(b.root + "a"); err != nil {
				t.Fatal(err)
			}
			if rest, err := io.ReadAll(r); !errors.Is(err, storage.ErrChanged) {
				t.Errorf("read %d bytes more, %v, want ErrChanged", len(rest), err)
			}
		})
	}
}

func appendTo(path, content string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// TestReplaceAfterKill has what a process leaves that is killed between the link and the rename
// of a replacement.
func TestReplaceAfterKill(t *testing.T) {
	b := tree(t, "d/a", "d/.skep-replace.tmp")
	put(t, b, "d/a", "new")
	got, err := os.ReadFile(b.root + "d/a")
	if err != nil || string(got) != "new" {
		t.Errorf("d/a holds %q, %v", got, err)
	}
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestSweep has hidden files of dead processes, young ones, and those of living ones.
func TestSweep(t *testing.T) {
	b := newNamed(t).(*Bucket)
	old := time.Now().Add(-2 * graceOfHidden)
	for _, name := range []string{".skep-dead.tmp", ".skep-young.tmp", ".skep-not", "other.tmp"} {
		if err := os.WriteFile(b.root+name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if name != ".skep-young.tmp" {
			if err := os.Chtimes(b.root+name, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	living, err := createTemp(filepath.Clean(b.root), true)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(living.hidden, old, old); err != nil {
		t.Fatal(err)
	}
	put(t, b, "a", "content")
	var names []string
	entries, err := os.ReadDir(b.root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{filepath.Base(living.hidden), ".skep-not", ".skep-young.tmp", "a", "other.tmp"}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("left %q, want %q", names, want)
	}
	if err := living.discard(); err != nil {
		t.Error(err)
	}
}

func TestModeFollowsUmask(t *testing.T) {
	b := newBucket(t).(*Bucket)
	put(t, b, "d/a", "content")
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	want, err := os.Stat(plain)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(b.root + "d/a")
	if err != nil || got.Mode() != want.Mode() {
		t.Errorf("mode %v, %v, want %v", got.Mode(), err, want.Mode())
	}
}

func TestDeleteSparesWhatIsNoObject(t *testing.T) {
	paths := []string{"dir/x", "to-dir -> dir", "to-nothing -> gone", "pipe|"}
	b := tree(t, append(paths, "file", "to-file -> file")...)
	err := b.Delete(t.Context(), "dir", "to-dir", "to-nothing", "pipe", "file", "to-file", "dir/x/y")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dir/x", "to-dir", "to-nothing", "pipe", "to-file"} {
		if _, err := os.Lstat(b.root + name); err != nil {
			t.Errorf("%s: %v, want it spared", name, err)
		}
	}
	if _, err := os.Lstat(b.root + "file"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file: %v, want it gone", err)
	}
}

func TestCopyComparesChecksums(t *testing.T) {
	b := newBucket(t).(*Bucket)
	o := put(t, b, "a", "content")
	o.CRC32C.Sum++
	if _, err := b.CopyFrom(t.Context(), "b", b, o); !errors.Is(err, storage.ErrChecksum) {
		t.Errorf("copy: %v, want ErrChecksum", err)
	}
	if keys, err := list(t, b, ""); err != nil || !slices.Equal(keys, []string{"a"}) {
		t.Errorf("listed %q, %v", keys, err)
	}
}

func TestWrongPartSizeIsNamed(t *testing.T) {
	b := newBucket(t).(*Bucket)
	u, err := b.CreateParts(t.Context(), "a", storage.CreateOptions{Size: 100, PartSize: 40})
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abort(t.Context())
	_, err = u.WritePart(t.Context(), 1, bytes.NewReader(make([]byte, 60)), 60)
	wantError(t, err, nil, "write "+b.url+"a: part 1: it has 60 bytes, want 40: CreateOptions.PartSize is 40")
}

const killedRoot = "FILESTORE_TEST_ROOT"

// TestWriteUntilKilled is run by TestKill in a process of its own. It says on its standard output
// how many rounds it has done.
func TestWriteUntilKilled(t *testing.T) {
	root := os.Getenv(killedRoot)
	if root == "" {
		return
	}
	b, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		letter := string(rune('a' + i%26))
		put(t, b, "new/"+time.Now().Format("150405.000000000"), strings.Repeat(letter, 300_000))
		put(t, b, "replaced", strings.Repeat(letter, 300_000+i%26))
		os.Stdout.WriteString(".")
	}
}

// TestKill kills writers at moments of no particular choice, and looks at what there is.
func TestKill(t *testing.T) {
	root := t.TempDir()
	b, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	for round := range 5 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriteUntilKilled$")
		cmd.Env = append(os.Environ(), killedRoot+"="+root)
		progress, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(progress, make([]byte, 1+3*round)); err != nil {
			t.Fatalf("the writer wrote nothing: %v", err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait()
		wantWhole(t, b)
	}
	put(t, b, "replaced", "at last")
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// wantWhole checks that every object is one letter, 300,000 times and a little more.
func wantWhole(t *testing.T, b *Bucket) {
	t.Helper()
	n := 0
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(b.root + o.Key)
		if err != nil {
			t.Fatal(err)
		}
		extra := len(content) - 300_000
		if extra < 0 || bytes.Count(content, content[:1]) != len(content) ||
			o.Key == "replaced" && content[0] != byte('a'+extra) {
			t.Errorf("%s is not whole: %d bytes", o.Key, len(content))
		}
		n++
	}
	if n < 2 {
		t.Errorf("%d objects, want some", n)
	}
}

// A file gets the permissions and the time it is created with, written in one piece or in parts,
// new or in place of another.
func TestModeAndTime(t *testing.T) {
	when := time.Date(2001, 3, 1, 12, 30, 45, 123456789, time.UTC)
	opts := storage.CreateOptions{Size: 3, ModTime: when, Mode: 0o4640}
	for _, open := range []func(testing.TB) storage.Bucket{newBucket, newNamed} {
		b := open(t).(*Bucket)
		for range 2 {
			w, err := b.Create(t.Context(), "whole", opts)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
			o, err := w.Commit()
			if err != nil || !o.ModTime.Equal(when) || o.Mode != 0o640 {
				t.Errorf("%v, %v, %+v", b, err, o)
			}
			u, err := b.CreateParts(t.Context(), "parts", opts)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := u.WritePart(t.Context(), 0, strings.NewReader("abc"), 3); err != nil {
				t.Fatal(err)
			}
			if _, err := u.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"whole", "parts"} {
				info, err := os.Stat(filepath.Join(b.root, key))
				if err != nil || !info.ModTime().Equal(when) || info.Mode() != 0o640 {
					t.Errorf("%s: %v, %v", key, err, info)
				}
			}
		}
	}
}
