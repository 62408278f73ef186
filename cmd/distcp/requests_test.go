package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
