package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/testenv"
)

// A directory that cannot be made is an error before any work; one that is there may have others in it
// that can be written.
func TestDirectoryThatCannotBeMade(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	for _, dir := range []string{closed, filepath.Join(closed, "in")} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for dir := closed; dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // so that nobody gets as far as the closed one
			t.Fatal(err)
		}
	}
	if err := os.Chmod(closed, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(closed, 0o755) })
	files, err := filestore.New("/")
	if err != nil {
		t.Fatal(err)
	}
	check := func(path string) error {
		return checkDirectory(t.Context(), "--dest", storage.Location{Bucket: files, Prefix: strings.TrimPrefix(path, "/")})
	}
	errs := map[string]error{}
	testenv.AsNobody(t, func() {
		for _, name := range []string{"new", "new/deep/", "in", ""} {
			errs[name] = check(closed + "/" + name)
		}
	})
	for name, err := range errs {
		var absent *absentError
		switch refused := strings.HasPrefix(name, "new"); {
		case !refused && err != nil:
			t.Errorf("%q: %v", name, err)
		case refused && (!errors.As(err, &absent) || err.Error() != "create file://"+closed+"/"+name+": "+closed+": permission denied"):
			t.Errorf("%q: got %v", name, err)
		}
	}
}
