package duck

import (
	"os"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// footerOf reads the footer of a local file, and its size.
func footerOf(path string) (*footer.File, int64, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return nil, 0, err
	}
	foot, err := footer.Read(in, info.Size())
	return foot, info.Size(), err
}

// measured is what a footer says of the columns of its file; nil where it has fewer.
func (w *writer) measured(foot *footer.File) []hiveql.WrittenColumn {
	if len(foot.Columns) < w.columns {
		return nil
	}
	columns := make([]hiveql.WrittenColumn, w.columns)
	for k := range columns {
		columns[k] = measured(foot, &foot.Columns[k], w.out.Table.Storage.Columns[k].Type)
	}
	return columns
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
