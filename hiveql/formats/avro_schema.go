package formats

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/twmb/avro"

	"github.com/skepdata/skep/hivetype"
)

// The properties of tables that say an Avro schema. The literal is used where both are there; a
// reader of tables puts what is found at the URL into the literal.
const (
	AvroLiteral = "avro.schema.literal"
	AvroURL     = "avro.schema.url"
)

// AvroColumn is a column as an Avro schema has it.
type AvroColumn struct {
	Field
	Doc string
}

// AvroColumns are the columns of a table that has an Avro schema, which is of a record. Types are those
// that Hive gives them: a union of null and another type is that type, an enum is a string, a fixed is
// binary. Names are in lower case.
func AvroColumns(schema string) ([]AvroColumn, error) {
	root, err := parseAvro(schema)
	if err != nil {
		return nil, err
	}
	if root.Type != "record" && root.Type != "error" {
		return nil, fmt.Errorf("the Avro schema is of type %s; a table wants one of a record", root.Type)
	}
	list := make([]AvroColumn, len(root.Fields))
	for i, f := range root.Fields {
		t, err := avroType(&f.Type)
		if err != nil {
			return nil, fmt.Errorf("field %s of the Avro schema: %w", f.Name, err)
		}
		list[i] = AvroColumn{Field: Field{Name: lower(f.Name), Type: t}, Doc: f.Doc}
	}
	return list, nil
}

