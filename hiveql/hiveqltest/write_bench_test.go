package hiveqltest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/testenv"
)

// BenchmarkOverwrite writes 6 million rows of 16 columns, in any order, into 1,000 partitions, with
// 500 MB of memory: by INSERT OVERWRITE of local files and of objects at MinIO on this machine, and by
// DuckDB alone, which sorts and writes the same to local files. Its files, 4 GB in all, are below TMPDIR.
func BenchmarkOverwrite(b *testing.B) {
	dir := b.TempDir()
	src := filepath.Join(dir, "src")
	plain := openPlain(b, dir)
	plain.run(b, fmt.Sprintf(`COPY (SELECT i AS l_orderkey, (hash(i) %% 200000)::INT AS l_partkey, (hash(i+1) %% 10000)::INT AS l_suppkey,
		(i %% 7)::INT AS l_linenumber, (hash(i+2) %% 50)::DECIMAL(15,2) AS l_quantity, (hash(i+3) %% 10000000 / 100)::DECIMAL(15,2) AS l_extendedprice,
		(hash(i+4) %% 10 / 100)::DECIMAL(15,2) AS l_discount, (hash(i+5) %% 8 / 100)::DECIMAL(15,2) AS l_tax,
		['A', 'N', 'R'][(1 + hash(i+6) %% 3)::INT] AS l_returnflag, ['O', 'F'][(1 + hash(i+7) %% 2)::INT] AS l_linestatus,
		DATE '1992-01-01' + (hash(i+8) %% 2500)::INT AS l_shipdate, DATE '1992-01-01' + (hash(i+9) %% 2500)::INT AS l_commitdate,
		['AIR', 'MAIL', 'RAIL', 'SHIP', 'TRUCK'][(1 + hash(i+10) %% 5)::INT] AS l_shipmode, ['NONE', 'COLLECT COD'][(1 + hash(i+11) %% 2)::INT] AS l_shipinstruct,
		md5(i::VARCHAR) AS l_comment, (hash(i+12) %% 1000)::INT AS p FROM range(6000000) r(i)) TO '%s' (FORMAT parquet)`, filepath.Join(mkdir(b, src), "a.parquet")))
	b.Run("duckdb", func(b *testing.B) {
		measureCPU(b, func() {
			plain.run(b, fmt.Sprintf("COPY (SELECT * FROM read_parquet('%s/a.parquet') ORDER BY p) TO '%s/out' (FORMAT parquet, PARTITION_BY (p), "+
				"COMPRESSION snappy)", src, b.TempDir()))
		})
	})
	for _, to := range []string{"hiveql", "hiveql-s3"} {
		b.Run(to, func(b *testing.B) {
			env, warehouse := map[string]string{}, "file://"+filepath.Join(dir, "wh")
			if to == "hiveql-s3" {
				s3 := testenv.MinIO(b)
				for _, kv := range s3.Env() {
					k, v, _ := strings.Cut(kv, "=")
					env[k] = v
				}
				warehouse = s3.URL("wh")
			}
			overwriteAll(b, dir, src, warehouse, env)
		})
	}
}

// overwriteAll measures INSERT OVERWRITE of the rows of src into a table of a warehouse.
func overwriteAll(b *testing.B, dir, src, warehouse string, env map[string]string) {
	b.Helper()
	exec, err := duck.Open(duck.Config{Threads: 2, MemoryLimit: 500e6, TempDir: mkdir(b, filepath.Join(dir, "spill2"))})
	if err != nil {
		b.Fatal(err)
	}
	defer exec.Close()
	s := target(b, exec, warehouse, env).Engine.NewSession()
	columns := `l_orderkey BIGINT, l_partkey INT, l_suppkey INT, l_linenumber INT, l_quantity DECIMAL(15,2), l_extendedprice DECIMAL(15,2),
		l_discount DECIMAL(15,2), l_tax DECIMAL(15,2), l_returnflag STRING, l_linestatus STRING, l_shipdate DATE, l_commitdate DATE,
		l_shipmode STRING, l_shipinstruct STRING, l_comment STRING`
	execute(b, s, "CREATE EXTERNAL TABLE src ("+columns+", p INT) STORED AS PARQUET LOCATION 'file://"+src+
		"'; CREATE TABLE t ("+columns+") PARTITIONED BY (p INT) STORED AS PARQUET")
	measureCPU(b, func() { execute(b, s, "INSERT OVERWRITE TABLE t PARTITION (p) SELECT * FROM src") })
}

func mkdir(b testing.TB, dir string) string {
	b.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	return dir
}

func execute(b *testing.B, s *hiveql.Session, sql string) {
	b.Helper()
	if _, _, err := answer(b.Context(), s, sql); err != nil {
		b.Fatal(err)
	}
}

// measureCPU runs a benchmark and reports the processor time of an operation, too.
func measureCPU(b *testing.B, op func()) {
	b.Helper()
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	for b.Loop() {
		op()
	}
	b.ReportMetric((used()-before).Seconds()/float64(b.N), "cpu-s/op")
}

// plainDuckDB is DuckDB by itself.
type plainDuckDB struct{ conn duckdb.Connection }

func openPlain(b testing.TB, dir string) plainDuckDB {
	b.Helper()
	var db duckdb.Database
	var p plainDuckDB
	if duckdb.Open("", &db) == duckdb.StateError || duckdb.Connect(db, &p.conn) == duckdb.StateError {
		b.Fatal("DuckDB does not open")
	}
	b.Cleanup(func() {
		duckdb.Disconnect(&p.conn)
		duckdb.Close(&db)
	})
	p.run(b, "SET threads=2")
	p.run(b, "SET memory_limit='500MB'")
	p.run(b, "SET temp_directory='"+mkdir(b, filepath.Join(dir, "spill"))+"'")
	return p
}

func (p plainDuckDB) run(b testing.TB, sql string) {
	b.Helper()
	var result duckdb.Result
	defer duckdb.DestroyResult(&result)
	if duckdb.Query(p.conn, sql, &result) == duckdb.StateError {
		b.Fatal(duckdb.ResultError(&result))
	}
}
