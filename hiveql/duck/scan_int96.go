package duck

import (
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// Timestamps of 96 bits say nothing of zones. Hive and Spark write instants in them: the clock of
// the writer put into UTC. To show what the writer saw, as Hive does, they have to go into the
// writer's zone, which Hive names in the file since its version 3.1.2, and else into the zone of
// this machine. Other programs write the clock as it is; they are known by what they call
// themselves.

// writerZone is where a file says in which zone its writer's clock was.
const writerZone = "writer.time.zone"

// javaWriter begins what the writers call themselves that put clocks into UTC.
const javaWriter = "parquet-mr"

// clocks is the zone into which the timestamps of 96 bits of a file go, and which columns of the
// file they are, by names in lower case. Within nested columns they are called by the field's name.
type clocks struct {
	zone    string
	columns map[string]bool
}

// byClock sorts files by their zones, in the order in which they come. Files without timestamps of
// 96 bits, or whose clocks stay as they are, have none.
func (l *lowerer) byClock(g *scanGroup, list string) ([]*scanGroup, error) {
	wide, err := l.conn.query(l.ctx, "SELECT DISTINCT file_name, lower(name) FROM parquet_schema("+list+") WHERE type = 'INT96'")
	if err != nil || len(wide) == 0 {
		return []*scanGroup{g}, err
	}
	zones, err := l.writerZones(list)
	if err != nil {
		return nil, err
	}
	columns := map[string]map[string]bool{}
	for _, row := range wide {
		if columns[row[0]] == nil {
			columns[row[0]] = map[string]bool{}
		}
		columns[row[0]][row[1]] = true
	}
	var groups []*scanGroup
	found := map[string]*scanGroup{}
	for _, f := range g.files {
		zone := ""
		if len(columns[f.local]) > 0 {
			zone = zones[f.local]
		}
		of := found[zone]
		if of == nil {
			of = &scanGroup{parquet: true, clocks: &clocks{zone: zone, columns: map[string]bool{}}}
			found[zone] = of
			groups = append(groups, of)
		}
		of.files = append(of.files, f)
		for name := range columns[f.local] {
			of.clocks.columns[name] = true
		}
	}
	return groups, nil
}

// writerZones are the zones of files by their paths.
func (l *lowerer) writerZones(list string) (map[string]string, error) {
	writers, err := l.conn.query(l.ctx, "SELECT file_name, coalesce(created_by, '') FROM parquet_file_metadata("+list+")")
	if err != nil {
		return nil, err
	}
	named, err := l.conn.query(l.ctx, "SELECT file_name, value::VARCHAR FROM parquet_kv_metadata("+list+") WHERE key::VARCHAR = "+quote(writerZone))
	if err != nil {
		return nil, err
	}
	zones := map[string]string{}
	for _, row := range writers {
		if strings.HasPrefix(row[1], javaWriter) {
			zones[row[0]] = zoneName(hiveql.LocalZone())
		}
	}
	for _, row := range named {
		if zones[row[0]] != "" {
			zones[row[0]] = row[1]
		}
	}
	return zones, nil
}

// zoneName is a zone's name, UTC where it has none that others know.
func zoneName(zone *time.Location) string {
	if name := zone.String(); name != "Local" && name != "" {
		return name
	}
	return "UTC"
}

// toClock puts the timestamps within a value of a file into the writer's zone. column is that of
// the file.
func (c *clocks) toClock(l *lowerer, x, column string, t hivetype.Type) string {
	if c == nil || c.zone == "" || t.Primitive() && !c.columns[strings.ToLower(column)] {
		return x
	}
	switch t.Kind {
	case hivetype.Timestamp:
		return "timezone(" + quote(c.zone) + ", timezone('UTC', " + x + "))"
	case hivetype.Array:
		e := l.fresh("e")
		return "list_transform(" + x + ", lambda " + e + ": " + c.inside(l, e, *t.Elem) + ")"
	case hivetype.Map:
		e := l.fresh("e")
		return "map_from_entries(list_transform(map_entries(" + x + "), lambda " + e + ": struct_pack(k := " +
			c.inside(l, "struct_extract("+e+", 'key')", *t.Key) + ", v := " + c.inside(l, "struct_extract("+e+", 'value')", *t.Elem) + ")))"
	case hivetype.Struct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			part := "struct_extract(" + x + ", " + quote(f.Name) + ")"
			fields[i] = name(f.Name) + " := " + c.toClock(l, part, f.Name, f.Type)
		}
		return "CASE WHEN " + x + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END"
	}
	return x
}

// inside is toClock of what has no name of its own: an element, a key.
func (c *clocks) inside(l *lowerer, x string, t hivetype.Type) string {
	if t.Kind == hivetype.Timestamp {
		return "timezone(" + quote(c.zone) + ", timezone('UTC', " + x + "))"
	}
	return c.toClock(l, x, "", t)
}

// hasClock reports whether there are timestamps in a type.
func hasClock(t hivetype.Type) bool {
	switch t.Kind {
	case hivetype.Timestamp:
		return true
	case hivetype.Array:
		return hasClock(*t.Elem)
	case hivetype.Map:
		return hasClock(*t.Key) || hasClock(*t.Elem)
	case hivetype.Struct:
		for _, f := range t.Fields {
			if hasClock(f.Type) {
				return true
			}
		}
	}
	return false
}

// readsClocks reports whether a scan reads timestamps of a file, or columns that were timestamps
// when the file was written.
func readsClocks(s *analysis.Scan, have map[string]string) bool {
	for _, c := range s.Cols {
		if c.Source == analysis.DataColumn && hasClock(c.Type) {
			return true
		}
	}
	for _, found := range have {
		if strings.Contains(found, "TIMESTAMP") {
			return true
		}
	}
	return false
}
