package analysis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// maxRelations bounds a plan. CTEs and views are planned anew at each use, so that a short
// text can ask for a plan of any size.
const maxRelations = 20000

// AnalyzeQuery plans a query: names and types are resolved, the rules of rules.go applied, and
// the partitions of every scan chosen. It asks cat for each table once, and for partitions once
// per scan of a partitioned table. Mistakes in the query are *Error; what cat reports besides
// missing tables is returned wrapped.
func AnalyzeQuery(ctx context.Context, cat Catalog, env Env, q *syntax.Query) (*Query, error) {
	a := newAnalyzer(bind(ctx, cat), env)
	plan, err := a.wholeQuery(q)
	if err != nil {
		return nil, err
	}
	if err := a.optimize(plan); err != nil {
		return nil, err
	}
	return plan, nil
}

// analyzer is the state of planning one statement.
type analyzer struct {
	cat       boundCatalog
	env       Env
	lastID    int
	offsets   int // scans so far
	relations int
	tables    map[metastore.TableName]*metastore.Table
	keys      exprKeys
	at        map[Expr]syntax.Expr // where expressions came from, for errors
	expanding []metastore.TableName
	spelled   *spelling // of a view that is made; nil for other queries
	asking    bool      // descend finds what running parts of the query would say
}

// boundCatalog is a catalog for the time of one call.
type boundCatalog struct {
	table      func(metastore.TableName) (*metastore.Table, error)
	partitions func(metastore.TableName, partitions.Predicate) iter.Seq2[*metastore.Partition, error]
	// chosen yields those of the partitions that satisfy a predicate whose values are wanted, and maybe
	// others.
	chosen    func(*metastore.Table, partitions.Predicate, func(partitions.Values) bool) iter.Seq2[*metastore.Partition, error]
	names     func(database string) []string // of tables, for hints; may be empty
	cancelled func() error
}

func bind(ctx context.Context, cat Catalog) boundCatalog {
	return boundCatalog{
		table: func(name metastore.TableName) (*metastore.Table, error) { return cat.Table(ctx, name) },
		partitions: func(name metastore.TableName, p partitions.Predicate) iter.Seq2[*metastore.Partition, error] {
			return cat.Partitions(ctx, name, p)
		},
		chosen: func(
			t *metastore.Table, p partitions.Predicate, wanted func(partitions.Values) bool,
		) iter.Seq2[*metastore.Partition, error] {
			return choose(ctx, cat, t, p, wanted)
		},
		names: func(database string) []string {
			lister, ok := cat.(interface {
				Tables(ctx context.Context, db, pattern string) ([]string, error)
			})
			if !ok {
				return nil
			}
			list, err := lister.Tables(ctx, database, "")
			if err != nil {
				return nil // the hint is all that is lost
			}
			return list
		},
		cancelled: ctx.Err,
	}
}

var errNoTables = errors.New("a constant reads no tables")

// noCatalog is for what reads no tables: constants, and plans that are made already.
func noCatalog() boundCatalog {
	return boundCatalog{
		table: func(name metastore.TableName) (*metastore.Table, error) {
			return nil, fmt.Errorf("%s: %w", name, errNoTables)
		},
		names:     func(string) []string { return nil },
		cancelled: func() error { return nil },
	}
}

func newAnalyzer(cat boundCatalog, env Env) *analyzer {
	return &analyzer{
		cat: cat, env: env,
		tables: map[metastore.TableName]*metastore.Table{},
		at:     map[Expr]syntax.Expr{},
	}
}

// result is a planned query before it is named for the user: the columns that count, which need
// not be all that rel puts out.
type result struct {
	rel  Rel
	cols []Column
	// starred are columns that a * put there, of which several may have one name: the first
	// is then meant.
	starred map[int]bool
	// tables are the aliases of what columns are of, where they were written with them or stand
	// for a *.
	tables map[int]string
	// casts are the columns of tables that columns without names of their own are conversions of.
	casts map[int]string
}

func (a *analyzer) wholeQuery(q *syntax.Query) (*Query, error) {
	r, err := a.query(q, nil, nil)
	if err != nil {
		return nil, err
	}
	plan := &Query{Root: r.rel}
	headings := a.headings(r)
	for i, c := range r.cols {
		plan.Output = append(plan.Output, Output{Name: c.Name, ID: c.ID, Type: c.Type, Heading: headings[i]})
	}
	return plan, nil
}

