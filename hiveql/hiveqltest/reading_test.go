package hiveqltest_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/testenv"
)

// farLake is a warehouse in MinIO, read through a proxy.
type farLake struct {
	proxy  *testenv.Proxy
	store  metastore.Store
	opener *storage.Opener
	exec   hiveql.Executor
	url    string
}

func newFarLake(t *testing.T) *farLake {
	t.Helper()
	return farLakeOf(t, testenv.MinIO(t))
}

func farLakeOf(t *testing.T, s3 *testenv.S3) *farLake {
	t.Helper()
	l := &farLake{proxy: testenv.NewProxy(t, s3), exec: executor(t), url: "s3://" + s3.Bucket + "/wh"}
	dir := t.TempDir()
	env := map[string]string{"XDG_DATA_HOME": dir, "XDG_CACHE_HOME": dir, "XDG_CONFIG_HOME": dir}
	for _, line := range l.proxy.Env() {
		k, v, _ := strings.Cut(line, "=")
		env[k] = v
	}
	cfg, err := config.Load(config.Source{Getenv: func(k string) string { return env[k] }})
	if err != nil {
		t.Fatal(err)
	}
	l.opener = cfg.Opener()
	t.Cleanup(func() { l.opener.Close() })
	if l.store, err = sqlstore.Open(t.Context(), cfg.Metastore); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.store.Close() })
	return l
}

// reader is a session with an empty cache of its own.
func (l *farLake) reader(t *testing.T) *hiveql.Session {
	t.Helper()
	cache, err := rangecache.Open(t.TempDir(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cache.Close() })
	e := hiveql.New(hiveql.Config{Store: l.store, Storage: l.opener, Executor: l.exec, Cache: cache, Warehouse: l.url, StagingDir: t.TempDir()})
	return e.NewSession()
}

// answer runs statements and returns the rows of the last, a line each, and its costs.
func answer(ctx context.Context, s *hiveql.Session, sql string) (string, hiveql.Stats, error) {
	var rows []string
	var stats hiveql.Stats
	for r, err := range s.Execute(ctx, sql) {
		if err != nil {
			return "", stats, err
		}
		rows = nil
		if r.Rows != nil {
			for r.Rows.Next() {
				rows = append(rows, strings.Trim(fmt.Sprint(r.Rows.Row()), "[]"))
			}
			if err := r.Rows.Err(); err != nil {
				return "", r.Stats(), err
			}
		}
		stats = r.Stats()
	}
	return strings.Join(rows, "\n"), stats, nil
}

// fill makes the table t: two partitions of a file each, of 250,000 rows in three row groups.
func (l *farLake) fill(t *testing.T) {
	t.Helper()
	script := "CREATE TABLE t (id bigint, pad string, v int) PARTITIONED BY (ds string) STORED AS PARQUET;"
	for i, ds := range []string{"a", "b"} {
		script += fmt.Sprintf("INSERT INTO t PARTITION (ds='%s') SELECT pos + %d, md5(cast(pos AS string)), if(pos %% 10 = 0, NULL, pos %% 100) "+
			"FROM (SELECT posexplode(split(space(249999), ' ')) AS (pos, v)) x;", ds, i*250000)
	}
	if _, _, err := answer(t.Context(), l.reader(t), script); err != nil {
		t.Fatal(err)
	}
}

