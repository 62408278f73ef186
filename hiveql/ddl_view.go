package hiveql

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// createView runs CREATE VIEW. The query is analyzed now, so that a view that cannot work is
// not made, and again whenever the view is used.
func (s *Session) createView(ctx context.Context, r *Result, n *syntax.CreateView) error {
	name, err := s.tableName(&n.Name)
	if err != nil {
		return err
	}
	old, err := s.cfg.Store.Table(ctx, name)
	switch {
	case err == nil && n.IfNotExists:
		return nil
	case err == nil && old.Type != metastore.View:
		return alreadyExists(name, metastore.ErrExists)
	case err == nil && !n.OrReplace:
		return alreadyExists(name, metastore.ErrExists)
	case err != nil && !errors.Is(err, metastore.ErrNoSuchTable):
		return s.tableError(&n.Name, name, err)
	}
	v := &metastore.Table{TableName: name, Type: metastore.View, Owner: s.cfg.User, CreateTime: s.cfg.Now()}
	v.Parameters = map[string]string{
		"bucketing_version": "2", "transient_lastDdlTime": strconv.FormatInt(s.cfg.Now().Unix(), 10),
	}
	v.Storage.NumBuckets = -1
	v.Storage.InputFormat = "org.apache.hadoop.mapred.TextInputFormat"
	v.Storage.OutputFormat = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
	if n.Comment != nil {
		v.Parameters["comment"] = *n.Comment
	}
	setProperties(v.Parameters, n.Properties)
	if err := s.viewQuery(ctx, r, v, n.Query, n.Columns); err != nil {
		return err
	}
	if err := partitionView(v, n.PartitionedOn); err != nil {
		return err
	}
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		if old != nil {
			return tx.AlterTable(ctx, name, v)
		}
		err := tx.CreateTable(ctx, v)
		if errors.Is(err, metastore.ErrExists) {
			return alreadyExists(name, err)
		}
		return err
	})
}

// viewQuery sets the columns and the texts of a view.
func (s *Session) viewQuery(
	ctx context.Context, r *Result, v *metastore.Table, q *syntax.Query, names []syntax.ColumnDef,
) error {
	plan, expanded, err := analysis.AnalyzeView(ctx, s.cfg.Store, s.env(), q, r.source)
	if err != nil {
		return err
	}
	if len(names) > 0 && len(names) != len(plan.Output) {
		return semantic(&names[0], 10091, "The number of columns produced by the SELECT clause does not match the number of "+
			"column names specified by CREATE VIEW: %d and %d", len(plan.Output), len(names))
	}
	v.Storage.Columns = nil
	for i, o := range plan.Output {
		c := metastore.Column{Name: strings.ToLower(o.Name), Type: o.Type}
		if len(names) > 0 {
			c.Name, c.Comment = strings.ToLower(names[i].Name.Name), names[i].Comment
		}
		if slices.ContainsFunc(v.Storage.Columns, func(d metastore.Column) bool { return d.Name == c.Name }) {
			return semantic(q, 10036, "Duplicate column name: %s", c.Name)
		}
		v.Storage.Columns = append(v.Storage.Columns, c)
	}
	v.ViewOriginalText = strings.TrimSpace(textOf(r.source, q))
	if expanded == "" || len(s.macros)+len(s.functions) > 0 { // which end with the session
		qualify(q, s.db)
		expanded = syntax.Print(q)
	}
	v.ViewExpandedText = renamedColumns(expanded, v, plan.Output, len(names) > 0)
	return nil
}

// renamedColumns is the text of a view whose statement names the columns: what reads it, as Hive does,
// looks for their names there. Where the query has a name twice it cannot say which it means.
func renamedColumns(text string, v *metastore.Table, from []analysis.Output, named bool) string {
	items := make([]string, len(from))
	seen := map[string]bool{}
	for i, o := range from {
		name := strings.ToLower(o.Name)
		if !named || seen[name] {
			return text
		}
		seen[name] = true
		items[i] = quoted(name) + " AS " + quoted(v.Storage.Columns[i].Name)
	}
	return "SELECT " + strings.Join(items, ", ") + " FROM (" + text + ") " + quoted(v.Name)
}

// partitionView makes the last columns of a view its partition keys, as PARTITIONED ON says. The
// partitions of a view are names that somebody adds; queries do not look at them.
func partitionView(v *metastore.Table, on []syntax.Ident) error {
	if len(on) == 0 {
		return nil
	}
	cols := v.Storage.Columns
	at := len(cols) - len(on)
	if at <= 0 {
		return semantic(&on[0], 10093, "At least one column of a view has to be no partition key")
	}
	for i := range on {
		if !strings.EqualFold(cols[at+i].Name, on[i].Name) {
			return semantic(&on[i], 10092, "Rightmost columns in view output do not match PARTITIONED ON clause: "+
				"column %d of the view is %s", at+i+1, cols[at+i].Name)
		}
		if !cols[at+i].Type.Primitive() {
			return semantic(&on[i], 10126, "Partition columns can only be of primitive type: %s is %s", on[i].Name, cols[at+i].Type)
		}
	}
	v.Storage.Columns, v.PartitionKeys = cols[:at:at], cols[at:]
	return nil
}

// textOf is the source of a node.
func textOf(source string, n syntax.Node) string {
	from, to := n.Pos().Offset, n.End().Offset
	if from < 0 || to > len(source) || from >= to {
		return syntax.Print(n)
	}
	return source[from:to]
}

// qualify puts the database into the names of tables that have none, so that the text means
// the same wherever it is used. Names of common table expressions are left alone.
func qualify(q *syntax.Query, db string) {
	ctes := map[string]bool{}
	syntax.Inspect(q, func(n syntax.Node) bool {
		if query, ok := n.(*syntax.Query); ok {
			for _, c := range query.With {
				ctes[strings.ToLower(c.Name.Name)] = true
			}
		}
		return true
	})
	syntax.Inspect(q, func(n syntax.Node) bool {
		if ref, ok := n.(*syntax.TableRef); ok && len(ref.Name.Parts) == 1 && !ctes[strings.ToLower(ref.Name.Parts[0].Name)] {
			if ref.Alias == nil { // columns may be qualified by the table's bare name
				alias := ref.Name.Parts[0]
				ref.Alias = &alias
			}
			ref.Name.Parts = []syntax.Ident{{Span: ref.Name.Span, Name: db}, ref.Name.Parts[0]}
		}
		return true
	})
}
