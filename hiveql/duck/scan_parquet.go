package duck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// fileColumn is the name of the column in which DuckDB says what file a row is of.
const fileColumn = "skep__file"

// scanParquet lets DuckDB read the files. Columns are found by name, ignoring case; those that a
// file lacks are NULL, and those of another type are converted as Hive does. Values that belong
// to whole files are joined by the file's name.
func (l *lowerer) scanParquet(s *analysis.Scan, g *scanGroup) string {
	planAhead(s, g, l.ordered)
	return l.scanLocal(s, g)
}

// scanLocal reads files that are there.
func (l *lowerer) scanLocal(s *analysis.Scan, g *scanGroup) string {
	if s.ByPosition && len(g.files) > 1 {
		return l.byPosition(s, g)
	}
	have, lacking, known := columnsByFooters(s, g)
	if !known && len(s.Cols) > len(constantColumns(s)) {
		var err error
		if have, err = l.parquetColumns(g.list(), s.ByPosition); err != nil {
			return l.fail(err)
		}
		lacking = true
	}
	groups, err := l.alike(s, g, have)
	if err != nil {
		return l.fail(err)
	}
	if groups != nil {
		return l.union(s, groups)
	}
	constants := constantColumns(s)
	r := parquetRead{
		Scan: s, scanGroup: g, have: have,
		byName: lacking && len(have) > 0 && len(g.files) > 1,
		digits: l.resolution == nanos && g.withDigits(), // one file, and its values are constants
	}
	if len(constants) > 0 && !sameValues(g.files) {
		r.joined = constants
	}
	return l.readParquet(&r)
}

// alike divides files that are not to be read by one call of DuckDB's reader; nil where they are.
func (l *lowerer) alike(s *analysis.Scan, g *scanGroup, have map[string]string) ([]*scanGroup, error) {
	if g.clocks == nil && (readsClocks(s, have) || hasJulian(g)) {
		groups, err := byClock(g)
		if err != nil || len(groups) > 1 || groups[0].clocks != nil {
			return groups, err
		}
	}
	if l.resolution == nanos && len(g.files) > 1 && g.withDigits() {
		return byDigits(g), nil
	}
	if readsNanos(s, g, have) {
		return l.byUnit(g, g.list())
	}
	return nil, nil
}

// parquetRead is one call of DuckDB's reader.
type parquetRead struct {
	*analysis.Scan
	*scanGroup
	have   map[string]string     // the columns that the files have, as parquetColumns says them
	byName bool                  // a file may lack a column that another has
	joined []analysis.ScanColumn // those whose values the relation k has by the file's name; none where all files have the same
	digits bool                  // the relation w has digits of timestamps that the file's own columns lack
}

func (l *lowerer) readParquet(r *parquetRead) string {
	call := "read_parquet(" + r.list() + ", hive_partitioning = " + planLate
	if r.byName {
		call += ", union_by_name = true"
	}
	if rows, ok := r.rows(); ok {
		call += fmt.Sprintf(", explicit_cardinality = %d", rows)
	}
	columns := strings.Join(l.readColumns(r), ", ")
	switch {
	case r.digits:
		rows := "SELECT " + columns + " FROM " + call + ", file_row_number = true) AS p LEFT JOIN " +
			l.digitsOf(r.Scan, &r.files[0]) + " AS w ON p.file_row_number = w.n"
		if l.ordered {
			rows = "SELECT * FROM (" + rows + " ORDER BY p.file_row_number)"
		}
		return rows
	case r.joined != nil:
		return "SELECT " + columns + " FROM " + call + ", filename = '" + fileColumn + "') AS p JOIN " +
			l.fileValues(r.scanGroup, r.joined) + " ON p." + fileColumn + " = k.file"
	}
	return "SELECT " + columns + " FROM " + call + ") AS p"
}

// readColumns are the columns of a scan as expressions on those of the files, p, and on k and w.
func (l *lowerer) readColumns(r *parquetRead) []string {
	exprs, constants := []string{}, 0
	for i, c := range r.Cols {
		var x string
		switch {
		case c.Source == analysis.DataColumn:
			x = l.dataColumn(r, i)
		case c.Source == analysis.RowOffset:
			x = l.fail(unsupported("BLOCK__OFFSET__INSIDE__FILE of Parquet files"))
		case r.joined != nil:
			x = fmt.Sprintf("k.k%d", constants)
			constants++
		default:
			x = l.expr(&analysis.Const{Value: r.files[0].values[constants], T: c.Type})
			constants++
		}
		exprs = append(exprs, x+" AS "+column(c.ID))
	}
	if len(exprs) == 0 {
		return []string{"1 AS one"}
	}
	return exprs
}