// TestReadingAsksForLittle counts what queries ask of the store.
func TestReadingAsksForLittle(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	for _, c := range []struct {
		name, sql, want  string
		gets, lists      int     // at most
		part             float64 // of the files' bytes, at most
		pruned           int64
		answeredByFooter bool
	}{
		{name: "all of a narrow column", sql: "SELECT sum(v) FROM t", want: "22500000", gets: 10, lists: 2, part: 0.15},
		{name: "one row group of six", sql: "SELECT sum(id), max(pad) FROM t WHERE id BETWEEN 10 AND 12",
			want: "33 d3d9446802a44259755d38e6d163e820", gets: 5, lists: 2, part: 0.4, pruned: 5},
		{name: "a table that is named three times", sql: "SELECT count(*) FROM t a JOIN t b ON a.id = b.id JOIN (SELECT max(id) AS id FROM t) c ON b.id = c.id",
			want: "1", gets: 30, lists: 2, part: 1},
		{name: "no row group", sql: "SELECT count(pad) FROM t WHERE id < 0", want: "0", gets: 2, lists: 2, part: 0.02, pruned: 6},
		{name: "a value that is only in one partition", sql: "SELECT count(pad) FROM t WHERE ds = 'b' AND id = 250001",
			want: "1", gets: 4, lists: 1, part: 0.7, pruned: 2},
		{name: "footers", sql: "SELECT count(*), min(id), max(id), count(v), max(v), min(pad) FROM t",
			want: "500000 0 499999 450000 99 00003e3b9e5336685200ae85d21b4f5e", gets: 2, lists: 2, part: 0.02},
		{name: "footers by partition", sql: "SELECT ds, count(*) FROM t GROUP BY ds ORDER BY ds", want: "a 250000\nb 250000", gets: 2, lists: 2, part: 0.02},
		{name: "keys", sql: "SELECT max(ds) FROM t", want: "b", gets: 2, lists: 2, part: 0.02},
		{name: "keys with a condition", sql: "SELECT count(*) FROM t WHERE ds = 'a'", want: "250000", gets: 1, lists: 1, part: 0.02},
	} {
		s := l.reader(t)
		l.proxy.Requests()
		before := l.proxy.Counts()
		got, stats, err := answer(t.Context(), s, c.sql)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
			continue
		}
		after := l.proxy.Counts()
		gets, lists := after["GET"]-before["GET"], after["GET list"]-before["GET list"]
		if gets > c.gets || lists > c.lists || gets+lists != int(stats.Gets+stats.Lists) {
			t.Errorf("%s: %d GETs, %d LISTs, counted as %d and %d; at most %d and %d: %v",
				c.name, gets, lists, stats.Gets, stats.Lists, c.gets, c.lists, l.proxy.Requests())
		}
		if part := float64(stats.BytesFetched) / float64(stats.BytesRead); part > c.part || stats.BytesRead == 0 {
			t.Errorf("%s: %d of %d bytes were fetched", c.name, stats.BytesFetched, stats.BytesRead)
		}
		if stats.RowGroupsPruned != c.pruned {
			t.Errorf("%s: %d of %d row groups were pruned, want %d", c.name, stats.RowGroupsPruned, stats.RowGroups, c.pruned)
		}
		again, stats, err := answer(t.Context(), s, c.sql)
		if err != nil || again != c.want || stats.Gets != 0 || stats.BytesFetched != 0 {
			t.Errorf("%s, again: %q, %d GETs, %d bytes, %v", c.name, again, stats.Gets, stats.BytesFetched, err)
		}
	}
}

