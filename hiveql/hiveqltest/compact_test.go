package hiveqltest_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/storage"
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

// TestCompactCopiesStripes: ORC files of one schema are joined without being decoded; what becomes of files of ORC's C++ library
// that library has read. Bits that change on the way do not get into it.
func TestCompactCopiesStripes(t *testing.T) {
	l := newFarLake(t)
	s := l.reader(t)
	dir, err := filepath.Abs("../../internal/orcmerge/testdata")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(dir, "merged.orc"))
	if err != nil {
		t.Fatal(err)
	}
	for i, table := range []string{"calm", "flipped"} {
		_, _, err := answer(t.Context(), s, "CREATE TABLE "+table+` (i int, l bigint, d double, de decimal(20,4), st string, da date, ts timestamp,
			b boolean, bi binary, a array<int>) STORED AS ORC; LOAD DATA LOCAL INPATH '`+dir+"/pyorc-1.orc' INTO TABLE "+table+
			"; LOAD DATA LOCAL INPATH '"+dir+"/pyorc-3.orc' INTO TABLE "+table)
		if err != nil {
			t.Fatal(err)
		}
		change := &flips{rand: rand.New(rand.NewPCG(3, 4)), share: 0.3}
		if i > 0 {
			l.proxy.Change(nil, change.changeObjects)
		}
		for again := true; again; again = errors.Is(err, storage.ErrChecksum) {
			_, _, err = answer(t.Context(), l.reader(t), "ALTER TABLE "+table+" CONCATENATE")
		}
		l.proxy.Change(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, stats, err := answer(t.Context(), l.reader(t), "SELECT count(*), sum(i), max(st) FROM "+table)
		if err != nil || rows != "1500 730750 text 99" || stats.Files != 1 {
			t.Errorf("%s of %d files, %v", rows, stats.Files, err)
		}
		if got := l.only(t, table); !bytes.Equal(got, want) {
			t.Errorf("%s: the file of %d bytes is another than that of %d", table, len(got), len(want))
		}
	}
}

// only is the content of the largest file of a table, which has one, and those that were replaced.
func (l *farLake) only(t *testing.T, table string) (content []byte) {
	t.Helper()
	loc, err := l.opener.Open(t.Context(), l.url+"/"+table+"/")
	if err != nil {
		t.Fatal(err)
	}
	for o, err := range loc.Bucket.List(t.Context(), loc.Prefix) {
		if err != nil {
			t.Fatal(err)
		}
		if o.Size < int64(len(content)) {
			continue
		}
		r, err := loc.Bucket.Open(t.Context(), o.Key, storage.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		content, err = io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return content
}
