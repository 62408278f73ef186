package hiveql

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// describe runs DESCRIBE of tables, partitions, columns, databases and functions, laid out as
// Hive does.
func (s *Session) describe(ctx context.Context, r *Result, n *syntax.Describe) error {
	switch n.What {
	case "DATABASE":
		return s.describeDatabase(ctx, r, n)
	case "FUNCTION":
		return s.describeFunction(r, n)
	}
	t, err := s.table(ctx, &n.Name)
	if err != nil {
		return err
	}
	if len(n.Column) > 0 {
		return s.describeColumn(ctx, r, n, t)
	}
	d := describer{s: s, table: t}
	if d.partition, err = s.chosenPartition(ctx, t, n.Partition); err != nil {
		return err
	}
	if d.partition != nil && classEqual(t.Storage.SerDe.Library, avroSerDe) {
		d.partition.Storage.Columns = t.Storage.Columns // as all of its partitions are read
	}
	if d.partition == nil && n.Mode != "" {
		if d.table, err = s.withTotals(ctx, &n.Name, t); err != nil {
			return err
		}
	}
	if d.constraints, err = s.shownConstraints(ctx, t); err != nil {
		return err
	}
	if s.inJSON() {
		return r.showJSON(d.json(n.Mode))
	}
	switch n.Mode {
	case "FORMATTED":
		d.formatted()
	case "EXTENDED":
		d.plain()
		d.gap()
		d.extended()
		d.constraintLines(d.constraints)
	default:
		d.plain()
	}
	r.showRagged([]string{"col_name", "data_type", "comment"}, d.rows, s.noColumn())
	return nil
}

// describer collects the rows of one DESCRIBE.
type describer struct {
	s         *Session
	table     *metastore.Table
	partition *metastore.Partition // nil for the table
	// constraints are those to show.
	constraints []metastore.Constraint
	rows        [][]string
}

func (d *describer) row(columns ...string) { d.rows = append(d.rows, columns) }

// gap is an empty line, and head the line above a section, as Hive prints them.
func (d *describer) gap()             { d.row("") }
func (d *describer) head(text string) { d.row(text) }

// field is one line of a section, name: value.
func (d *describer) field(name, value string) { d.row(pad(name), pad(value)) }

func (d *describer) storage() *metastore.StorageDescriptor {
	if d.partition != nil {
		return &d.partition.Storage
	}
	return &d.table.Storage
}

func (d *describer) columns(cols []metastore.Column) {
	for _, c := range cols {
		if d.s.cfg.ForPrograms {
			d.row(c.Name, c.Type.String(), literalValue(c.Comment))
			continue
		}
		lines := strings.Split(c.Comment, "\n")
		d.row(pad(c.Name), pad(c.Type.String()), pad(lines[0]))
		for _, more := range lines[1:] {
			d.row(pad(""), pad(""), pad(more))
		}
	}
}

func (d *describer) columnHead() {
	d.row("# "+d.s.align("col_name"), d.s.align("data_type"), d.s.align("comment"))
}

func (d *describer) plain() {
	d.columns(d.storage().Columns)
	d.columns(d.table.PartitionKeys)
	d.partitionSection()
}

func (d *describer) partitionSection() {
	if !d.table.Partitioned() {
		return
	}
	d.gap()
	d.head("# Partition Information")
	d.columnHead()
	d.columns(d.table.PartitionKeys)
}

func (d *describer) formatted() {
	if !d.s.cfg.ForPrograms {
		d.columnHead()
	}
	d.columns(d.storage().Columns)
	d.partitionSection()
	d.gap()
	if d.partition != nil {
		d.partitionDetails()
	} else {
		d.tableDetails()
	}
	d.gap()
	d.head("# Storage Information")
	d.storageDetails()
	if d.partition == nil {
		d.constraintSections(d.constraints)
	}
	if d.table.Type == metastore.View {
		d.gap()
		d.head("# View Information")
		d.lines("Original Query:", d.table.ViewOriginalText)
		d.lines("Expanded Query:", d.table.ViewExpandedText)
	}
}

