//go:build fulldisk

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/testenv"
)

// small gives on, which has statements run where a directory is a disk of so many KiB, of which free KiB are free, and
// off, which ends that.
func (i *installation) small() (on func(dir string, size, free int), off func()) {
	plain, flags := i.bin, i.flags
	on = func(dir string, size, free int) {
		script := fmt.Sprintf(`set -e; mkdir -p '%[1]s'; mount -t tmpfs -o size=%[2]dk none '%[1]s'; head -c %[3]dk /dev/zero >'%[1]s/taken'; exec "$0" "$@"`, dir, size, size-free)
		i.bin, i.flags = "unshare", append([]string{"-Urm", "sh", "-c", script, plain}, flags...)
	}
	return on, func() { i.bin, i.flags = plain, flags }
}

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
	on, off := i.small()
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
	off()
	if got := i.run(query("t")); !slices.Equal(got, want) {
		t.Errorf("in the end: %q, want %q", got, want)
	}
	i.run("dfs -rm -r " + s3.URL("wh/out"))
	if err := os.Remove(filepath.Join(i.tmp(), "taken")); err == nil {
		t.Error("the disk was none of its own")
	}
	i.wantNothingLeft(s3, "t", "s")
}

// TestFullDiskOfEveryWrite carries out each kind of write where there is no room for temporary files, or for a
// little of them, and where the disk becomes full while what has been written is on its way to the store. They succeed
// or say which directory is full and what to do, nothing of what failed is seen, and nothing is left.
func TestFullDiskOfEveryWrite(t *testing.T) {
	s3 := testenv.MinIO(t)
	i, proxy := installFar(t, s3)
	on, off := i.small()
	file := filepath.Join(i.dir, "five.txt")
	if err := os.WriteFile(file, []byte("5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer("$in", s3.URL("in"), "$out", s3.URL("wh/out"), "$file", file)
	clear := func(sql string, err error) {
		if err != nil && (!strings.Contains(err.Error(), i.tmp()) || !strings.Contains(err.Error(), "no space left on") || !strings.Contains(err.Error(), "free some")) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, free := range []int{0, 4, 32} {
		for _, w := range serverWrites {
			i.trial(names, w, fmt.Sprintf("with %d KiB", free), func(name, content string) { object(t, s3, "in/"+name, content) }, func(sql string) error {
				on(i.tmp(), 2048, free)
				defer off()
				_, err := i.try(sql)
				clear(sql, err)
				return err
			})
		}
	}
	const rows = "SELECT sha2(cast(pos AS STRING), 512) AS a, concat('d', pos %% %d) AS ds FROM (SELECT posexplode(split(space(149999), ' ')) AS (pos, v)) x"
	i.run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS c; CREATE TABLE l (a STRING) PARTITIONED BY (ds STRING) STORED AS PARQUET")
	proxy.SetFaults(testenv.Faults{Latency: 20 * time.Millisecond})
	for _, sql := range []string{
		"INSERT INTO l PARTITION (ds) " + fmt.Sprintf(rows, 200), "INSERT OVERWRITE TABLE l PARTITION (ds) " + fmt.Sprintf(rows, 200),
		"CREATE TABLE c PARTITIONED BY (ds) STORED AS TEXTFILE AS " + fmt.Sprintf(rows, 200),
		"SET hive.merge.size.per.task=300000; CREATE TABLE c STORED AS PARQUET AS " + fmt.Sprintf(rows, 1),
		"SET hive.merge.size.per.task=300000; INSERT OVERWRITE DIRECTORY '" + s3.URL("wh/out") + "' STORED AS ORC " + fmt.Sprintf(rows, 1),
	} {
		on(i.tmp(), 4096, 2048)
		got, err := i.try(sql)
		off()
		t.Log(sql, got, err)
		clear(sql, err)
		if got := i.run("SELECT count(*) FROM l"); err != nil && got[0] != "0" {
			t.Errorf("%s failed, and there are %q rows", sql, got)
		}
		i.run("TRUNCATE TABLE l; DROP TABLE IF EXISTS c")
	}
	proxy.SetFaults(testenv.Faults{})
	i.run("dfs -rm -r -f " + names.Replace("$out $in") + "; INSERT INTO l PARTITION (ds='x') VALUES ('x'); INSERT INTO p PARTITION (ds='y') VALUES (3)")
	i.wantNothingLeft(s3, "p", "l")
}
