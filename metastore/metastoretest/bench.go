package metastoretest

import (
	"fmt"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Bench measures a store with small and large tables: the keys are a day and an hour, 24 hours
// a day. What reads all of a table is left out for the largest.
func Bench(b *testing.B, c Config) {
	for _, size := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := suite{b, b.Context(), c.New(b), c.Lacks, time.Microsecond}
			s.createTable(t1, "ds", "string", "hr", "int")
			begin := time.Now()
			for from := 0; from < size; from += 50_000 {
				s.add(t1, hours(from, min(50_000, size-from))...)
			}
			b.Logf("%d partitions in %v", size, time.Since(begin))
			b.Run("table", func(b *testing.B) {
				for b.Loop() {
					if _, err := s.store.Table(s.ctx, t1); err != nil {
						b.Fatal(err)
					}
				}
			})
			for _, q := range []struct{ name, where string }{
				{"leading key", "ds = '2000-01-10'"}, {"both keys", "ds = '2000-01-10' and hr = 7"},
				{"range of days", "ds >= '2000-01-10' and ds < '2000-01-13'"},
				{"second key", "hr = 7 and ds like '2000-01-1%'"}, {"like", "ds like '%-01-1%'"}, {"all", ""},
			} {
				if size == 1_000_000 && (q.name == "all" || q.name == "like") {
					continue
				}
				p := filter(b, q.where)
				b.Run("partitions "+q.name, func(b *testing.B) {
					n := 0
					for b.Loop() {
						n = 0
						for _, err := range s.store.Partitions(s.ctx, t1, p) {
							if err != nil {
								b.Fatal(err)
							}
							n++
						}
					}
					b.ReportMetric(float64(n), "partitions")
				})
			}
			b.Run("add 10000", func(b *testing.B) {
				added := parts(hours(size, 10_000)...)
				vs := make([]partitions.Values, len(added))
				for i, p := range added {
					vs[i] = p.Values
				}
				for b.Loop() {
					s.update(func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, t1, added, false) })
					b.StopTimer()
					s.update(func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, t1, vs...) })
					b.StartTimer()
				}
			})
		})
	}
}

// hours are n hours from the given one on.
func hours(from, n int) []partitions.Values {
	vs := make([]partitions.Values, n)
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range vs {
		at := start.Add(time.Duration(from+i) * time.Hour)
		vs[i] = partitions.Values{at.Format(time.DateOnly), fmt.Sprint(at.Hour())}
	}
	return vs
}
