package metastore_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, matches, others string
	}{
		{"", "a abc", ""},
		{"*", "a abc", ""},
		{"abc", "abc ABC", "ab abcd"},
		{"a*", "a abc", "ba"},
		{"*c", "c abc", "ca"},
		{"a*c", "ac abc", "a c"},
		{"*b*", "b abc", "ac"},
		{"a*b*c", "abc axbxc", "acb"},
		{"ab|b*", "ab b bcd", "abc a"},
		{"A* | B", "a b", "c"},
		{"a.c", "a.c", "abc"},
		{"a*a", "aa aba", "a"},
	} {
		for name := range strings.FieldsSeq(c.matches) {
			if !metastore.MatchPattern(c.pattern, name) {
				t.Errorf("%q must match %q", c.pattern, name)
			}
		}
		for name := range strings.FieldsSeq(c.others) {
			if metastore.MatchPattern(c.pattern, name) {
				t.Errorf("%q must not match %q", c.pattern, name)
			}
		}
	}
}

func TestValidate(t *testing.T) {
	column := func(name string, typ hivetype.Type) metastore.Column { return metastore.Column{Name: name, Type: typ} }
	str := hivetype.Of(hivetype.String)
	valid := func() *metastore.Table {
		return &metastore.Table{
			TableName: metastore.TableName{Database: "d", Name: "t"}, Type: metastore.Managed,
			Storage:       metastore.StorageDescriptor{Columns: []metastore.Column{column("a", str)}},
			PartitionKeys: []metastore.Column{column("ds", str)},
		}
	}
	if err := valid().Validate(); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*metastore.Table){
		"no database":       func(t *metastore.Table) { t.Database = "" },
		"no name":           func(t *metastore.Table) { t.Name = "" },
		"a dot":             func(t *metastore.Table) { t.Name = "a.b" },
		"a slash":           func(t *metastore.Table) { t.Name = "../x" },
		"no type":           func(t *metastore.Table) { t.Type = "" },
		"two equal columns": func(t *metastore.Table) { t.Storage.Columns = append(t.Storage.Columns, column("A", str)) },
		"a key that is a column": func(t *metastore.Table) {
			t.PartitionKeys = append(t.PartitionKeys, column("a", str))
		},
		"a key of a nested type": func(t *metastore.Table) { t.PartitionKeys[0].Type = hivetype.ArrayOf(str) },
		"a type without a form": func(t *metastore.Table) {
			t.Storage.Columns[0].Type = hivetype.StructOf(hivetype.Field{Name: "a:b", Type: str})
		},
		"bad text": func(t *metastore.Table) { t.Parameters = map[string]string{"k": "\xff"} },
	} {
		table := valid()
		change(table)
		if err := table.Validate(); !errors.Is(err, metastore.ErrInvalid) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
