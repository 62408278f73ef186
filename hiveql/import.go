package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// imported is an export that is to become a table, or part of one.
type imported struct {
	s     *Session
	n     *syntax.Import
	from  storage.Location
	table *metastore.Table // as it will be, or as it is if there
	there bool             // the table exists
	parts []*metastore.Partition
	files map[string][]File // by the names of directories in the export
}

// importTable runs IMPORT TABLE. The table, or what is new in it, appears at once with all of its rows.
func (s *Session) importTable(ctx context.Context, r *Result, n *syntax.Import) error {
	url, err := s.canonical(ctx, n.Path)
	if err != nil {
		return err
	}
	m := &imported{s: s, n: n}
	if m.from, err = s.cfg.directory(ctx, url); err != nil {
		return err
	}
	d, err := readDump(ctx, m.from, n)
	if err != nil {
		return err
	}
	if m.parts, err = s.chosen(d, n); err != nil {
		return err
	}
	if err := m.findTable(ctx, d.Table); err != nil {
		return err
	}
	if m.files, err = exportedFiles(ctx, m.from, d.Table.Partitioned()); err != nil {
		return err
	}
	if n.External && n.Location == nil && !m.there {
		return m.inPlace(ctx)
	}
	return m.load(ctx, r)
}

// readDump reads _metadata.
func readDump(ctx context.Context, from storage.Location, n *syntax.Import) (*hms.Dump, error) {
	var d *hms.Dump
	var unclear error
	err := readAgain(ctx, from.Bucket, from.Prefix+dumpName, func(r io.Reader) error {
		unclear = nil
		data, err := io.ReadAll(r)
		if err == nil {
			d, unclear = hms.ReadDump(data)
		}
		return errors.Join(err, unclear)
	})
	switch {
	case errors.Is(err, storage.ErrNotExist):
		e := semantic(n, 10027, "Invalid path: there is no %s in %s", dumpName, from.URL())
		e.Err, e.Hint = err, "IMPORT reads directories that EXPORT TABLE has written"
		return nil, e
	case unclear != nil:
		e := semantic(n, 10116, "The metadata file could not be parsed: %v", unclear)
		e.Err = unclear
		return nil, e
	case err != nil:
		return nil, err
	case d.Replication:
		return nil, unsupported(n, "IMPORT of an export FOR REPLICATION")
	case d.Table.Transactional():
		return nil, unsupported(n, "IMPORT of a transactional (ACID) table")
	}
	return d, nil
}

// chosen are the partitions of an export that IMPORT takes: all, or the one that PARTITION names.
func (s *Session) chosen(d *hms.Dump, n *syntax.Import) ([]*metastore.Partition, error) {
	if n.Partition == nil {
		return d.Partitions, nil
	}
	want, err := s.partitionValues(d.Table, n.Partition)
	if err != nil {
		return nil, err
	}
	for _, p := range d.Partitions {
		if slices.Equal(p.Values, want) {
			return []*metastore.Partition{p}, nil
		}
	}
	return nil, semantic(n.Partition, 10006, "Partition not found - Specified partition not found in import directory")
}

// exportedFiles are the data files of an export by their directories.
func exportedFiles(ctx context.Context, from storage.Location, partitioned bool) (map[string][]File, error) {
	files := map[string][]File{}
	for o, err := range within(ctx, from) {
		if err != nil {
			return nil, err
		}
		name := o.Key[len(from.Prefix):]
		if o.Size == 0 || strings.HasSuffix(name, "/") || partitions.Hidden(name) {
			continue
		}
		dir := path.Dir(name)
		if partitioned {
			dir = strings.TrimPrefix(dir, dumpData+"/") // where some versions of Hive put the partitions
		}
		files[dir] = append(files[dir], File{from.Bucket, o})
	}
	return files, nil
}

// filesOf are the files of a partition, or of a table without keys, which may be in directories below.
func (m *imported) filesOf(p *metastore.Partition) ([]File, error) {
	dir := dumpData
	if p != nil {
		var err error
		if dir, err = m.table.Keys().Name(p.Values); err != nil {
			return nil, err
		}
		return m.files[dir], nil
	}
	var all []File
	for _, name := range slices.Sorted(maps.Keys(m.files)) {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			all = append(all, m.files[name]...)
		}
	}
	return all, nil
}