// TestReadingText: text comes through the cache, from which the next query has it, split by split and
// compressed or not; by few requests, those of the next files before their turn.
func TestReadingText(t *testing.T) {
	l := newFarLake(t)
	_, _, err := answer(t.Context(), l.reader(t), `CREATE TABLE x (id bigint, pad string);
		INSERT INTO x SELECT pos, md5(cast(pos AS string)) FROM (SELECT posexplode(split(space(99999), ' ')) AS (pos, v)) x;
		SET hive.exec.compress.output=true; SET mapred.output.compression.codec=org.apache.hadoop.io.compress.GzipCodec;
		INSERT INTO x SELECT pos, md5(cast(pos AS string)) FROM (SELECT posexplode(split(space(99999), ' ')) AS (pos, v)) x;
		INSERT INTO x SELECT pos, 'short' FROM (SELECT posexplode(split(space(9), ' ')) AS (pos, v)) x`)
	if err != nil {
		t.Fatal(err)
	}
	s := l.reader(t)
	const query, want = "SELECT count(*), sum(id), max(pad) FROM x", "200010 9999900045 short"
	before := l.proxy.Counts()
	got, stats, err := answer(t.Context(), s, query)
	if err != nil || got != want {
		t.Fatalf("%q, %v", got, err)
	}
	gets := l.proxy.Counts()["GET"] - before["GET"]
	if gets > 12 || int64(gets) != stats.Gets || stats.BytesFetched != stats.BytesRead {
		t.Errorf("%d GETs, counted as %d; %d of %d bytes", gets, stats.Gets, stats.BytesFetched, stats.BytesRead)
	}
	again, stats, err := answer(t.Context(), s, query)
	if err != nil || again != want || stats.Gets != 0 || stats.BytesFound != stats.BytesRead {
		t.Errorf("again: %q, %v; %d GETs, %d of %d bytes found", again, err, stats.Gets, stats.BytesFound, stats.BytesRead)
	}
	if got, _, err := answer(t.Context(), l.reader(t), "SELECT id FROM x LIMIT 1"); err != nil || got == "" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestReadingByBloom: values that are between the bounds of a row group, and not in it, leave it out.
func TestReadingByBloom(t *testing.T) {
	l := newFarLake(t)
	_, _, err := answer(t.Context(), l.reader(t), `CREATE TABLE b (word string, n int, pad string) STORED AS PARQUET;
		INSERT INTO b SELECT concat('w', pos % 500 * 2 + pos div 125000), pos % 500 * 2 + pos div 125000, md5(cast(pos AS string))
			FROM (SELECT posexplode(split(space(249999), ' ')) AS (pos, v)) x;
		CREATE TABLE small (w string) STORED AS PARQUET; INSERT INTO small VALUES ('w100'), ('w998'), ('w77x')`)
	if err != nil {
		t.Fatal(err)
	}
	groups := int64(0)
	for _, c := range []struct {
		name, sql, want string
		pruned          int64 // -1 for all, -2 for some but not all
	}{
		{"no such text", "SELECT count(pad) FROM b WHERE word = 'w77x'", "0", -1},
		{"no such number", "SELECT count(pad) FROM b WHERE n IN (-1, 1001, 1002)", "0", -1},
		{"one of both parts", "SELECT count(pad) FROM b WHERE word = 'w100'", "250", -2},
		{"one of a list is there", "SELECT count(pad) FROM b WHERE n IN (5000, 101)", "250", -2},
		{"both parts", "SELECT count(pad) FROM b WHERE n = 100 OR n = 101", "500", 0},
		{"not equal", "SELECT count(pad) FROM b WHERE word <> 'w77x'", "250000", 0},
		{"not in", "SELECT count(pad) FROM b WHERE NOT (word = 'w77x')", "250000", 0},
		{"a range", "SELECT count(pad) FROM b WHERE n > 997", "500", 0},
	} {
		got, stats, err := answer(t.Context(), l.reader(t), c.sql)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
			continue
		}
		groups = stats.RowGroups
		pruned := stats.RowGroupsPruned
		if c.pruned == -1 && pruned != groups || c.pruned == -2 && (pruned == 0 || pruned == groups) || c.pruned == 0 && pruned != 0 {
			t.Errorf("%s: %d of %d row groups were pruned", c.name, pruned, groups)
		}
	}
	if groups < 2 {
		t.Errorf("there are %d row groups", groups)
	}
}