// lines prints a field whose value may be of several lines.
func (d *describer) lines(name, value string) {
	list := strings.Split(value, "\n")
	d.field(name, list[0])
	for _, l := range list[1:] {
		d.row("", pad(""), pad(l))
	}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "UNKNOWN"
	}
	return t.Local().Format("Mon Jan 02 15:04:05 MST 2006")
}

func (d *describer) tableDetails() {
	t := d.table
	d.head("# Detailed Table Information")
	d.field("Database:", t.Database)
	d.field("OwnerType:", "USER")
	d.field("Owner:", t.Owner)
	d.field("CreateTime:", when(t.CreateTime))
	d.field("LastAccessTime:", "UNKNOWN")
	d.field("Retention:", "0")
	if t.Type != metastore.View {
		d.field("Location:", t.Storage.Location)
	}
	d.field("Table Type:", string(t.Type))
	d.params("Table Parameters:", t.Parameters)
}

func (d *describer) partitionDetails() {
	p := d.partition
	d.head("# Detailed Partition Information")
	d.field("Partition Value:", "["+strings.Join(p.Values, ", ")+"]")
	d.field("Database:", d.table.Database)
	d.field("Table:", d.table.Name)
	d.field("CreateTime:", when(p.CreateTime))
	d.field("LastAccessTime:", "UNKNOWN")
	d.field("Location:", p.Storage.Location)
	d.params("Partition Parameters:", p.Parameters)
}

// params prints parameters; Hive leaves the third column of their lines away.
func (d *describer) params(title string, params map[string]string) {
	params = shownParams(params)
	if len(params) == 0 {
		return
	}
	d.head(title)
	for _, k := range slices.Sorted(maps.Keys(params)) {
		v := redacted(k, params[k])
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && k == "transient_lastDdlTime" {
			v = strconv.FormatInt(n, 10)
		}
		if k != "comment" {
			d.row("", pad(k), pad(literalValue(v)))
			continue
		}
		for i, l := range strings.Split(v, "\n") {
			if i > 0 {
				k = ""
			}
			d.row("", pad(k), pad(literalValue(l)))
		}
	}
}

// literalValue escapes what would break a line.
func literalValue(v string) string {
	return strings.NewReplacer(`"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`,
		"\x01", `\u0001`, "\x02", `\u0002`, "\x03", `\u0003`).Replace(v)
}

func (d *describer) storageDetails() {
	sd := d.storage()
	d.field("SerDe Library:", orNull(sd.SerDe.Library))
	d.field("InputFormat:", orNull(sd.InputFormat))
	d.field("OutputFormat:", orNull(sd.OutputFormat))
	compressed := "No"
	if sd.Compressed {
		compressed = "Yes"
	}
	d.field("Compressed:", compressed)
	d.field("Num Buckets:", strconv.Itoa(sd.NumBuckets))
	d.field("Bucket Columns:", "["+strings.Join(sd.BucketColumns, ", ")+"]")
	var sorted []string
	for _, c := range sd.SortColumns {
		order := 1
		if c.Desc {
			order = 0
		}
		sorted = append(sorted, fmt.Sprintf("Order(col:%s, order:%d)", c.Name, order))
	}
	d.field("Sort Columns:", "["+strings.Join(sorted, ", ")+"]")
	d.skewLines()
	d.params("Storage Desc Params:", sd.SerDe.Parameters)
}

func orNull(s string) string {
	if s == "" {
		return "null"
	}
	return s
}

