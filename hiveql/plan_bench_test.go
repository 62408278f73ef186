package hiveql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage/storagetest"
)

// BenchmarkPlan5000Partitions runs queries that need a part of a table of 5,000 partitions, a file of two
// bytes each, in a bucket in memory: what is left is planning. lists/op are the listings that the
// bucket is asked for.
func BenchmarkPlan5000Partitions(b *testing.B) {
	w := newWorld(b)
	must(b, w.plain(), "CREATE TABLE t (a INT) PARTITIONED BY (ds STRING, hr INT); CREATE TABLE days (day STRING, n INT); INSERT INTO days VALUES ('d07', 7)")
	rows := make([]string, 100)
	for i := range rows {
		rows[i] = fmt.Sprintf("(1, %d)", i)
	}
	for i := range 50 {
		must(b, w.plain(), fmt.Sprintf("INSERT INTO t PARTITION (ds='d%02d', hr) VALUES %s", i, strings.Join(rows, ", ")))
	}
	for _, q := range []struct {
		name, sql string
		rows      int
	}{
		{"1", "SELECT a FROM t WHERE ds = 'd37' AND hr = 5", 1},
		{"100", "SELECT a FROM t WHERE ds = 'd37'", 100},
		{"50", "SELECT a FROM t WHERE hr = 5", 50},
		{"100-of-a-function", "SELECT a FROM t WHERE substr(ds, 2) = '37'", 100},
	} {
		b.Run(q.name, func(b *testing.B) {
			bucket := storagetest.NewCounting(w.mem)
			s := w.session(bucket, w.store)
			for b.Loop() {
				if n := len(must(b, s, q.sql)); n != q.rows {
					b.Fatalf("%d rows", n)
				}
			}
			b.ReportMetric(float64(bucket.Counts().List)/float64(b.N), "lists/op")
		})
	}
}