// findTable finds the table that IMPORT is to fill, or describes the one that it is to make.
func (m *imported) findTable(ctx context.Context, dumped *metastore.Table) error {
	s, n := m.s, m.n
	name := metastore.TableName{Database: s.db, Name: dumped.Name}
	if n.Table != nil {
		var err error
		if name, err = s.tableName(n.Table); err != nil {
			return err
		}
	}
	db, err := s.cfg.Store.Database(ctx, name.Database)
	if err != nil {
		return s.databaseError(n, name.Database, err)
	}
	t, err := s.cfg.Store.Table(ctx, name)
	if err == nil {
		m.table, m.there = t, true
		return m.compatible(ctx, dumped)
	}
	if !errors.Is(err, metastore.ErrNoSuchTable) {
		return err
	}
	t = &metastore.Table{TableName: name, Type: metastore.Managed, Owner: s.cfg.User, CreateTime: s.cfg.Now(),
		Storage: dumped.Storage.Clone(), PartitionKeys: dumped.PartitionKeys, Parameters: shownParams(dumped.Parameters)}
	for _, k := range []string{"EXTERNAL", accurateParam, "numFiles", "numRows", "totalSize", rawParam} {
		delete(t.Parameters, k)
	}
	t.Parameters["transient_lastDdlTime"] = fmt.Sprint(s.cfg.Now().Unix())
	if n.External {
		t.Type, t.Parameters["EXTERNAL"] = metastore.External, "TRUE"
	}
	location := s.tablesLocation(db, t.Type) + "/" + t.Name
	switch {
	case n.Location != nil:
		location = *n.Location
	case n.External && !t.Partitioned():
		location = m.from.URL() + dumpData
	}
	t.Storage.Location, err = s.canonical(ctx, location)
	m.table = t
	return err
}

// compatible makes sure that what was exported can be put into the table that is there.
func (m *imported) compatible(ctx context.Context, dumped *metastore.Table) error {
	t := m.table
	if t.Type == metastore.View {
		return semantic(m.n, 10121, "Export/Import cannot be done for a non-native table. %s is a view", t.Name)
	}
	differs := func(what string) error {
		return semantic(m.n, 10120, "The existing table is not compatible with the Export/Import spec.   %s", what)
	}
	if m.n.External && (t.Type != metastore.External || !t.Partitioned()) {
		return differs("External table cannot overwrite existing table. Drop existing table first.")
	}
	if m.n.Location != nil && !t.Partitioned() {
		at, err := m.s.canonical(ctx, *m.n.Location)
		if err != nil {
			return err
		}
		if at != t.Storage.Location {
			return differs("Location does not match")
		}
	}
	return storageDiffers(t, dumped, differs)
}

// storageDiffers compares what Hive compares.
func storageDiffers(t, dumped *metastore.Table, differs func(string) error) error {
	a, b := &t.Storage, &dumped.Storage
	switch {
	case !sameColumns(b.Columns, a.Columns):
		return differs("Column Schema does not match")
	case !sameColumns(dumped.PartitionKeys, t.PartitionKeys):
		return differs("Partition Schema does not match")
	case !classEqual(a.InputFormat, b.InputFormat) || !classEqual(a.OutputFormat, b.OutputFormat):
		return differs("Table inputformat/outputformats do not match")
	case !classEqual(a.SerDe.Library, b.SerDe.Library):
		return differs("Table Serde class does not match")
	case serdeFormat(a) != serdeFormat(b):
		return differs("Table Serde format does not match")
	case !slices.Equal(a.BucketColumns, b.BucketColumns):
		return differs("Table bucketing spec does not match")
	case !slices.Equal(a.SortColumns, b.SortColumns):
		return differs("Table sorting spec does not match")
	}
	return nil
}

func sameColumns(a, b []metastore.Column) bool {
	return slices.EqualFunc(a, b, func(a, b metastore.Column) bool {
		return a.Name == b.Name && a.Type.String() == b.Type.String()
	})
}

func serdeFormat(d *metastore.StorageDescriptor) string {
	if v := d.SerDe.Parameters["serialization.format"]; v != "" {
		return v
	}
	return "1"
}

