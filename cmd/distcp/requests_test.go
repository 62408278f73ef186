package main

import (
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
