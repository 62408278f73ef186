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
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

func testEnv() analysis.Env {
	return analysis.Env{
		Database: "default", User: "amy",
		Now: time.Date(2024, 2, 29, 13, 14, 15, 123456789, time.UTC),
	}
}

// TestGolden runs testdata/golden/*.txt. The commands are
//
//	run      CREATE TABLE, CREATE VIEW and ALTER TABLE ... ADD PARTITION on the catalog
//	analyze  prints the plan of a query or an INSERT
//	asks     prints what planning it asks of the catalog
//	error    prints Hive's line, the source with a caret, and the hint
//	reductions prints how partitions could be left out, and what would be asked for it
//	drop     prints the condition of ALTER TABLE ... DROP PARTITION
//	expand   prints the plan of a view's own query
//	ctas     prints the plan of CREATE TABLE ... PARTITIONED BY ... AS SELECT
//	const    prints the constant that an expression folds to
//
// with settings as arguments: analyze hive.orderby.position.alias=false.
func TestGolden(t *testing.T) {
	datadriven.Walk(t, "testdata/golden", func(t *testing.T, path string) {
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
			case "reductions":
				plan, err := analyze(t, m, env, d.Input)
				if err != nil {
					return describe(d.Input, err)
				}
				return reductions(plan.(*analysis.Query))
			case "drop":
				return dropPredicate(t, m, d.Input)
			case "expand":
				q, err := analysis.ExpandView(t.Context(), m, env, m.tables[nameOf(d.Input)])
				if err != nil {
					return err.Error() + "\n"
				}
				return analysis.Format(q)
			case "ctas":
				return writeTo(t, m, env, d.Input)
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

func reductions(q *analysis.Query) string {
	var b strings.Builder
	for _, r := range q.Reductions {
		b.WriteString(r.String() + "\n")
		for _, k := range r.Asks {
			b.WriteString(analysis.Format(k.Query))
		}
	}
	return b.String()
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

func nameOf(text string) metastore.TableName {
	if db, name, ok := strings.Cut(text, "."); ok {
		return metastore.TableName{Database: db, Name: name}
	}
	return metastore.TableName{Database: "default", Name: text}
}

func dropPredicate(t *testing.T, m *memory, sql string) string {
	stmts, err := syntax.Parse(sql)
	if err != nil {
		t.Fatal(err)
	}
	s := stmts[0].(*syntax.AlterTable)
	spec := s.Action.(*syntax.DropPartitions).Specs[0]
	p, err := analysis.DropPredicate(m.tables[tableName(s.Name)], &spec, false)
	if err != nil {
		return describe(sql, err)
	}
	return p.String() + "\n"
}

// writeTo makes the table that the statement describes, its keys being the last columns of the
// query, and plans the writing.
func writeTo(t *testing.T, m *memory, env analysis.Env, sql string) string {
	stmts, err := syntax.Parse(sql)
	if err != nil {
		t.Fatal(err)
	}
	s := stmts[0].(*syntax.CreateTable)
	q, err := analysis.AnalyzeQuery(t.Context(), m, env, s.Query)
	if err != nil {
		return describe(sql, err)
	}
	table := &metastore.Table{TableName: tableName(s.Name)}
	var spec partitions.Spec
	for i, o := range q.Output {
		c := metastore.Column{Name: o.Name, Type: o.Type}
		if i < len(q.Output)-len(s.PartitionedBy) {
			table.Storage.Columns = append(table.Storage.Columns, c)
		} else {
			table.PartitionKeys = append(table.PartitionKeys, c)
			spec = append(spec, partitions.SpecField{Name: c.Name})
		}
	}
	w, err := analysis.WriteTo(table, spec, true, q)
	if err != nil {
		return describe(sql, err)
	}
	checkPlan(t, w.Query)
	return analysis.Format(w)
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
