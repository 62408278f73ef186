package hiveqltest_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
)

// TestAnalyzeSketches has ANALYZE compute the sketches that INSERT has kept of the same values: they are the
// same bytes, of few values and of many, so that what is inserted later is added to either.
func TestAnalyzeSketches(t *testing.T) {
	url := "sqlite://" + filepath.Join(t.TempDir(), "metastore.db")
	exec := executor(t)
	s := target(t, exec, "file://"+filepath.ToSlash(t.TempDir())+"/wh", map[string]string{"SKEP_METASTORE": url}).Engine.NewSession()
	store, err := sqlstore.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	const values = "SELECT cast(if(x % 10 = 0, NULL, x) AS BIGINT), cast(x - 100 AS INT), cast(x % 100 AS TINYINT), cast(x / 8 AS DOUBLE), cast(x / 3 AS FLOAT), cast(x / 4 AS DECIMAL(10,2)), " +
		"cast(x AS DECIMAL(38,10)) / 7, date_add('1969-12-01', x), concat('v', repeat('é', x % 9), x), cast(x AS VARCHAR(9)), x % 2 = 0, timestamp '2020-01-01 00:00:00', NULL"
	run := func(sql string) {
		t.Helper()
		if _, _, err := answer(t.Context(), s, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	sketches := func(name string) map[string]metastore.ColumnStatistics {
		t.Helper()
		found, err := store.TableStatistics(t.Context(), metastore.TableName{Database: "default", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]metastore.ColumnStatistics{}
		for _, c := range found.Columns {
			all[c.Column] = c
		}
		return all
	}
	for _, rows := range []string{"120", "3000"} {
		run("DROP TABLE IF EXISTS t; CREATE TABLE t (b BIGINT, i INT, y TINYINT, d DOUBLE, f FLOAT, c DECIMAL(10,2), w DECIMAL(38,10), a DATE, s STRING, v VARCHAR(9), o BOOLEAN, p TIMESTAMP, n INT) STORED AS PARQUET; " +
			"INSERT INTO t " + values + " FROM (SELECT posexplode(split(space(" + rows + "), ' ')) AS (x, z)) q")
		kept := sketches("t")
		run("ANALYZE TABLE t COMPUTE STATISTICS FOR COLUMNS")
		with := 0
		for name, c := range sketches("t") {
			if len(c.BitVector) > 0 {
				with++
			}
			if !bytes.Equal(c.BitVector, kept[name].BitVector) {
				t.Errorf("%s rows, %s: %d bytes with %d values by ANALYZE, %d with %d by INSERT", rows, name, len(c.BitVector), c.Distinct, len(kept[name].BitVector), kept[name].Distinct)
			}
		}
		if with != 10 {
			t.Errorf("%s rows: sketches of %d columns, want 10", rows, with)
		}
	}
	run("INSERT INTO t (b, i) VALUES (5, 1000000)")
	if c := sketches("t")["b"]; c.Distinct < 2500 || c.Distinct > 2900 {
		t.Errorf("with one more value: %d", c.Distinct)
	}
}
