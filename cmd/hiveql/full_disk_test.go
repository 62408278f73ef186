//go:build fulldisk

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/testenv"
)

// TestFullDisks runs statements whose cache, or directory of temporary files, is a small disk of its own,
// and full. Queries read past the cache; what has to write says which disk is full; and nothing of it is
// seen or left. The disk is a tmpfs in a name space of its own, so this needs Linux, unshare(1), and a
// system that lets it mount: `make test-disk`.
func TestFullDisks(t *testing.T) {
	s3 := testenv.MinIO(t)
	i, _ := installFar(t, s3)
	const numbers = "SELECT pos, sha2(cast(pos AS STRING), 512) AS a FROM (SELECT posexplode(split(space(149999), ' ')) AS (pos, v)) x"
	i.run("CREATE TABLE t (i INT, a STRING) STORED AS PARQUET; CREATE TABLE s (i INT, a STRING); INSERT INTO t " + numbers + "; INSERT INTO s " + numbers)
	query := func(table string) string { return "SELECT count(*), max(a), min(i) FROM " + table + " WHERE i % 3 < 2" }
	want := i.run(query("t"))
	plain, flags := i.bin, i.flags
	// on has statements run where dir is a disk of so many KiB, which free KiB of are free.
	on := func(dir string, size, free int) {
		script := fmt.Sprintf(`set -e; mkdir -p '%[1]s'; mount -t tmpfs -o size=%[2]dk none '%[1]s'; head -c %[3]dk /dev/zero >'%[1]s/taken'; exec "$0" "$@"`, dir, size, size-free)
		i.bin, i.flags = "unshare", append([]string{"-Urm", "sh", "-c", script, plain}, flags...)
	}
	cache := filepath.Join(i.dir, "skep", "objects")
	for _, free := range []int{0, 4, 12, 64, 200, 1024} {
		on(cache, 2048, free)
		for _, table := range []string{"t", "s"} {
			if got, err := i.try(query(table)); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s with a cache of %d KiB: %q, %v", table, free, got, err)
			}
		}
		for _, sql := range []string{"INSERT OVERWRITE DIRECTORY '" + s3.URL("wh/out") + "' SELECT * FROM t WHERE i < 10", "OPTIMIZE TABLE t"} {
			if _, err := i.try(sql); err != nil {
				t.Errorf("%s with a cache of %d KiB: %v", sql, free, err)
			}
		}
	}
	for _, free := range []int{0, 4, 64, 1024} {
		on(i.tmp(), 2048, free)
		for _, sql := range []string{
			"INSERT INTO t " + numbers, "INSERT OVERWRITE TABLE t " + numbers, "CREATE TABLE c STORED AS TEXTFILE AS " + numbers,
			"SET memory_limit=60MB; SELECT a, row_number() OVER (ORDER BY a DESC) FROM (" + numbers + " UNION ALL " + numbers + ") n ORDER BY a LIMIT 1",
		} {
			if _, err := i.try(sql); err == nil || !strings.Contains(err.Error(), "FAILED:") || !strings.Contains(err.Error(), "no space left on") {
				t.Errorf("%s with %d KiB for temporary files: %v", sql, free, err)
			}
		}
		if got, err := i.try(query("t")); err != nil || !slices.Equal(got, want) {
			t.Errorf("a query with %d KiB for temporary files: %q, %v", free, got, err)
		}
	}
	i.bin, i.flags = plain, flags
	if got := i.run(query("t")); !slices.Equal(got, want) {
		t.Errorf("in the end: %q, want %q", got, want)
	}
	i.run("dfs -rm -r " + s3.URL("wh/out"))
	if err := os.Remove(filepath.Join(i.tmp(), "taken")); err == nil {
		t.Error("the disk was none of its own")
	}
	i.wantNothingLeft(s3, "t", "s")
}
