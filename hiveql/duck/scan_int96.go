package duck

import (
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// Timestamps of 96 bits say nothing of zones. Hive and Spark write instants in them: the clock of
// the writer put into UTC. To show what the writer saw, as Hive does, they have to go into the
// writer's zone, which Hive names in the file since its version 3.1.2, and else into the zone of
// this machine. Other programs write the clock as it is; they are known by what they call
// themselves.

// writerZoneNote is where a file says in which zone its writer's clock was.
const writerZoneNote = "writer.time.zone"

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
func byClock(g *scanGroup) ([]*scanGroup, error) {
	var groups []*scanGroup
	found := map[string]*scanGroup{}
	for _, f := range g.files {
		if f.footer == nil {
			return nil, &Error{Op: "read", Msg: f.file.URL() + ": what its timestamps mean cannot be found out"}
		}
		zone, wide := "", wideColumns(f.footer)
		if len(wide) > 0 {
			zone = writerZone(f.footer)
		}
		of := found[zone]
		if of == nil {
			of = &scanGroup{parquet: true, clocks: &clocks{zone: zone, columns: map[string]bool{}}}
			found[zone] = of
			groups = append(groups, of)
		}
		of.files = append(of.files, f)
		for _, name := range wide {
			of.clocks.columns[name] = true
		}
	}
	if len(groups) == 1 && len(groups[0].clocks.columns) == 0 {
		return []*scanGroup{g}, nil
	}
	return groups, nil
}

func wideColumns(f *footer.File) []string {
	var names []string
	for _, c := range f.Columns {
		names = append(names, c.Wide...)
	}
	return names
}

// writerZone is the zone of the clocks of a file's writer, if it put them into UTC.
func writerZone(f *footer.File) string {
	if !strings.HasPrefix(f.Writer, javaWriter) {
		return ""
	}
	if zone := f.Notes[writerZoneNote]; zone != "" {
		return zone
	}
	return zoneName(hiveql.LocalZone())
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
