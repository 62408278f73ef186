package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// show runs SHOW in all its forms.
func (s *Session) show(ctx context.Context, r *Result, n *syntax.Show) error {
	switch n.What {
	case "DATABASES":
		names, err := s.cfg.Store.Databases(ctx, "")
		if err != nil {
			return err
		}
		if s.inJSON() {
			return r.showJSON(jsonNames("databases", like(names, n.Like)))
		}
		r.showLines("database_name", like(names, n.Like))
		return nil
	case "TABLES", "VIEWS":
		return s.showTables(ctx, r, n)
	case "TABLE EXTENDED":
		return s.showExtended(ctx, r, n)
	case "PARTITIONS":
		return s.showPartitions(ctx, r, n)
	case "COLUMNS":
		return s.showColumns(ctx, r, n)
	case "CREATE TABLE":
		t, err := s.table(ctx, n.Name)
		if err != nil {
			return err
		}
		r.showLines("createtab_stmt", s.createStatement(t))
		return nil
	case "CREATE DATABASE":
		return s.showCreateDatabase(ctx, r, n)
	case "TBLPROPERTIES":
		return s.showProperties(ctx, r, n)
	case "FUNCTIONS":
		var names []string
		for _, f := range analysis.Functions() {
			names = append(names, f.Name)
			names = append(names, f.Aliases...)
		}
		names = append(names, analysis.OperatorNames()...)
		slices.Sort(names)
		r.showLines("tab_name", like(slices.Compact(names), n.Like))
		return nil
	case "CONF":
		return s.showConf(r, n)
	}
	return unsupported(n, "SHOW "+n.What)
}

// showConf runs SHOW CONF 'name': the default, the type, and what it is for.
func (s *Session) showConf(r *Result, n *syntax.Show) error {
	key := ""
	if n.Property != nil {
		key = strings.TrimPrefix(*n.Property, confPrefix)
	}
	for _, k := range knownSettings() {
		if k.name == key {
			r.show([]string{"default", "type", "desc"}, [][]string{{redacted(key, s.settings.defaults[key]), k.kind, k.about}})
			return nil
		}
	}
	e := ddlFailed("invalid configuration name %s", key)
	e.Hint = "it may be Hive's all the same: any name can be set, and those that mean nothing here are ignored"
	return e
}

// like filters names by a pattern of SHOW ... LIKE: * and % are any text, _ and . any
// character, | separates alternatives, case does not matter.
func like(names []string, pattern *string) []string {
	if pattern == nil {
		return names
	}
	var kept []string
	for _, name := range names {
		for _, alternative := range strings.Split(*pattern, "|") {
			if wildcard(strings.ToLower(alternative), strings.ToLower(name)) {
				kept = append(kept, name)
				break
			}
		}
	}
	return kept
}

// wildcard matches in time proportional to the product of the lengths.
func wildcard(pattern, s string) bool {
	star, from := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p+1 < len(pattern) && pattern[p] == '\\' && pattern[p+1] == s[i]:
			p += 2
			i++
		case p < len(pattern) && (pattern[p] == '*' || pattern[p] == '%'):
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == s[i] || pattern[p] == '_' || pattern[p] == '.'):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*%") == ""
}

// shownDatabase is the database of IN, or the current one.
func (s *Session) shownDatabase(ctx context.Context, in *syntax.Ident) (string, error) {
	if in == nil {
		return s.db, nil
	}
	name := in.Object()
	if _, err := s.cfg.Store.Database(ctx, name); err != nil {
		return "", s.databaseError(in, name, err)
	}
	return name, nil
}

