package duck

import (
	"errors"
	"io"
	"os"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore/distinct"
)

// look reads the footer of a local file, and its size, and where that is asked for what the file says of
// its columns; nil where it has fewer than it should.
func (w *writer) look(path string) (foot *footer.File, size int64, columns []hiveql.WrittenColumn, err error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, 0, nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	info, err := in.Stat()
	if err != nil {
		return nil, 0, nil, err
	}
	if foot, err = footer.Read(in, info.Size()); err == nil && w.out.Measure && len(foot.Columns) >= w.columns {
		columns = w.measured(in, foot)
	}
	return foot, info.Size(), columns, err
}

// measured is what a file says of its columns.
func (w *writer) measured(in io.ReaderAt, foot *footer.File) []hiveql.WrittenColumn {
	columns := make([]hiveql.WrittenColumn, w.columns)
	for k := range columns {
		c, as := &foot.Columns[k], w.out.Table.Storage.Columns[k].Type
		if columns[k] = measured(foot, c, as); columns[k].Nulls >= 0 {
			columns[k].Distinct, columns[k].Sketch = w.countDistinct(in, foot, c, as)
		}
	}
	return columns
}

// measured is what the row groups of a file say of a column together, but for its different values.
func measured(foot *footer.File, c *footer.Column, as hivetype.Type) hiveql.WrittenColumn {
	m := hiveql.WrittenColumn{Distinct: -1}
	bounded := true
	for g := range foot.Groups {
		b := c.Bounds(&foot.Groups[g], as)
		if b.Nulls < 0 {
			return hiveql.WrittenColumn{Nulls: -1, Distinct: -1}
		}
		m.Nulls += b.Nulls
		if b.Nulls == b.Rows {
			continue
		}
		if !b.Exact || b.Min == nil || b.Max == nil {
			bounded = false
			continue
		}
		if m.Min == nil || hivetype.Compare(b.Min, m.Min, as) < 0 {
			m.Min = b.Min
		}
		if m.Max == nil || hivetype.Compare(b.Max, m.Max, as) > 0 {
			m.Max = b.Max
		}
	}
	if !bounded {
		m.Min, m.Max = nil, nil
	}
	return m
}

// mostPlain is how many values that are not in dictionaries a statement looks at, to count the different
// ones: all of a small one, which takes some milliseconds.
const mostPlain = 1 << 18

// countDistinct counts the different values of a column; -1 and nil where they are not known. Those of a row
// group whose values are in a dictionary DuckDB has counted; those of several are known by the sketch of
// their dictionaries. What cannot be read is not known: a write does not fail for its statistics.
func (w *writer) countDistinct(in io.ReaderAt, foot *footer.File, c *footer.Column, as hivetype.Type) (int64, *distinct.Sketch) {
	var d distinctCount
	sketch := &distinct.Sketch{}
	for i := range foot.Groups {
		g := &foot.Groups[i]
		values := g.Rows - c.Bounds(g, as).Nulls
		if values == 0 {
			continue
		}
		known := false
		n := c.Distinct(g)
		switch {
		case n >= 0 && sketch != nil:
			known, _ = w.pages.Dictionary(in, c, g, as, sketch)
		case n < 0 && sketch != nil && w.plain+values <= mostPlain:
			if known, _ = w.pages.Plain(in, c, g, as, sketch); known {
				w.plain += values
			}
		}
		if !known {
			sketch = nil
		}
		if d.add(n, values); sketch == nil && (d.groups > 1 || n < 0) {
			return -1, nil
		}
	}
	return d.result(sketch)
}

// distinctCount is what is known of the different values of some row groups.
type distinctCount struct {
	groups      int
	least, most int64 // of all
	exact       bool  // of one group
}

// add takes a row group of so many values, and so many different ones, -1 if that is not known.
func (d *distinctCount) add(n, values int64) {
	d.groups++
	if d.exact = n >= 0; d.exact {
		d.least, values = max(d.least, n), n
	}
	d.most += values
}

func (d *distinctCount) result(sketch *distinct.Sketch) (int64, *distinct.Sketch) {
	switch {
	case d.groups == 1 && d.exact:
		return d.most, sketch
	case d.groups > 0 && sketch != nil:
		return min(max(sketch.Count(), d.least), d.most), sketch
	}
	return -1, nil
}
