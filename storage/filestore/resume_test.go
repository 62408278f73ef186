package filestore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

const (
	resumedRoot = "FILESTORE_TEST_RESUME"
	resumedKey  = "new/dir//x"
	resumedPart = 300_000
	resumedSize = 5*resumedPart + 17
)

func resumedOptions() storage.CreateOptions {
	return storage.CreateOptions{Size: resumedSize, PartSize: resumedPart, Resumable: true}
}

// sendPart writes a part that is made of its number.
func sendPart(t testing.TB, u storage.Upload, n int) {
	t.Helper()
	size := min(resumedPart, resumedSize-n*resumedPart)
	if _, err := u.WritePart(t.Context(), n, bytes.NewReader(bytes.Repeat([]byte{byte('a' + n)}, size)), int64(size)); err != nil {
		t.Fatal(err)
	}
}

// TestUploadUntilKilled is run in a process of its own, which is killed when it has written some parts
// and said the name of the upload.
func TestUploadUntilKilled(t *testing.T) {
	root := os.Getenv(resumedRoot)
	if root == "" {
		return
	}
	b, err := New(root)
	if err != nil {
		t.Fatal(err)
	}
	b.namedFiles = os.Getenv(resumedRoot+"_NAMED") != ""
	u, err := b.CreateParts(t.Context(), os.Getenv(resumedRoot+"_KEY"), resumedOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{5, 0, 2, 3} {
		sendPart(t, u, n)
	}
	os.Stdout.WriteString(u.(storage.Named).ID() + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // waiting for nothing would be a deadlock, and the end
	runtime.KeepAlive(u)                 // or its file could be collected, and the lock with it
}

// killUpload returns what a killed process has left: the ID of its upload.
func killUpload(t *testing.T, b *Bucket, key string) (id string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestUploadUntilKilled$")
	cmd.Env = append(os.Environ(), resumedRoot+"="+b.root, resumedRoot+"_KEY="+key)
	if b.namedFiles {
		cmd.Env = append(cmd.Env, resumedRoot+"_NAMED=1")
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanln(out, &id); err != nil {
		t.Error(err)
	}
	// While it lives, nobody else has the upload.
	if _, _, err := b.ResumeParts(t.Context(), key, resumedOptions(), id); !errors.Is(err, errInUse) {
		t.Errorf("resume what another process writes: %v", err)
	}
	if err := b.AbortUpload(t.Context(), storage.PendingUpload{Key: key, ID: id}); !errors.Is(err, errInUse) {
		t.Errorf("abort what another process writes: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	return id
}

func resumeParts(t *testing.T, b *Bucket, id string) (u storage.Upload, there string) {
	t.Helper()
	u, done, err := b.ResumeParts(t.Context(), resumedKey, resumedOptions(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range done {
		there += fmt.Sprint(p.N)
	}
	return u, there
}

func TestResumeAfterKill(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, b *Bucket, path string)
		there  string
	}{
		{"as it was left", func(*testing.T, *Bucket, string) {}, "0235"},
		{"a part that is not what it was", func(t *testing.T, _ *Bucket, path string) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteAt([]byte("?"), 2*resumedPart+10)
			}
			if err := errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		}, "035"},
		{"its directory is there now", func(t *testing.T, b *Bucket, _ string) { put(t, b, "new/dir//y", "y") }, "0235"},
		{"killed in Commit", func(t *testing.T, _ *Bucket, path string) {
			if err := os.Truncate(path, resumedSize); err != nil {
				t.Fatal(err)
			}
		}, "012345"}, // whoever knows the checksums sees that two of them are not
	} {
		for _, open := range []func(testing.TB) storage.Bucket{newBucket, newNamed} {
			t.Run(test.name, func(t *testing.T) {
				b := open(t).(*Bucket)
				id := killUpload(t, b, resumedKey)
				test.change(t, b, b.root+uploadName(id))
				u, there := resumeParts(t, b, id)
				if there != test.there {
					t.Errorf("parts %s are there, want %s", there, test.there)
				}
				for n := range 6 {
					if !strings.Contains(there, fmt.Sprint(n)) || len(there) == 6 && (n == 1 || n == 4) {
						sendPart(t, u, n)
					}
				}
				o, err := u.Commit(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				content, err := os.ReadFile(b.root + "new/dir/^/x")
				if err != nil || len(content) != resumedSize || o.Size != resumedSize || storage.CRC32C(content) != o.CRC32C {
					t.Errorf("%d bytes, %v, described as %+v", len(content), err, o)
				}
				for n := range 6 {
					if c := content[n*resumedPart]; c != byte('a'+n) {
						t.Errorf("part %d is %q", n, c)
					}
				}
				if left := leftovers(t, b); len(left) > 0 {
					t.Errorf("left behind: %q", left)
				}
			})
		}
	}
}

// A process that was killed before it could tell anybody of its upload leaves one that goes when
// the same object is written again, and any other after a week.
func TestForgottenUploads(t *testing.T) {
	b := newBucket(t).(*Bucket)
	killUpload(t, b, resumedKey)
	other := killUpload(t, b, "new/other")
	if found := uploadsBelow(t, b, "new/"); found != 2 {
		t.Errorf("%d uploads below new/, want 2", found)
	}
	if found := uploadsBelow(t, b, "old/"); found != 0 {
		t.Errorf("%d uploads below old/, want none", found)
	}
	u, err := b.CreateParts(t.Context(), "another", resumedOptions())
	if err != nil {
		t.Fatal(err)
	}
	if left := leftovers(t, b); len(left) != 3 {
		t.Errorf("%q are there, want three uploads", left)
	}
	old := time.Now().Add(-graceOfUploads - time.Hour)
	if err := os.Chtimes(b.root+uploadName(other), old, old); err != nil {
		t.Fatal(err)
	}
	again, err := New(b.root) // which has not looked into the directory yet
	if err != nil {
		t.Fatal(err)
	}
	third, err := again.CreateParts(t.Context(), "third", resumedOptions())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(b.root + uploadName(other)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an upload of last week: %v, want it gone", err)
	}
	same, err := again.CreateParts(t.Context(), resumedKey, resumedOptions())
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range []storage.Upload{u, third, same} {
		if err := u.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

func uploadsBelow(t *testing.T, b *Bucket, prefix string) int {
	t.Helper()
	n := 0
	for u, err := range b.Uploads(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(u.Key, prefix) || time.Since(u.Started).Abs() > time.Minute {
			t.Errorf("an upload of %q, begun %v", u.Key, u.Started)
		}
		n++
	}
	return n
}

// The root of all files has no directory above it in which to look on.
func TestUploadsBelowSlash(t *testing.T) {
	b, err := New("/")
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimPrefix(t.TempDir(), "/") + "/x"
	u, err := b.CreateParts(t.Context(), key, resumedOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := u.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	_, _, err = b.ResumeParts(t.Context(), key, resumedOptions(), u.(storage.Named).ID())
	if !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("resume: %v", err)
	}
}

// FuzzRecord reads records from files of anybody's.
func FuzzRecord(f *testing.F) {
	path := filepath.Join(f.TempDir(), "f")
	file, err := os.Create(path)
	if err != nil {
		f.Fatal(err)
	}
	r := uploadRecord{"key", 10, 4, time.Unix(1, 0)}
	if err := errors.Join(file.Truncate(r.end()), r.write(file), r.note(file, 1, storage.CRC32C([]byte{0, 0, 0, 0}))); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte(uploadMagic))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		r, err := readRecord(file)
		if err != nil {
			return
		}
		sums, err := r.readParts(file)
		if err != nil || int64(len(sums)) > r.parts() || r.end() != int64(len(content)) {
			t.Errorf("%+v has %d parts: %v", r, len(sums), err)
		}
	})
}
