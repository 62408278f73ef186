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

// flipped changes a bit of an object's bytes from one place on, as often as it says: the same one, or another each time.
type flipped struct {
	from int64
	same int64 // if it is not negative the place of the one bit that changes

	mu   sync.Mutex
	rand *rand.Rand
	left int
}

func (f *flipped) change(r *http.Response) error {
	from, to := int64(0), r.ContentLength-1
	if r.StatusCode == http.StatusPartialContent {
		if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/", &from, &to); err != nil {
			return err
		}
	} else if r.StatusCode != http.StatusOK || r.Request.Method != http.MethodGet || r.Request.URL.RawQuery != "" {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if first := max(from, f.from); f.left > 0 && first <= to {
		at := first + f.rand.Int64N(to-first+1)
		if f.same >= 0 {
			at = f.same
		}
		if at < from || at > to {
			return nil
		}
		f.left--
		r.Body = testenv.Flip(r.Body, at-from, 1<<f.rand.IntN(8))
	}
	return nil
}

func (f *flipped) did() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.left == 0
}

// footed makes tables n0, n1 and so on of one file each that another program wrote, with bounds, Bloom filters and pages without a CRC. It
// returns where its footer begins, and the filters before it.
func (l *farLake) footed(t *testing.T, s3 *testenv.S3, rows, tables int, name string) (file []byte, end int64) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "n.parquet")
	openPlain(t, t.TempDir()).run(t, fmt.Sprintf(`COPY (SELECT i::BIGINT AS id, (i %% 1000 * 6 + i // 8192 %% 6)::INTEGER AS code, ['one','two',NULL][i %% 3 + 1] AS word,
		md5(i::VARCHAR) AS pad, sha256(i::VARCHAR) AS rest FROM range(%d) r(i)) TO '%s' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 8192, DICTIONARY_SIZE_LIMIT 4000)`, rows, path))
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	about, err := footer.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil || about.Sums != nil {
		t.Fatal(err)
	}
	for _, g := range about.Groups {
		if at, ok := about.Find("code").BloomAt(&g); !ok || at.Size == 0 {
			t.Fatal("there is no Bloom filter")
		}
		for _, c := range g.Chunks {
			end = max(end, c.Offset+c.Size)
		}
	}
	for i := range tables {
		foreign(t, s3, fmt.Sprintf("in/%s%d/f.parquet", name, i), file, nil)
		_, _, err = answer(t.Context(), l.reader(t), fmt.Sprintf("CREATE EXTERNAL TABLE %s%d (id bigint, code int, word string, pad string) STORED AS PARQUET LOCATION 's3://%s/in/%[1]s%[2]d/'",
			name, i, s3.Bucket))
		if err != nil {
			t.Fatal(err)
		}
	}
	return file, end
}

var footedQueries = []string{
	"SELECT count(*), min(id), max(id), count(word) FROM ",
	"SELECT count(pad), sum(id), min(pad), max(word) FROM ",
	"SELECT count(pad), sum(crc32(pad)) FROM %s WHERE id BETWEEN 9000 AND 9100",
	"SELECT count(pad), sum(id) FROM %s WHERE code = 1801",
}

func onTable(sql, table string) string {
	if strings.Contains(sql, "%s") {
		return fmt.Sprintf(sql, table)
	}
	return sql + table
}

