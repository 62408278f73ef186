package duck_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql/duck"
)

// DuckDB keeps the footer that it has read of a file. Not so of another file in its place,
// also if that was written at the same time.
func TestReplacedFile(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 400)
	table := c.newTable(t, "t", parquetInput, parquetSerDe, "n:bigint")
	other := c.newTable(t, "other", parquetInput, parquetSerDe, "n:bigint")
	long := time.Now().Add(-time.Hour)
	write := func(count int) string {
		c.write(t, e, other, 0, fmt.Sprintf("SELECT n FROM n WHERE n < %d", count))
		found, err := filepath.Glob(filepath.Join(other.Storage.Location, "*"))
		if err != nil || len(found) != 1 {
			t.Fatalf("%d files, %v", len(found), err)
		}
		if err := os.Chtimes(found[0], long, long); err != nil {
			t.Fatal(err)
		}
		return found[0]
	}
	for _, count := range []int{3, 300, 7} {
		if err := os.Rename(write(count), filepath.Join(table.Storage.Location, "file")); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			c.check(t, e, "SELECT count(*), count(n), max(n) FROM t", fmt.Sprintf("%d\t%d\t%d", count, count, count-1))
		}
	}
}

// Reading files takes no more memory the larger they are: it is the system that keeps them.
func TestKeepsNoFiles(t *testing.T) {
	e, c := open(t, duck.Config{}), newCatalog(t)
	c.numbers(t, 100_000)
	table := c.newTable(t, "t", parquetInput, parquetSerDe, "n:bigint")
	c.write(t, e, table, 0, "SELECT n FROM n")
	c.check(t, e, "SELECT count(n), max(n) FROM t WHERE n >= 0", "100000\t99999")
	if kept, err := e.Kept(t.Context()); err != nil || kept != "0" {
		t.Errorf("%s bytes of files are kept: %v", kept, err)
	}
}
