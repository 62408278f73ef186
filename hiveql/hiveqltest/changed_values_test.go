package hiveqltest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/testenv"
)

// bareTables are files of which nothing shows a changed bit: Parquet without a CRC, whose values are stored as they are, or
// in dictionaries, or compressed; and ORC. Of the large ones queries read less than half, or more, and the small ones come whole.
var bareTables = map[string]string{
	"raw":   "FORMAT parquet, COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1, ROW_GROUP_SIZE 20480",
	"dict":  "FORMAT parquet, COMPRESSION uncompressed, ROW_GROUP_SIZE 20480",
	"snap":  "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 61440",
	"small": "FORMAT parquet, COMPRESSION uncompressed",
}

const bareColumns = "(id bigint, code int, word string, x double, pad string, rest string)"

// bare makes the tables, and an ORC file not compressed.
func (l *farLake) bare(t *testing.T, s3 *testenv.S3) (tables []string) {
	t.Helper()
	for name, options := range bareTables {
		rows := 60000
		if name == "small" {
			rows = 8000
		}
		path := filepath.Join(t.TempDir(), name)
		openPlain(t, t.TempDir()).run(t, fmt.Sprintf(`COPY (SELECT (i * 7919)::BIGINT AS id, (i %% 1000)::INTEGER AS code, ['one','two',NULL,'three'][i %% 4 + 1] AS word, i / 7.0::DOUBLE AS x,
			md5(i::VARCHAR) AS pad, sha256(i::VARCHAR) AS rest FROM range(%d) r(i)) TO '%s' (%s)`, rows, path, options))
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if name != "small" && len(file) < 5<<20 {
			t.Fatalf("%s has %d bytes", name, len(file))
		}
		foreign(t, s3, "in/"+name+"/f.parquet", file, nil)
		_, _, err = answer(t.Context(), l.reader(t), fmt.Sprintf("CREATE EXTERNAL TABLE %s %s STORED AS PARQUET LOCATION 's3://%s/in/%[1]s/'", name, bareColumns, s3.Bucket))
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	_, _, err := answer(t.Context(), l.reader(t), "CREATE TABLE orcs "+bareColumns+" STORED AS ORC TBLPROPERTIES ('orc.compress'='NONE'); INSERT INTO orcs SELECT * FROM raw")
	if err != nil {
		t.Fatal(err)
	}
	return append(tables, "orcs")
}

var bareQueries = []string{
	"SELECT count(*), sum(id), min(id), max(id) FROM ",
	"SELECT sum(code), count(DISTINCT word), count(word), max(word) FROM ",
	"SELECT sum(crc32(pad)), sum(x) > 0, sum(id) FROM ",
	"SELECT sum(crc32(concat(pad, rest, coalesce(word, '-'), id, code, x))) FROM ",
	"SELECT sum(crc32(rest)), count(pad) FROM %s WHERE code BETWEEN 100 AND 110",
	"SELECT a.word, count(*), sum(b.id) FROM %s a JOIN %[1]s b ON a.id = b.id WHERE a.code < 50 GROUP BY a.word ORDER BY a.word",
}

// flipBodies changes a bit in some of what comes, be it parts or all of an object.
func flipBodies(r *rand.Rand, share float64) (*flips, func(*http.Response) error) {
	f := &flips{rand: r, share: share}
	return f, f.changeObjects
}

// TestReadingChangedValues: of files without sums, read in part, no bit that changes on the way makes an answer another: it is right,
// or the error says what came otherwise; and what the cache has afterwards is right. More seeds: SKEP_FLIP_SEEDS.
func TestReadingChangedValues(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	tables := l.bare(t, s3)
	want := map[string]string{}
	for _, table := range tables {
		for _, q := range bareQueries {
			sql := onTable(q, table)
			got, stats, err := answer(t.Context(), l.reader(t), sql)
			if err != nil || stats.BlocksChanged != 0 {
				t.Fatalf("%s: %v", sql, err)
			}
			want[sql] = got
			plain, _, err := answer(t.Context(), l.reader(t), "SET skep.verify.ranges=false; "+sql)
			if err != nil || plain != got {
				t.Errorf("%s: %q, and without the setting %q, %v", sql, got, plain, err)
			}
		}
	}
	seeds := 150
	if n, err := strconv.Atoi(os.Getenv("SKEP_FLIP_SEEDS")); err == nil {
		seeds = n
	} else if testing.Short() {
		seeds = 30
	}
	right, flipped := 0, 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 11))
		table, q := tables[r.IntN(len(tables))], bareQueries[r.IntN(len(bareQueries))]
		sql := onTable(q, table)
		if seed%16 == 0 {
			l.exec = executor(t) // which has no footer yet
		}
		s, done := l.brief(t)
		f, change := flipBodies(r, []float64{0.05, 0.2, 0.5, 0.9}[r.IntN(4)])
		l.proxy.Change(nil, change)
		got, _, err := answer(t.Context(), s, sql)
		l.proxy.Change(nil, nil)
		switch {
		case err == nil && got == want[sql]:
			right++
		case err == nil:
			t.Errorf("seed %d: %s: %q, want %q", seed, sql, got, want[sql])
		case !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "s3://"+s3.Bucket+"/"):
			t.Errorf("seed %d: %s: the error does not say what came wrong: %v%s", seed, sql, err, causes(err))
		}
		flipped += f.total()
		for _, q := range []string{q, bareQueries[3]} {
			sql := onTable(q, table)
			if got, _, err := answer(t.Context(), s, sql); err != nil || got != want[sql] {
				t.Errorf("seed %d: %s, afterwards: %q, want %q, %v%s", seed, sql, got, want[sql], err, causes(err))
			}
		}
		done()
	}
	t.Logf("%d of %d were right, %d answers changed", right, seeds, flipped)
	if right < seeds/4 || flipped < seeds/2 {
		t.Errorf("of %d seeds %d were right, and %d answers changed", seeds, right, flipped)
	}
}

