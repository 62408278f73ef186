package filestore

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// tree makes files, with their paths as their content, below a new root. A path with an arrow
// is a symbolic link, one with a slash at its end a directory, one with a bar a pipe.
func tree(t testing.TB, paths ...string) *Bucket {
	t.Helper()
	b := newBucket(t).(*Bucket)
	for _, path := range paths {
		name, target, isLink := strings.Cut(path, " -> ")
		full := filepath.Join(b.root, strings.TrimSuffix(name, "|"))
		err := os.MkdirAll(filepath.Dir(full), 0o777)
		switch {
		case err != nil:
		case isLink:
			err = os.Symlink(target, full)
		case strings.HasSuffix(path, "/"):
			err = os.MkdirAll(full, 0o777)
		case strings.HasSuffix(path, "|"):
			err = syscall.Mkfifo(full, 0o666)
		default:
			err = os.WriteFile(full, []byte(path), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// list returns the keys that b lists, and the error that ends the listing.
func list(t testing.TB, b *Bucket, prefix string) (keys []string, err error) {
	for o, err := range b.List(t.Context(), prefix) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, o.Key)
	}
	return keys, nil
}

func TestListOfOddTrees(t *testing.T) {
	tests := []struct {
		name   string
		tree   []string
		prefix string
		want   []string
	}{
		{"empty directories are nothing", []string{"a/", "b/c/", "d"}, "", []string{"d"}},
		{"links to files are files", []string{"a", "b -> a", "c/d -> ../a"}, "", []string{"a", "b", "c/d"}},
		{"links to directories are directories", []string{"a/x", "b -> a"}, "", []string{"a/x", "b/x"}},
		{"links sort as what they lead to", []string{"a/x", "b-c", "b -> a"}, "", []string{"a/x", "b-c", "b/x"}},
		{"broken links are nothing", []string{"a", "b -> gone"}, "", []string{"a"}},
		{"loops end", []string{"a/x", "a/up -> ..", "a/self -> ."}, "", []string{"a/x"}},
		{"loops end below a prefix", []string{"a/b/x", "a/b/up -> .."}, "a/b/", []string{"a/b/x"}},
		{"two links into each other end", []string{"a/x", "b/y", "a/l -> ../b", "b/m -> ../a"}, "",
			[]string{"a/l/y", "a/x", "b/m/x", "b/y"}},
		{"pipes are nothing", []string{"a|", "b", "c/d|"}, "", []string{"b"}},
		{"hidden names are nothing",
			[]string{".skep-1.tmp", "a/.skep-2.tmp", ".skep-3", "4.tmp", ".skep-.tmpx"}, "",
			[]string{".skep-.tmpx", ".skep-3", "4.tmp"}},
		{"a prefix of hidden names is nothing", []string{".skep-1.tmp", "a"}, ".skep", nil},
		{"a prefix that no key can have", []string{"a/b"}, "a//", nil},
		{"a prefix that leaves the root", []string{"a/b"}, "../", nil},
		{"a prefix with dots", []string{"a/b"}, "./a", nil},
		{"a prefix of dots is one of names", []string{".x", "..y"}, ".", []string{"..y", ".x"}},
		{"a prefix below a file", []string{"a"}, "a/b/c", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := list(t, tree(t, test.tree...), test.prefix)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("list %q: %q, %v, want %q", test.prefix, got, err, test.want)
			}
		})
	}
}

// TestListAgainstSort compares List on random trees of awkward names with sorting all keys.
func TestListAgainstSort(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	names := []string{"a", "b", "a-", "a.", "a0", "-", "~", "ab", "é", " ", "A"}
	for range 20 {
		files := map[string]bool{}
		isDirectory := map[string]bool{}
		for range 60 {
			var path []string
			for range 1 + rnd.IntN(4) {
				path = append(path, names[rnd.IntN(len(names))])
			}
			key := strings.Join(path, "/")
			clashes := isDirectory[key]
			for i := range path {
				clashes = clashes || files[strings.Join(path[:i], "/")]
			}
			if clashes {
				continue
			}
			files[key] = true
			for i := range path {
				isDirectory[strings.Join(path[:i], "/")] = true
			}
		}
		var keys []string
		for key := range files {
			keys = append(keys, key)
		}
		slices.Sort(keys)
		b := tree(t, keys...)
		for range 30 {
			key := keys[rnd.IntN(len(keys))]
			prefix := key[:rnd.IntN(len(key)+1)]
			var want []string
			for _, k := range keys {
				if strings.HasPrefix(k, prefix) {
					want = append(want, k)
				}
			}
			got, err := list(t, b, prefix)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("seed %d, list %q: %v\n got %q\nwant %q", seed, prefix, err, got, want)
			}
		}
	}
}

func TestUnreadable(t *testing.T) {
	b := tree(t, "a/x", "locked/y", "secret", "z")
	above := filepath.Dir(filepath.Clean(b.root)) // which is the test's own
	for path, mode := range map[string]fs.FileMode{b.root + "locked": 0, b.root + "secret": 0, above: 0o755} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.Chmod(b.root+"locked", 0o700) })
	testenv.AsNobody(t, func() {
		keys, err := list(t, b, "")
		wantError(t, err, storage.ErrPermission, "list "+b.url+"locked/: permission denied")
		if !slices.Equal(keys, []string{"a/x"}) {
			t.Errorf("listed %q before the error", keys)
		}
		var closed []storage.Ignored
		ctx := storage.WithIgnored(t.Context(), func(i storage.Ignored) { closed = append(closed, i) })
		keys = nil
		for o, err := range b.List(ctx, "") {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, o.Key)
		}
		if !slices.Equal(keys, []string{"a/x", "secret", "z"}) || len(closed) != 1 || closed[0].Key != "locked/" {
			t.Errorf("listed %q and told of %v", keys, closed)
		} else {
			wantError(t, closed[0].Err, storage.ErrPermission, "list "+b.url+"locked/: permission denied")
		}
		for _, err := range b.List(ctx, "locked/") {
			wantError(t, err, storage.ErrPermission, "list "+b.url+"locked/: permission denied")
		}
		_, err = b.Open(t.Context(), "secret", storage.ReadOptions{})
		wantError(t, err, storage.ErrPermission, "open "+b.url+"secret: permission denied")
		_, err = b.Stat(t.Context(), "locked/y")
		wantError(t, err, storage.ErrPermission, "stat "+b.url+"locked/y: permission denied")
		_, err = b.Create(t.Context(), "locked/new", storage.CreateOptions{})
		wantError(t, err, storage.ErrPermission, "create "+b.url+"locked/new: permission denied")
	})
}

// wantError checks what an error is and what it says.
func wantError(t testing.TB, err, is error, text string) {
	t.Helper()
	if is != nil && !errors.Is(err, is) || fmt.Sprint(err) != text {
		t.Errorf("error\n got %v\nwant %s (%v)", err, text, is)
	}
}

func BenchmarkListBigDirectory(b *testing.B) {
	paths := make([]string, 20_000)
	for i := range paths {
		paths[i] = fmt.Sprintf("%05d.csv.gz", i)
	}
	bucket := tree(b, paths...)
	b.ReportAllocs()
	for b.Loop() {
		if keys, err := list(b, bucket, ""); err != nil || len(keys) != len(paths) {
			b.Fatal(len(keys), err)
		}
	}
	b.ReportMetric(float64(b.N*len(paths))/b.Elapsed().Seconds(), "objects/s")
}
