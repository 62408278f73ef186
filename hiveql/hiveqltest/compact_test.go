package hiveqltest_test

import (
	"errors"
	"testing"
)

// TestCompactCopiesRowGroups: Parquet files of one schema are joined without being decoded, and far
// files are read once.
func TestCompactCopiesRowGroups(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	s := l.reader(t)
	more := "INSERT INTO t PARTITION (ds='a') SELECT id + 1000000, pad, v FROM t WHERE ds = 'b'"
	_, _, err1 := answer(t.Context(), s, more)
	want, before, err2 := answer(t.Context(), s, "SELECT count(*), sum(id), max(pad), sum(v) FROM t WHERE v >= 0")
	got, _, err3 := answer(t.Context(), s, "OPTIMIZE TABLE t PARTITION (ds='a')")
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	again, after, err := answer(t.Context(), l.reader(t), "SELECT count(*), sum(id), max(pad), sum(v) FROM t WHERE v >= 0")
	if err != nil || again != want {
		t.Fatalf("%q, %v; want %q", again, err, want)
	}
	if before.Files != 3 || after.Files != 2 || after.RowGroups != before.RowGroups {
		t.Errorf("%d files of %d row groups became %d of %d: %s", before.Files, before.RowGroups, after.Files, after.RowGroups, got)
	}
	rows, _, err := answer(t.Context(), s, "SELECT count(*) FROM t WHERE ds = 'a'")
	if err != nil || rows != "500000" {
		t.Errorf("the metastore and the footers count %s rows, %v", rows, err)
	}
}
