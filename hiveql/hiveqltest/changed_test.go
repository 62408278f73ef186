package hiveqltest_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// flips changes a bit of some of the answers to requests for parts.
type flips struct {
	mu    sync.Mutex
	rand  *rand.Rand
	share float64
	did   int
}

func (f *flips) change(r *http.Response) error {
	if r.StatusCode != http.StatusPartialContent || r.ContentLength <= 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rand.Float64() >= f.share {
		return nil
	}
	f.did++
	r.Body = testenv.FlipBit(r.Body, f.rand.Int64N(r.ContentLength))
	return nil
}

// total is how many answers were changed.
func (f *flips) total() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.did
}

// TestReadingChangedBits: of files that hiveql wrote, in every way, no bit that changes on the way makes
// an answer another: it is right, or the error says which file came so. What is in the cache
// afterwards is right.
func TestReadingChangedBits(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	_, _, err := answer(t.Context(), l.reader(t), `CREATE TABLE c STORED AS PARQUET AS SELECT * FROM t WHERE id < 100000;
		INSERT INTO c SELECT * FROM t WHERE id BETWEEN 100000 AND 199999; OPTIMIZE TABLE c;
		CREATE TABLE d (id bigint, pad string, v int) PARTITIONED BY (ds string) STORED AS PARQUET;
		SET hive.merge.size.per.task=1000000; INSERT INTO d PARTITION (ds) SELECT * FROM t`)
	if err != nil {
		t.Fatal(err)
	}
	queries := []string{
		"SELECT sum(id), max(pad), sum(v) FROM t", "SELECT count(*), min(id), max(id), count(v) FROM t",
		"SELECT sum(id), max(pad), min(pad), sum(v) FROM c", "SELECT sum(id), max(pad), sum(v), count(DISTINCT ds) FROM d",
	}
	want := map[string]string{}
	for _, sql := range queries {
		if want[sql], _, err = answer(t.Context(), l.reader(t), sql); err != nil {
			t.Fatal(err)
		}
	}
	right := 0
	for seed := range uint64(4) {
		f := &flips{rand: rand.New(rand.NewPCG(seed, 1)), share: []float64{0.1, 0.3, 0.5, 0.95}[seed]}
		for _, sql := range queries {
			l.proxy.Change(nil, f.change)
			s := l.reader(t)
			got, _, err := answer(t.Context(), s, sql)
			switch {
			case err == nil && got == want[sql]:
				right++
			case err == nil:
				t.Errorf("seed %d: %s: %q", seed, sql, got)
			case !strings.Contains(err.Error(), "s3://") || !errors.Is(err, storage.ErrChecksum):
				t.Errorf("seed %d: %s: the error does not say what came wrong: %v", seed, sql, err)
			}
			l.proxy.Change(nil, nil)
			if got, _, err := answer(t.Context(), s, sql); err != nil || got != want[sql] {
				t.Errorf("seed %d: %s, afterwards: %q, %v%s", seed, sql, got, err, causes(err))
			}
		}
		if f.total() == 0 {
			t.Errorf("seed %d: no bit was changed", seed)
		}
	}
	if right < len(queries) {
		t.Errorf("only %d answers were right", right)
	}
}

// causes are those of an error that its text leaves out, a line each.
func causes(err error) string {
	var under []error
	switch e := any(err).(type) {
	case interface{ Unwrap() error }:
		under = []error{e.Unwrap()}
	case interface{ Unwrap() []error }:
		under = e.Unwrap()
	}
	text := ""
	for _, u := range under {
		if u != nil {
			text += "\n" + u.Error() + causes(u)
		}
	}
	return text
}

// TestJoiningChangedBits: no bit that changes on the way gets into a file that is joined from others.
func TestJoiningChangedBits(t *testing.T) {
	l := newFarLake(t)
	const query, want = "SELECT count(*), sum(id), sum(crc32(pad)) FROM ", "60000 599970000 127737274208514"
	done := 0
	for seed, share := range []float64{0.02, 0.2, 0.3, 0.4, 0.95} {
		table := fmt.Sprint("j", seed)
		insert := "INSERT INTO " + table + " SELECT pos, md5(cast(pos AS string)) FROM (SELECT posexplode(split(space(19999), ' ')) AS (pos, v)) x;"
		script := "CREATE TABLE " + table + " (id bigint, pad string) STORED AS PARQUET;" + strings.Repeat(insert, 3)
		if _, _, err := answer(t.Context(), l.reader(t), script); err != nil {
			t.Fatal(err)
		}
		f := &flips{rand: rand.New(rand.NewPCG(uint64(seed), 2)), share: share}
		l.proxy.Change(nil, f.change)
		_, _, err := answer(t.Context(), l.reader(t), "OPTIMIZE TABLE "+table)
		l.proxy.Change(nil, nil)
		switch {
		case err == nil:
			done++
		case strings.Contains(err.Error(), "is not a Parquet file: it starts with"): // its first 4 bytes, twice in the same way
		case !strings.Contains(err.Error(), "s3://") || !errors.Is(err, storage.ErrChecksum):
			t.Errorf("%s: the error does not say what came wrong: %v", table, err)
		}
		if got, _, err := answer(t.Context(), l.reader(t), query+table); err != nil || got != want {
			t.Errorf("%s: %q, %v", table, got, err)
		}
	}
	if done == 0 {
		t.Error("nothing could be joined")
	}
}

// TestReadingCopiedSums: sums that were copied from another file are not taken for the file's own.
func TestReadingCopiedSums(t *testing.T) {
	l := newFarLake(t)
	_, _, err := answer(t.Context(), l.reader(t), `CREATE TABLE one (id bigint, pad string) STORED AS PARQUET; CREATE TABLE other LIKE one;
		INSERT INTO one SELECT pos, md5(cast(pos AS string)) FROM (SELECT posexplode(split(space(49999), ' ')) AS (pos, v)) x`)
	if err != nil {
		t.Fatal(err)
	}
	file := l.object(t, "one/")
	end := len(file) - 8 - int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	// All that the footer names is in its place still, and the footer in another.
	file = slices.Concat(file[:end], []byte("some more"), file[end:])
	path := filepath.Join(t.TempDir(), "copied.parquet")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := answer(t.Context(), l.reader(t), "LOAD DATA LOCAL INPATH '"+path+"' INTO TABLE other"); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT count(pad), sum(id) FROM "
	for table, gets := range map[string]int64{"one": 3, "other": 4} { // at most; the footer a second time
		s := l.reader(t)
		got, stats, err := answer(t.Context(), s, query+table)
		if err != nil || got != "50000 1249975000" || stats.Gets > gets {
			t.Errorf("%s: %q by %d requests, %v", table, got, stats.Gets, err)
		}
		if _, stats, err = answer(t.Context(), s, query+table); err != nil || stats.Gets != 0 {
			t.Errorf("%s, again: %d requests, %v", table, stats.Gets, err)
		}
	}
}

// object is the content of the one object below a place in the warehouse.
func (l *farLake) object(t *testing.T, below string) []byte {
	t.Helper()
	loc, err := l.opener.Open(t.Context(), l.url+"/"+below)
	if err != nil {
		t.Fatal(err)
	}
	var found []byte
	for o, err := range loc.Bucket.List(t.Context(), loc.Prefix) {
		if err != nil || found != nil {
			t.Fatalf("%s is there too, %v", o.Key, err)
		}
		r, err := loc.Bucket.Open(t.Context(), o.Key, storage.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		found, err = io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return found
}
