package formats

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/avro"
)

// avroShape is what is read of a file at one place of a schema: how the library hands it over, and what the file's
// logical types, which the library is not told of, make of it.
type avroShape struct {
	kind    string // Avro's
	logical string // the file's logical type, or, of a default, the table's
	scale   int
	parts   []*avroShape // of fields, of the elements or values, or of the branches of a union but null
	names   []string     // of fields, or those that tell branches
}

// avroResolver makes, of the schemas of a file and of its table, the one as which the file is read: the table's, where
// values can be read as its types by Avro's rules, and the file's where only a conversion of values helps.
type avroResolver struct {
	named  int
	tagged bool // there is a union whose values have to be told apart
}

// field is the field of a column: as the table has it, under the name that the file has. Where the file has none, the
// table's default is its value, NULL if there is none that may be.
func (a *avroResolver) field(name string, table *avro.SchemaField, file *avro.SchemaNode) (avro.SchemaField, *avroShape, error) {
	f := avro.SchemaField{Name: name, Type: avro.SchemaNode{Type: "null"}, HasDefault: true}
	if table != nil {
		f.Default, f.HasDefault = table.Default, table.HasDefault
	}
	from := avroField(file, name, table)
	switch {
	case from == nil && table == nil: // a column that neither has
		return f, &avroShape{kind: "null"}, nil
	case from == nil:
		var shape *avroShape
		f.Type, shape = a.adapt(&table.Type, nil)
		if f.HasDefault {
			return f, shape, nil
		}
		if f.Type.Type != "null" && (f.Type.Type != "union" || f.Type.Branches[0].Type != "null") {
			return f, nil, fmt.Errorf("the file has no field %s, and the schema of the table has no default for it", table.Name)
		}
		f.HasDefault = true
		return f, shape, nil
	}
	f.Name = from.Name
	var shape *avroShape
	if table == nil {
		f.Type, shape = a.adapt(&from.Type, &from.Type)
		f.HasDefault = false
		return f, shape, nil
	}
	f.Type, shape = a.adapt(&table.Type, &from.Type)
	f.Default, f.HasDefault = nil, false // the file has a value
	return f, shape, nil
}

// avroField finds the field of a file for a column: by its name, exactly or in another case, or by another name that the
// table's schema knows it by.
func avroField(file *avro.SchemaNode, name string, table *avro.SchemaField) *avro.SchemaField {
	names := []string{name}
	if table != nil {
		names = append([]string{table.Name}, table.Aliases...)
	}
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		for _, n := range names {
			for i := range file.Fields {
				if same(file.Fields[i].Name, n) {
					return &file.Fields[i]
				}
			}
		}
	}
	return nil
}

// adapt is the table's schema r without logical types, with the names of the file's schema w, which is nil where the file
// has nothing there. Where values of w cannot be read as r it is w.
func (a *avroResolver) adapt(r, w *avro.SchemaNode) (avro.SchemaNode, *avroShape) {
	if w != nil && !avroReads(r, w) {
		r = w
	}
	if w != nil && w.Type == "union" && r.Type != "union" {
		r = &avro.SchemaNode{Type: "union", Branches: []avro.SchemaNode{*r}}
	}
	switch r.Type {
	case "union":
		return a.union(r, w)
	case "array":
		var of *avro.SchemaNode
		if w != nil {
			of = w.Items
		}
		n, shape := a.adapt(r.Items, of)
		return avro.SchemaNode{Type: "array", Items: &n}, &avroShape{kind: "array", parts: []*avroShape{shape}}
	case "map":
		var of *avro.SchemaNode
		if w != nil {
			of = w.Values
		}
		n, shape := a.adapt(r.Values, of)
		return avro.SchemaNode{Type: "map", Values: &n}, &avroShape{kind: "map", parts: []*avroShape{shape}}
	case "record", "error":
		return a.record(r, w)
	}
	says := r
	if w != nil {
		says = w
	}
	n := avro.SchemaNode{Type: r.Type, Size: r.Size, Symbols: r.Symbols, EnumDefault: r.EnumDefault, HasEnumDefault: r.HasEnumDefault}
	if r.Type == "fixed" || r.Type == "enum" {
		a.name(&n, w)
	}
	return n, &avroShape{kind: r.Type, logical: strings.ToLower(says.LogicalType), scale: says.Scale}
}

