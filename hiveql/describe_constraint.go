package hiveql

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// constraintLines are the constraints as DESCRIBE EXTENDED shows them.
func (d *describer) constraintLines(list []metastore.Constraint) {
	first := true
	for _, kind := range constraintKinds() {
		found := ofKind(list, kind)
		if len(found) == 0 {
			continue
		}
		text := d.constraintText(kind, found)
		if first {
			d.row("Constraints", text)
		} else {
			d.row(text)
		}
		first = false
	}
}

func (d *describer) constraintText(kind metastore.ConstraintKind, list []metastore.Constraint) string {
	if kind == metastore.PrimaryKey {
		return fmt.Sprintf("Primary Key for %s:[%s], Constraint Name: %s",
			d.table.TableName, strings.Join(list[0].Columns, ","), list[0].Name)
	}
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("{Constraint Name: %s, %s}", c.Name, constraintDetail(c)))
	}
	title := map[metastore.ConstraintKind]string{
		metastore.ForeignKey: "Foreign Keys", metastore.Unique: "Unique Constraints", metastore.NotNull: "Not Null Constraints",
		metastore.Default: "Default Constraints", metastore.Check: "Check Constraints",
	}[kind]
	return fmt.Sprintf("%s for %s:[ %s]", title, d.table.TableName, strings.Join(parts, ", "))
}

func constraintDetail(c metastore.Constraint) string {
	var parts []string
	switch c.Kind {
	case metastore.ForeignKey:
		for i, col := range c.Columns {
			parts = append(parts, fmt.Sprintf("(Parent Column Name: %s.%s, Column Name: %s, Key Sequence: %d)",
				c.Parent, c.References[i], col, i+1))
		}
	case metastore.Unique:
		for i, col := range c.Columns {
			parts = append(parts, fmt.Sprintf("(Column Name: %s, Key Sequence: %d)", col, i+1))
		}
	case metastore.Default:
		parts = append(parts, fmt.Sprintf("(Column Name: %s, Default Value: %s)", columnOf(&c), c.Expression))
	case metastore.Check:
		parts = append(parts, fmt.Sprintf("(Column Name: %s, Check Value: %s)", columnOf(&c), c.Expression))
	default:
		parts = append(parts, "Column Name: "+columnOf(&c))
	}
	return strings.Join(parts, ", ")
}

// constraintSections are the constraints as DESCRIBE FORMATTED shows them.
func (d *describer) constraintSections(list []metastore.Constraint) {
	if len(list) == 0 {
		return
	}
	d.gap()
	d.head("# Constraints")
	for _, kind := range constraintKinds() {
		if found := ofKind(list, kind); len(found) > 0 {
			d.constraintSection(kind, found)
		}
	}
}

func (d *describer) constraintSection(kind metastore.ConstraintKind, list []metastore.Constraint) {
	d.gap()
	d.head("# " + map[metastore.ConstraintKind]string{
		metastore.PrimaryKey: "Primary Key", metastore.ForeignKey: "Foreign Keys", metastore.Unique: "Unique Constraints",
		metastore.NotNull: "Not Null Constraints", metastore.Default: "Default Constraints", metastore.Check: "Check Constraints",
	}[kind])
	d.field("Table:", d.table.String())
	for _, c := range list {
		d.field("Constraint Name:", c.Name)
		for i, col := range c.Columns {
			sequence := fmt.Sprintf("Key Sequence:%d", i+1)
			switch kind {
			case metastore.ForeignKey:
				d.row(pad("Parent Column Name:"+c.Parent.String()+"."+c.References[i]), pad("Column Name:"+col), pad(sequence))
			case metastore.Unique:
				d.field("Column Name:"+col, sequence)
			case metastore.PrimaryKey, metastore.NotNull:
				d.field("Column Name:", col)
			}
		}
		switch kind {
		case metastore.Default:
			d.field("Column Name:"+columnOf(&c), "Default Value:"+c.Expression)
		case metastore.Check:
			d.field("Column Name:"+columnOf(&c), "Check Value:"+c.Expression)
		}
		if kind != metastore.PrimaryKey {
			d.gap()
		}
	}
}
