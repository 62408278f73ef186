package duck

import (
	"fmt"
	"slices"
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
	julian  bool // dates before the 15th of October 1582 are of the Julian calendar
	hive    bool // timestamps of 96 bits before that day are: Hive's writer has them so in any case
}

// byClock sorts files by their zones and calendars, in the order in which they come. Files without timestamps of
// 96 bits, or whose clocks stay as they are, have no zone.
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
		julian, hive := f.footer.JulianDates(), zone != "" && f.footer.Notes[writerZoneNote] != ""
		key := fmt.Sprint(julian, hive, zone)
		of := found[key]
		if of == nil {
			of = &scanGroup{parquet: true, clocks: &clocks{zone: zone, columns: map[string]bool{}, julian: julian, hive: hive}}
			found[key] = of
			groups = append(groups, of)
		}
		of.files = append(of.files, f)
		for _, name := range wide {
			of.clocks.columns[name] = true
		}
	}
	if len(groups) == 1 && len(groups[0].clocks.columns) == 0 && !groups[0].clocks.julian {
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

// toClock puts the timestamps within a value of a file into the writer's zone, and its dates into the
// calendar of today. column is that of the file.
func (c *clocks) toClock(l *lowerer, x, column string, t hivetype.Type) string {
	if !c.changes(t) {
		return x
	}
	switch t.Kind {
	case hivetype.Date:
		return l.today(x, t)
	case hivetype.Timestamp:
		if !c.columns[strings.ToLower(column)] {
			return x
		}
		return c.stamp(l, x)
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
	if t.Kind == hivetype.Timestamp && c.zone != "" {
		return c.stamp(l, x)
	}
	return c.toClock(l, x, "", t)
}

// stamp is a timestamp of 96 bits as its writer saw it.
func (c *clocks) stamp(l *lowerer, x string) string {
	x = "timezone(" + quote(c.zone) + ", timezone('UTC', " + x + "))"
	if c.hive {
		return l.today(x, hivetype.Of(hivetype.Timestamp))
	}
	return x
}

// today is a date or timestamp of the Julian calendar, if it is before the 15th of October 1582, with the same name in
// the calendar of today.
func (l *lowerer) today(x string, t hivetype.Type) string {
	f := &computed{name: "in the calendar of today", args: []hivetype.Type{t}, result: t, start: func() compute { return julian }}
	return "CASE WHEN " + x + " < '1582-10-15'::" + l.sqlType(t) + " THEN " + l.compute(f, []string{x}) + " ELSE " + x + " END"
}

// changes reports whether values of a type may be others than those in the file.
func (c *clocks) changes(t hivetype.Type) bool {
	return c != nil && (c.zone != "" && hasClock(t) || c.julian && t.Contains(hivetype.Date))
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

// hasJulian reports whether a file has dates of the Julian calendar.
func hasJulian(g *scanGroup) bool {
	return slices.ContainsFunc(g.files, func(f scanFile) bool { return f.footer != nil && f.footer.JulianDates() })
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
