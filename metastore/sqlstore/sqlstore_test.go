package sqlstore_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
)

func open(t testing.TB, path string) metastore.Store {
	t.Helper()
	return openURL(t, "sqlite://"+path)
}

func openURL(t testing.TB, url string) metastore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"postgres://me:se cret@host/db":                         "not a URL",
		"postgres://me:secret@127.0.0.1:1/db":                   "cannot be reached; is it running",
		"postgres://me:secret@127.0.0.1:1/db?sslmode=odd":       "sslmode is invalid",
		"postgres://me:secret@127.0.0.1:1/db?max_connections=x": "max_connections=x: want a number",
		"postgres://me:secret@127.0.0.1:1/db?read_timeout=5s":   "read_timeout=5s: want a number",
		"mysql://me:secret@127.0.0.1:1/db":                      "cannot be reached; is it running",
		"mysql://me:secret@127.0.0.1:1/":                        "names no database",
		"mysql://me:secret@127.0.0.1:1/db?nope=1":               "the URL has the parameter nope",
		"mysql://me:secret%zz@127.0.0.1:1/db":                   "not a URL",
		"thrift://host:9083":                                    "a thrift:// metastore has no database here",
		"oracle://me:secret@host/db":                            `unknown scheme "oracle"`,
		"/just/a/path.db":                                       "not a URL",
		"sqlite://relative.db":                                  "not an absolute path",
		"sqlite://":                                             "not an absolute path",
		"sqlite:///a.db?mode=memory":                            "no parameters",
		"sqlite:///a%zz.db":                                     "invalid URL escape",
		"sqlite://" + junk:                                      "not an SQLite database",
		"sqlite://" + dir:                                       "unable to open database file",
		"sqlite://" + junk + "/sub.db":                          "not a directory",
	} {
		s, err := sqlstore.Open(t.Context(), url)
		if err == nil {
			_ = s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got the error %v, want one that says %q", url, err, want)
		}
	}
}

// TestReopenedFileKeepsEverything opens it with one more slash, too, as URLs of SQLAlchemy are written.
func TestReopenedFileKeepsEverything(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.db")
	s := open(t, path)
	createCounted(t, s)
	for _, name := range []string{"x", "y"} {
		if err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, name) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if again := open(t, "/"+path); counter(t, again) != 2 || partitionCount(t, again) != 2*batch {
		t.Fatal("something is gone")
	}
}