// TestReadingChangedFooters: no bit that changes in the footer of another writer's Parquet file, or in its Bloom filters, makes an
// answer another, nor fails the statement, nor is kept, whether the file is small or not and whatever reads it.
func TestReadingChangedFooters(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	const tables = 12
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	for name, rows := range map[string]int{"large": 50000, "small": 5000} {
		file, end := l.footed(t, s3, rows, tables, name)
		want := map[string]string{}
		for _, sql := range footedQueries {
			var err error
			if want[sql], _, err = answer(t.Context(), l.reader(t), onTable(sql, name+"0")); err != nil {
				t.Fatal(err)
			}
		}
		missed := 0
		for round := range rounds {
			l.exec = executor(t) // which has no footer yet
			for i := range tables {
				r := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				f := &flipped{same: end + r.Int64N(int64(len(file))-end), rand: r, left: 1}
				table, sql, s := fmt.Sprint(name, i), footedQueries[r.IntN(len(footedQueries))], l.reader(t)
				l.proxy.Change(nil, f.change)
				got, stats, err := answer(t.Context(), s, onTable(sql, table))
				l.proxy.Change(nil, nil)
				if err != nil || got != want[sql] {
					t.Errorf("%s, round %d, byte %d of %d: %s: %q, want %q, %v%s", table, round, f.same, len(file), sql, got, want[sql], err, causes(err))
				}
				if !f.did() {
					missed++
				} else if stats.BlocksChanged == 0 {
					t.Errorf("%s, round %d: it does not say that something has changed", table, round)
				}
				for _, sql := range footedQueries {
					if got, _, err := answer(t.Context(), s, onTable(sql, table)); err != nil || got != want[sql] {
						t.Errorf("%s, round %d, byte %d, afterwards: %s: %q, want %q, %v%s", table, round, f.same, sql, got, want[sql], err, causes(err))
					}
				}
			}
		}
		if missed > rounds*tables/2 {
			t.Errorf("%s: %d bits did not change", name, missed)
		}
	}
}

// TestReadingFootersThatAlwaysChange: a footer that comes otherwise each time is an error that names it, and is not kept.
func TestReadingFootersThatAlwaysChange(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	_, end := l.footed(t, s3, 50000, 1, "n")
	want, _, err := answer(t.Context(), l.reader(t), onTable(footedQueries[1], "n0"))
	if err != nil {
		t.Fatal(err)
	}
	for i, sql := range footedQueries {
		f := &flipped{from: end, same: -1, rand: rand.New(rand.NewPCG(7, uint64(i))), left: 1 << 30}
		l.exec = executor(t)
		s := l.reader(t)
		l.proxy.Change(nil, f.change)
		got, _, err := answer(t.Context(), s, onTable(sql, "n0"))
		l.proxy.Change(nil, nil)
		if !errors.Is(err, storage.ErrChecksum) || !strings.Contains(err.Error(), "s3://"+s3.Bucket+"/in/n0/f.parquet: bytes ") {
			t.Errorf("%s: %q, %v%s", sql, got, err, causes(err))
		}
		if got, _, err := answer(t.Context(), s, onTable(footedQueries[1], "n0")); err != nil || got != want {
			t.Errorf("%s, afterwards: %q, %v", sql, got, err)
		}
	}
}

// TestJoiningForeignParquet: no bit of another writer's Parquet file that changes on the way gets into a file that is joined
// from it.
func TestJoiningForeignParquet(t *testing.T) {
	s3 := testenv.MinIO(t)
	l := farLakeOf(t, s3)
	file, _ := l.footed(t, s3, 10000, 1, "n")
	const query = "SELECT count(*), sum(id), sum(crc32(pad)), count(word) FROM "
	want, _, err := answer(t.Context(), l.reader(t), query+"(SELECT * FROM n0 UNION ALL SELECT * FROM n0) x")
	if err != nil {
		t.Fatal(err)
	}
	done := 0
	for seed, share := range []float64{0, 0.1, 0.2, 0.3, 0.4, 0.95} {
		table := fmt.Sprint("j", seed)
		location := fmt.Sprintf("s3://%s/in/%s", s3.Bucket, table)
		foreign(t, s3, "in/"+table+"/a.parquet", file, nil)
		foreign(t, s3, "in/"+table+"/b.parquet", file, nil)
		script := "CREATE TABLE " + table + " (id bigint, code int, word string, pad string) STORED AS PARQUET LOCATION '" + location + "'"
		if _, _, err := answer(t.Context(), l.reader(t), script); err != nil {
			t.Fatal(err)
		}
		f := &flips{rand: rand.New(rand.NewPCG(uint64(seed), 3)), share: share}
		l.proxy.Change(nil, f.changeObjects)
		_, _, err := answer(t.Context(), l.reader(t), "OPTIMIZE TABLE "+table)
		l.proxy.Change(nil, nil)
		if err == nil {
			done++
		} else {
			t.Logf("share %v: %v", share, err)
		}
		if got, _, err := answer(t.Context(), l.reader(t), query+table); err != nil || got != want {
			t.Errorf("share %v: %q, want %q, %v", share, got, want, err)
		}
	}
	if done < 2 {
		t.Errorf("only %d could be joined", done)
	}
}