// inPlace makes an external table of the files where they are.
func (m *imported) inPlace(ctx context.Context) error {
	ps := make([]*metastore.Partition, len(m.parts))
	for i, p := range m.parts {
		name, err := m.table.Keys().Name(p.Values)
		if err != nil {
			return err
		}
		if found := m.files[name]; len(found) > 0 {
			name = path.Dir(found[0].Object.Key)[len(m.from.Prefix):]
		}
		c := *p
		c.CreateTime, c.Storage = m.s.cfg.Now(), p.Storage.Clone()
		c.Storage.Location = m.from.URL() + name
		ps[i] = &c
	}
	return m.alreadyThere(m.s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		if err := tx.CreateTable(ctx, m.table); err != nil || len(ps) == 0 {
			return err
		}
		return tx.AddPartitions(ctx, m.table.TableName, ps, false)
	}))
}

func (m *imported) alreadyThere(err error) error {
	if errors.Is(err, metastore.ErrExists) {
		return alreadyExists(m.table.TableName, err)
	}
	return err
}

// load copies the files to where the table has its own.
func (m *imported) load(ctx context.Context, r *Result) error {
	if err := m.s.recoverIntents(ctx, m.table.Database, m.table.Storage.Location); err != nil { // what died must not be in the way
		return err
	}
	targets, deliveries, err := m.targets(ctx)
	if err != nil {
		return err
	}
	if len(targets) == 0 && m.there {
		return nil
	}
	j := &job{s: m.s, table: m.table, create: !m.there, targets: targets}
	j.upload = func(ctx context.Context, id string) error { return m.s.copyFiles(ctx, id, deliveries...) }
	if err := m.alreadyThere(j.run(ctx)); err != nil {
		return err
	}
	for _, t := range targets {
		r.counts.filesWritten.Add(t.files)
		r.counts.bytesWritten.Add(t.bytes)
	}
	r.say("Loading data to table " + m.table.String())
	return nil
}

// targets are the places that are filled, which must be empty.
func (m *imported) targets(ctx context.Context) ([]*target, []delivery, error) {
	var targets []*target
	var deliveries []delivery
	add := func(p *metastore.Partition, t *target) error {
		files, err := m.filesOf(p)
		if err != nil {
			return err
		}
		if err := m.empty(ctx, t.location); err != nil {
			return err
		}
		t.rows = -1
		for _, f := range files {
			t.files++
			t.bytes += f.Object.Size
		}
		targets, deliveries = append(targets, t), append(deliveries, delivery{files: files, url: t.location})
		return nil
	}
	if !m.table.Partitioned() {
		err := add(nil, &target{location: m.table.Storage.Location})
		return targets, deliveries, err
	}
	root := m.table.Storage.Location
	if m.n.Location != nil {
		var err error
		if root, err = m.s.canonical(ctx, *m.n.Location); err != nil {
			return nil, nil, err
		}
	}
	if m.there {
		if err := m.noneThere(ctx); err != nil {
			return nil, nil, err
		}
	}
	for _, p := range m.parts {
		name, err := m.table.Keys().Name(p.Values)
		if err != nil {
			return nil, nil, err
		}
		storage := p.Storage.Clone()
		if err := add(p, &target{values: p.Values, location: root + "/" + name, storage: &storage}); err != nil {
			return nil, nil, err
		}
	}
	return targets, deliveries, nil
}

// noneThere makes sure that the table has none of the partitions.
func (m *imported) noneThere(ctx context.Context) error {
	values := make([]partitions.Values, len(m.parts))
	for i, p := range m.parts {
		values[i] = p.Values
	}
	for p, err := range m.s.cfg.Store.PartitionsNamed(ctx, m.table.TableName, values) {
		if err != nil {
			return err
		}
		name, err := m.table.Keys().Name(p.Values)
		if err != nil {
			return err
		}
		return semantic(m.n, 10118, "Partition already exists %s", strings.ReplaceAll(name, "/", ","))
	}
	return nil
}

// empty makes sure that there are no files at a place that is filled.
func (m *imported) empty(ctx context.Context, url string) error {
	loc, err := m.s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	var left map[string]bool
	if !m.there {
		if left, err = m.s.leftAt(ctx, m.table.Database, m.table.Storage.Location); err != nil {
			return err
		}
	}
	l := newLister(m.s.cfg, m.table)
	files, err := l.list(ctx, loc, url)
	files = slices.DeleteFunc(files, func(f File) bool { return hasLeft(left, f.Object) })
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if len(files) > 0 {
		return semantic(m.n, 10119, "Table exists and contains data files: %s", files[0].URL())
	}
	return nil
}
