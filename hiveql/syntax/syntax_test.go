package syntax_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hiveql/syntax"
)

// TestGolden runs the cases in testdata:
//
//	parse   prints each statement in its canonical form, and parenthesised where that differs
//	expr    does the same for one expression
//	error   prints the errors of a script with the place marked
//	split   prints the statements of a script as they are cut
//	format  lays a script out
//
// Whatever parses must print to text that parses to the same tree.
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse":
				return parse(t, d.Input)
			case "expr":
				x, err := syntax.ParseExpr(d.Input)
				if err != nil {
					t.Fatalf("%s: %v", d.Pos, err)
				}
				return forms(x)
			case "error":
				return errorsOf(d.Input)
			case "split":
				return split(d.Input)
			case "format":
				text := syntax.FormatScript(d.Input)
				checkFormat(t, d.Input, text)
				return text
			}
			t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
			return ""
		})
	})
}

func parse(t *testing.T, src string) string {
	stmts, err := syntax.Parse(src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	var b strings.Builder
	for _, s := range stmts {
		checkRoundTrip(t, s)
		b.WriteString(forms(s))
	}
	return b.String()
}

// checkRoundTrip asserts that both printed forms parse to an equal tree.
func checkRoundTrip(t testing.TB, s syntax.Stmt) {
	t.Helper()
	checkText(t, s, syntax.Print(s))
	checkText(t, s, syntax.PrintParenthesised(s))
}

func checkText(t testing.TB, s syntax.Stmt, text string) {
	t.Helper()
	again, err := syntax.Parse(text)
	switch {
	case err != nil:
		t.Fatalf("printed text does not parse: %v\n%.1000s", err, text)
	case len(again) != 1:
		t.Fatalf("printed text is %d statements\n%.1000s", len(again), text)
	case !syntax.Equal(s, again[0]):
		t.Fatalf("printed text parses to another tree:\n%.1000s\n%.1000s", text, syntax.Print(again[0]))
	}
}

// checkFormat asserts that a laid out script means what it did, has the same comments, and does
// not change when it is laid out again.
func checkFormat(t testing.TB, src, text string) {
	t.Helper()
	var a, b []string
	for s := range syntax.Statements(src) {
		a = append(a, printed(s))
	}
	for s := range syntax.Statements(text) {
		b = append(b, printed(s))
	}
	if !slices.Equal(a, b) {
		t.Fatalf("laid out it is another script:\n%.1000s\n%.1000s", src, text)
	}
	if n, m := syntax.CountComments(src), syntax.CountComments(text); n != m {
		t.Fatalf("%d comments of %d are left:\n%.1000s", m, n, text)
	}
	if again := syntax.FormatScript(text); again != text {
		t.Fatalf("laid out again it changes:\n%.1000s\n%.1000s", text, again)
	}
}

func printed(s syntax.Statement) string {
	if s.Err != nil {
		return s.Text
	}
	return syntax.Print(s.Stmt)
}

// forms is n as Print writes it and, on a line of its own, parenthesised.
func forms(n syntax.Node) string {
	text, full := syntax.Print(n), syntax.PrintParenthesised(n)
	if full == text {
		return text + "\n"
	}
	return text + "\n" + full + " -- parenthesised\n"
}

func errorsOf(src string) string {
	var b strings.Builder
	for s := range syntax.Statements(src) {
		if s.Err == nil {
			fmt.Fprintf(&b, "ok: %s\n", syntax.Print(s.Stmt))
			continue
		}
		fmt.Fprintln(&b, s.Err)
		if errors.Is(s.Err, syntax.ErrUnsupported) != strings.HasSuffix(s.Err.Msg, "is not supported yet") {
			fmt.Fprintln(&b, "ErrUnsupported does not agree with the message")
		}
		fmt.Fprintln(&b, syntax.Caret(src, s.Err.At))
		if s.Err.Hint != "" {
			fmt.Fprintln(&b, "HINT:", s.Err.Hint)
		}
	}
	return b.String()
}

func split(src string) string {
	var b strings.Builder
	for s := range syntax.Statements(src) {
		end := " (not terminated)"
		if s.Terminated {
			end = ""
		}
		kind := "error"
		if s.Err == nil {
			kind = strings.TrimPrefix(fmt.Sprintf("%T", s.Stmt), "*syntax.")
		}
		fmt.Fprintf(&b, "%d:%d %s %q%s\n", s.At.Line, s.At.Col, kind, s.Text, end)
	}
	return b.String()
}

func TestPositions(t *testing.T) {
	const src = "-- é\nSELECT\n\ta + bé\n"
	const good = "SELECT é1,\n  `naïve` + b.c  FROM t"
	_, err := syntax.Parse(src)
	var e *syntax.Error
	if !errors.As(err, &e) || e.At != (syntax.Pos{Offset: 19, Line: 3, Col: 7}) {
		t.Fatalf("error %v at %+v", err, e)
	}
	stmts, err := syntax.Parse(strings.ReplaceAll(good, "é1", "'é'"))
	if err != nil {
		t.Fatal(err)
	}
	sum := stmts[0].(*syntax.QueryStmt).Query.Body.(*syntax.Select).Items[1].X.(*syntax.Binary)
	places := []struct {
		what string
		got  syntax.Pos
		want syntax.Pos
	}{
		{"sum", sum.Pos(), syntax.Pos{Offset: 15, Line: 2, Col: 3}},
		{"operator", sum.OpAt, syntax.Pos{Offset: 24, Line: 2, Col: 11}},
		{"end", sum.End(), syntax.Pos{Offset: 29, Line: 2, Col: 16}},
		{"dot", sum.R.Pos(), syntax.Pos{Offset: 26, Line: 2, Col: 13}},
	}
	for _, p := range places {
		if p.got != p.want {
			t.Errorf("%s: %+v, want %+v", p.what, p.got, p.want)
		}
	}
}

func TestHiveLine(t *testing.T) {
	cases := []struct{ src, want string }{
		{"SELECT FROM t", "ParseException line 1:7 expected an expression, found FROM near 'FROM'"},
		{"SELECT a\nFROM", "ParseException line 2:4 expected a name, found the end of the statement near '<EOF>'"},
	}
	for _, c := range cases {
		_, err := syntax.Parse(c.src)
		var e *syntax.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: error %v", c.src, err)
		}
		if e.Hive() != c.want {
			t.Errorf("%s:\n%s\n%s", c.src, e.Hive(), c.want)
		}
	}
}

