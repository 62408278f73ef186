package analysis_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
)

func testEnv() analysis.Env {
	return analysis.Env{
		Database: "default", User: "amy",
		Now: time.Date(2024, 2, 29, 13, 14, 15, 123456789, time.UTC),
	}
}

// TestGolden runs testdata/*.txt. The commands are
//
//	run      CREATE TABLE, CREATE VIEW and ALTER TABLE ... ADD PARTITION on the catalog
//	analyze  prints the plan of a query or an INSERT
//	asks     prints what planning it asks of the catalog
//	error    prints Hive's line, the source with a caret, and the hint
//	const    prints the constant that an expression folds to
//
// with settings as arguments: analyze hive.orderby.position.alias=false.
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		m := newMemory()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			env := testEnv()
			settings := map[string]string{}
			for _, arg := range d.CmdArgs {
				settings[arg.Key] = strings.Join(arg.Vals, "")
			}
			env.Setting = func(key string) string { return settings[key] }
			if db := settings["database"]; db != "" {
				env.Database = db
			}
			switch d.Cmd {
			case "run":
				m.run(t, env, d.Input)
				return ""
			case "analyze":
				plan, err := analyze(t, m, env, d.Input)
				if err != nil {
					return describe(d.Input, err)
				}
				return analysis.Format(plan)
			case "asks":
				m.asked = nil
				if _, err := analyze(t, m, env, d.Input); err != nil {
					return describe(d.Input, err)
				}
				return strings.Join(m.asked, "\n") + "\n"
			case "error":
				plan, err := analyze(t, m, env, d.Input)
				if err == nil {
					return "no error:\n" + analysis.Format(plan)
				}
				return describe(d.Input, err)
			case "const":
				e, err := syntax.ParseExpr(d.Input)
				if err != nil {
					return err.Error() + "\n"
				}
				c, err := analysis.ConstOf(env, e)
				if err != nil {
					return describe(d.Input, err)
				}
				return constText(c)
			}
			t.Fatalf("unknown command %s", d.Cmd)
			return ""
		})
	})
}

func analyze(t *testing.T, m *memory, env analysis.Env, sql string) (any, error) {
	stmts, err := syntax.Parse(sql)
	if err != nil {
		return nil, err
	}
	switch s := stmts[0].(type) {
	case *syntax.QueryStmt:
		q, err := analysis.AnalyzeQuery(t.Context(), m, env, s.Query)
		if err == nil {
			checkPlan(t, q)
		}
		return q, err
	case *syntax.Insert:
		w, err := analysis.AnalyzeInsert(t.Context(), m, env, s)
		if err == nil {
			checkPlan(t, w.Query)
		}
		return w, err
	}
	t.Fatalf("cannot analyze a %T", stmts[0])
	return nil, nil
}

func describe(src string, err error) string {
	var e *analysis.Error
	if !errors.As(err, &e) {
		return err.Error() + "\n"
	}
	text := e.Error() + "\n" + syntax.Caret(src, e.At) + "\n"
	if e.Hint != "" {
		text += "HINT: " + e.Hint + "\n"
	}
	if errors.Is(err, syntax.ErrUnsupported) {
		text += "(unsupported)\n"
	}
	return text
}

func constText(c *analysis.Const) string {
	return fmt.Sprintf("%s: %v\n", c.T, c.Value)
}
