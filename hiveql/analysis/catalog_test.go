package analysis_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// memory is a catalog of tables made from CREATE TABLE text. It writes down what it is asked.
type memory struct {
	tables map[metastore.TableName]*metastore.Table
	parts  map[metastore.TableName][]partitions.Values
	asked  []string
}

func newMemory() *memory {
	return &memory{
		tables: map[metastore.TableName]*metastore.Table{},
		parts:  map[metastore.TableName][]partitions.Values{},
	}
}

func (m *memory) Table(_ context.Context, name metastore.TableName) (*metastore.Table, error) {
	if t := m.tables[name]; t != nil {
		m.asked = append(m.asked, "table "+name.String())
		return t.Clone(), nil
	}
	for known := range m.tables {
		if known.Database == name.Database {
			return nil, &metastore.Error{Op: "get table", Object: name.String(), Err: metastore.ErrNoSuchTable}
		}
	}
	return nil, &metastore.Error{Op: "get table", Object: name.String(), Err: metastore.ErrNoSuchDatabase}
}

func (m *memory) Tables(_ context.Context, db, _ string) ([]string, error) {
	var names []string
	for n := range m.tables {
		if n.Database == db {
			names = append(names, n.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) Partitions(_ context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[*metastore.Partition, error] {
	text := "all"
	if p != nil {
		text = p.String()
	}
	m.asked = append(m.asked, "partitions "+name.String()+": "+text)
	keys := m.tables[name].Keys()
	return func(yield func(*metastore.Partition, error) bool) {
		match, err := keys.Compile(p)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, v := range m.parts[name] {
			if match.Match(v) && !yield(&metastore.Partition{Values: v}, nil) {
				return
			}
		}
	}
}

// run carries out CREATE TABLE, CREATE VIEW and ALTER TABLE ... ADD PARTITION.
func (m *memory) run(t *testing.T, env analysis.Env, sql string) {
	t.Helper()
	stmts, err := syntax.Parse(sql)
	if err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	for _, s := range stmts {
		switch s := s.(type) {
		case *syntax.CreateTable:
			m.create(t, s)
		case *syntax.CreateView:
			m.createView(t, env, s)
		case *syntax.AlterTable:
			m.addPartitions(t, s)
		default:
			t.Fatalf("the test's catalog has no %T", s)
		}
	}
}

func tableName(n syntax.ObjectName) metastore.TableName {
	if len(n.Parts) == 2 {
		return metastore.TableName{Database: n.Parts[0].Name, Name: n.Parts[1].Name}
	}
	return metastore.TableName{Database: "default", Name: n.Parts[0].Name}
}

func (m *memory) create(t *testing.T, s *syntax.CreateTable) {
	table := &metastore.Table{TableName: tableName(s.Name), Type: metastore.Managed}
	table.Storage.Columns = columnsOf(t, s.Columns)
	table.PartitionKeys = columnsOf(t, s.PartitionedBy)
	m.tables[table.TableName] = table
}

func columnsOf(t *testing.T, defs []syntax.ColumnDef) []metastore.Column {
	var cols []metastore.Column
	for _, d := range defs {
		typ, err := analysis.TypeOf(d.Type)
		if err != nil {
			t.Fatal(err)
		}
		cols = append(cols, metastore.Column{Name: strings.ToLower(d.Name.Name), Type: typ, Comment: d.Comment})
	}
	return cols
}

func (m *memory) createView(t *testing.T, env analysis.Env, s *syntax.CreateView) {
	view := &metastore.Table{TableName: tableName(s.Name), Type: metastore.View, ViewOriginalText: syntax.Print(s.Query)}
	q, err := analysis.AnalyzeQuery(t.Context(), m, env, s.Query)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range q.Output {
		c := metastore.Column{Name: o.Name, Type: o.Type}
		if i < len(s.Columns) {
			c.Name = s.Columns[i].Name.Name
		}
		view.Storage.Columns = append(view.Storage.Columns, c)
	}
	m.tables[view.TableName] = view
}

func (m *memory) addPartitions(t *testing.T, s *syntax.AlterTable) {
	name := tableName(s.Name)
	table := m.tables[name]
	for _, p := range s.Action.(*syntax.AddPartitions).Partitions {
		spec, err := analysis.PartitionSpec(table, &p.Spec, true)
		if err != nil {
			t.Fatal(err)
		}
		var v partitions.Values
		for _, f := range spec {
			v = append(v, f.Value)
		}
		m.parts[name] = append(m.parts[name], v)
	}
	keys := table.Keys()
	slices.SortFunc(m.parts[name], func(a, b partitions.Values) int {
		x, _ := keys.Name(a)
		y, _ := keys.Name(b)
		return strings.Compare(x, y)
	})
}