func TestComplete(t *testing.T) {
	complete := []string{"", "  \n", "-- only a comment", "select 1;", "select ';'; -- done", "set x=1;", "a; b;", "not hive;"}
	open := []string{"select 1", "select ';", "select 1; select 2", "select `;`", "select 1 /* ;", `set x=a\;`, "!ls"}
	for _, src := range complete {
		if !syntax.Complete(src) {
			t.Errorf("%q is not complete", src)
		}
	}
	for _, src := range open {
		if syntax.Complete(src) {
			t.Errorf("%q is complete", src)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := map[string]string{
		"parentheses": "SELECT " + strings.Repeat("(", 1e5) + "1" + strings.Repeat(")", 1e5),
		"open":        "SELECT " + strings.Repeat("(", 1e5),
		"not":         "SELECT " + strings.Repeat("NOT ", 1e5) + "a",
		"minus":       "SELECT " + strings.Repeat("- ", 1e5) + "a",
		"queries":     strings.Repeat("SELECT * FROM (", 1e5) + "t",
		"brackets":    "SELECT a" + strings.Repeat("[a", 1e5),
		"types":       "CREATE TABLE t (a " + strings.Repeat("array<", 1e5),
		"joins":       "SELECT * FROM " + strings.Repeat("(", 1e5) + "t",
		"explain":     strings.Repeat("EXPLAIN ", 1e5) + "SELECT 1",
		"case":        "SELECT " + strings.Repeat("CASE ", 1e5),
		"selects":     "SELECT " + strings.Repeat("(SELECT ", 1e5),
	}
	for name, src := range deep {
		if _, err := syntax.Parse(src); err == nil || len(err.Error()) > 200 {
			t.Errorf("%s: error %v", name, err)
		}
	}
	long := "SELECT 1" + strings.Repeat(" + 1", 2e4) + " FROM t WHERE a" + strings.Repeat(" AND a", 2e4)
	stmts, err := syntax.Parse(long)
	if err != nil {
		t.Fatal(err)
	}
	checkText(t, stmts[0], syntax.Print(stmts[0]))
}

func TestPrintParts(t *testing.T) {
	stmts, err := syntax.Parse("ALTER TABLE t ADD PARTITION (ds='x', `h r`=1); SELECT a+1 b FROM t ORDER BY c DESC LIMIT 2,3")
	if err != nil {
		t.Fatal(err)
	}
	added := stmts[0].(*syntax.AlterTable).Action.(*syntax.AddPartitions).Partitions[0].Spec
	q := stmts[1].(*syntax.QueryStmt).Query
	s := q.Body.(*syntax.Select)
	parts := []struct {
		n    syntax.Node
		want string
	}{
		{added, "PARTITION (ds = 'x', `h r` = 1)"},
		{&added, "PARTITION (ds = 'x', `h r` = 1)"},
		{s.Items[0], "a + 1 AS b"},
		{q.OrderBy[0], "c DESC"},
		{q.Limit, "LIMIT 3 OFFSET 2"},
		{s.From[0], "t"},
		{added.Fields[0].Key, "ds"},
	}
	for _, p := range parts {
		if got := syntax.Print(p.n); got != p.want {
			t.Errorf("%T: %q, want %q", p.n, got, p.want)
		}
	}
}

func TestReplaceExprs(t *testing.T) {
	stmts, err := syntax.Parse("INSERT INTO t SELECT f(a), a FROM (SELECT a FROM u WHERE a > 1) v ORDER BY a DESC")
	if err != nil {
		t.Fatal(err)
	}
	b, err := syntax.ParseExpr("b + 1")
	if err != nil {
		t.Fatal(err)
	}
	syntax.ReplaceExprs(stmts[0], func(x syntax.Expr) syntax.Expr {
		if n, ok := x.(*syntax.Name); ok && n.Ident.Name == "a" {
			return syntax.CopyExpr(b, n.Span)
		}
		return x
	})
	const want = "INSERT INTO TABLE t SELECT f(b + 1), b + 1 FROM (SELECT b + 1 FROM u WHERE b + 1 > 1) AS v ORDER BY b + 1 DESC"
	if got := syntax.Print(stmts[0]); got != want {
		t.Errorf("%s\n%s", got, want)
	}
	q := stmts[0].(*syntax.Insert).Query.Body.(*syntax.Select)
	if c := q.Items[1].X.(*syntax.Binary); c == q.Items[0].X.(*syntax.Call).Args[0] || c.L.Pos() != q.Items[1].Pos() {
		t.Errorf("the copies share nodes, or lie elsewhere: %+v", c.L.Pos())
	}
}
