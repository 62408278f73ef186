package hiveql

import (
	"fmt"
	"strings"
)

// constraintLines are the constraints as DESCRIBE EXTENDED shows them.
func (d *describer) constraintLines(list []constraint) {
	first := true
	for _, kind := range constraintKinds() {
		found := ofKind(list, kind)
		if len(found) == 0 {
			continue
		}
		text := d.constraintText(kind, found)
		if first {
			d.row("Constraints", text, " ")
		} else {
			d.row(text, " ", " ")
		}
		first = false
	}
}

func (d *describer) constraintText(kind string, list []constraint) string {
	if kind == "PRIMARY KEY" {
		return fmt.Sprintf("Primary Key for %s:[%s], Constraint Name: %s",
			d.table.TableName, strings.Join(list[0].Columns, ","), list[0].Name)
	}
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("{Constraint Name: %s, %s}", c.Name, constraintDetail(c)))
	}
	title := map[string]string{
		"FOREIGN KEY": "Foreign Keys", "UNIQUE": "Unique Constraints", "NOT NULL": "Not Null Constraints",
		"DEFAULT": "Default Constraints", "CHECK": "Check Constraints",
	}[kind]
	return fmt.Sprintf("%s for %s:[ %s]", title, d.table.TableName, strings.Join(parts, ", "))
}

func constraintDetail(c constraint) string {
	var parts []string
	switch c.Kind {
	case "FOREIGN KEY":
		for i, col := range c.Columns {
			parts = append(parts, fmt.Sprintf("(Parent Column Name: %s.%s, Column Name: %s, Key Sequence: %d)",
				c.Parent, c.ParentColumns[i], col, i+1))
		}
	case "UNIQUE":
		for i, col := range c.Columns {
			parts = append(parts, fmt.Sprintf("(Column Name: %s, Key Sequence: %d)", col, i+1))
		}
	case "DEFAULT":
		parts = append(parts, fmt.Sprintf("(Column Name: %s, Default Value: %s)", c.column(), c.Text))
	case "CHECK":
		parts = append(parts, fmt.Sprintf("(Column Name: %s, Check Value: %s)", c.column(), c.Text))
	default:
		parts = append(parts, "Column Name: "+c.column())
	}
	return strings.Join(parts, ", ")
}

// column is the column of a constraint that has one; Hive shows null where it is the table's.
func (c *constraint) column() string {
	if len(c.Columns) == 0 {
		return "null"
	}
	return c.Columns[0]
}

// constraintSections are the constraints as DESCRIBE FORMATTED shows them.
func (d *describer) constraintSections(list []constraint) {
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

func (d *describer) constraintSection(kind string, list []constraint) {
	d.gap()
	d.head("# " + map[string]string{
		"PRIMARY KEY": "Primary Key", "FOREIGN KEY": "Foreign Keys", "UNIQUE": "Unique Constraints",
		"NOT NULL": "Not Null Constraints", "DEFAULT": "Default Constraints", "CHECK": "Check Constraints",
	}[kind])
	d.field("Table:", d.table.String())
	for _, c := range list {
		d.field("Constraint Name:", c.Name)
		for i, col := range c.Columns {
			sequence := fmt.Sprintf("Key Sequence:%d", i+1)
			switch kind {
			case "FOREIGN KEY":
				d.row(pad("Parent Column Name:"+c.Parent+"."+c.ParentColumns[i]), pad("Column Name:"+col), pad(sequence))
			case "UNIQUE":
				d.field("Column Name:"+col, sequence)
			case "PRIMARY KEY", "NOT NULL":
				d.field("Column Name:", col)
			}
		}
		switch kind {
		case "DEFAULT":
			d.field("Column Name:"+c.column(), "Default Value:"+c.Text)
		case "CHECK":
			d.field("Column Name:"+c.column(), "Check Value:"+c.Text)
		}
		if kind != "PRIMARY KEY" {
			d.gap()
		}
	}
}
