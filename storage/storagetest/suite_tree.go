package storagetest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/skepdata/skep/storage"
)

func (s *suite) treeTests() []test {
	return []test{
		{"a level of names", s.listDir},
		{"a level does not depend on what is below it", s.listDirOfMany},
		{"an object gets another name", s.rename},
		{"a file becomes an object", s.adopt},
		{"a directory is there by itself", s.directories},
		{"a directory gets another name, or keeps it", s.renameDir},
		{"a directory is deleted with all below it", s.deleteTree},
		{"the sum of a part", s.measure},
	}
}

// level returns what ListDir yields: the names of directories end in a slash.
func (f *fixture) level(prefix string) []string {
	f.Helper()
	names := []string{}
	for e, err := range storage.ListDir(f.Context(), f.b, prefix) {
		if err != nil {
			f.Fatalf("list directory %q: %v", prefix, err)
		}
		if e.Dir != strings.HasSuffix(e.Key, "/") || e.Dir && (e.Size != 0 || e.ETag != "") {
			f.Errorf("list directory %q: yields %+v", prefix, e)
		}
		if !e.Dir && e.Size != int64(len(e.Key)) {
			f.Errorf("list directory %q: %q has size %d, want %d", prefix, e.Key, e.Size, len(e.Key))
		}
		names = append(names, e.Key)
	}
	if kinds := func(dir bool) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.HasSuffix(n, "/") != dir })
	}; !slices.IsSorted(kinds(true)) || !slices.IsSorted(kinds(false)) {
		f.Errorf("list directory %q: %q is not in order", prefix, names)
	}
	slices.Sort(names)
	return names
}

func (s *suite) listDir(f *fixture) {
	f.putAll("a", "b/1", "b/2/x", "b/2/y", "b/3", "b-", "bc/1", "c/d/e/f")
	for _, test := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"a", "b-", "b/", "bc/", "c/"}},
		{"b", []string{"b-", "b/", "bc/"}},
		{"b/", []string{"b/1", "b/2/", "b/3"}},
		{"b/2", []string{"b/2/"}},
		{"b/2/", []string{"b/2/x", "b/2/y"}},
		{"c/d/", []string{"c/d/e/"}},
		{"none", []string{}},
		{"none/", []string{}},
	} {
		if got := f.level(test.prefix); !slices.Equal(got, test.want) {
			f.Errorf("list directory %q: %q, want %q", test.prefix, got, test.want)
		}
	}
	cause := errors.New("enough")
	for _, err := range storage.ListDir(dead(f, cause), f.b, "") {
		f.wantError("list directory with a dead context", err, cause)
	}
}

// listDirOfMany has directories larger and smaller than any page.
func (s *suite) listDirOfMany(f *fixture) {
	var want []string
	for d := range 5 {
		for i := range 1 + 40*d {
			f.putAll(fmt.Sprintf("d%d/%03d", d, i))
		}
		want = append(want, fmt.Sprintf("d%d/", d))
	}
	for i := range 150 {
		key := fmt.Sprintf("f%03d", i)
		f.putAll(key)
		want = append(want, key)
	}
	if got := f.level(""); !slices.Equal(got, want) {
		f.Errorf("list directory: %q, want %q", got, want)
	}
	n := 0
	for _, err := range storage.ListDir(f.Context(), f.b, "") {
		if err != nil {
			f.Fatal(err)
		}
		if n++; n == 3 {
			break
		}
	}
}

func (s *suite) directories(f *fixture) {
	d, ok := storage.As[storage.Directories](f.b)
	if !ok {
		return
	}
	has := func(dir string, want bool) {
		f.Helper()
		if got, err := d.HasDir(f.Context(), dir); err != nil || got != want {
			f.Errorf("has directory %q: %v, %v, want %v", dir, got, err, want)
		}
	}
	f.putAll("x/file")
	for range 2 {
		if err := d.MakeDir(f.Context(), "a/b/"); err != nil {
			f.Fatal(err)
		}
	}
	has("a/", true)
	has("a/b/", true)
	has("a/c/", false)
	has("x/file/", false)
	if got := f.level("a/"); !slices.Equal(got, []string{"a/b/"}) {
		f.Errorf("list directory: %q", got)
	}
	f.wantList("", "x/file")
	f.wantError("remove a directory with something in it", d.RemoveDir(f.Context(), "a/"), storage.ErrExist)
	f.wantError("remove a directory with a file in it", d.RemoveDir(f.Context(), "x/"), storage.ErrExist)
	f.wantError("remove what is not there", d.RemoveDir(f.Context(), "a/c/"), storage.ErrNotExist)
	if err := d.RemoveDir(f.Context(), "a/b/"); err != nil {
		f.Error(err)
	}
	has("a/b/", false)
	has("a/", true)
}