// dataColumn is column i of a scan, whose values are in the files.
func (l *lowerer) dataColumn(r *parquetRead, i int) string {
	c := r.Cols[i]
	if c.Type.Contains(hivetype.Union) {
		return l.fail(noUnion(c.Type, "in Parquet files"))
	}
	key := r.Table.Storage.Columns[c.Index].Name
	if r.ByPosition {
		key = strconv.Itoa(c.Index)
	}
	k := slices.Index(r.files[0].digits, i)
	if k < 0 || l.resolution != nanos {
		return l.parquetColumn(key, r.have, c.Type, r.clocks)
	}
	x := l.parquetColumn(key, r.have, hivetype.Of(hivetype.Timestamp), r.clocks)
	x = fmt.Sprintf("skep_stamp(skep_clock(%s), coalesce(w.d%d, 0::INTEGER))", x, k)
	return l.cast(x, hivetype.Of(hivetype.Timestamp), c.Type)
}

// list is the files as DuckDB's reader takes them.
func (g *scanGroup) list() string {
	paths := make([]string, len(g.files))
	for i, f := range g.files {
		paths[i] = quote(noGlob.Replace(f.local))
	}
	return "[" + strings.Join(paths, ", ") + "]"
}

// rows is how many rows the files have, if all of them say it. DuckDB would take the first file for an
// average one, and order joins by that. What narrow has left out counts: DuckDB estimates the join that it has followed by
// all rows, and would take off twice what that leaves out.
func (g *scanGroup) rows() (int64, bool) {
	n := int64(0)
	for _, f := range g.files {
		if f.footer == nil {
			return 0, false
		}
		n += f.footer.Rows
	}
	return max(n, g.before), true
}

// noGlob makes a path match only itself.
var noGlob = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

func sameValues(files []scanFile) bool {
	for _, f := range files[1:] {
		for i, v := range f.values {
			if hivetypeText(v) != hivetypeText(files[0].values[i]) {
				return false
			}
		}
	}
	return true
}

// hivetypeText tells constants of one type apart.
func hivetypeText(v hivetype.Value) string { return fmt.Sprintf("%T %v", v, v) }

// fileValues is a relation of the names of files and the values of their rows.
func (l *lowerer) fileValues(g *scanGroup, constants []analysis.ScanColumn) string {
	names := []string{"file"}
	for i := range constants {
		names = append(names, fmt.Sprintf("k%d", i))
	}
	rows := make([]string, len(g.files))
	for i, f := range g.files {
		items := []string{quote(f.local)}
		for k, c := range constants {
			items = append(items, l.expr(&analysis.Const{Value: f.values[k], T: c.Type}))
		}
		rows[i] = "(" + strings.Join(items, ", ") + ")"
	}
	return "(VALUES " + strings.Join(rows, ", ") + ") AS k(" + strings.Join(names, ", ") + ")"
}

// byPosition reads each file alone, since the places of one say nothing of those of another.
func (l *lowerer) byPosition(s *analysis.Scan, g *scanGroup) string {
	alone := make([]*scanGroup, len(g.files))
	for i, f := range g.files {
		alone[i] = &scanGroup{parquet: true, files: []scanFile{f}}
	}
	return l.union(s, alone)
}

// union reads several groups of files that are there.
func (l *lowerer) union(s *analysis.Scan, groups []*scanGroup) string {
	branches := make([]string, len(groups))
	for i, g := range groups {
		branches[i] = l.scanLocal(s, g)
	}
	return strings.Join(branches, " UNION ALL ")
}

// parquetColumns are the types of the columns that the files have, by their names in lower case,
// or by their places.
func (l *lowerer) parquetColumns(list string, byPosition bool) (map[string]string, error) {
	rows, err := l.conn.query(l.ctx, "SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet("+
		list+", hive_partitioning = false, union_by_name = true))")
	if err != nil {
		return nil, err
	}
	have := map[string]string{}
	for i, row := range rows {
		key := strings.ToLower(row[0])
		if byPosition {
			key = strconv.Itoa(i)
		}
		if _, twice := have[key]; !twice {
			have[key] = row[0] + "\x00" + row[1]
		}
	}
	return have, nil
}

