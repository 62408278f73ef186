package hiveqltest_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/testenv"
)

// flipAt changes a bit of one byte of an object, each time it comes, a number of times.
type flipAt struct {
	mu   sync.Mutex
	at   int64
	left int
}

func (f *flipAt) change(r *http.Response) error {
	var from, to int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/", &from, &to); err != nil || f.at < from || f.at > to {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left > 0 {
		f.left--
		r.Body = testenv.FlipBit(r.Body, f.at-from)
	}
	return nil
}

// foreignParquet makes the table f of a file that DuckDB wrote, larger than what one request brings, and of
// which no query here reads all. It returns the file and its footer.
func (l *farLake) foreignParquet(t *testing.T, s3 *testenv.S3) ([]byte, *footer.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.parquet")
	openPlain(t, t.TempDir()).run(t, `COPY (SELECT i::BIGINT AS id, md5(i::VARCHAR) AS pad, sha256(i::VARCHAR) AS rest
		FROM range(150000) r(i)) TO '`+path+`' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)`)
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	about, err := footer.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil || len(about.Groups) < 2 || about.Sums != nil || len(file) < 6<<20 {
		t.Fatalf("%d bytes, %v", len(file), err)
	}
	foreign(t, s3, "in/f/f.parquet", file, nil)
	_, _, err = answer(t.Context(), l.reader(t), "CREATE EXTERNAL TABLE f (id bigint, pad string, rest string) STORED AS PARQUET LOCATION 's3://"+s3.Bucket+"/in/f/'")
	if err != nil {
		t.Fatal(err)
	}
	return file, about
}

// TestReadingChangedForeignParquet: where a bit that has changed on the way makes no sense in a Parquet file
// without sums, the error says what came so, and the cache does not keep it. Where ranges are confirmed there is none.
func TestReadingChangedForeignParquet(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	file, about := l.foreignParquet(t, s3)
	size := int64(len(file))
	const query = "SELECT count(pad), sum(id), max(pad) FROM f"
	want, _, err := answer(t.Context(), l.reader(t), query)
	if err != nil {
		t.Fatal(err)
	}
	codec := []byte("\x03pad\x15\x0c") // the column's name, and the field that says Zstandard
	first, other := int64(bytes.Index(file, codec)+5), int64(bytes.LastIndex(file, codec)+5)
	id, pad, last := about.Groups[0].Chunks[0].Offset, about.Groups[0].Chunks[1].Offset, about.Groups[2].Chunks[1].Offset
	for _, c := range []struct {
		name  string
		at    int64
		times int
		fails bool
	}{
		{"the first page's header", id, 1, false},
		{"a page's header", pad, 1, false},
		{"its sizes", pad + 3, 1, false},
		{"a page of the last row group", last, 1, false},
		{"a page's compression", pad + int64(bytes.Index(file[pad:], []byte("\x28\xb5\x2f\xfd"))), 1, true}, // how Zstandard begins
		{"a column's compression", first, 1, false},
		{"another's", other, 1, false},
		{"the last bytes", size - 1, 1, false},
		{"the footer's length", size - 7, 1, false},
		{"the footer's beginning", size - 8 - about.Size, 1, false},
	} {
		l.exec = executor(t) // which has no footer yet
		f := &flipAt{at: c.at, left: c.times}
		l.proxy.Change(nil, f.change)
		if got, _, err := answer(t.Context(), l.reader(t), query); err != nil || got != want || f.left == c.times {
			t.Errorf("%s, confirmed: %q, %v%s", c.name, got, err, causes(err))
		}
		l.exec = executor(t)
		s := l.reader(t)
		f.left = c.times
		got, _, err := answer(t.Context(), s, "SET skep.verify.ranges=false; "+query)
		l.proxy.Change(nil, nil)
		switch {
		case f.left == c.times:
			t.Errorf("%s: no bit was changed", c.name)
		case c.fails == (err == nil), err == nil && got != want:
			t.Errorf("%s: %q, %v", c.name, got, err)
		case err != nil && (!errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "/in/f/f.parquet") || !strings.Contains(err.Error(), "run the statement once more")):
			t.Errorf("%s: the error does not say what came wrong: %v%s", c.name, err, causes(err))
		}
		if got, _, err := answer(t.Context(), s, query); err != nil || got != want {
			t.Errorf("%s, afterwards: %q, %v%s", c.name, got, err, causes(err))
		}
	}
}

// TestMovingChangedText: what LOAD DATA, IMPORT and CONCATENATE make of objects of others is what these are, or
// nothing, where the store has a sum of them that we compare. LOAD DATA may fail when all is loaded, and only
// its source is still there.
func TestMovingChangedText(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	const n, query = 30_000, "SELECT count(*), sum(id), sum(v) FROM "
	at := "'s3://" + s3.Bucket + "/in/"
	a, b := rowsOf(0, n/2, "%d\x01%d\n"), rowsOf(n/2, n, "%d\x01%d\n")
	foreign(t, s3, "in/one/a", a, digestHeader("CRC64NVME", a))
	foreign(t, s3, "in/one/b", b, digestHeader("CRC32", b))
	_, _, err := answer(t.Context(), l.reader(t), "CREATE EXTERNAL TABLE one (id bigint, v bigint) LOCATION "+at+"one/'; EXPORT TABLE one TO "+at+"export'")
	if err != nil {
		t.Fatal(err)
	}
	want, _, err := answer(t.Context(), l.reader(t), query+"one")
	if err != nil {
		t.Fatal(err)
	}
	done, f := 0, &flips{rand: rand.New(rand.NewPCG(1, 7)), share: 0.3}
	for i := range 5 {
		load, concat, imported := fmt.Sprint("l", i), fmt.Sprint("k", i), fmt.Sprint("i", i)
		for _, key := range []string{load, concat} {
			foreign(t, s3, "in/"+key+"/a", a, digestHeader("CRC64NVME", a))
			foreign(t, s3, "in/"+key+"/b", b, []map[string]string{nil, digestHeader("CRC32", b), digestHeader("SHA1", b)}[i%3])
			if _, _, err := answer(t.Context(), l.reader(t), "CREATE TABLE "+key+" (id bigint, v bigint)"); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := answer(t.Context(), l.reader(t), "LOAD DATA INPATH "+at+concat+"' INTO TABLE "+concat); err != nil {
			t.Fatal(err)
		}
		for table, sql := range map[string]string{
			load: "LOAD DATA INPATH " + at + load + "' INTO TABLE " + load, imported: "IMPORT TABLE " + imported + " FROM " + at + "export'",
			concat: "ALTER TABLE " + concat + " CONCATENATE",
		} {
			l.proxy.Change(nil, f.changeObjects)
			_, _, failed := answer(t.Context(), l.reader(t), sql)
			l.proxy.Change(nil, nil)
			got, _, err := answer(t.Context(), l.reader(t), query+table)
			switch {
			case failed == nil && err == nil && got == want:
				done++
			case failed == nil:
				t.Errorf("%s: %q, %v", sql, got, err)
			case table == concat && got != want, table == load && got != want && !strings.HasPrefix(got, "0 "), table == imported && err == nil:
				t.Errorf("%s: %q, %v, after the error %v", sql, got, err, failed)
			}
		}
	}
	if done == 0 || f.total() == 0 {
		t.Errorf("%d were done, and %d answers changed", done, f.total())
	}
}
