package main

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/skepdata/skep/storage/storagetest"
	"github.com/skepdata/skep/testenv"
)

// randomKeys are keys of files that can lie beside one another in a tree. Those that end with a slash
// are not copied.
func randomKeys(r *rand.Rand, n int, fits func(key string) bool) []string {
	var keys []string
	for len(keys) < n {
		key := storagetest.RandomKey(r)
		clashes := func(other string) bool {
			return key == other || strings.HasPrefix(key, other+"/") || strings.HasPrefix(other, key+"/")
		}
		if key != "" && !strings.HasSuffix(key, "/") && fits(key) && !slices.ContainsFunc(keys, clashes) {
			keys = append(keys, key)
		}
	}
	return keys
}

// Objects of any names are the same when they have been files for a while, none of them outside
// the directory that they were copied to.
func TestKeysOfAnyBytes(t *testing.T) {
	s3 := testenv.MinIO(t)
	blocks := filepath.Join(t.TempDir(), "blocks")
	for name, side := range map[string]struct {
		from, to place
		fits     func(key string) bool
	}{
		"block store": {
			storePlace{s3, blocks, "block://keys/from/"}, storePlace{s3, blocks, "block://keys/to/"},
			func(key string) bool { return len(key) < 1000 && key != ".." },
		},
		"S3": {storePlace{s3, blocks, s3.URL("from/")}, storePlace{s3, blocks, s3.URL("to/")}, minioHolds},
	} {
		t.Run(name, func(t *testing.T) {
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 2))
			want := fileSet{}
			for _, key := range randomKeys(r, 60, side.fits) {
				want[key] = []byte(key)
			}
			if name != "S3" {
				want["../"+strings.Repeat("../", 20)+"etc/passwd"] = []byte("x")
				want["/"+strings.Repeat("s/", 480)+"x"] = []byte("deep")
			}
			side.from.write(t, want)
			root := filepath.Join(t.TempDir(), "root")
			dir := filepath.Join(root, "a", "dest")
			for range 2 { // the second time there is nothing to do
				mustRun(t, s3, "--blockRoot", blocks, "--src", side.from.url(), "--dest", dir, "--update", "--delete", "--quiet")
			}
			err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() && !strings.HasPrefix(path, dir+"/") {
					t.Errorf("seed %d: %q is outside the destination", seed, path)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			mustRun(t, s3, "verify", "--exact", "--blockRoot", blocks, side.from.url(), dir, "--quiet")
			mustRun(t, s3, "--blockRoot", blocks, "--src", dir, "--dest", side.to.url(), "--quiet")
			got := side.to.read(t)
			for key, content := range want {
				if !bytes.Equal(got[key], content) {
					t.Errorf("seed %d: %q came back as %q", seed, key, got[key])
				}
			}
			if len(got) != len(want) {
				t.Errorf("seed %d: %d objects, want %d", seed, len(got), len(want))
			}
		})
	}
}

// minioHolds tells keys that MinIO takes below a directory.
func minioHolds(key string) bool {
	if !utf8.ValidString(key) || strings.Contains(key, "\x00") || len(key) > 1000 {
		return false
	}
	for segment := range strings.FieldsFuncSeq(key, func(c rune) bool { return c == '/' || c == '\\' }) {
		if trimmed := strings.TrimSpace(segment); trimmed == "." || trimmed == ".." || len(segment) > 255 {
			return false
		}
	}
	return !strings.Contains("/"+key, "//") && !strings.Contains(key, `\`) && strings.TrimSpace(key) != ""
}