// name gives a node a name of its own, and the file's as another.
func (a *avroResolver) name(n, w *avro.SchemaNode) {
	a.named++
	n.Name = fmt.Sprintf("skep_%d", a.named)
	if w != nil {
		n.Aliases = []string{fullName(w)}
	}
}

func fullName(n *avro.SchemaNode) string {
	if n.Namespace == "" || strings.Contains(n.Name, ".") {
		return n.Name
	}
	return n.Namespace + "." + n.Name
}

func (a *avroResolver) record(r, w *avro.SchemaNode) (avro.SchemaNode, *avroShape) {
	n, shape := avro.SchemaNode{Type: "record"}, &avroShape{kind: "record"}
	a.name(&n, w)
	for i := range r.Fields {
		from := &r.Fields[i]
		f := avro.SchemaField{Name: from.Name, Default: from.Default, HasDefault: from.HasDefault}
		var of *avro.SchemaNode
		if w != nil {
			if there := avroField(w, from.Name, from); there != nil {
				f.Name, of = there.Name, &there.Type
				f.Default, f.HasDefault = nil, false
			}
		}
		var part *avroShape
		f.Type, part = a.adapt(&from.Type, of)
		if of == nil && !f.HasDefault && w != nil && f.Type.Type == "union" && f.Type.Branches[0].Type == "null" {
			f.HasDefault = true
		}
		n.Fields = append(n.Fields, f)
		shape.names, shape.parts = append(shape.names, f.Name), append(shape.parts, part)
	}
	return n, shape
}

// union adapts each branch to that of the file which it reads. Where the file may say null, so may the union.
func (a *avroResolver) union(r, w *avro.SchemaNode) (avro.SchemaNode, *avroShape) {
	n, shape := avro.SchemaNode{Type: "union"}, &avroShape{kind: "union"}
	if avroNullable(w) && !avroNullable(r) {
		n.Branches = append(n.Branches, avro.SchemaNode{Type: "null"})
	}
	for i := range r.Branches {
		b := &r.Branches[i]
		if b.Type == "null" {
			n.Branches = append(n.Branches, avro.SchemaNode{Type: "null"})
			continue
		}
		part, of := a.adapt(b, branchFor(b, w))
		n.Branches = append(n.Branches, part)
		shape.parts = append(shape.parts, of)
		tag := part.Type
		if part.Name != "" {
			tag = part.Name
		}
		shape.names = append(shape.names, tag)
	}
	if len(shape.parts) > 1 {
		a.tagged = true
	}
	return n, shape
}

// avroNullable reports whether a schema is a union with null.
func avroNullable(n *avro.SchemaNode) bool {
	return n != nil && n.Type == "union" && slices.ContainsFunc(n.Branches, func(b avro.SchemaNode) bool { return b.Type == "null" })
}

// branchFor is what of a file's schema a branch reads, or nil.
func branchFor(b, w *avro.SchemaNode) *avro.SchemaNode {
	if w == nil {
		return nil
	}
	if w.Type != "union" {
		if avroReads(b, w) {
			return w
		}
		return nil
	}
	for _, exact := range []bool{true, false} {
		for i := range w.Branches {
			c := &w.Branches[i]
			if c.Type != "null" && avroReads(b, c) && (!exact || b.Type == c.Type && b.Name == c.Name) {
				return c
			}
		}
	}
	return nil
}

// avroReads reports whether values of w can be read as r by the rules of Avro, but for what is within them.
func avroReads(r, w *avro.SchemaNode) bool {
	if w.Type == "union" {
		for i := range w.Branches {
			if w.Branches[i].Type != "null" && !avroReads(r, &w.Branches[i]) {
				return false
			}
		}
		return true
	}
	if r.Type == "union" {
		for i := range r.Branches {
			if avroReads(&r.Branches[i], w) {
				return true
			}
		}
		return false
	}
	switch r.Type {
	case "long":
		return w.Type == "int" || w.Type == "long"
	case "float":
		return w.Type == "int" || w.Type == "long" || w.Type == "float"
	case "double":
		return w.Type == "int" || w.Type == "long" || w.Type == "float" || w.Type == "double"
	case "string", "bytes":
		return w.Type == "string" || w.Type == "bytes"
	case "fixed":
		return w.Type == "fixed" && w.Size == r.Size
	}
	return r.Type == w.Type
}
