package hiveql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// takeSkew records SKEWED BY of a table whose columns are known: the values that Hive would give
// files of their own. It is shown, and does not change how files are written.
func takeSkew(d *metastore.StorageDescriptor, n *syntax.Skewed) error {
	if n == nil {
		return nil
	}
	k := &metastore.Skewed{Directories: n.Directories}
	for i := range n.Columns {
		name := strings.ToLower(n.Columns[i].Name)
		switch {
		case d.Column(name) < 0:
			return semantic(&n.Columns[i], 10204, "No skewed column %s in the table", n.Columns[i].Name)
		case !d.Columns[d.Column(name)].Type.Primitive():
			return semantic(&n.Columns[i], 10205, "Skewed column %s is not of a primitive type", n.Columns[i].Name)
		}
		for _, other := range k.Columns {
			if other == name {
				return semantic(&n.Columns[i], 10201, "Skewed column name repeated: %s", name)
			}
		}
		k.Columns = append(k.Columns, name)
	}
	for _, v := range n.Values {
		if len(v) != len(k.Columns) {
			return semantic(n, 10203, "The number of skewed values, %d, is not that of the skewed columns, %d",
				len(v), len(k.Columns))
		}
		texts, err := skewTexts(v)
		if err != nil {
			return err
		}
		k.Values = append(k.Values, texts)
	}
	d.Skewed = k
	return nil
}

func skewTexts(list []syntax.Expr) ([]string, error) {
	texts := make([]string, len(list))
	for i, x := range list {
		switch v := x.(type) {
		case *syntax.Literal:
			texts[i] = v.Value
		case *syntax.Unary:
			texts[i] = strings.ReplaceAll(syntax.Print(v), " ", "")
		default:
			return nil, semantic(x, 10206, "Skewed values have to be constants")
		}
	}
	return texts, nil
}

// setSkewedLocations records SET SKEWED LOCATION.
func setSkewedLocations(d *metastore.StorageDescriptor, n *syntax.SetSkewedLocation) error {
	k := d.Skewed.Clone()
	if k == nil {
		return semantic(n, 10205, "SET SKEWED LOCATION is for tables that are SKEWED BY something")
	}
	for i := range n.Locations {
		texts, err := skewTexts(n.Locations[i].Values)
		if err != nil {
			return err
		}
		k.Locations = append(k.Locations, metastore.SkewedLocation{Values: texts, Location: n.Locations[i].Location})
	}
	d.Skewed = k
	return nil
}

// skewLines are the lines of DESCRIBE FORMATTED about skewed values.
func (d *describer) skewLines() {
	k := d.storage().Skewed
	if k == nil {
		return
	}
	if k.Directories {
		d.field("Stored As SubDirectories:", "Yes")
	}
	d.field("Skewed Columns:", bracketed(k.Columns))
	var values []string
	for _, v := range slices.SortedFunc(slices.Values(k.Values), slices.Compare) {
		values = append(values, bracketed(v))
	}
	d.field("Skewed Values:", bracketed(values))
	if len(k.Locations) > 0 {
		var places []string
		for _, l := range k.Locations {
			places = append(places, bracketed(l.Values)+"="+l.Location)
		}
		d.field("Skewed Value to Path:", "{"+strings.Join(places, ", ")+"}")
	}
}

func bracketed(list []string) string { return fmt.Sprintf("[%s]", strings.Join(list, ", ")) }

// skewClause is SKEWED BY as SHOW CREATE TABLE prints it.
func skewClause(d *metastore.StorageDescriptor) []string {
	k := d.Skewed
	if k == nil {
		return nil
	}
	names := make([]string, len(k.Columns))
	for i, c := range k.Columns {
		names[i] = quoted(c)
	}
	values := make([]string, len(k.Values))
	for i, v := range k.Values {
		texts := make([]string, len(v))
		for j, x := range v {
			texts[j] = literal(x)
		}
		values[i] = "(" + strings.Join(texts, ",") + ")"
	}
	lines := []string{"SKEWED BY (" + strings.Join(names, ",") + ")", "  ON (" + strings.Join(values, ",") + ")"}
	if k.Directories {
		lines = append(lines, "  STORED AS DIRECTORIES")
	}
	return lines
}
