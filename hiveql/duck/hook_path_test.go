package duck

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
)

// TestFilesOfOnePath: DuckDB keeps what it has read of a file, and takes it for that of another which has
// the same path if that was changed in the same second. The cache of far files relies on it to look at that.
func TestFilesOfOnePath(t *testing.T) {
	e, err := Open(Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if !e.hooked() {
		return // such files come whole
	}
	c, err := e.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	dir := t.TempDir()
	path := filepath.Join(dir, "3")
	for i, word := range []string{"one", "two", "ten"} {
		file := filepath.Join(dir, word)
		if err := c.exec(t.Context(), "COPY (SELECT '"+word+"' AS word) TO "+quote(file)+" (FORMAT parquet)"); err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, len(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(i+1), 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			end := hooks.read(t.Context(), hiveql.Local{Path: path, Parts: &patch{content}, Release: func() {}},
				&reading{fail: func(err error) { t.Error(err) }, touch: func(int64, int64) bool { return false }})
			rows, err := c.query(t.Context(), "SELECT word FROM read_parquet("+quote(path)+")")
			end()
			if err != nil || fmt.Sprint(rows) != "[["+word+"]]" {
				t.Errorf("%s: %q, %v", word, rows, err)
			}
		}
	}
}