// headings are what results call the columns: those that were written with an alias, or stand for
// a *, have it before their names, those that are a conversion have the name of what is converted,
// and the second of one name is NAME_1. Hive's setting for the first is
// hive.resultset.use.unique.column.names.
func (a *analyzer) headings(r result) []string {
	qualified := a.env.setting("hive.resultset.use.unique.column.names", "true") == "true"
	taken := map[string]bool{}
	headings := make([]string, len(r.cols))
	for i, c := range r.cols {
		name := c.Name
		if cast := r.casts[c.ID]; cast != "" && !taken[cast] {
			name = cast
		}
		if table := r.tables[c.ID]; table != "" && qualified {
			name = table + "." + name
		}
		headings[i] = name
		for n := 1; taken[headings[i]]; n++ {
			headings[i] = name + "_" + strconv.Itoa(n)
		}
		taken[headings[i]] = true
	}
	return headings
}

// column makes a new column.
func (a *analyzer) column(name string, t hivetype.Type) Column {
	a.lastID++
	return Column{ID: a.lastID, Name: name, Type: t}
}

// count is called for every relation of the statement, and stops it when it grows too large or
// is no longer wanted.
func (a *analyzer) count(n syntax.Node) error {
	if err := a.cat.cancelled(); err != nil {
		return err
	}
	if a.relations++; a.relations > maxRelations {
		e := failf(n, 0, "the query reads more than %d relations once its views and WITH queries are expanded", maxRelations)
		e.Hint = "store an intermediate result with CREATE TABLE ... AS SELECT"
		return e
	}
	return nil
}

// table looks a table up. Missing ones are Hive's error 10001.
func (a *analyzer) table(n *syntax.ObjectName) (*metastore.Table, error) {
	name, err := a.env.tableName(n)
	if err != nil {
		return nil, err
	}
	if t, ok := a.tables[name]; ok {
		return t, nil
	}
	t, err := a.cat.table(name)
	switch {
	case errors.Is(err, metastore.ErrNoSuchTable):
		e := failf(n, codeNoTable, "Table not found %s", near(writtenName(n)))
		e.Hint = Suggest(name.Name, a.cat.names(name.Database))
		return nil, e
	case errors.Is(err, metastore.ErrNoSuchDatabase):
		e := failf(n, codeNoTable, "Table not found %s", near(writtenName(n)))
		e.Hint = fmt.Sprintf("there is no database %s", name.Database)
		return nil, e
	case err != nil:
		return nil, fmt.Errorf("read table %s: %w", name, err)
	case t.Transactional():
		return nil, unsupported(n, fmt.Sprintf("the transactional (ACID) table %s", name))
	}
	a.tables[name] = t
	return t, nil
}

func (e Env) tableName(n *syntax.ObjectName) (metastore.TableName, error) {
	switch len(n.Parts) {
	case 1:
		return metastore.TableName{Database: e.database(), Name: n.Parts[0].Object()}, nil
	case 2:
		return metastore.TableName{Database: n.Parts[0].Object(), Name: n.Parts[1].Object()}, nil
	}
	e2 := failf(n, codeNoTable, "Table not found %s", near(writtenName(n)))
	e2.Hint = "a table is named table or database.table"
	return metastore.TableName{}, e2
}

func writtenName(n *syntax.ObjectName) string {
	parts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = p.Name
	}
	return strings.Join(parts, ".")
}

// choose reads the names of partitions first, where the catalog has them, and then only the
// partitions that are wanted: a partition is some ten times as much as its name.
func choose(
	ctx context.Context, cat Catalog, t *metastore.Table, p partitions.Predicate, wanted func(partitions.Values) bool,
) iter.Seq2[*metastore.Partition, error] {
	named, ok := cat.(interface {
		PartitionNames(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[string, error]
		PartitionsNamed(ctx context.Context, name metastore.TableName, vs []partitions.Values) iter.Seq2[*metastore.Partition, error]
	})
	if !ok {
		return cat.Partitions(ctx, t.TableName, p)
	}
	return func(yield func(*metastore.Partition, error) bool) {
		keys := t.Keys()
		var want []partitions.Values
		for name, err := range named.PartitionNames(ctx, t.TableName, p) {
			var v partitions.Values
			if err == nil {
				v, err = keys.ParseName(name)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if wanted(v) {
				want = append(want, v)
			}
		}
		if len(want) > 0 {
			named.PartitionsNamed(ctx, t.TableName, want)(yield)
		}
	}
}
