package syntax_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/skepdata/skep/hiveql/syntax"
)

// Statements that between them have something in every place where a tree may branch.
const everyBranch = `
WITH q AS (SELECT 1) SELECT /*+ h */ DISTINCT -a, a + b, a BETWEEN b AND c, a IN (1, 2), a IN (SELECT 1), (a, b), a LIKE b,
 a IS DISTINCT FROM b, a = ANY (SELECT 1), EXISTS (SELECT 1), (SELECT 1), CASE a WHEN b THEN c ELSE d END, CAST(a AS int),
 a.b, a[1], INTERVAL (a) DAY, f(a) WITHIN GROUP (ORDER BY a) FILTER (WHERE b) OVER (PARTITION BY a ORDER BY b ROWS 1 PRECEDING), t.*
 FROM t TABLESAMPLE(BUCKET 1 OUT OF 2 ON a) LATERAL VIEW explode(a) e AS x, (SELECT 1) s JOIN u ON a = b
 WHERE a GROUP BY a, b GROUPING SETS ((a), (b)) HAVING c WINDOW w AS (PARTITION BY a) QUALIFY d
 UNION ALL VALUES (1, a) ORDER BY a LIMIT 1 OFFSET 2;
SELECT 1 CLUSTER BY a; SELECT 1 DISTRIBUTE BY a SORT BY b; SELECT TRANSFORM (a) USING 'x';
INSERT INTO t PARTITION (a = 1) SELECT 1; INSERT OVERWRITE DIRECTORY 'd' SELECT 1;
WITH q AS (SELECT 1) FROM t INSERT INTO x SELECT 1 INSERT INTO y SELECT 2;
LOAD DATA INPATH 'x' INTO TABLE t PARTITION (a = 1); TRUNCATE TABLE t PARTITION (a = 1);
ANALYZE TABLE t PARTITION (a = 1) COMPUTE STATISTICS; EXPLAIN SELECT 1;
CREATE TABLE t CLUSTERED BY (a) SORTED BY (a) INTO 2 BUCKETS AS SELECT 1; CREATE VIEW v AS SELECT 1;
ALTER TABLE t ADD PARTITION (a = 1); ALTER TABLE t DROP PARTITION (a = 1), PARTITION (b = 2);
ALTER TABLE t PARTITION (a = 1) RENAME TO PARTITION (a = 2);
ALTER TABLE t EXCHANGE PARTITION (a = 1) WITH TABLE u; ALTER TABLE t CLUSTERED BY (a) SORTED BY (a) INTO 2 BUCKETS; ALTER VIEW v AS SELECT 1;
CREATE TABLE t (a int DEFAULT 1 CHECK (a > 1), CHECK (a)) PARTITIONED BY (b int DEFAULT 2) SKEWED BY (a) ON (1, 2);
ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1); ALTER TABLE t SKEWED BY (a, b) ON ((1, 2)); ALTER TABLE t SET SKEWED LOCATION (1 = 'x');
ALTER TABLE t ADD COLUMNS (a int DEFAULT 1); ALTER TABLE t CHANGE a b int DEFAULT 2; CREATE TEMPORARY MACRO m(x int) x + 1;
SELECT 1 FROM f(ON g(ON t) PARTITION BY a ORDER BY b h(1), i(x)) u; EXPORT TABLE t PARTITION (a = 1) TO 'x';
IMPORT TABLE t PARTITION (a = 1) FROM 'x'; MSCK TABLE t PARTITION (a > 1);
SHOW PARTITIONS t PARTITION (a = 1) WHERE a ORDER BY b LIMIT 1; DESCRIBE t PARTITION (a = 1);
GRANT SELECT ON t PARTITION (a = 1) TO USER u; SHOW GRANT ON t PARTITION (a = 1)`

// TestInspectMissesNothing compares Inspect with a walk over all fields by reflection.
func TestInspectMissesNothing(t *testing.T) {
	stmts, err := syntax.Parse(everyBranch)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range stmts {
		seen := map[syntax.Expr]bool{}
		syntax.Exprs(s, func(x syntax.Expr) {
			if seen[x] {
				t.Errorf("%s: visited twice: %s", syntax.Print(s), syntax.Print(x))
			}
			seen[x] = true
		})
		all := exprsByReflection(reflect.ValueOf(s))
		for _, x := range all {
			if !seen[x] {
				t.Errorf("%s: not visited: %s", syntax.Print(s), syntax.Print(x))
			}
		}
		if len(all) != len(seen) {
			t.Errorf("%s: %d expressions visited, %d are there", syntax.Print(s), len(seen), len(all))
		}
	}
}

func exprsByReflection(v reflect.Value) []syntax.Expr {
	var found []syntax.Expr
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			return exprsByReflection(v.Elem())
		}
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		if x, ok := v.Interface().(syntax.Expr); ok {
			found = append(found, x)
		}
		found = append(found, exprsByReflection(v.Elem())...)
	case reflect.Slice:
		for i := range v.Len() {
			found = append(found, exprsByReflection(v.Index(i))...)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			found = append(found, exprsByReflection(v.Field(i))...)
		}
	}
	return found
}

func TestInspectStopsWhereToldTo(t *testing.T) {
	x, err := syntax.ParseExpr("a + f(b + c)")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	syntax.Inspect(x, func(n syntax.Node) bool {
		if id, ok := n.(*syntax.Name); ok {
			names = append(names, id.Ident.Name)
		}
		_, call := n.(*syntax.Call)
		return !call
	})
	if !slices.Equal(names, []string{"a"}) {
		t.Errorf("names %q", names)
	}
}

func TestEqualTellsTreesApart(t *testing.T) {
	same := [][2]string{{"a+b", "a  + b"}, {"(a)", "a"}, {"`a`", "`a`"}, {"'x'", `"x"`}, {"f(a)", "f( a )"}}
	other := [][2]string{{"a+b", "b+a"}, {"a", "`a`"}, {"1", "1L"}, {"f(a)", "f(DISTINCT a)"}, {"a IN (1)", "a NOT IN (1)"},
		{"a - b - c", "a - (b - c)"}, {"f()", "f() OVER ()"}, {"a", "A"}}
	check := func(pair [2]string, want bool) {
		a, errA := syntax.ParseExpr(pair[0])
		b, errB := syntax.ParseExpr(pair[1])
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if syntax.Equal(a, b) != want {
			t.Errorf("Equal(%s, %s) = %v", pair[0], pair[1], !want)
		}
	}
	for _, p := range same {
		check(p, true)
	}
	for _, p := range other {
		check(p, false)
	}
	if syntax.Equal(nil, &syntax.Star{}) || !syntax.Equal(nil, nil) {
		t.Error("nil is equal to nil only")
	}
}
