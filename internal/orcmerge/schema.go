package orcmerge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/internal/orcfile"
)

// DifferenceError is what keeps two files from being merged.
type DifferenceError struct {
	// Column is the path of the first column that differs, its parts separated by dots. It is empty where a
	// property of the files differs.
	Column string
	// Property is what differs where it is no column.
	Property string
	// First and Other are the names of the files; FirstIs and OtherIs are what the column or the property is in them.
	First, FirstIs, Other, OtherIs string
}

func (e *DifferenceError) Error() string {
	what := "the files differ: " + e.Property
	if e.Property == "" {
		what = "the schemas differ: column " + e.Column
	}
	return fmt.Sprintf("%s is %s in %s and %s in %s", what, e.FirstIs, e.First, e.OtherIs, e.Other)
}

// column is a node of a schema: where it is, and all that is to agree.
type column struct{ path, is string }

const (
	noColumn = "no such column"
	deepest  = 100 // that types may be nested
)

// columns lists the nodes of a schema in pre-order, which is that of their numbers.
func columns(types []orcfile.Type) ([]column, error) {
	all := make([]column, 0, len(types))
	var visit func(id uint32, path string, depth int) error
	visit = func(id uint32, path string, depth int) error {
		if int(id) != len(all) || depth > deepest {
			return orcfile.Malformed("column %d is not in its place, or more than %d deep", id, deepest)
		}
		t := &types[id]
		all = append(all, column{path, describe(t)})
		if depth > 0 {
			path += "."
		}
		for i, below := range t.Below {
			if err := visit(below, path+partName(t, i), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if err := visit(0, "", 0); err != nil {
		return nil, err
	}
	if len(all) < len(types) {
		return nil, orcfile.Malformed("%d of %d columns belong to none", len(types)-len(all), len(types))
	}
	return all, nil
}

func partName(t *orcfile.Type, i int) string {
	switch t.Kind {
	case orcfile.KindStruct:
		return t.Names[i]
	case orcfile.KindList:
		return "element"
	case orcfile.KindMap:
		return []string{"key", "value"}[i]
	}
	return fmt.Sprint(i)
}

// describe says what a column is in ORC's own words, as completely as comparison is strict.
func describe(t *orcfile.Type) string {
	is := fmt.Sprintf("type %d", t.Kind)
	if names := strings.Fields("boolean tinyint smallint int bigint float double string binary timestamp array map struct uniontype " +
		"decimal date varchar char timestamp_instant"); t.Kind < uint64(len(names)) {
		is = names[t.Kind]
	}
	switch t.Kind {
	case orcfile.KindStruct, orcfile.KindUnion:
		is += fmt.Sprintf(" of %d", len(t.Below))
	case orcfile.KindDecimal:
		is += fmt.Sprintf("(%d,%d)", t.Precision, t.Scale)
	case orcfile.KindVarchar, orcfile.KindChar:
		is += fmt.Sprintf("(%d)", t.Length)
	}
	if len(t.Attributes) > 0 {
		list := make([]string, len(t.Attributes))
		for i, a := range t.Attributes {
			list[i] = fmt.Sprintf("%q: %q", a.Name, a.Value)
		}
		slices.Sort(list)
		is += " with " + strings.Join(list, ", ")
	}
	return is
}

// compareSchemas finds the first difference between two schemas, or returns nil.
func compareSchemas(first, other []column) *DifferenceError {
	for i := range min(len(first), len(other)) {
		a, b := first[i], other[i]
		switch {
		case a == b, a.path == b.path && i == 0 && len(first) != len(other):
			// Of rows of more or fewer columns the column is named that only one has.
		case a.path != b.path:
			return missing(first, other, i)
		default:
			if name := a.path; name != "" {
				return &DifferenceError{Column: name, FirstIs: a.is, OtherIs: b.is}
			}
			return &DifferenceError{Property: "what a row is", FirstIs: a.is, OtherIs: b.is}
		}
	}
	if len(first) > len(other) {
		extra := first[len(other)]
		return &DifferenceError{Column: extra.path, FirstIs: extra.is, OtherIs: noColumn}
	}
	if len(other) > len(first) {
		extra := other[len(first)]
		return &DifferenceError{Column: extra.path, FirstIs: noColumn, OtherIs: extra.is}
	}
	return nil
}

// missing tells how the columns at place i, which have different names, differ: one is not in
// the other file at all, or it is in another place.
func missing(first, other []column, i int) *DifferenceError {
	find := func(in []column, path string) int {
		return slices.IndexFunc(in, func(c column) bool { return c.path == path })
	}
	a, b := first[i], other[i]
	at := find(other, a.path)
	switch {
	case at < 0:
		return &DifferenceError{Column: a.path, FirstIs: a.is, OtherIs: noColumn}
	case find(first, b.path) < 0:
		return &DifferenceError{Column: b.path, FirstIs: noColumn, OtherIs: b.is}
	}
	return &DifferenceError{Column: a.path, FirstIs: fmt.Sprintf("number %d", i), OtherIs: fmt.Sprintf("number %d", at)}
}
