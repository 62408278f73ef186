package filestore

import (
	"path/filepath"
	"strings"
	"testing"
)

// FuzzPath looks for keys whose files are outside the root, that are one file with another key's, or
// that a file system would not take.
func FuzzPath(f *testing.F) {
	for _, key := range []string{
		"a", "a/b", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "...", ".a",
		".skep-x.tmp", "a/.skep-x.tmp/b", "a\x00b", "\\..\\a", "~", "a\nb", "\xff\xfe", "^", "^^@", "^\x00^", "^.", "^^.skep-x.tmp",
		strings.Repeat("n", 255), strings.Repeat("n", 254) + "^", strings.Repeat("n", 254) + "^/x", strings.Repeat("^", 600),
		strings.Repeat("n", 254) + "..", strings.Repeat("n", 254) + ".skep-x.tmp",
	} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if key == "" {
			return
		}
		path := PathOf(key)
		if filepath.Clean("/"+path) != "/"+path || strings.Contains(path, "\x00") {
			t.Errorf("the path of %q is %q", key, path)
		}
		for name := range strings.SplitSeq(path, "/") {
			if len(name) > maxName || isHidden(name) {
				t.Errorf("the path of %q has the name %q", key, name)
			}
		}
		if back := KeyOf(path); back != key {
			t.Errorf("the path of %q is %q, which is that of %q", key, path, back)
		}
		if len(path) > 2*len(key)+4 {
			t.Errorf("the path of %q has %d bytes", key, len(path))
		}
	})
}

// FuzzKeyOf has paths that others have made: each is that of one key, its own if there is no escape
// in it.
func FuzzKeyOf(f *testing.F) {
	for _, path := range []string{
		"a/b", "^", "^^", "^/a", "a^", "a^b/^@", "^.", "^.a", "a@^^^@", strings.Repeat("n", 254) + "^/x", strings.Repeat("n", 254) + "^",
		strings.Repeat("n", 254) + "^/" + strings.Repeat("n", 254) + "^/..x",
	} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if path == "" || filepath.Clean("/"+path) != "/"+path || strings.Contains(path, "\x00") {
			return // no path
		}
		for name := range strings.SplitSeq(path, "/") {
			if len(name) > maxName || isHidden(name) || isHead(name) {
				return // no name, or not by itself
			}
		}
		key := KeyOf(path)
		if !strings.Contains(path, "^") && key != path {
			t.Errorf("the key of %q is %q", path, key)
		}
		if back := PathOf(key); back != path {
			t.Errorf("the key of %q is %q, whose path is %q", path, key, back)
		}
	})
}
