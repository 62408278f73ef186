package hiveql

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// takeConstraints are the constraints of CREATE TABLE.
func (s *Session) takeConstraints(ctx context.Context, t *metastore.Table, n *syntax.CreateTable) ([]metastore.Constraint, error) {
	var list []metastore.Constraint
	take := func(constraints []syntax.Constraint, column *syntax.Ident) error {
		for i := range constraints {
			var err error
			if list, err = s.withConstraint(ctx, s.cfg.Store, t, list, &constraints[i], column); err != nil {
				return err
			}
		}
		return nil
	}
	for i := range n.PartitionedBy {
		if err := take(n.PartitionedBy[i].Constraints, &n.PartitionedBy[i].Name); err != nil {
			return nil, err
		}
	}
	for i := range n.Columns {
		if err := take(n.Columns[i].Constraints, &n.Columns[i].Name); err != nil {
			return nil, err
		}
	}
	return list, take(n.Constraints, nil)
}

// giveConstraints adds constraints to a table; column is the one they stand behind, if they do.
func (s *Session) giveConstraints(
	ctx context.Context, tx metastore.Tx, t *metastore.Table, column *syntax.Ident, given ...syntax.Constraint,
) error {
	before, err := tx.Constraints(ctx, t.TableName)
	if err != nil {
		return err
	}
	list := before
	for i := range given {
		if list, err = s.withConstraint(ctx, tx, t, list, &given[i], column); err != nil {
			return err
		}
	}
	return tx.AddConstraints(ctx, t.TableName, list[len(before):])
}

// withConstraint is list, the constraints of a table, with one more; column is the one it stands
// behind, if it does.
func (s *Session) withConstraint(
	ctx context.Context, r metastore.Reader, t *metastore.Table, list []metastore.Constraint, n *syntax.Constraint, column *syntax.Ident,
) ([]metastore.Constraint, error) {
	if n.Kind == "NULL" {
		return list, nil
	}
	if err := checkOptions(n); err != nil {
		return nil, err
	}
	c := metastore.Constraint{Kind: metastore.ConstraintKind(n.Kind)}
	idents := n.Columns
	if len(idents) == 0 && column != nil {
		idents = []syntax.Ident{*column}
	}
	for i := range idents {
		name := strings.ToLower(idents[i].Name)
		if t.Storage.Column(name) < 0 && t.Keys().Find(name) < 0 {
			return nil, semantic(&idents[i], 10002, "Invalid column reference '%s'", idents[i].Name)
		}
		c.Columns = append(c.Columns, name)
	}
	switch c.Kind {
	case metastore.NotNull, metastore.Default, metastore.Check: // the others are never enforced
		c.Enable = !slices.Contains(n.Options, "DISABLE") && !slices.Contains(n.Options, "NOT ENFORCED")
	}
	c.Rely = slices.Contains(n.Options, "RELY") || c.Enable && !slices.Contains(n.Options, "NORELY")
	if t.Type == metastore.External && c.Enable {
		return nil, semantic(n, 10326, "Invalid Constraint syntax Constraints are disallowed with External tables. "+
			"Only RELY is allowed.")
	}
	if n.X != nil {
		if err := s.checkExpression(ctx, t, n, c.Columns); err != nil {
			return nil, err
		}
		c.Expression = syntax.Print(n.X)
	}
	if n.Parent != nil {
		if err := s.reference(ctx, r, t, list, n, &c); err != nil {
			return nil, err
		}
	}
	if c.Kind == metastore.PrimaryKey && slices.ContainsFunc(list, func(o metastore.Constraint) bool { return o.Kind == c.Kind }) {
		return nil, semantic(n, 10326, "Invalid Constraint syntax There already exists a primary key on table %s", t.TableName)
	}
	if n.Name != nil {
		c.Name = strings.ToLower(n.Name.Name)
		if most := 255; len(c.Name) > most {
			return nil, semantic(n.Name, 10326, "Invalid Constraint syntax Constraint name: %s exceeds maximum allowed length of %d characters",
				c.Name, most)
		}
		if slices.ContainsFunc(list, func(o metastore.Constraint) bool { return o.Name == c.Name }) {
			return nil, semantic(n.Name, 10326, "Constraint name already exists: %s", c.Name)
		}
	} else {
		c.Name = s.constraintName(t, &c, len(list))
	}
	return append(list, c), nil
}

// reference fills in what a foreign key references: a primary or a unique key of a table that
// exists, or of t itself.
func (s *Session) reference(
	ctx context.Context, r metastore.Reader, t *metastore.Table, list []metastore.Constraint, n *syntax.Constraint, c *metastore.Constraint,
) error {
	name, err := s.tableName(n.Parent)
	if err != nil {
		return err
	}
	c.Parent = name
	for _, p := range n.ParentColumns {
		c.References = append(c.References, strings.ToLower(p.Name))
	}
	if len(c.References) != len(c.Columns) {
		return semantic(n, 10326, "Invalid Constraint syntax The number of foreign key columns should be same as "+
			"number of parent key columns")
	}
	if name != t.TableName {
		if list, err = r.Constraints(ctx, name); err != nil {
			return s.tableError(n.Parent, name, err)
		}
	}
	for _, o := range list {
		if (o.Kind == metastore.PrimaryKey || o.Kind == metastore.Unique) && sameNames(o.Columns, c.References) {
			if name == t.TableName && sameNames(c.Columns, c.References) {
				return ddlFailed("Cannot be both foreign key and primary/unique key on same table: %s", strings.Join(c.Columns, ", "))
			}
			return nil
		}
	}
	return semantic(n, 10326, "Invalid Constraint syntax %s has no primary or unique key of the columns (%s)",
		name, strings.Join(c.References, ", "))
}