func (s *suite) rename(f *fixture) {
	r, ok := storage.As[storage.Renamer](f.b)
	if !ok {
		return
	}
	w := f.create("a/b", storage.CreateOptions{ContentType: "text/x", Metadata: map[string]string{"k": "v"}})
	f.write(w, []byte("content"))
	before := f.commit(w)
	f.put("c", []byte("old"))
	for _, to := range []string{"d/e/f", "c"} {
		from := f.list("")[0]
		if to == "c" {
			from = "d/e/f"
		}
		if err := r.Rename(f.Context(), from, to); err != nil {
			f.Fatalf("rename %q to %q: %v", from, to, err)
		}
		f.wantAbsent(from)
		f.wantContent(to, []byte("content"))
	}
	f.wantList("", "c")
	o, err := f.b.Stat(f.Context(), "c")
	if err != nil || o.ContentType != before.ContentType && !s.NoMetadata || !maps.Equal(o.Metadata, before.Metadata) && !s.NoMetadata {
		f.Errorf("stat: %+v, %v, want what describes %+v", o, err, before)
	}
	f.wantError("rename what is not there", r.Rename(f.Context(), "a/b", "x"), storage.ErrNotExist)
	f.wantError("rename to nothing", r.Rename(f.Context(), "c", ""), storage.ErrInvalidKey)
	f.wantList("", "c")
	s.wantNoLeftovers(f)
}

func (s *suite) adopt(f *fixture) {
	a, ok := storage.As[storage.Adopter](f.b)
	if !ok {
		return
	}
	dir := f.TempDir()
	path := filepath.Join(dir, "file")
	f.put("c", []byte("old"))
	for _, key := range []string{"a/b/d", "c"} {
		if err := os.WriteFile(path, []byte("content of "+key), 0o666); err != nil {
			f.Fatal(err)
		}
		o, err := a.Adopt(f.Context(), key, path)
		if errors.Is(err, storage.ErrUnsupported) { // on another file system: nothing may have happened
			if got, err := os.ReadFile(path); err != nil || string(got) != "content of "+key {
				f.Errorf("%q, %v", got, err)
			}
			f.wantList("", "c")
			return
		}
		if err != nil {
			f.Fatalf("adopt %q: %v", key, err)
		}
		f.wantContent(key, []byte("content of "+key))
		if there, err := f.b.Stat(f.Context(), key); err != nil || there.ETag != o.ETag || there.Size != o.Size || o.Key != key {
			f.Errorf("adopt %q: %+v, then %+v, %v", key, o, there, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			f.Errorf("%s is still there: %v", path, err)
		}
	}
	_, err := a.Adopt(f.Context(), "x/y", path)
	f.wantError("adopt what is not there", err, storage.ErrNotExist)
	_, err = a.Adopt(f.Context(), "x/y", dir)
	f.wantError("adopt a directory", err, storage.ErrUnsupported)
	f.wantList("", "a/b/d", "c")
	s.wantNoLeftovers(f)
}

func (s *suite) renameDir(f *fixture) {
	r, ok := storage.As[storage.Renamer](f.b)
	if !ok {
		return
	}
	f.putAll("a/1", "a/2/x", "ab/1", "b/1", "c")
	if err := r.RenameDir(f.Context(), "a/", "d/e/"); err != nil {
		f.Fatalf("rename directory: %v", err)
	}
	f.wantList("", "ab/1", "b/1", "c", "d/e/1", "d/e/2/x")
	f.wantContent("d/e/2/x", []byte("a/2/x"))
	f.wantError("rename directory to one that is there", r.RenameDir(f.Context(), "d/e/", "b/"), storage.ErrExist)
	f.wantError("rename directory that is not there", r.RenameDir(f.Context(), "a/", "x/"), storage.ErrNotExist)
	f.wantList("", "ab/1", "b/1", "c", "d/e/1", "d/e/2/x")
	s.wantNoLeftovers(f)
}

func (s *suite) deleteTree(f *fixture) {
	d, ok := storage.As[storage.TreeDeleter](f.b)
	if !ok {
		return
	}
	f.putAll("a/1", "a/2/x", "ab/1", "c")
	for range 2 { // nothing is there the second time
		if err := d.DeleteTree(f.Context(), "a/"); err != nil {
			f.Fatalf("delete tree: %v", err)
		}
		f.wantList("", "ab/1", "c")
	}
	cause := errors.New("enough")
	f.wantError("delete tree with a dead context", d.DeleteTree(dead(f, cause), "c/"), cause)
	s.wantNoLeftovers(f)
}

func (s *suite) measure(f *fixture) {
	m, ok := storage.As[storage.Measurer](f.b)
	if !ok {
		return
	}
	f.put("a/1", random(1, 100_000))
	f.put("a/2", random(2, 10))
	f.put("b", nil)
	for prefix, want := range map[string]storage.Usage{
		"": {Objects: 3, Bytes: 100_010}, "a/": {Objects: 2, Bytes: 100_010}, "a/2": {Objects: 1, Bytes: 10}, "b": {Objects: 1}, "x": {},
	} {
		got, err := m.Measure(f.Context(), prefix)
		got.StoredBytes = 0
		if err != nil || got != want {
			f.Errorf("measure %q: %+v, %v, want %+v", prefix, got, err, want)
		}
	}
}