// extended is the one long line of DESCRIBE EXTENDED.
func (d *describer) extended() {
	what, created := "Detailed Table Information", d.table.CreateTime
	head := fmt.Sprintf("Table(tableName:%s, dbName:%s, owner:%s", d.table.Name, d.table.Database, d.table.Owner)
	params := d.table.Parameters
	if d.partition != nil {
		what, created, params = "Detailed Partition Information", d.partition.CreateTime, d.partition.Parameters
		head = fmt.Sprintf("Partition(values:[%s], dbName:%s, tableName:%s",
			strings.Join(d.partition.Values, ", "), d.table.Database, d.table.Name)
	}
	sd := d.storage()
	text := fmt.Sprintf("%s, createTime:%d, lastAccessTime:0, sd:StorageDescriptor(cols:%s, location:%s, inputFormat:%s, "+
		"outputFormat:%s, compressed:%v, numBuckets:%d, serdeInfo:SerDeInfo(name:%s, serializationLib:%s, parameters:%s), "+
		"bucketCols:[%s]), partitionKeys:%s, parameters:%s", head, created.Unix(), fieldSchemas(sd.Columns), sd.Location,
		sd.InputFormat, sd.OutputFormat, sd.Compressed, sd.NumBuckets, orNull(sd.SerDe.Name), sd.SerDe.Library,
		braces(sd.SerDe.Parameters), strings.Join(sd.BucketColumns, ", "),
		fieldSchemas(d.table.PartitionKeys), braces(params))
	if d.partition == nil {
		text += fmt.Sprintf(", viewOriginalText:%s, viewExpandedText:%s, tableType:%s",
			orNull(d.table.ViewOriginalText), orNull(d.table.ViewExpandedText), d.table.Type)
	}
	d.row(what, literalValue(text)+")", "")
}

