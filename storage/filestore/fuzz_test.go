package filestore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

// FuzzPath looks for keys whose files are outside the root, or that are one file with another
// key's.
func FuzzPath(f *testing.F) {
	for _, key := range []string{
		"", "a", "a/b", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "...", ".a",
		".skep-x.tmp", "a/.skep-x.tmp/b", "a\x00b", "\\..\\a", "~", "a\nb", "\xff\xfe",
	} {
		f.Add(key)
	}
	b, err := New("/some/root")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key string) {
		path, err := b.path(key)
		if err != nil {
			if !errors.Is(err, storage.ErrInvalidKey) {
				t.Errorf("path of %q: %v, want ErrInvalidKey", key, err)
			}
			return
		}
		if path != "/some/root/"+key || filepath.Clean(path) != path || strings.Contains(path, "\x00") {
			t.Errorf("the path of %q is %q", key, path)
		}
	})
}
