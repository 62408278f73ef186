package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// Of one object a command asks no more than it has to: far away, each request is a turn to wait for.
func TestRequestsForOneObject(t *testing.T) {
	s3 := testenv.MinIO(t)
	src := t.TempDir()
	if err := os.WriteFile(filepath.Join(src, "x"), []byte("text"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, s3, "--src", filepath.Join(src, "x"), "--dest", s3.URL("one/"), "--quiet", "--outputManifest=m.gz")
	for _, c := range []struct {
		args string // with s3: for the bucket, and tmp: for directories
		want []string
	}{
		{"--src s3:one/x --dest s3:copied/", []string{"GET", "GET", "PUT"}}, // both sides are looked at at once
		{"--src s3:one/x --dest tmp:down", []string{"GET", "GET"}},
		{"--src tmp:up --dest s3:up/", []string{"GET", "PUT"}}, // at once
		{"--src s3:one/x --dest s3:copied/ --update", []string{"GET", "GET", "GET"}},
		{"verify s3:copied/ s3:up/", []string{"GET", "GET"}}, // listings have an MD5 of small objects
		{"stat s3:one/x", []string{"HEAD"}},
		{"ls s3:one/x", []string{"GET"}},
		{"verify s3:one/m.gz s3:one/", []string{"GET", "GET", "GET", "HEAD"}},
	} {
		proxy := testenv.NewProxy(t, s3)
		args := strings.Fields(c.args)
		for i, a := range args {
			if key, ok := strings.CutPrefix(a, "s3:"); ok {
				args[i] = s3.URL(key)
			}
			if name, ok := strings.CutPrefix(a, "tmp:"); ok {
				if args[i] = filepath.Join(t.TempDir(), name); name == "up" {
					args[i] = src
				}
			}
		}
		mustRun(t, &proxy.S3, args...)
		var got []string
		for _, r := range proxy.Requests() {
			method, _, _ := strings.Cut(r, " ")
			got = append(got, method)
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("distcp %s: %q, want %q", c.args, got, c.want)
		}
	}
}

// Sources that are deleted when their outputs are durable go by few requests.
func TestDeletionsGoTogether(t *testing.T) {
	s3 := testenv.MinIO(t)
	src := tree(t, 400, 0)
	mustRun(t, s3, "--src", src, "--dest", s3.URL("from/"), "--quiet")
	proxy := testenv.NewProxy(t, s3)
	mustRun(t, &proxy.S3, "--src", s3.URL("from/"), "--dest", s3.URL("to/"), "--deleteOnSuccess", "--quiet")
	deletions := 0
	for _, r := range proxy.Requests() {
		if r == "DELETE" || r == "POST delete" {
			deletions++
		}
	}
	if deletions == 0 || deletions > 200 {
		t.Errorf("%d requests for 400 objects", deletions)
	}
	if left := keysBelow(t, s3, "from/"); len(left) > 0 {
		t.Errorf("%q are left", left)
	}
	mustRun(t, s3, "verify", "--exact", src, s3.URL("to/"))
}

// What lists and manifests do not tell of many objects is found out by few requests, and copied is the same as if each
// had been asked for.
func TestRequestsForLists(t *testing.T) {
	s3 := testenv.MinIO(t)
	src := tree(t, 400, 0)
	mustRun(t, s3, "--src", src, "--dest", s3.URL("from/"), "--quiet", "--outputManifest=m.gz")
	mustRun(t, s3, "--src", src, "--dest", s3.URL("numbered/"), "--quiet", "--numberFiles", "--outputManifest=m.gz")
	names := func(every int) string {
		var text strings.Builder
		for i, key := range keysBelow(t, s3, "from/d") {
			if i%every == 0 {
				text.WriteString(strings.TrimPrefix(key, "from/") + "\n")
			}
		}
		path := filepath.Join(t.TempDir(), "names")
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name        string
		args        []string
		files       int
		heads, gets int // of the manifest, and listings, too
	}{
		{"all", []string{"--src", s3.URL("from/"), "--src-list", names(1)}, 400, 0, 401},
		{"every third", []string{"--src", s3.URL("from/"), "--src-list", names(3)}, 134, 0, 135},
		{"every fiftieth", []string{"--src", s3.URL("from/"), "--src-list", names(50)}, 8, 8, 8},
		{"every thirtieth", []string{"--src", s3.URL("from/"), "--src-list", names(30)}, 14, 14, 15},
		{"outputs", []string{"--src", s3.URL("numbered/"), "--copyFromManifest", "--previousManifest", s3.URL("numbered/m.gz")}, 400, 1, 402},
	} {
		proxy := testenv.NewProxy(t, s3)
		dest := t.TempDir()
		mustRun(t, &proxy.S3, append(c.args, "--dest", dest, "--quiet")...)
		mustRun(t, s3, "verify", dest, c.args[1])
		n := proxy.Counts()
		heads, gets := n["HEAD"], n["GET"]+n["GET list"]
		if files := len(filesBelow(t, dest)); files != c.files || heads > c.heads || gets > c.gets {
			t.Errorf("%s: %d files by %d HEAD and %d GET, want %d by %d and %d", c.name, files, heads, gets, c.files, c.heads, c.gets)
		}
	}
	proxy := testenv.NewProxy(t, s3)
	args := []string{"--src", s3.URL("from/"), "--copyFromManifest", "--previousManifest", s3.URL("from/m.gz")}
	mustRun(t, &proxy.S3, append(args, "--dest", s3.URL("copied/"), "--quiet")...)
	mustRun(t, s3, "verify", "--exact", src, s3.URL("copied/"))
	if n := proxy.Counts()["HEAD"]; n > 1 {
		t.Errorf("%d HEAD for copies by the server", n)
	}
	testListChanged(t, s3, args, names(2))
}

// testListChanged takes away what a list and a manifest name, and changes something.
func testListChanged(t *testing.T, s3 *testenv.S3, manifest []string, names string) {
	mustRun(t, s3, "rm", s3.URL("from/d1/f-0001"))
	changed := filepath.Join(t.TempDir(), "f-0002")
	if err := os.WriteFile(changed, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, s3, "--src", changed, "--dest", s3.URL("from/d2/"), "--quiet")
	for _, c := range []struct {
		args, dest string
		want       []string
	}{
		{"", s3.URL("again/"), []string{"from/d1/f-0001: does not exist", "from/d2/f-0002: it has 5 bytes, and not 75: "}},
		{"", t.TempDir(), []string{"from/d1/f-0001: does not exist", "from/d2/f-0002: it has 5 bytes, and not 75: "}},
		{"--srcPattern=.*d[3-6]/.*", t.TempDir(), nil},
		{"--src-list", t.TempDir(), []string{"stat " + s3.URL("from/d1/f-0001: does not exist")}},
		{"--src-list --exclude=d1/*", t.TempDir(), nil},
	} {
		args := append(slices.Clone(manifest), strings.Fields(c.args)...)
		if strings.HasPrefix(c.args, "--src-list") {
			args = append([]string{"--src", s3.URL("from/"), "--src-list", names}, strings.Fields(c.args)[1:]...)
		}
		out, err := program(t.Context(), t, s3, append(args, "--dest", c.dest, "--quiet")...).CombinedOutput()
		if (err != nil) != (c.want != nil) || strings.Count(string(out), "distcp: ") != len(c.want) {
			t.Errorf("%s to %s: %v\n%s", c.args, c.dest, err, out)
		}
		for _, text := range c.want {
			if !strings.Contains(string(out), text) {
				t.Errorf("%s to %s: want %q in\n%s", c.args, c.dest, text, out)
			}
		}
	}
}

func filesBelow(t *testing.T, dir string) (files []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

func keysBelow(t *testing.T, s3 *testenv.S3, prefix string) (keys []string) {
	t.Helper()
	storePlace{s3, "", s3.URL(prefix)}.with(t, func(l storage.Location) {
		for o, err := range l.Bucket.List(t.Context(), l.Prefix) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, o.Key)
		}
	})
	return keys
}
