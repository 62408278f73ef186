package metastore_test

import (
	"errors"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

func TestCheckTypeChanges(t *testing.T) {
	columns := func(types ...string) (out []metastore.Column) {
		for _, text := range types {
			typ, err := hivetype.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, metastore.Column{Name: "c", Type: typ})
		}
		return out
	}
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"int", "int", true}, {"int", "bigint", true}, {"bigint", "int", false}, {"int", "decimal(10,0)", true},
		{"decimal(10,2)", "decimal(5,2)", true}, {"double", "float", false}, {"int", "string", true}, {"string", "int", false},
		{"string", "double", true}, {"string", "decimal(10,2)", true}, {"varchar(5)", "string", true}, {"string", "char(3)", true},
		{"date", "string", true}, {"timestamp", "string", true}, {"string", "date", false}, {"date", "timestamp", false},
		{"boolean", "string", false}, {"binary", "string", false}, {"struct<a:int>", "struct<b:string>", true},
		{"array<int>", "map<int,int>", false}, {"array<int>", "string", false},
	} {
		err := metastore.CheckTypeChanges(columns(c.from), columns(c.to))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, metastore.ErrInvalid) {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
	if err := metastore.CheckTypeChanges(columns("int", "string"), columns("int")); err != nil {
		t.Errorf("a column less: %v", err)
	}
	if err := metastore.CheckTypeChanges(columns("int"), columns("int", "string")); err != nil {
		t.Errorf("a column more: %v", err)
	}
}
