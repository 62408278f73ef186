package analysis_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// BenchmarkAnalyze plans a join with grouping over a table of 1,000 partitions, of which it
// needs 31. Parsing is not part of it.
func BenchmarkAnalyze(b *testing.B) {
	m := newMemory()
	name := metastore.TableName{Database: "default", Name: "flights"}
	var cols []metastore.Column
	for _, c := range strings.Fields("year month carrier origin dest delay distance") {
		cols = append(cols, metastore.Column{Name: c, Type: hivetype.Of(hivetype.Int)})
	}
	m.tables[name] = &metastore.Table{
		TableName: name, Storage: metastore.StorageDescriptor{Columns: cols},
		PartitionKeys: []metastore.Column{{Name: "day", Type: hivetype.Of(hivetype.Int)}},
	}
	for day := range 1000 {
		m.parts[name] = append(m.parts[name], partitions.Values{strconv.Itoa(day)})
	}
	stmts, err := syntax.Parse(`SELECT f.origin, g.dest, count(*) AS n, avg(f.delay) FROM flights f
		JOIN flights g ON f.dest = g.origin AND f.day = g.day
		WHERE f.day BETWEEN 100 AND 130 AND g.delay > 10 GROUP BY f.origin, g.dest HAVING n > 3 ORDER BY n DESC LIMIT 10`)
	if err != nil {
		b.Fatal(err)
	}
	query := stmts[0].(*syntax.QueryStmt).Query
	for b.Loop() {
		m.asked = m.asked[:0]
		q, err := analysis.AnalyzeQuery(b.Context(), m, testEnv(), query)
		if err != nil || len(q.Output) != 4 {
			b.Fatal(q, err)
		}
	}
}
