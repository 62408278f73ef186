package parquetmerge

import (
	"bytes"
	"fmt"
	"strings"
)

// Numbers of the fields in an element of the schema.
const (
	schemaType       = 1
	schemaTypeLength = 2
	schemaRepetition = 3
	schemaName       = 4
	schemaChildren   = 5
	schemaConverted  = 6
	schemaScale      = 7
	schemaPrecision  = 8
	schemaFieldID    = 9
	schemaLogical    = 10
)

// SchemaError is a difference between the schemas of two files.
type SchemaError struct {
	// Column is the path of the first column that differs, its parts separated by dots.
	Column string
	// First and Other are the names of the files; FirstType and OtherType are what the column
	// is in them, or "no such column".
	First, FirstType, Other, OtherType string
}

func (e *SchemaError) Error() string {
	return fmt.Sprintf("the schemas differ: column %s is %s in %s and %s in %s", e.Column, e.FirstType, e.First, e.OtherType, e.Other)
}

// column is an element of a schema, flattened.
type column struct {
	path    string
	encoded []byte
	element *value
}

const noColumn = "no such column"

// columns lists the elements of a schema below its root, groups before their members.
func columns(schema *value) ([]column, error) {
	list := schema.items
	if len(list) == 0 {
		return nil, fmt.Errorf("its schema is empty")
	}
	all := make([]column, 0, len(list)-1)
	type group struct {
		path string
		left int64
	}
	open := []group{{"", list[0].field(schemaChildren).number}}
	for i := 1; i < len(list); i++ {
		for len(open) > 0 && open[len(open)-1].left <= 0 {
			open = open[:len(open)-1]
		}
		if len(open) == 0 || len(open) > deepest {
			return nil, fmt.Errorf("its schema is damaged at element %d", i)
		}
		top := &open[len(open)-1]
		top.left--
		path := top.path + string(list[i].field(schemaName).bytes)
		all = append(all, column{path, appendValue(nil, &list[i]), &list[i]})
		if children := list[i].field(schemaChildren).number; children > 0 {
			open = append(open, group{path + ".", children})
		}
	}
	for _, g := range open {
		if g.left > 0 {
			return nil, fmt.Errorf("its schema is damaged: it ends early")
		}
	}
	return all, nil
}

// compareSchemas finds the first difference between two schemas, or returns nil.
func compareSchemas(first, other []column) *SchemaError {
	for i := range min(len(first), len(other)) {
		a, b := first[i], other[i]
		if bytes.Equal(a.encoded, b.encoded) && a.path == b.path {
			continue
		}
		if a.path != b.path {
			return missing(first, other, i)
		}
		return &SchemaError{Column: a.path, FirstType: a.describe(), OtherType: b.describe()}
	}
	if len(first) > len(other) {
		extra := first[len(other)]
		return &SchemaError{Column: extra.path, FirstType: extra.describe(), OtherType: noColumn}
	}
	if len(other) > len(first) {
		extra := other[len(first)]
		return &SchemaError{Column: extra.path, FirstType: noColumn, OtherType: extra.describe()}
	}
	return nil
}

// missing tells how the columns at place i, which have different names, differ: one is not in
// the other file at all, or it is in another place.
func missing(first, other []column, i int) *SchemaError {
	find := func(in []column, path string) int {
		for n, c := range in {
			if c.path == path {
				return n
			}
		}
		return -1
	}
	a, b := first[i], other[i]
	at := find(other, a.path)
	switch {
	case at < 0:
		return &SchemaError{Column: a.path, FirstType: a.describe(), OtherType: noColumn}
	case find(first, b.path) < 0:
		return &SchemaError{Column: b.path, FirstType: noColumn, OtherType: b.describe()}
	}
	return &SchemaError{Column: a.path, FirstType: fmt.Sprintf("element %d of the schema", i+1),
		OtherType: fmt.Sprintf("element %d", at+1)}
}

// describe says what a column is in Parquet's own words, as completely as comparison is strict.
func (c column) describe() string {
	e := c.element
	words := []string{word([]string{"required", "optional", "repeated"}, e.field(schemaRepetition))}
	if e.has(schemaType) {
		kind := word([]string{"boolean", "int32", "int64", "int96", "float", "double", "byte_array", "fixed_len_byte_array"}, e.field(schemaType))
		if e.has(schemaTypeLength) {
			kind += fmt.Sprintf("(%d)", e.field(schemaTypeLength).number)
		}
		words = append(words, kind)
	} else {
		words = append(words, fmt.Sprintf("group of %d", e.field(schemaChildren).number))
	}
	if logical := describeLogical(e.field(schemaLogical)); logical != "" {
		words = append(words, logical)
	}
	if e.has(schemaConverted) {
		words = append(words, "("+word(convertedTypes(), e.field(schemaConverted))+")")
	}
	if e.has(schemaPrecision) || e.has(schemaScale) {
		words = append(words, fmt.Sprintf("(%d,%d)", e.field(schemaPrecision).number, e.field(schemaScale).number))
	}
	if e.has(schemaFieldID) {
		words = append(words, fmt.Sprintf("id %d", e.field(schemaFieldID).number))
	}
	return strings.Join(words, " ")
}

func word(words []string, v *value) string {
	switch {
	case v.kind == 0:
		return "unspecified"
	case v.number >= 0 && v.number < int64(len(words)):
		return words[v.number]
	}
	return fmt.Sprintf("type %d", v.number)
}

func convertedTypes() []string {
	return strings.Fields("utf8 map map_key_value list enum decimal date time_millis time_micros timestamp_millis " +
		"timestamp_micros uint_8 uint_16 uint_32 uint_64 int_8 int_16 int_32 int_64 json bson interval")
}

// describeLogical names the member of the union that is set, and the parameters that matter.
func describeLogical(v *value) string {
	if len(v.ids) == 0 {
		return ""
	}
	names := strings.Fields("- string map list enum decimal date time timestamp - integer null json bson uuid float16 variant geometry geography")
	id, of := v.ids[0], &v.items[0]
	name := fmt.Sprintf("logical type %d", id)
	if id > 0 && int(id) < len(names) {
		name = names[id]
	}
	switch name {
	case "decimal":
		return fmt.Sprintf("decimal(%d,%d)", of.field(2).number, of.field(1).number)
	case "time", "timestamp":
		unit := "?"
		if u := of.field(2); len(u.ids) > 0 {
			unit = map[int16]string{1: "millis", 2: "micros", 3: "nanos"}[u.ids[0]]
		}
		if of.field(1).kind == typeTrue {
			unit += ",utc"
		}
		return name + "(" + unit + ")"
	case "integer":
		sign := "unsigned"
		if of.field(2).kind == typeTrue {
			sign = "signed"
		}
		return fmt.Sprintf("integer(%d,%s)", of.field(1).number, sign)
	}
	return name
}