func (s *Session) showTables(ctx context.Context, r *Result, n *syntax.Show) error {
	want, err := tableTypeOf(n.Where)
	if err != nil {
		return err
	}
	db, err := s.shownDatabase(ctx, n.In)
	if err != nil {
		return err
	}
	names, err := s.cfg.Store.Tables(ctx, db, "")
	if err != nil {
		return err
	}
	names = like(names, n.Like)
	if n.What == "TABLES" && !n.Extended && want == "" {
		if s.inJSON() {
			return r.showJSON(jsonNames("tables", names))
		}
		r.showLines("tab_name", names)
		return nil
	}
	var rows [][]string
	for t, err := range s.shownTables(ctx, db, names) {
		if err != nil {
			return err
		}
		switch {
		case want != "" && t.Type != want, n.What == "VIEWS" && t.Type != metastore.View:
		case n.Extended:
			rows = append(rows, []string{pad(t.Name), pad(string(t.Type))})
		default:
			rows = append(rows, []string{t.Name})
		}
	}
	if s.inJSON() {
		return r.showJSON(jsonTables(rows, n.Extended))
	}
	if n.Extended {
		rows = append([][]string{{pad("# Table Name"), pad("Table Type")}}, rows...)
		r.show([]string{"tab_name", "table_type"}, rows)
		return nil
	}
	r.show([]string{"tab_name"}, rows)
	return nil
}

// shownTables yields the tables of some names. Those that have been dropped meanwhile are passed over.
func (s *Session) shownTables(ctx context.Context, db string, names []string) iter.Seq2[*metastore.Table, error] {
	return func(yield func(*metastore.Table, error) bool) {
		for _, name := range names {
			t, err := s.cfg.Store.Table(ctx, metastore.TableName{Database: db, Name: name})
			if !errors.Is(err, metastore.ErrNoSuchTable) && !yield(t, err) {
				return
			}
		}
	}
}

// tableTypeOf is the type in WHERE `table_type` = 'MANAGED_TABLE', the only condition that
// SHOW TABLES takes; "" for no condition.
func tableTypeOf(where syntax.Expr) (metastore.TableType, error) {
	if where == nil {
		return "", nil
	}
	if b, ok := where.(*syntax.Binary); ok && b.Op == "=" {
		name, isName := b.L.(*syntax.Name)
		lit, isLit := b.R.(*syntax.Literal)
		if isName && isLit && strings.EqualFold(name.Ident.Name, "table_type") {
			return metastore.TableType(lit.Value), nil
		}
	}
	return "", semantic(where, 0,
		"SHOW TABLES WHERE takes `table_type` = 'MANAGED_TABLE', 'EXTERNAL_TABLE' or 'VIRTUAL_VIEW'")
}

func (s *Session) showExtended(ctx context.Context, r *Result, n *syntax.Show) error {
	db, err := s.shownDatabase(ctx, n.In)
	if err != nil {
		return err
	}
	names, err := s.cfg.Store.Tables(ctx, db, "")
	if err != nil {
		return err
	}
	if s.inJSON() {
		return s.showExtendedJSON(ctx, r, n, db, like(names, n.Like))
	}
	var lines []string
	for t, err := range s.shownTables(ctx, db, like(names, n.Like)) {
		if err != nil {
			return err
		}
		part, err := s.chosenPartition(ctx, t, n.Partition)
		if err != nil {
			return err
		}
		more, err := s.extendedLines(ctx, t, part)
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	r.showLines("tab_name", lines)
	return nil
}

// chosenPartition is the partition that a complete spec names, or nil without a spec.
func (s *Session) chosenPartition(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec,
) (*metastore.Partition, error) {
	if spec == nil {
		return nil, nil
	}
	values, err := s.partitionValues(t, spec)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Store.Partition(ctx, t.TableName, values)
	if errors.Is(err, metastore.ErrNoSuchPartition) {
		return nil, semantic(spec, 10006, "Partition not found %s", syntax.Print(spec))
	}
	return p, err
}

// extendedLines describes a table, or with part one of its partitions.
func (s *Session) extendedLines(ctx context.Context, t *metastore.Table, part *metastore.Partition) ([]string, error) {
	sd, params := &t.Storage, t.Parameters
	if part != nil {
		sd, params = &part.Storage, part.Parameters
	}
	lines := []string{"tableName:" + t.Name, "owner:" + t.Owner, "location:" + orNull(sd.Location),
		"inputformat:" + sd.InputFormat, "outputformat:" + sd.OutputFormat,
		"columns:" + structText("columns", sd.Columns), "partitioned:" + strconv.FormatBool(t.Partitioned()),
		"partitionColumns:"}
	if t.Partitioned() {
		lines[len(lines)-1] += structText("partition_columns", t.PartitionKeys)
	}
	if t.Type == metastore.View {
		return append(lines, ""), nil
	}
	var files, size, most, least int64
	places := []string{sd.Location}
	if part == nil {
		var err error
		if places, err = s.places(ctx, t); err != nil {
			return nil, err
		}
	}
	l := newLister(s.cfg, t)
	for _, p := range places {
		found, err := l.files(ctx, p, params)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if files++; files == 1 || f.Object.Size < least {
				least = f.Object.Size
			}
			size += f.Object.Size
			most = max(most, f.Object.Size)
		}
	}
	return append(lines, fmt.Sprint("totalNumberFiles:", files), fmt.Sprint("totalFileSize:", size),
		fmt.Sprint("maxFileSize:", most), fmt.Sprint("minFileSize:", least), ""), nil
}

