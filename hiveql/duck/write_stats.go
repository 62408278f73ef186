package duck

import (
	"os"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// measure adds what the footers of the files say of their columns.
func (w *writer) measure(files []hiveql.Written) error {
	for i := range files {
		f := &files[i]
		in, err := os.Open(f.Path)
		if err != nil {
			return err
		}
		foot, err := footer.Read(in, f.Bytes)
		_ = in.Close() // it was only read
		if err != nil {
			return err
		}
		if len(foot.Columns) < w.columns {
			continue
		}
		f.Columns = make([]hiveql.WrittenColumn, w.columns)
		for k := range f.Columns {
			f.Columns[k] = measured(foot, &foot.Columns[k], w.out.Table.Storage.Columns[k].Type)
		}
	}
	return nil
}

// measured is what the row groups of a file say of a column together.
func measured(foot *footer.File, c *footer.Column, as hivetype.Type) hiveql.WrittenColumn {
	var m hiveql.WrittenColumn
	bounded := true
	for g := range foot.Groups {
		b := c.Bounds(&foot.Groups[g], as)
		if b.Nulls < 0 {
			return hiveql.WrittenColumn{Nulls: -1}
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
