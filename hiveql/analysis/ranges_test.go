package analysis_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// TestMayHold: what the conditions of a query say of rows between some bounds.
func TestMayHold(t *testing.T) {
	day := func(s string) hivetype.Value {
		d, err := time.Parse("2006-01-02", s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	dec := func(s string) hivetype.Value {
		d, ok := hivetype.ParseDec(s)
		if !ok {
			t.Fatal(s)
		}
		return d
	}
	columns := []struct {
		name, typ string
		analysis.Range
	}{
		{"i", "int", analysis.Range{Min: int64(10), Max: int64(20), NoNulls: true}},
		{"b", "bigint", analysis.Range{Min: int64(-5), Max: int64(5)}},
		{"d", "date", analysis.Range{Min: day("1994-01-01"), Max: day("1994-12-31"), NoNulls: true}},
		{"m", "decimal(10,2)", analysis.Range{Min: dec("1.50"), Max: dec("2.50"), NoNulls: true}},
		{"s", "string", analysis.Range{Min: "green", Max: "house"}},
		{"n", "int", analysis.Range{OnlyNulls: true}},
		{"one", "int", analysis.Range{Min: int64(7), Max: int64(7), NoNulls: true}},
		{"u", "double", analysis.Range{}},
	}
	var defs []string
	for _, c := range columns {
		defs = append(defs, c.name+" "+c.typ)
	}
	for _, c := range []struct {
		cond string
		may  bool
	}{
		{"i > 20", false}, {"i >= 20", true}, {"i < 10", false}, {"i <= 10", true}, {"i = 9", false}, {"i = 15", true},
		{"20 < i", false}, {"10 > i", false}, {"i <> 9", true}, {"one <> 7", false}, {"NOT one = 7", false},
		{"i BETWEEN 21 AND 30", false}, {"i BETWEEN 1 AND 10", true}, {"i NOT BETWEEN 5 AND 25", false},
		{"i NOT BETWEEN 5 AND 15", true}, {"i IN (1, 2, 3)", false}, {"i IN (1, 2, 13)", true}, {"i NOT IN (1, 2)", true},
		{"i > b", true}, {"b > i", false}, {"b = i", false}, {"i = one", false},
		{"i IS NULL", false}, {"i IS NOT NULL", true}, {"b IS NULL", true}, {"n IS NULL", true}, {"n IS NOT NULL", false},
		{"n = 1", false}, {"n <> 1", false}, {"NOT n = 1", false}, {"n = 1 OR i = 15", true}, {"n = 1 OR i = 35", false},
		{"d >= DATE '1995-01-01'", false}, {"d >= DATE '1994-12-31'", true}, {"d < DATE '1994-01-01'", false},
		{"d < '1994-01-01'", false}, {"d < '1994-01-02'", true}, {"m > 2.5", false}, {"m >= 2.5", true}, {"m < 1.5", false},
		{"m > 2", true}, {"m > 3", false}, {"i > 20.5", false}, {"i > 19.5", true}, {"i > 20.5D", false},
		{"s = 'alpha'", false}, {"s = 'horse'", true}, {"s > 'house'", false}, {"s LIKE 'a%'", false}, {"s LIKE 'z%'", false},
		{"s LIKE 'ho%'", true}, {"s LIKE 'gr%'", true}, {"s LIKE '%x'", true}, {"s LIKE 'g_een'", true}, {"s LIKE 'greenish%'", true},
		{"u > 1", true}, {"u IS NULL", true}, {"i > 20 OR m > 2", true}, {"i > 20 AND m > 2", false},
		{"NOT (i > 5)", false}, {"NOT (i > 20 AND m > 2)", true}, {"i + 1 > 100", true}, {"cast(s AS int) IS NULL", true},
		{"i > NULL", false}, {"false", false},
	} {
		q, err := analyzeOver(t, strings.Join(defs, ", "), "SELECT * FROM t WHERE "+c.cond)
		if err != nil {
			t.Errorf("%s: %v", c.cond, err)
			continue
		}
		scans := q.Scans(nil)
		if len(scans) == 0 { // the condition was seen to be false
			if c.may {
				t.Errorf("%s: nothing is read", c.cond)
			}
			continue
		}
		known := map[int]analysis.Range{}
		for _, col := range scans[0].Cols {
			for _, def := range columns {
				if def.name == col.Name {
					known[col.ID] = def.Range
				}
			}
		}
		if got := analysis.MayHold(scans[0].Known, known); got != c.may {
			t.Errorf("%s: %v, want %v", c.cond, got, c.may)
		}
	}
}

// TestMayHoldIsSound: no row that a condition lets pass is within bounds of which it says that none
// is.
func TestMayHoldIsSound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	leaf := func() string {
		column := []string{"a", "b", "c"}[random.IntN(3)]
		other := fmt.Sprint(random.IntN(9))
		switch random.IntN(8) {
		case 0:
			return column + " IS NULL"
		case 1:
			return column + " IS NOT NULL"
		case 2:
			return fmt.Sprintf("%s IN (%d, %d)", column, random.IntN(9), random.IntN(9))
		case 3:
			return fmt.Sprintf("%s NOT IN (%d, %d)", column, random.IntN(9), random.IntN(9))
		case 4:
			other = []string{"a", "b", "c"}[random.IntN(3)]
		}
		return column + []string{" = ", " <> ", " < ", " <= ", " > ", " >= "}[random.IntN(6)] + other
	}
	var cond func(depth int) string
	cond = func(depth int) string {
		if depth == 0 || random.IntN(3) == 0 {
			return leaf()
		}
		switch random.IntN(3) {
		case 0:
			return "NOT (" + cond(depth-1) + ")"
		case 1:
			return "(" + cond(depth-1) + " AND " + cond(depth-1) + ")"
		}
		return "(" + cond(depth-1) + " OR " + cond(depth-1) + ")"
	}
	for range 2000 {
		text := cond(3)
		q, err := analyzeOver(t, "a int, b int, c bigint", "SELECT a, b, c FROM t WHERE "+text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		scans := q.Scans(nil)
		if len(scans) == 0 {
			continue
		}
		s := scans[0]
		known, row := map[int]analysis.Range{}, map[int]hivetype.Value{}
		for _, col := range s.Cols {
			low := random.Int64N(9)
			r := analysis.Range{Min: low, Max: low + random.Int64N(9-low)}
			row[col.ID] = low + random.Int64N(r.Max.(int64)-low+1)
			switch random.IntN(4) {
			case 0:
				r.NoNulls = true
			case 1:
				row[col.ID] = nil
			case 2:
				r, row[col.ID] = analysis.Range{OnlyNulls: true}, nil
			}
			known[col.ID] = r
		}
		passes := true
		for _, x := range s.Known {
			v, ok := analysis.Evaluate(x, row)
			passes = passes && ok && v == true
		}
		if passes && !analysis.MayHold(s.Known, known) {
			t.Errorf("%s: a row %v passes, and none may within %v", text, row, known)
		}
	}
}

// analyzeOver plans a query over one table t.
func analyzeOver(t *testing.T, columns, sql string) (*analysis.Query, error) {
	t.Helper()
	m := newMemory()
	m.run(t, testEnv(), "CREATE TABLE t ("+columns+")")
	plan, err := analyze(t, m, testEnv(), sql)
	if err != nil {
		return nil, err
	}
	return plan.(*analysis.Query), nil
}