func sameNames(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// shownConstraints are the constraints that DESCRIBE shows: of foreign keys, as in Hive, those
// whose parent has a primary key of these columns.
func (s *Session) shownConstraints(ctx context.Context, t *metastore.Table) ([]metastore.Constraint, error) {
	all, err := s.cfg.Store.Constraints(ctx, t.TableName)
	if err != nil {
		return nil, err
	}
	var shown []metastore.Constraint
	for _, c := range all {
		if c.Kind == metastore.ForeignKey {
			ofParent, err := s.cfg.Store.Constraints(ctx, c.Parent)
			if noTable(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(ofParent, func(o metastore.Constraint) bool {
				return o.Kind == metastore.PrimaryKey && sameNames(o.Columns, c.References)
			}) {
				continue
			}
		}
		shown = append(shown, c)
	}
	return shown, nil
}

// checkOptions refuses what Hive refuses: keys cannot be enforced, which they would be if nothing else is said, and
// nothing is validated.
func checkOptions(n *syntax.Constraint) error {
	enforced := !slices.Contains(n.Options, "DISABLE") && !slices.Contains(n.Options, "NOT ENFORCED")
	switch {
	case enforced && n.Kind == "FOREIGN KEY":
		return semantic(n, 10325, "Invalid Foreign Key syntax ENABLE feature not supported yet. Please use DISABLE instead.")
	case enforced && (n.Kind == "PRIMARY KEY" || n.Kind == "UNIQUE"):
		return semantic(n, 10326, "Invalid Constraint syntax ENABLE/ENFORCED feature not supported yet. "+
			"Please use DISABLE/NOT ENFORCED instead.")
	case slices.Contains(n.Options, "VALIDATE"):
		return semantic(n, 10326, "Invalid Constraint syntax VALIDATE feature not supported yet. "+
			"Please use NOVALIDATE instead.")
	}
	return nil
}

// constraintName makes up a name as Hive does: the kind, a hash, the time, a number.
func (s *Session) constraintName(t *metastore.Table, c *metastore.Constraint, n int) string {
	prefix := map[metastore.ConstraintKind]string{
		metastore.PrimaryKey: "pk", metastore.ForeignKey: "fk", metastore.Unique: "uk", metastore.NotNull: "nn",
		metastore.Default: "dc", metastore.Check: "cc",
	}[c.Kind]
	parent := ""
	if c.Parent.Name != "" {
		parent = c.Parent.String()
	}
	hash := crc32.ChecksumIEEE([]byte(t.String() + strings.Join(c.Columns, ",") + c.Expression + parent))
	return fmt.Sprintf("%s_%d_%d_%d", prefix, hash, s.cfg.Now().UnixMilli(), n)
}

// dropConstraint takes a constraint away.
func dropConstraint(ctx context.Context, tx metastore.Tx, t *metastore.Table, n *syntax.DropConstraint) error {
	err := tx.DropConstraint(ctx, t.TableName, n.Name.Name)
	if errors.Is(err, metastore.ErrNoConstraint) {
		return ddlFailed("InvalidObjectException(message:The constraint: %s does not exist for the associated table: %s)",
			strings.ToLower(n.Name.Name), t.TableName)
	}
	return err
}

// renameInConstraints follows a column that has a new name.
func renameInConstraints(ctx context.Context, tx metastore.Tx, t *metastore.Table, from, to string) error {
	list, err := tx.Constraints(ctx, t.TableName)
	if err != nil {
		return err
	}
	for _, c := range list {
		changed := false
		for k, col := range c.Columns {
			if strings.EqualFold(col, from) {
				c.Columns[k], changed = to, true
			}
		}
		if text := renamedIn(c.Expression, from, to); text != c.Expression {
			c.Expression, changed = text, true
		}
		if !changed {
			continue
		}
		if err := tx.DropConstraint(ctx, t.TableName, c.Name); err != nil {
			return err
		}
		if err := tx.AddConstraints(ctx, t.TableName, []metastore.Constraint{c}); err != nil {
			return err
		}
	}
	return nil
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
func constraintKinds() []metastore.ConstraintKind {
	return []metastore.ConstraintKind{metastore.PrimaryKey, metastore.ForeignKey, metastore.Unique, metastore.NotNull,
		metastore.Default, metastore.Check}
}

// ofKind are the constraints of one kind.
func ofKind(list []metastore.Constraint, kind metastore.ConstraintKind) []metastore.Constraint {
	return slices.DeleteFunc(slices.Clone(list), func(c metastore.Constraint) bool { return c.Kind != kind })
}

// columnOf is the column of a constraint that has one; Hive shows null where it is the table's.
func columnOf(c *metastore.Constraint) string {
	if len(c.Columns) == 0 {
		return "null"
	}
	return c.Columns[0]
}