func fieldSchemas(cols []metastore.Column) string {
	var parts []string
	for _, c := range cols {
		parts = append(parts, fmt.Sprintf("FieldSchema(name:%s, type:%s, comment:%s)", c.Name, c.Type, orNull(c.Comment)))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func braces(params map[string]string) string {
	params = shownParams(params)
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		parts = append(parts, k+"="+redacted(k, params[k]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// describeColumn runs DESCRIBE t c, also into structs, arrays ($elem$) and maps ($key$,
// $value$).
func (s *Session) describeColumn(ctx context.Context, r *Result, n *syntax.Describe, t *metastore.Table) error {
	cols := slices.Concat(t.Storage.Columns, t.PartitionKeys)
	at := slices.IndexFunc(cols, func(c metastore.Column) bool { return strings.EqualFold(c.Name, n.Column[0].Name) })
	if at < 0 {
		return semantic(&n.Column[0], 10002, "Invalid column reference '%s'", n.Column[0].Name)
	}
	name, typ := n.Column[0].Name, cols[at].Type
	for i := range n.Column[1:] {
		part := &n.Column[i+1]
		inner, ok := elementOf(typ, part.Name)
		if !ok {
			return semantic(part, 10002, "Invalid column reference '%s': %s is %s", part.Name, name, typ)
		}
		name, typ = part.Name, inner
	}
	if n.Mode == "FORMATTED" {
		rows, err := s.columnProperties(ctx, n, t, cols[at], typ)
		if err != nil {
			return err
		}
		rows[0] = []string{s.align("col_name"), s.align(name)}
		if s.inJSON() {
			return r.showJSON(columnJSON(name, typ, rows))
		}
		r.show([]string{"column_property", "value"}, rows)
		return nil
	}
	if s.inJSON() {
		return r.showJSON(columnJSON(name, typ, nil))
	}
	rows := [][]string{{s.align(name), s.align(typ.String()), s.align(fromDeserializer)}}
	if typ.Kind == hivetype.Struct {
		rows = nil
		for _, f := range typ.Fields {
			rows = append(rows, []string{s.align(f.Name), s.align(f.Type.String()), s.align(fromDeserializer)})
		}
	}
	r.show([]string{"col_name", "data_type", "comment"}, rows)
	return nil
}

// columnProperties are the lines of DESCRIBE FORMATTED about one column, the first left empty for
// its name.
func (s *Session) columnProperties(
	ctx context.Context, n *syntax.Describe, t *metastore.Table, col metastore.Column, typ hivetype.Type,
) ([][]string, error) {
	part, err := s.chosenPartition(ctx, t, n.Partition)
	if err != nil {
		return nil, err
	}
	var stats columnStats
	key := part == nil && t.Keys().Find(col.Name) >= 0
	switch {
	case key:
		if stats, err = s.keyStatistics(ctx, t, col); err != nil {
			return nil, err
		}
	case len(n.Column) == 1:
		if stats, err = s.statsToShow(ctx, t, part, n.Partition, col); err != nil {
			return nil, err
		}
	}
	rows := [][]string{nil, {s.align("data_type"), s.align(typ.String())}}
	if !strings.EqualFold(s.Setting("hive.stats.fetch.bitvector"), "true") {
		delete(stats, "bit_vector")
	}
	for _, stat := range statNames() {
		rows = append(rows, []string{s.align(stat), s.align(stats[stat])})
	}
	if key {
		text, err := json.Marshal(accuracy{Columns: map[string]string{col.Name: "true"}})
		rows = append(rows, []string{s.align("comment"), s.align(col.Comment)}, []string{s.align(accurateParam), pad(literalValue(string(text)))})
		return rows, err
	}
	rows = append(rows, []string{s.align("comment"), s.align(fromDeserializer)}) // whatever the table says
	if v, ok := t.Parameters[accurateParam]; ok && part == nil {
		rows = append(rows, []string{s.align(accurateParam), pad(literalValue(v))})
	}
	return rows, nil
}

// fromDeserializer is the comment of columns whose types the SerDe decides.
const fromDeserializer = "from deserializer"

func elementOf(t hivetype.Type, name string) (hivetype.Type, bool) {
	switch {
	case t.Kind == hivetype.Array && name == "$elem$", t.Kind == hivetype.Map && name == "$value$":
		return *t.Elem, true
	case t.Kind == hivetype.Map && name == "$key$":
		return *t.Key, true
	}
	for _, f := range t.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Type, true
		}
	}
	return hivetype.Type{}, false
}

func (s *Session) describeDatabase(ctx context.Context, r *Result, n *syntax.Describe) error {
	ident := n.Name.Parts[len(n.Name.Parts)-1]
	d, err := s.cfg.Store.Database(ctx, ident.Object())
	if err != nil {
		return s.databaseError(&ident, ident.Object(), err)
	}
	if s.inJSON() {
		return r.showJSON(s.jsonDatabase(d, n.Mode == "EXTENDED"))
	}
	row := []string{d.Name, d.Comment, s.databaseLocation(d), d.Parameters[managedLocationParam], d.Owner, "USER", "", ""}
	names := []string{"db_name", "comment", "location", "managedlocation", "owner_name", "owner_type",
		"connector_name", "remote_dbname"}
	if n.Mode == "EXTENDED" {
		names = append(names, "parameters")
		params := ""
		if shown := shownParams(d.Parameters); len(shown) > 0 {
			params = braces(shown)
		}
		row = append(row, params)
	}
	r.show(names, [][]string{row})
	return nil
}

func (s *Session) describeFunction(r *Result, n *syntax.Describe) error {
	name := strings.ToLower(n.Name.Parts[len(n.Name.Parts)-1].Name)
	f, ok := analysis.Lookup(name)
	if !ok {
		for _, op := range analysis.Operators() {
			if op.Name == name {
				f, ok = op, true
			}
		}
	}
	if !ok {
		r.showLines("tab_name", []string{"Function '" + name + "' does not exist."})
		return nil
	}
	usage := f.Usage
	if usage == "" {
		usage = "There is no documentation for function '" + name + "'"
	}
	lines := strings.Split(usage, "\n")
	if n.Mode == "EXTENDED" {
		others := slices.DeleteFunc(append([]string{f.Name}, f.Aliases...), func(a string) bool { return a == name })
		if len(others) > 0 {
			lines = append(lines, "Synonyms: "+strings.Join(others, ", "))
		}
		lines = append(lines, "Function type:BUILTIN")
	}
	r.showLines("tab_name", lines)
	return nil
}