// TestReadingByJoin: what the small side of a join or a subquery says of a column leaves out row groups
// and files of the large side, which are then not fetched.
func TestReadingByJoin(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	_, _, err := answer(t.Context(), l.reader(t), `CREATE TABLE d (k bigint, name string) STORED AS PARQUET;
		INSERT INTO d VALUES (5, 'low'), (7, 'low'), (249990, 'middle'), (499999, 'high'), (-3, 'none'), (NULL, 'none'), (NULL, 'low')`)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, sql, want string
		part            float64 // of the files' bytes, at most
		pruned          int64
	}{
		{name: "a join", sql: "SELECT count(pad), max(id) FROM t JOIN d ON id = k WHERE name = 'low'", want: "2 7", part: 0.35, pruned: 5},
		{name: "two row groups", sql: "SELECT count(pad) FROM d JOIN t ON id = k WHERE name IN ('low', 'high')", want: "3", part: 0.55, pruned: 4},
		{name: "no row", sql: "SELECT count(pad) FROM t JOIN d ON id = k WHERE name = 'none'", want: "0", part: 0.02, pruned: 6},
		{name: "a conversion", sql: "SELECT count(pad) FROM t JOIN d ON id = cast(k + 1 AS bigint) WHERE name = 'low'", want: "2", part: 0.35, pruned: 5},
		{name: "a semi join", sql: "SELECT count(pad) FROM t WHERE id IN (SELECT k FROM d WHERE name = 'middle')", want: "1", part: 0.35, pruned: 5},
		{name: "a value", sql: "SELECT count(pad) FROM t WHERE id > (SELECT max(k) - 10 FROM d)", want: "10", part: 0.35, pruned: 5},
		{name: "an outer join, of its inner side", sql: "SELECT count(k), count(pad) FROM d LEFT JOIN t ON id = k WHERE name = 'low'", want: "2 2", part: 0.35, pruned: 5},
		{name: "an outer join, of its outer side", sql: "SELECT count(id), count(k) FROM t LEFT JOIN d ON id = k AND name = 'low'", want: "500000 2", part: 1, pruned: 0},
		{name: "a side that is not small", sql: "SELECT count(a.pad), count(b.pad) FROM t a JOIN t b ON a.id = b.id WHERE b.v = 3", want: "5000 5000", part: 1, pruned: 0},
		{name: "a column without order", sql: "SELECT count(*), count(pad) FROM t JOIN d ON v = k WHERE name = 'low'", want: "10000 10000", part: 1, pruned: 0},
		{name: "switched off", sql: "SET hive.tez.dynamic.partition.pruning=false; SELECT count(pad) FROM t JOIN d ON id = k WHERE name = 'low'", want: "2", part: 1, pruned: 0},
	} {
		s := l.reader(t)
		got, stats, err := answer(t.Context(), s, c.sql)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, got, err, c.want)
			continue
		}
		if part := float64(stats.BytesFetched) / float64(stats.BytesRead); part > c.part {
			t.Errorf("%s: %d of %d bytes were fetched", c.name, stats.BytesFetched, stats.BytesRead)
		}
		if stats.RowGroupsPruned != c.pruned {
			t.Errorf("%s: %d of %d row groups were pruned, want %d", c.name, stats.RowGroupsPruned, stats.RowGroups, c.pruned)
		}
		if again, _, err := answer(t.Context(), s, c.sql); err != nil || again != c.want {
			t.Errorf("%s, again: %q, %v", c.name, again, err)
		}
	}
	s := l.reader(t)
	for _, c := range []struct{ change, want string }{ // what was asked before is no answer any more
		{"", "2 7"},
		{"INSERT INTO d VALUES (499998, 'low');", "3 499998"},
		{"INSERT OVERWRITE TABLE d SELECT k, name FROM d WHERE k <> 7;", "2 499998"},
	} {
		got, _, err := answer(t.Context(), s, c.change+"SELECT count(pad), max(id) FROM t JOIN d ON id = k WHERE name = 'low'")
		if err != nil || got != c.want {
			t.Errorf("after %q: %q, %v; want %q", c.change, got, err, c.want)
		}
	}
}

// TestReadingSome: a query that ends after some rows does not bring all.
func TestReadingSome(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	more := "INSERT INTO t PARTITION (ds) SELECT id, pad, v, concat('more', n) FROM t LATERAL VIEW explode(array(1, 2)) x AS n WHERE ds = 'a'"
	if _, _, err := answer(t.Context(), l.reader(t), more+";"+more); err != nil {
		t.Fatal(err)
	}
	_, stats, err := answer(t.Context(), l.reader(t), "SELECT * FROM t LIMIT 3")
	if err != nil || stats.Rows != 3 || stats.Files != 6 {
		t.Fatalf("%d rows of %d files, %v", stats.Rows, stats.Files, err)
	}
	if stats.BytesFetched > stats.BytesRead/2 {
		t.Errorf("%d of %d bytes were fetched", stats.BytesFetched, stats.BytesRead)
	}
}

func TestExplainAnalyze(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	got, _, err := answer(t.Context(), l.reader(t), "EXPLAIN ANALYZE SELECT id FROM t WHERE ds = 'a' AND id < 3")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, "\nPartitions: 1 of 2, in 0 listings\nFiles: 1 of 1 opened, 0 of them pruned\nRow groups: 2 of 3 pruned\n") {
		t.Errorf("got\n%s", got)
	}
	if got, _, err = answer(t.Context(), l.reader(t), "EXPLAIN ANALYZE SELECT id FROM t WHERE id < 3"); err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`(?s)Scan default.t .*\n\nRows: 3 in \d\.\d{3} s, the first after \d\.\d{3} s
Partitions: 2, in 0 listings
Files: 2 of 2 opened, 1 of them pruned
Row groups: 5 of 6 pruned
Bytes: \d+ fetched by \d requests, \d+ from the cache, of \d+ in the files opened$`)
	if !want.MatchString(got) {
		t.Errorf("got\n%s", got)
	}
	if _, _, err := answer(t.Context(), l.reader(t), "EXPLAIN ANALYZE SELECT nothing FROM t"); err == nil {
		t.Error("a wrong query is explained")
	}
}

