package hiveql

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// createStatement is SHOW CREATE TABLE, line by line, as Hive lays it out.
func (s *Session) createStatement(t *metastore.Table) []string {
	if t.Type == metastore.View {
		on := ""
		if t.Partitioned() {
			keys := make([]string, len(t.PartitionKeys))
			for i, k := range t.PartitionKeys {
				keys[i] = quoted(k.Name)
			}
			on = " PARTITIONED ON (" + strings.Join(keys, ", ") + ")"
		}
		return strings.Split("CREATE VIEW "+quoted(t.Name)+on+" AS "+t.ViewExpandedText, "\n")
	}
	kind := "CREATE TABLE "
	switch {
	case t.Parameters[temporaryParam] != "":
		kind = "CREATE TEMPORARY TABLE "
	case t.Type == metastore.External:
		kind = "CREATE EXTERNAL TABLE "
	}
	name := quoted(t.Name)
	if t.Database != s.db {
		name = quoted(t.Database) + "." + name
	}
	lines := []string{kind + name + "("}
	lines = append(lines, columnLines(t.Storage.Columns)...)
	if c, ok := t.Parameters["comment"]; ok {
		lines = append(lines, "COMMENT "+literal(c))
	}
	if t.Partitioned() {
		lines = append(lines, "PARTITIONED BY ( ")
		lines = append(lines, columnLines(t.PartitionKeys)...)
	}
	lines = append(lines, bucketLines(&t.Storage)...)
	lines = append(lines, skewClause(&t.Storage)...)
	lines = append(lines, serdeLines(&t.Storage)...)
	lines = append(lines, "LOCATION", "  "+literal(t.Storage.Location))
	params := shownParams(t.Parameters)
	for _, k := range []string{"comment", "EXTERNAL", "numFiles", "numRows", "totalSize", rawParam,
		accurateParam} {
		delete(params, k)
	}
	if len(params) > 0 {
		lines = append(lines, "TBLPROPERTIES (")
		lines = append(lines, propertyLines(params, ")")...)
	}
	return lines
}

func columnLines(cols []metastore.Column) []string {
	lines := make([]string, len(cols))
	for i, c := range cols {
		l := "  " + quoted(c.Name) + " " + c.Type.String()
		if c.Comment != "" {
			l += " COMMENT " + literal(c.Comment)
		}
		if i < len(cols)-1 {
			l += ", "
		} else {
			l += ")"
		}
		lines[i] = l
	}
	return lines
}

func bucketLines(d *metastore.StorageDescriptor) []string {
	if len(d.BucketColumns) == 0 {
		return nil
	}
	lines := []string{"CLUSTERED BY ( "}
	for i, c := range d.BucketColumns {
		lines = append(lines, "  "+quoted(c)+ending(i, len(d.BucketColumns), ") "))
	}
	if len(d.SortColumns) > 0 {
		lines = append(lines, "SORTED BY ( ")
		for i, c := range d.SortColumns {
			order := " ASC"
			if c.Desc {
				order = " DESC"
			}
			lines = append(lines, "  "+quoted(c.Name)+order+ending(i, len(d.SortColumns), ") "))
		}
	}
	return append(lines, fmt.Sprintf("INTO %d BUCKETS", d.NumBuckets))
}

func ending(i, n int, last string) string {
	if i < n-1 {
		return ", "
	}
	return last
}

func serdeLines(d *metastore.StorageDescriptor) []string {
	lines := []string{"ROW FORMAT SERDE ", "  " + literal(d.SerDe.Library) + " "}
	params := maps.Clone(d.SerDe.Parameters)
	if params["serialization.format"] == "1" { // what everybody has is not shown
		delete(params, "serialization.format")
	}
	if len(params) > 0 {
		lines = append(lines, "WITH SERDEPROPERTIES ( ")
		lines = append(lines, propertyLines(params, ") ")...)
	}
	return append(lines, "STORED AS INPUTFORMAT ", "  "+literal(d.InputFormat)+" ",
		"OUTPUTFORMAT ", "  "+literal(d.OutputFormat))
}

func propertyLines(params map[string]string, last string) []string {
	var lines []string
	keys := slices.Sorted(maps.Keys(params))
	for i, k := range keys {
		lines = append(lines, "  "+literal(k)+"="+literal(redacted(k, params[k]))+ending(i, len(keys), last))
	}
	return lines
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// literal writes a text as a string literal that reads back as the same text.
func literal(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\' || r == ';':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ':
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func (s *Session) showCreateDatabase(ctx context.Context, r *Result, n *syntax.Show) error {
	ident := n.Name.Parts[len(n.Name.Parts)-1]
	d, err := s.cfg.Store.Database(ctx, ident.Object())
	if err != nil {
		return s.databaseError(&ident, ident.Object(), err)
	}
	lines := []string{"CREATE DATABASE " + quoted(d.Name)}
	if d.Comment != "" {
		lines = append(lines, "COMMENT", "  "+literal(d.Comment))
	}
	lines = append(lines, "LOCATION", "  "+literal(s.databaseLocation(d)))
	if place := d.Parameters[managedLocationParam]; place != "" {
		lines = append(lines, "MANAGEDLOCATION", "  "+literal(place))
	}
	if params := shownParams(d.Parameters); len(params) > 0 {
		lines = append(lines, "WITH DBPROPERTIES (")
		lines = append(lines, propertyLines(params, ")")...)
	}
	r.showLines("createdb_stmt", lines)
	return nil
}