func structText(name string, cols []metastore.Column) string {
	var parts []string
	for _, c := range cols {
		parts = append(parts, thriftType(c.Type)+" "+c.Name)
	}
	return "struct " + name + " { " + strings.Join(parts, ", ") + "}"
}

// thriftType is the name of a type in Thrift's language, which SHOW TABLE EXTENDED uses.
func thriftType(t hivetype.Type) string {
	switch t.Kind {
	case hivetype.TinyInt:
		return "byte"
	case hivetype.SmallInt:
		return "i16"
	case hivetype.Int:
		return "i32"
	case hivetype.BigInt:
		return "i64"
	case hivetype.Boolean:
		return "bool"
	case hivetype.Array:
		return "list<" + thriftType(*t.Elem) + ">"
	case hivetype.Map:
		return "map<" + thriftType(*t.Key) + "," + thriftType(*t.Elem) + ">"
	}
	return t.String()
}

func (s *Session) showColumns(ctx context.Context, r *Result, n *syntax.Show) error {
	name := *n.Name
	if n.In != nil && len(name.Parts) > 1 {
		return semantic(n.In, 0, "Duplicates declaration for database name")
	}
	if n.In != nil {
		name.Parts = append([]syntax.Ident{*n.In}, name.Parts[len(name.Parts)-1])
	}
	t, err := s.table(ctx, &name)
	if err != nil {
		return err
	}
	var names []string
	for _, c := range slices.Concat(t.Storage.Columns, t.PartitionKeys) {
		names = append(names, c.Name)
	}
	names = like(names, n.Like)
	if n.Sorted {
		slices.Sort(names)
	}
	for i := range names {
		names[i] = s.align(names[i])
	}
	r.showLines("field", names)
	return nil
}

func (s *Session) showProperties(ctx context.Context, r *Result, n *syntax.Show) error {
	t, err := s.table(ctx, n.Name)
	if err != nil {
		return err
	}
	params := shownParams(t.Parameters)
	var rows [][]string
	if n.Property != nil {
		v, ok := params[*n.Property]
		if ok {
			rows = [][]string{{*n.Property, v}}
		} else {
			rows = [][]string{{fmt.Sprintf("Table %s does not have property: %s", t.TableName, *n.Property)}}
		}
		r.showRagged([]string{"prpt_name", "prpt_value"}, rows, s.noColumn())
		return nil
	}
	for _, k := range slices.Sorted(maps.Keys(params)) {
		rows = append(rows, []string{k, redacted(k, params[k])})
	}
	r.show([]string{"prpt_name", "prpt_value"}, rows)
	return nil
}

// alignment is the width to which Hive pads the columns of DESCRIBE and its like.
const alignment = 20

// align pads for a terminal.
func (s *Session) align(text string) string {
	if s.cfg.ForPrograms {
		return text
	}
	return pad(text)
}

// noColumn is what stands for columns that a line does not have.
func (s *Session) noColumn() hivetype.Value {
	if s.cfg.ForPrograms {
		return nil
	}
	return " "
}

func pad(s string) string {
	if n := alignment - utf8.RuneCountInString(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}
