package duck

import (
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
)

// readsNanos reports whether a scan of several files meets timestamps in nanoseconds, as which
// DuckDB then reads those of all the files: it would fail for years that 64 bits of nanoseconds
// do not reach.
func readsNanos(s *analysis.Scan, g *scanGroup, have map[string]string) bool {
	if len(g.files) < 2 || g.sameUnits {
		return false
	}
	for _, c := range s.Cols {
		if c.Source != analysis.DataColumn {
			continue
		}
		if found := have[strings.ToLower(s.Table.Storage.Columns[c.Index].Name)]; strings.HasSuffix(found, "\x00TIMESTAMP_NS") {
			return true
		}
	}
	return false
}

// byUnit puts files together whose columns in nanoseconds are the same.
func (l *lowerer) byUnit(g *scanGroup, list string) ([]*scanGroup, error) {
	rows, err := l.conn.query(l.ctx, "SELECT file_name, string_agg(name, '\n' ORDER BY name) FROM parquet_schema("+list+
		") WHERE logical_type LIKE '%NANOS=%' AND logical_type NOT LIKE '%NANOS=<null>%' GROUP BY file_name")
	if err != nil {
		return nil, err
	}
	columns := map[string]string{}
	for _, row := range rows {
		columns[row[0]] = row[1]
	}
	var groups []*scanGroup
	of := map[string]*scanGroup{}
	for _, f := range g.files {
		key := columns[f.local]
		if of[key] == nil {
			of[key] = &scanGroup{parquet: true, clocks: g.clocks, sameUnits: true}
			groups = append(groups, of[key])
		}
		of[key].files = append(of[key].files, f)
	}
	return groups, nil
}