func (l *lowerer) parquetColumn(column string, have map[string]string, to hivetype.Type, in *clocks) string {
	found, ok := have[strings.ToLower(column)]
	if !ok {
		return "NULL::" + l.sqlType(to)
	}
	as, physical, _ := strings.Cut(found, "\x00")
	x := "p." + name(as)
	if l.resolution == nanos && (hasStamp(to) || strings.Contains(physical, "TIMESTAMP")) {
		return l.parquetStamp(x, as, physical, to, in)
	}
	if converted, ok := physicalTypes[physical]; ok {
		x, physical = "("+x+")::"+converted, converted
	}
	if physical == "TIMESTAMP" {
		x = in.toClock(l, x, as, hivetype.Of(hivetype.Timestamp))
	}
	if physical == "DATE" {
		x = in.toClock(l, x, as, hivetype.Of(hivetype.Date))
	}
	if physical == l.sqlType(to) && !to.Primitive() && in.changes(to) {
		return in.toClock(l, x, as, to)
	}
	if physical == l.sqlType(to) && to.Kind != hivetype.Char && to.Kind != hivetype.Varchar {
		return x
	}
	from, ok := hiveType(physical)
	if one, isList := strings.CutSuffix(physical, "[]"); isList && oneField(to) && !strings.HasPrefix(one, "STRUCT") {
		// A list of structs of one field, as Thrift writes it, looks like a list of that field.
		e := l.fresh("e")
		x = "list_transform(" + x + ", lambda " + e + ": struct_pack(" + name(to.Elem.Fields[0].Name) + " := " + e + "))"
	}
	if !ok {
		x = "TRY_CAST(" + x + " AS " + l.sqlType(to) + ")"
		if in.changes(to) {
			x = in.toClock(l, x, as, to)
		}
		return x
	}
	if from.Kind == hivetype.Decimal && from.Scale > 0 && to.Text() {
		// Read as text, decimals of Parquet have no zeros at their end.
		x, from = "rtrim(rtrim(("+x+")::VARCHAR, '0'), '.')", hivetype.Of(hivetype.String)
	}
	if from.Kind == hivetype.Boolean && to.Text() { // in small letters, unlike CAST
		x, from = "("+x+")::VARCHAR", hivetype.Of(hivetype.String)
	}
	return l.cast(x, from, to)
}

// parquetStamp is a column with timestamps in it, in nanoseconds.
func (l *lowerer) parquetStamp(x, as, physical string, to hivetype.Type, in *clocks) string {
	if physical == "TIMESTAMP_NS" {
		return l.cast("skep_stamp_ns(epoch_ns("+x+"))", hivetype.Of(hivetype.Timestamp), to)
	}
	if !to.Primitive() && strings.Contains(physical, "TIMESTAMP_NS") {
		fine := strings.ReplaceAll(sqlType(to), "TIMESTAMP", "TIMESTAMP_NS")
		x = "TRY_CAST(" + x + " AS " + fine + ")"
		return l.eachTime(x, to, func(x string, _ hivetype.Type) string { return "skep_stamp_ns(epoch_ns(" + x + "))" })
	}
	l.resolution = micros
	have, from := map[string]string{strings.ToLower(as): as + "\x00" + physical}, to
	if to.Primitive() && !stamped(to) {
		from = hivetype.Of(hivetype.Timestamp)
	}
	x = l.parquetColumn(as, have, from, in)
	l.resolution = nanos
	return l.cast(l.inNanos(x, from), from, to)
}

// oneField reports whether t is an array of structs of one field.
func oneField(t hivetype.Type) bool {
	return t.Kind == hivetype.Array && t.Elem.Kind == hivetype.Struct && len(t.Elem.Fields) == 1
}

// physicalTypes are types of files that Hive does not have, and what they are taken for.
var physicalTypes = map[string]string{
	"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20,0)",
	"HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)", "TIMESTAMP_NS": "TIMESTAMP",
	"TIMESTAMP_S": "TIMESTAMP", "TIMESTAMP_MS": "TIMESTAMP", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
	"UUID": "VARCHAR", "TIME": "VARCHAR", "JSON": "VARCHAR",
}

// hiveType is Hive's type for a primitive type of DuckDB's.
func hiveType(sql string) (hivetype.Type, bool) {
	switch sql {
	case "INTEGER":
		return hivetype.Of(hivetype.Int), true
	case "VARCHAR":
		return hivetype.Of(hivetype.String), true
	case "BLOB":
		return hivetype.Of(hivetype.Binary), true
	}
	if strings.ContainsAny(sql, "[<") || strings.HasPrefix(sql, "STRUCT") || strings.HasPrefix(sql, "MAP") {
		return hivetype.Type{}, false
	}
	t, err := hivetype.Parse(strings.ToLower(sql))
	return t, err == nil
}