// brief is reader, whose cache goes with done.
func (l *farLake) brief(t *testing.T) (s *hiveql.Session, done func()) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := rangecache.Open(dir, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	e := hiveql.New(hiveql.Config{Store: l.store, Storage: l.opener, Executor: l.exec, Cache: cache, Warehouse: l.url, StagingDir: dir})
	return e.NewSession(), func() {
		if err := errors.Join(cache.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	}
}

// TestReadingOneChangedBit: a bit that changes once, of what comes, is asked for again, and nobody is told.
func TestReadingOneChangedBit(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	file, about := l.pagedParquet(t, s3, false)
	want, stats, err := answer(t.Context(), l.reader(t), pagedQuery)
	if err != nil || stats.BytesCompared == 0 {
		t.Fatalf("%d bytes were compared, %v", stats.BytesCompared, err)
	}
	for i := range 20 {
		r := rand.New(rand.NewPCG(uint64(i), 12))
		c := about.Groups[r.IntN(len(about.Groups))].Chunks[r.IntN(3)]
		s, f := l.reader(t), &flipAt{at: c.Offset + r.Int64N(c.Size), left: 1}
		l.proxy.Change(nil, f.change)
		got, stats, err := answer(t.Context(), s, pagedQuery)
		l.proxy.Change(nil, nil)
		if err != nil || got != want || f.left > 0 || stats.BlocksChanged == 0 {
			t.Errorf("byte %d: %q, %d blocks changed, %v%s", f.at, got, stats.BlocksChanged, err, causes(err))
		}
		if got, stats, err := answer(t.Context(), s, pagedQuery); err != nil || got != want || stats.Gets > 0 || stats.BytesCompared > 0 {
			t.Errorf("byte %d, afterwards: %q by %d requests, %v", f.at, got, stats.Gets, err)
		}
	}
	l.exec = executor(t)
	foreign(t, s3, "in/p/p.parquet", withWriter(t, file, parquetMR), nil) // which is taken for one with CRCs
	for i := range 20 {
		r := rand.New(rand.NewPCG(uint64(i), 13))
		c := about.Groups[r.IntN(len(about.Groups))].Chunks[r.IntN(3)]
		s, f := l.reader(t), &flipAt{at: c.Offset + r.Int64N(c.Size), left: 1}
		l.proxy.Change(nil, f.change)
		got, _, err := answer(t.Context(), s, pagedQuery)
		l.proxy.Change(nil, nil)
		if err == nil && got != want || err != nil && !errors.Is(err, storage.ErrChecksum) || f.left > 0 {
			t.Errorf("byte %d, with another writer's name: %q, %v%s", f.at, got, err, causes(err))
		}
		if got, _, err := answer(t.Context(), s, pagedQuery); err != nil || got != want {
			t.Errorf("byte %d, with another writer's name, afterwards: %q, %v%s", f.at, got, err, causes(err))
		}
	}
	foreign(t, s3, "in/p/p.parquet", file, nil)
	const half = "SELECT sum(id), max(word) FROM p"
	for sql, twice := range map[string]bool{half: true, "SELECT sum(id), max(word), max(pad), max(rest) FROM p": false} {
		_, stats, err := answer(t.Context(), l.reader(t), sql)
		if err != nil || twice != (stats.BytesFetched < int64(len(file))) || stats.BytesFetched > int64(len(file))+1<<18 {
			t.Errorf("%s: of %d bytes %d were fetched, %d of them to be compared, %v", sql, len(file), stats.BytesFetched, stats.BytesCompared, err)
		}
	}
}

// TestReadingChangedFirstRows: of text, of which a LIMIT leaves most unread, no bit that changes makes a row another.
func TestReadingChangedFirstRows(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	foreign(t, s3, "in/text/a", rowsOf(0, 1_000_000, "%d\x01%d\n"), nil)
	_, _, err := answer(t.Context(), l.reader(t), "CREATE EXTERNAL TABLE texts (id bigint, v bigint) LOCATION 's3://"+s3.Bucket+"/in/text/'")
	if err != nil {
		t.Fatal(err)
	}
	right, flipped := 0, 0
	const sql = "SELECT count(*), sum(id), sum(v) FROM (SELECT * FROM texts LIMIT 50000) x"
	want, stats, err := answer(t.Context(), l.reader(t), sql)
	if err != nil || stats.BytesCompared == 0 || stats.BytesFetched >= stats.BytesRead {
		t.Fatalf("%d bytes fetched, %d compared, of %d, %v", stats.BytesFetched, stats.BytesCompared, stats.BytesRead, err)
	}
	for seed := range uint64(40) {
		s, done := l.brief(t)
		f, change := flipBodies(rand.New(rand.NewPCG(seed, 14)), 0.3)
		l.proxy.Change(nil, change)
		got, _, err := answer(t.Context(), s, sql)
		l.proxy.Change(nil, nil)
		switch {
		case err == nil && got == want:
			right++
		case !errors.Is(err, storage.ErrChecksum):
			t.Errorf("seed %d: %q, want %q, %v%s", seed, got, want, err, causes(err))
		}
		flipped += f.total()
		if got, _, err := answer(t.Context(), s, sql); err != nil || got != want {
			t.Errorf("seed %d, afterwards: %q, want %q, %v%s", seed, got, want, err, causes(err))
		}
		done()
	}
	if right == 0 || flipped < 20 {
		t.Errorf("%d were right, %d answers changed", right, flipped)
	}
}