// AvroFileColumns are the columns that a file of Avro has by its own schema.
func AvroFileColumns(r io.Reader) ([]AvroColumn, error) {
	f, err := openAvro(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	cols, err := AvroColumns(string(f.notes["avro.schema"]))
	return cols, errors.Join(err, f.close())
}

// parseAvro parses a schema, and puts definitions into the places of names. Names may have any characters.
func parseAvro(text string) (*avro.SchemaNode, error) {
	s, err := avroSchema(text)
	if err != nil {
		return nil, err
	}
	return expanded(s), nil
}

// quotedDigits are the digits of a decimal, which some write as text.
var quotedDigits = regexp.MustCompile(`("(?:precision|scale|maxLength)"\s*:\s*)"(\d+)"`)

func avroSchema(text string) (*avro.Schema, error) {
	s, err := avro.Parse(quotedDigits.ReplaceAllString(text, "$1$2"), laxNames())
	if err != nil {
		return nil, fmt.Errorf("this is no Avro schema: %w", err)
	}
	return s, nil
}

func laxNames() avro.SchemaOpt { return avro.WithLaxNames(func(string) error { return nil }) }

func expanded(s *avro.Schema) *avro.SchemaNode {
	root := s.Root()
	return root.ExpandReferences()
}

// avroType is the type that Hive gives to values of a schema.
func avroType(n *avro.SchemaNode) (hivetype.Type, error) {
	switch n.Type {
	case "union":
		return avroUnionType(n)
	case "array":
		elem, err := avroType(n.Items)
		return hivetype.ArrayOf(elem), err
	case "map":
		elem, err := avroType(n.Values)
		return hivetype.MapOf(hivetype.Of(hivetype.String), elem), err
	case "record", "error":
		fields := make([]hivetype.Field, len(n.Fields))
		for i := range n.Fields {
			t, err := avroType(&n.Fields[i].Type)
			if err != nil {
				return t, err
			}
			fields[i] = hivetype.Field{Name: lower(n.Fields[i].Name), Type: t}
		}
		return hivetype.StructOf(fields...), nil
	}
	if t, ok := avroLogicalType(n); ok {
		return t, nil
	}
	if n.Type == "bytes" && (n.LogicalType == "decimal" || n.Props["logicalType"] == "decimal" || n.Props["precision"] != nil) {
		return hivetype.Type{}, errors.New("invalid precision or scale for decimal type")
	}
	if k, ok := avroKinds()[n.Type]; ok {
		return hivetype.Of(k), nil
	}
	return hivetype.Type{}, fmt.Errorf("the type %s contains itself, which no type of Hive can", n.Type)
}

func avroKinds() map[string]hivetype.Kind {
	return map[string]hivetype.Kind{
		"null": hivetype.Void, "boolean": hivetype.Boolean, "int": hivetype.Int, "long": hivetype.BigInt, "float": hivetype.Float,
		"double": hivetype.Double, "bytes": hivetype.Binary, "fixed": hivetype.Binary, "string": hivetype.String, "enum": hivetype.String,
	}
}

// avroLogicalType is the type that Hive knows a logical type as, if it does.
func avroLogicalType(n *avro.SchemaNode) (hivetype.Type, bool) {
	switch logical := strings.ToLower(n.LogicalType); {
	case n.Type == "bytes" && logical == "decimal" && n.Precision > 0 && n.Precision <= hivetype.MaxPrecision && n.Scale <= n.Precision:
		return hivetype.DecimalOf(n.Precision, n.Scale), true
	case n.Type == "int" && logical == "date":
		return hivetype.Of(hivetype.Date), true
	case n.Type == "long" && logical == "timestamp-millis":
		return hivetype.Of(hivetype.Timestamp), true
	case n.Type == "string" && (logical == "char" || logical == "varchar"):
		t, err := hivetype.Parse(fmt.Sprintf("%s(%v)", logical, n.Props["maxLength"]))
		return t, err == nil
	}
	return hivetype.Type{}, false
}

// avroUnionType is the type of a union: null in it says only that there may be none.
func avroUnionType(n *avro.SchemaNode) (hivetype.Type, error) {
	var fields []hivetype.Field
	for i := range n.Branches {
		if n.Branches[i].Type == "null" {
			continue
		}
		t, err := avroType(&n.Branches[i])
		if err != nil {
			return t, err
		}
		fields = append(fields, hivetype.Field{Type: t})
	}
	switch len(fields) {
	case 0:
		return hivetype.Of(hivetype.Void), nil
	case 1:
		return fields[0].Type, nil
	}
	return hivetype.Type{Kind: hivetype.Union, Fields: fields}, nil
}

// avroNode is the schema of a table's rows: what its properties say, or one in which every column may be NULL.
func (s *Spec) avroNode(fields []Field) (*avro.SchemaNode, error) {
	if text := s.param(AvroLiteral); text != "" && text != "none" {
		return parseAvro(text)
	}
	name := s.param("avro.schema.name")
	if name == "" {
		name = "baseRecord"
	}
	root := &avro.SchemaNode{Type: "record", Name: name, Namespace: s.param("avro.schema.namespace"), Doc: s.param("avro.schema.doc")}
	b := &avroBuilder{}
	for _, f := range fields {
		n, err := b.nullable(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		root.Fields = append(root.Fields, avro.SchemaField{Name: f.Name, Type: n, HasDefault: true})
	}
	return root, nil
}

// avroBuilder makes schemas of types. It numbers the records, which must have names.
type avroBuilder struct{ records int }

// nullable is the schema of values that may be NULL.
func (b *avroBuilder) nullable(t hivetype.Type) (avro.SchemaNode, error) {
	null := avro.SchemaNode{Type: "null"}
	n, err := b.node(t)
	switch {
	case err != nil || n.Type == "null":
		return n, err
	case n.Type != "union":
		n = avro.SchemaNode{Type: "union", Branches: []avro.SchemaNode{n}}
	}
	n.Branches = slices.Insert(slices.DeleteFunc(n.Branches, func(n avro.SchemaNode) bool { return n.Type == "null" }), 0, null)
	return n, nil
}

func (b *avroBuilder) node(t hivetype.Type) (avro.SchemaNode, error) {
	switch t.Kind {
	case hivetype.Array:
		elem, err := b.nullable(*t.Elem)
		return avro.SchemaNode{Type: "array", Items: &elem}, err
	case hivetype.Map:
		if t.Key.Kind != hivetype.String {
			return avro.SchemaNode{}, fmt.Errorf("the type %s in Avro files is %w: the keys of their maps are strings", t, ErrUnsupported)
		}
		elem, err := b.nullable(*t.Elem)
		return avro.SchemaNode{Type: "map", Values: &elem}, err
	case hivetype.Struct:
		return b.record(t)
	case hivetype.Union:
		n := avro.SchemaNode{Type: "union"}
		for _, f := range t.Fields {
			part, err := b.node(f.Type)
			if err != nil {
				return n, err
			}
			n.Branches = append(n.Branches, part)
		}
		return n, nil
	}
	return avroPrimitive(t)
}

func (b *avroBuilder) record(t hivetype.Type) (avro.SchemaNode, error) {
	n := avro.SchemaNode{Type: "record"}
	for _, f := range t.Fields {
		part, err := b.nullable(f.Type)
		if err != nil {
			return n, err
		}
		n.Fields = append(n.Fields, avro.SchemaField{Name: f.Name, Type: part, HasDefault: true})
	}
	n.Name = "record_" + strconv.Itoa(b.records)
	b.records++
	return n, nil
}

func avroPrimitive(t hivetype.Type) (avro.SchemaNode, error) {
	n := avro.SchemaNode{}
	switch t.Kind {
	case hivetype.Void:
		n.Type = "null"
	case hivetype.Boolean, hivetype.Float, hivetype.Double, hivetype.String:
		n.Type = t.String()
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int:
		n.Type = "int"
	case hivetype.BigInt:
		n.Type = "long"
	case hivetype.Binary:
		n.Type = "bytes"
	case hivetype.Char, hivetype.Varchar:
		kind, _, _ := strings.Cut(t.String(), "(")
		n.Type, n.LogicalType, n.Props = "string", kind, map[string]any{"maxLength": int64(t.Length)}
	case hivetype.Decimal:
		n.Type, n.LogicalType, n.Precision, n.Scale = "bytes", "decimal", t.Precision, t.Scale
	case hivetype.Date:
		n.Type, n.LogicalType = "int", "date"
	case hivetype.Timestamp:
		n.Type, n.LogicalType = "long", "timestamp-millis"
	default:
		return n, fmt.Errorf("the type %s in Avro files is %w", t, ErrUnsupported)
	}
	return n, nil
}
