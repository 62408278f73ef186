package hiveql

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// loadRows runs LOAD DATA into a partitioned table of which it names no partition. As Hive does it, the files have the
// keys behind the other columns, are of the table's format or of the one that is given, and are read and inserted; they
// stay where they are. They are read as those of a temporary table.
func (s *Session) loadRows(ctx context.Context, r *Result, t *metastore.Table, n *syntax.LoadData) error {
	files, err := s.loadSources(ctx, n)
	if err != nil {
		return err
	}
	name := metastore.TableName{Database: s.db, Name: "load_" + newWriteID(0)}
	if err := s.runText(ctx, loadedText(t, n, name)); err != nil {
		return err
	}
	defer func() {
		_ = s.dropTable(context.WithoutCancel(ctx), name) // which goes with the session otherwise
	}()
	from, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return err
	}
	if err := s.checkFormat(ctx, from, files); err != nil {
		return err
	}
	to := &target{location: from.Storage.Location, rows: -1}
	for _, f := range files {
		to.files++
		to.bytes += f.Object.Size
	}
	j := &job{s: s, table: from, targets: []*target{to}}
	j.upload = func(ctx context.Context, id string) error {
		return s.copyFiles(ctx, id, delivery{files: files, url: to.location})
	}
	if err := j.run(ctx); err != nil {
		return err
	}
	return s.insertLoaded(ctx, r, t, n, name)
}

// loadedText makes the temporary table.
func loadedText(t *metastore.Table, n *syntax.LoadData, name metastore.TableName) string {
	d := t.Storage.Clone()
	if n.SerDe != "" {
		d.SerDe = metastore.SerDe{Library: n.SerDe}
		d.InputFormat = n.InputFormat
	}
	var cols []metastore.Column
	for _, c := range append(slices.Clone(d.Columns), t.PartitionKeys...) {
		cols = append(cols, metastore.Column{Name: c.Name, Type: c.Type})
	}
	lines := append([]string{"CREATE TEMPORARY TABLE " + quoted(name.Database) + "." + quoted(name.Name) + " ("}, columnLines(cols)...)
	return strings.Join(append(lines, serdeLines(&d)...), "\n")
}

// insertLoaded inserts the rows of the temporary table, each into the partition of its keys.
func (s *Session) insertLoaded(
	ctx context.Context, r *Result, t *metastore.Table, n *syntax.LoadData, name metastore.TableName,
) error {
	into := "INTO"
	if n.Overwrite {
		into = "OVERWRITE"
	}
	var keys []string
	for _, k := range t.PartitionKeys {
		keys = append(keys, quoted(k.Name))
	}
	stmts, err := syntax.Parse("INSERT " + into + " TABLE " + quoted(t.Database) + "." + quoted(t.Name) +
		" PARTITION (" + strings.Join(keys, ", ") + ") SELECT * FROM " + quoted(name.Database) + "." + quoted(name.Name))
	if err != nil {
		return err
	}
	return s.insert(ctx, r, stmts[0].(*syntax.Insert))
}

// runText runs one statement that makes a table.
func (s *Session) runText(ctx context.Context, text string) error {
	stmts, err := syntax.Parse(text)
	if err != nil {
		return err
	}
	return s.createTable(ctx, s.newResult(text, syntax.Pos{}), stmts[0].(*syntax.CreateTable))
}
