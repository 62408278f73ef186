package hiveql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// looked is a metastore that notes which tables are looked up in it.
type looked struct {
	metastore.Store
	tables []*metastore.Table // each once
}

func (l *looked) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	t, err := l.Store.Table(ctx, name)
	if err == nil && !slices.ContainsFunc(l.tables, func(u *metastore.Table) bool { return u.TableName == t.TableName }) {
		l.tables = append(l.tables, t)
	}
	return t, err
}

// inputs are what EXPLAIN DEPENDENCY answers, in Hive's words.
type inputs struct {
	Tables     []inputTable     `json:"input_tables"`
	Partitions []inputPartition `json:"input_partitions"`
}

type inputTable struct {
	Name    string              `json:"tablename"`
	Type    metastore.TableType `json:"tabletype"`
	Parents string              `json:"tableParents,omitempty"`
}

type inputPartition struct {
	Name    string `json:"partitionName"`
	Parents string `json:"partitionParents,omitempty"`
}

// explainDependency shows the tables, views and partitions that a statement reads, and through which views it does.
func (s *Session) explainDependency(ctx context.Context, r *Result, stmt syntax.Stmt) error {
	cat := &looked{Store: s.cfg.Store}
	plans, err := s.plansOf(ctx, cat, stmt)
	if err != nil {
		return err
	}
	var scans []*analysis.Scan
	var writes []metastore.TableName
	for _, plan := range plans {
		if err := s.reduced(ctx, plan, &r.counts); err != nil {
			return err
		}
		q, isQuery := plan.(*analysis.Query)
		if w, isWrite := plan.(*analysis.Write); isWrite {
			writes = append(writes, w.Table.TableName)
			q, isQuery = w.Query, w.Query != nil
		}
		if isQuery {
			q.Relations(func(rel analysis.Rel) {
				if scan, ok := rel.(*analysis.Scan); ok {
					scans = append(scans, scan)
				}
			})
		}
	}
	found := inputs{Tables: []inputTable{}, Partitions: []inputPartition{}}
	through := parents(cat.tables)
	for _, t := range cat.tables {
		read := slices.ContainsFunc(scans, func(s *analysis.Scan) bool { return s.Table.TableName == t.TableName })
		if read || !slices.Contains(writes, t.TableName) {
			found.Tables = append(found.Tables, inputTable{Name: completeName(t.TableName), Type: t.Type, Parents: through[t.TableName]})
		}
	}
	if err := found.add(scans, through); err != nil {
		return err
	}
	return r.showJSON(found)
}

// add adds the partitions of scans, each once.
func (i *inputs) add(scans []*analysis.Scan, through map[metastore.TableName]string) error {
	had := map[string]bool{}
	for _, scan := range scans {
		for _, p := range scan.Partitions {
			name, err := scan.Table.Keys().Name(p.Values)
			if err != nil {
				return err
			}
			if name = completeName(scan.Table.TableName) + "@" + name; !had[name] {
				had[name] = true
				i.Partitions = append(i.Partitions, inputPartition{Name: name, Parents: through[scan.Table.TableName]})
			}
		}
	}
	return nil
}

// completeName is a name as Hive writes it where it lists what is read and written.
func completeName(n metastore.TableName) string { return n.Database + "@" + n.Name }

// parents lists for the tables which of them are views that name it.
func parents(tables []*metastore.Table) map[metastore.TableName]string {
	views := map[metastore.TableName][]string{}
	for _, view := range tables {
		if view.Type != metastore.View {
			continue
		}
		stmts, err := syntax.Parse(view.ViewExpandedText)
		if err != nil || len(stmts) != 1 {
			continue // the analyzer has said what is wrong with it
		}
		syntax.Inspect(stmts[0], func(n syntax.Node) bool {
			if ref, ok := n.(*syntax.TableRef); ok && len(ref.Name.Parts) == 2 {
				name := metastore.TableName{Database: strings.ToLower(ref.Name.Parts[0].Name), Name: strings.ToLower(ref.Name.Parts[1].Name)}
				if parent := completeName(view.TableName); !slices.Contains(views[name], parent) {
					views[name] = append(views[name], parent)
				}
			}
			return true
		})
	}
	lists := map[metastore.TableName]string{}
	for name, list := range views {
		lists[name] = fmt.Sprint("[", strings.Join(list, ", "), "]")
	}
	return lists
}
