package hiveql

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// constraint is what a table says of itself. A table keeps its constraints as JSON in one of its
// parameters.
type constraint struct {
	Name     string   `json:"name"`
	Kind     string   `json:"kind"` // as in syntax.Constraint
	Columns  []string `json:"columns,omitempty"`
	Text     string   `json:"text,omitempty"` // the expression of DEFAULT and CHECK
	Disabled bool     `json:"disabled,omitempty"`
	// Parent is the table, db.name, that a FOREIGN KEY references.
	Parent        string   `json:"parent,omitempty"`
	ParentColumns []string `json:"parent_columns,omitempty"`
}

const constraintsParam = hiddenParams + "constraints"

// constraintsOf reads a table's constraints. What cannot be read is none.
func constraintsOf(t *metastore.Table) []constraint {
	var list []constraint
	if text := t.Parameters[constraintsParam]; text != "" {
		if json.Unmarshal([]byte(text), &list) != nil {
			return nil
		}
	}
	return list
}

func setConstraints(t *metastore.Table, list []constraint) error {
	if len(list) == 0 {
		delete(t.Parameters, constraintsParam)
		return nil
	}
	text, err := json.Marshal(list)
	if err == nil {
		setParam(&t.Parameters, constraintsParam, string(text))
	}
	return err
}