// TestReadingThroughTrouble: a busy server and connections that break do not change answers.
func TestReadingThroughTrouble(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	const query = "SELECT sum(id), max(pad), sum(v) FROM t"
	want, _, err := answer(t.Context(), l.reader(t), query)
	if err != nil || !strings.HasPrefix(want, "124999750000 ffff") {
		t.Fatalf("%q, %v", want, err)
	}
	for seed := range uint64(4) {
		l.proxy.SetFaults(testenv.Faults{Busy: 0.05, Seed: seed}) // of which nobody hears
		if got, _, err := answer(t.Context(), l.reader(t), query); err != nil || got != want {
			t.Errorf("seed %d, a busy server: %s, %v", seed, got, err)
		}
		l.proxy.SetFaults(testenv.Faults{Busy: 0.05, CutDown: 0.1, LostAnswer: 0.03, Truncate: 0.03, Seed: seed})
		got, _, err := answer(t.Context(), l.reader(t), query)
		if err == nil && got != want {
			t.Errorf("seed %d: %s", seed, got)
		}
		if err != nil && !strings.Contains(err.Error(), "s3://") {
			t.Errorf("seed %d: the error does not say what could not be read: %v", seed, err)
		}
	}
	l.proxy.SetFaults(testenv.Faults{})
	if n := l.proxy.Injected(); n["busy"]+n["cut down"] == 0 {
		t.Errorf("nothing was done to the requests: %v", n)
	}
}

// TestReadingWhatIsCut: when the connection of every long answer breaks before its end, the rest is asked
// for, and the answer is right.
func TestReadingWhatIsCut(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	const query = "SELECT sum(id), max(pad), sum(v) FROM t"
	want, _, err := answer(t.Context(), l.reader(t), query)
	if err != nil {
		t.Fatal(err)
	}
	var cut atomic.Int64
	l.proxy.Change(nil, func(r *http.Response) error {
		if n := r.ContentLength; n > 100_000 { // what then comes of the rest is less
			cut.Add(1)
			r.Body = testenv.CutAfter(r.Body, n-50_000)
		}
		return nil
	})
	if got, _, err := answer(t.Context(), l.reader(t), query); err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
	if cut.Load() < 3 {
		t.Errorf("%d answers were cut", cut.Load())
	}
}

// TestReadingFlippedBits: a small file is compared with the sum that the store has of it. Of a part of
// a file there is none: what is wrong there is found where its bytes make no sense, and then the
// error says where.
func TestReadingFlippedBits(t *testing.T) {
	l := newFarLake(t)
	l.fill(t)
	small := "CREATE TABLE small STORED AS PARQUET AS SELECT id, pad FROM t WHERE ds = 'a' AND id < 500"
	if _, _, err := answer(t.Context(), l.reader(t), small); err != nil {
		t.Fatal(err)
	}
	const query = "SELECT count(DISTINCT pad), sum(id) FROM small"
	for seed := range uint64(6) {
		s := l.reader(t)
		l.proxy.SetFaults(testenv.Faults{FlipDown: 1, Seed: seed})
		if got, _, err := answer(t.Context(), s, query); err == nil || !strings.Contains(err.Error(), "s3://") {
			t.Errorf("seed %d: %q, %v", seed, got, err)
		}
		if _, _, err := answer(t.Context(), l.reader(t), "SELECT max(pad), sum(id) FROM t"); err != nil && !strings.Contains(err.Error(), "s3://") {
			t.Errorf("seed %d: %v", seed, err)
		}
		l.proxy.SetFaults(testenv.Faults{})
		if got, _, err := answer(t.Context(), s, query); err != nil || got != "500 124750" {
			t.Errorf("seed %d, in peace: %q, %v", seed, got, err)
		}
	}
	if n := l.proxy.Injected()["flip down"]; n < 12 {
		t.Errorf("%d bits were flipped", n)
	}
}
