package analysis_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
)

const fuzzTables = `
CREATE TABLE t (a INT, b STRING, c DOUBLE, d DECIMAL(10,2), s STRUCT<x:INT,y:ARRAY<INT>>, m MAP<STRING,INT>);
CREATE TABLE p (a INT, b STRING) PARTITIONED BY (ds STRING, hr INT, day DATE);
CREATE VIEW v AS SELECT a, count(*) AS n FROM t GROUP BY a;
ALTER TABLE p ADD PARTITION (ds='a', hr=1, day='2024-01-01') PARTITION (ds='b', hr=2, day='2024-01-02');`

// FuzzAnalyze plans whatever parses: no text may panic, and every plan must be sound.
func FuzzAnalyze(f *testing.F) {
	for _, seed := range []string{
		"SELECT a, b FROM t WHERE a > 1 AND b LIKE 'x%'",
		"SELECT t.a, count(*) FROM t JOIN p ON t.a = p.a WHERE p.ds = 'a' GROUP BY t.a HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 3",
		"SELECT * FROM p WHERE hr IN (1, '2') OR year(day) = 2024 AND ds BETWEEN 'a' AND 'b'",
		"SELECT a, rank() OVER (PARTITION BY b ORDER BY c) FROM t",
		"SELECT b FROM t WHERE a IN (SELECT a FROM p WHERE p.b = t.b) AND NOT EXISTS (SELECT 1 FROM v)",
		"SELECT a FROM t UNION ALL SELECT hr FROM p INTERSECT SELECT 1.5",
		"WITH q AS (SELECT s.y[0] AS z FROM t) SELECT z FROM q LATERAL VIEW explode(array(z)) e AS w",
		"SELECT a, grouping__id FROM t GROUP BY a, b WITH CUBE",
		"INSERT INTO p PARTITION (ds='x', hr, day) SELECT a, b, 1, current_date FROM t",
		"SELECT CASE a WHEN 1 THEN 'x' ELSE b END, CAST(d AS INT), -a, ~a, a || b, m['k'], 1 > ALL (SELECT a FROM t) FROM t",
		"SELECT DISTINCT a FROM t FULL JOIN p USING (a) ORDER BY a + 1",
		"VALUES (1, 'a'), (2.5, NULL)",
	} {
		f.Add(seed)
	}
	m := newMemory()
	f.Fuzz(func(t *testing.T, sql string) {
		if len(m.tables) == 0 {
			m.run(t, testEnv(), fuzzTables)
		}
		m.asked = nil
		stmts, err := syntax.Parse(sql)
		if err != nil || len(stmts) == 0 {
			return
		}
		switch s := stmts[0].(type) {
		case *syntax.QueryStmt:
			q, err := analysis.AnalyzeQuery(t.Context(), m, testEnv(), s.Query)
			if err == nil {
				checkPlan(t, q)
			}
		case *syntax.Insert:
			w, err := analysis.AnalyzeInsert(t.Context(), m, testEnv(), s)
			if err == nil {
				checkPlan(t, w.Query)
				if got, want := len(w.Query.Output), len(w.Table.Storage.Columns)+w.Dynamic(); got != want {
					t.Errorf("%d columns to write, want %d", got, want)
				}
			}
		}
	})
}

// checkPlan requires that every column used is put out below, and that the plan's output is what
// it says, with its types.
func checkPlan(t *testing.T, q *analysis.Query) {
	t.Helper()
	if err := analysis.CheckRefs(q); err != nil {
		t.Errorf("%v\nin\n%s", err, analysis.Format(q))
	}
	types := map[int]string{}
	for _, c := range q.Root.Columns() {
		types[c.ID] = c.Type.String()
	}
	for _, o := range q.Output {
		if types[o.ID] != o.Type.String() {
			t.Errorf("output %s#%d is of type %s, the plan has %q\n%s", o.Name, o.ID, o.Type, types[o.ID], analysis.Format(q))
		}
	}
	if !strings.HasPrefix(analysis.Format(q), "Output") {
		t.Error("Format prints something else than a plan")
	}
}

// TestPruningKeepsWhatMatches compares the partitions chosen for random conditions with those
// that the same condition chooses when it is written as a partition filter and the catalog
// evaluates all of it.
func TestPruningKeepsWhatMatches(t *testing.T) {
	m := newMemory()
	env := testEnv()
	var add strings.Builder
	add.WriteString("CREATE TABLE p (a INT) PARTITIONED BY (k INT, s STRING); ALTER TABLE p ADD")
	for k := range 6 {
		for _, s := range []string{"a", "b", "2", "10"} {
			add.WriteString(" PARTITION (k=" + strconv.Itoa(k) + ", s='" + s + "')")
		}
	}
	m.run(t, env, add.String()+";")
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 1))
	for range 300 {
		cond := randomCondition(rng, 3)
		direct := chosen(t, m, env, "SELECT a FROM p WHERE "+cond)
		// The same, where nothing tells the catalog what it is: k and s hide in expressions.
		hidden := strings.NewReplacer("k ", "(k + 0) ", "s ", "substr(s, 1, 10) ").Replace(cond)
		computed := chosen(t, m, env, "SELECT a FROM p WHERE "+hidden)
		if direct != computed {
			t.Fatalf("seed %d: %s\nchosen by the catalog:  %s\nchosen by computing it: %s", seed, cond, direct, computed)
		}
	}
}

func chosen(t *testing.T, m *memory, env analysis.Env, sql string) string {
	t.Helper()
	plan, err := analyze(t, m, env, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	text := ""
	for r := plan.(*analysis.Query).Root; ; {
		switch x := r.(type) {
		case *analysis.Project:
			r = x.Input
			continue
		case *analysis.Filter:
			r = x.Input
			continue
		case *analysis.Scan:
			for _, p := range x.Partitions {
				text += strings.Join(p.Values, "/") + " "
			}
		}
		return text
	}
}

func randomCondition(rng *rand.Rand, depth int) string {
	op := []string{"=", "<>", "<", "<=", ">", ">="}[rng.IntN(6)]
	n := strconv.Itoa(rng.IntN(7))
	s := []string{"'a'", "'b'", "'2'", "'10'", "'c'"}[rng.IntN(5)]
	switch choice := rng.IntN(9); {
	case depth > 0 && choice < 2:
		return "(" + randomCondition(rng, depth-1) + " AND " + randomCondition(rng, depth-1) + ")"
	case depth > 0 && choice < 4:
		return "(" + randomCondition(rng, depth-1) + " OR " + randomCondition(rng, depth-1) + ")"
	case depth > 0 && choice == 4:
		return "NOT " + randomCondition(rng, depth-1)
	case choice == 5:
		return "k IN (" + n + ", 3, 9)"
	case choice == 6:
		return "s " + op + " " + s
	case choice == 7:
		return "s NOT IN (" + s + ", 'b')"
	}
	return "k " + op + " " + n
}