// takeConstraints gives a new table the constraints of CREATE TABLE.
func (s *Session) takeConstraints(ctx context.Context, t *metastore.Table, n *syntax.CreateTable) error {
	for i := range n.PartitionedBy {
		for k := range n.PartitionedBy[i].Constraints {
			if err := s.addConstraint(ctx, t, &n.PartitionedBy[i].Constraints[k], &n.PartitionedBy[i].Name); err != nil {
				return err
			}
		}
	}
	for i := range n.Columns {
		for k := range n.Columns[i].Constraints {
			if err := s.addConstraint(ctx, t, &n.Columns[i].Constraints[k], &n.Columns[i].Name); err != nil {
				return err
			}
		}
	}
	for i := range n.Constraints {
		if err := s.addConstraint(ctx, t, &n.Constraints[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// addConstraint adds one constraint; column is the one it stands behind, if it does.
func (s *Session) addConstraint(
	ctx context.Context, t *metastore.Table, n *syntax.Constraint, column *syntax.Ident,
) error {
	if n.Kind == "NULL" {
		return nil
	}
	if err := checkOptions(n); err != nil {
		return err
	}
	c := constraint{Kind: n.Kind}
	idents := n.Columns
	if len(idents) == 0 && column != nil {
		idents = []syntax.Ident{*column}
	}
	for i := range idents {
		name := strings.ToLower(idents[i].Name)
		if t.Storage.Column(name) < 0 && t.Keys().Find(name) < 0 {
			return semantic(&idents[i], 10002, "Invalid column reference '%s'", idents[i].Name)
		}
		c.Columns = append(c.Columns, name)
	}
	c.Disabled = slices.Contains(n.Options, "DISABLE") || slices.Contains(n.Options, "NOT ENFORCED")
	if t.Type == metastore.External && !c.Disabled && (n.Kind == "NOT NULL" || n.Kind == "DEFAULT" || n.Kind == "CHECK") {
		return semantic(n, 10326, "Invalid Constraint syntax Constraints are disallowed with External tables. "+
			"Only RELY is allowed.")
	}
	if n.X != nil {
		if err := s.checkExpression(ctx, t, n); err != nil {
			return err
		}
		c.Text = syntax.Print(n.X)
	}
	if n.Parent != nil {
		if err := s.reference(ctx, t, n, &c); err != nil {
			return err
		}
	}
	list := constraintsOf(t)
	if c.Kind == "PRIMARY KEY" && slices.ContainsFunc(list, func(o constraint) bool { return o.Kind == c.Kind }) {
		return semantic(n, 10326, "Invalid Constraint syntax There already exists a primary key on table %s", t.TableName)
	}
	if n.Name != nil {
		c.Name = strings.ToLower(n.Name.Name)
		if slices.ContainsFunc(list, func(o constraint) bool { return o.Name == c.Name }) {
			return semantic(n.Name, 10326, "Constraint name already exists: %s", c.Name)
		}
	} else {
		c.Name = s.constraintName(t, &c, len(list))
	}
	return setConstraints(t, append(list, c))
}

// reference fills in what a foreign key references: a primary or a unique key of a table that
// exists, or of t itself.
func (s *Session) reference(ctx context.Context, t *metastore.Table, n *syntax.Constraint, c *constraint) error {
	name, err := s.tableName(n.Parent)
	if err != nil {
		return err
	}
	c.Parent = name.String()
	for _, p := range n.ParentColumns {
		c.ParentColumns = append(c.ParentColumns, strings.ToLower(p.Name))
	}
	if len(c.ParentColumns) != len(c.Columns) {
		return semantic(n, 10326, "Invalid Constraint syntax The number of foreign key columns should be same as "+
			"number of parent key columns")
	}
	parent := t
	if name != t.TableName {
		if parent, err = s.cfg.Store.Table(ctx, name); err != nil {
			return s.tableError(n.Parent, name, err)
		}
	}
	for _, o := range constraintsOf(parent) {
		if (o.Kind == "PRIMARY KEY" || o.Kind == "UNIQUE") && sameNames(o.Columns, c.ParentColumns) {
			return nil
		}
	}
	return semantic(n, 10326, "Invalid Constraint syntax %s has no primary or unique key of the columns (%s)",
		name, strings.Join(c.ParentColumns, ", "))
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// shownConstraints are the constraints that DESCRIBE shows: of foreign keys, as in Hive, those
// whose parent has a primary key of these columns.
func (s *Session) shownConstraints(ctx context.Context, t *metastore.Table) ([]constraint, error) {
	var shown []constraint
	for _, c := range constraintsOf(t) {
		if c.Kind == "FOREIGN KEY" {
			db, name, _ := strings.Cut(c.Parent, ".")
			parent, err := s.cfg.Store.Table(ctx, metastore.TableName{Database: db, Name: name})
			if errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchDatabase) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(constraintsOf(parent), func(o constraint) bool {
				return o.Kind == "PRIMARY KEY" && sameNames(o.Columns, c.ParentColumns)
			}) {
				continue
			}
		}
		shown = append(shown, c)
	}
	return shown, nil
}

// checkOptions refuses what Hive refuses: keys cannot be enforced, and nothing is validated.
func checkOptions(n *syntax.Constraint) error {
	for _, o := range n.Options {
		switch o {
		case "ENABLE", "ENFORCED":
			if n.Kind == "PRIMARY KEY" || n.Kind == "UNIQUE" || n.Kind == "FOREIGN KEY" {
				return semantic(n, 10326, "Invalid Constraint syntax ENABLE/ENFORCED feature not supported yet. "+
					"Please use DISABLE/NOT ENFORCED instead.")
			}
		case "VALIDATE":
			return semantic(n, 10326, "Invalid Constraint syntax VALIDATE feature not supported yet. "+
				"Please use NOVALIDATE instead.")
		}
	}
	return nil
}

// constraintName makes up a name as Hive does: the kind, a hash, the time, a number.
func (s *Session) constraintName(t *metastore.Table, c *constraint, n int) string {
	prefix := map[string]string{
		"PRIMARY KEY": "pk", "FOREIGN KEY": "fk", "UNIQUE": "uk", "NOT NULL": "nn", "DEFAULT": "dc", "CHECK": "cc",
	}[c.Kind]
	hash := crc32.ChecksumIEEE([]byte(t.String() + strings.Join(c.Columns, ",") + c.Text + c.Parent))
	return fmt.Sprintf("%s_%d_%d_%d", prefix, hash, s.cfg.Now().UnixMilli(), n)
}

// dropConstraint takes a constraint away.
func dropConstraint(t *metastore.Table, n *syntax.DropConstraint) error {
	list := constraintsOf(t)
	kept := slices.DeleteFunc(slices.Clone(list), func(c constraint) bool { return strings.EqualFold(c.Name, n.Name.Name) })
	if len(kept) == len(list) {
		return ddlFailed("InvalidObjectException(message:The constraint: %s does not exist for the associated table: %s)",
			strings.ToLower(n.Name.Name), t.TableName)
	}
	return setConstraints(t, kept)
}

// renameInConstraints follows a column that has a new name.
func renameInConstraints(t *metastore.Table, from, to string) error {
	list := constraintsOf(t)
	changed := false
	for i := range list {
		for k, c := range list[i].Columns {
			if strings.EqualFold(c, from) {
				list[i].Columns[k], changed = to, true
			}
		}
		if text := renamedIn(list[i].Text, from, to); text != list[i].Text {
			list[i].Text, changed = text, true
		}
	}
	if !changed {
		return nil
	}
	return setConstraints(t, list)
}

// renamedIn is the text of an expression with another name for a column.
func renamedIn(text, from, to string) string {
	x, err := syntax.ParseExpr(text)
	if err != nil {
		return text
	}
	syntax.Exprs(x, func(x syntax.Expr) {
		if n, ok := x.(*syntax.Name); ok && strings.EqualFold(n.Ident.Name, from) {
			n.Ident.Name = to
		}
	})
	return syntax.Print(x)
}

// constraintKinds are the kinds in the order in which Hive shows them.
func constraintKinds() []string {
	return []string{"PRIMARY KEY", "FOREIGN KEY", "UNIQUE", "NOT NULL", "DEFAULT", "CHECK"}
}

// ofKind are the constraints of one kind, in order of name.
func ofKind(list []constraint, kind string) []constraint {
	var found []constraint
	for _, c := range list {
		if c.Kind == kind {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b constraint) int { return strings.Compare(a.Name, b.Name) })
	return found
}
