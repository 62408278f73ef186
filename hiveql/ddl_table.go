package hiveql

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// createTable runs CREATE TABLE with columns, LIKE, and AS.
func (s *Session) createTable(ctx context.Context, r *Result, n *syntax.CreateTable) error {
	name, err := s.tableName(&n.Name)
	if err != nil {
		return err
	}
	db, err := s.cfg.Store.Database(ctx, name.Database)
	if err != nil {
		return s.databaseError(&n.Name, name.Database, err)
	}
	if there, err := s.taken(ctx, name, n.Temporary); err != nil {
		return err
	} else if there {
		if n.IfNotExists {
			return nil
		}
		return alreadyExists(name, metastore.ErrExists)
	}
	t := &metastore.Table{TableName: name, Type: metastore.Managed, Owner: s.cfg.User, CreateTime: s.cfg.Now()}
	if err := s.describeTable(ctx, t, db, n); err != nil {
		return err
	}
	if err := s.recoverIntentsOf(ctx, db, t.Storage.Location); err != nil {
		return err
	}
	if n.Query != nil {
		return s.createAs(ctx, r, t, n)
	}
	constraints, err := s.takeConstraints(ctx, t, n)
	if err != nil {
		return err
	}
	var left inheritance
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) (err error) {
		made := t.Clone() // the transaction can be run again
		left, err = inherit(ctx, tx, made, "", func() error { return tx.CreateTable(ctx, made) })
		if err != nil || len(constraints) == 0 {
			return err
		}
		return tx.AddConstraints(ctx, t.TableName, constraints)
	})
	switch {
	case errors.Is(err, metastore.ErrExists) && n.IfNotExists:
		return nil
	case errors.Is(err, metastore.ErrExists):
		return alreadyExists(name, err)
	case err != nil:
		return err
	}
	s.inherited(name, left)
	if t.Type == metastore.Managed && n.Location == nil {
		return s.sweep(ctx, t, left)
	}
	return nil
}

// taken reports whether there is a table of this name. Temporary ones and others may have the same.
func (s *Session) taken(ctx context.Context, name metastore.TableName, temporary bool) (bool, error) {
	if temporary {
		return s.temporary.has(name), s.sweepTemporary(ctx)
	}
	_, err := s.temporary.Store.Table(ctx, name)
	if errors.Is(err, metastore.ErrNoSuchTable) {
		return false, nil
	}
	return err == nil, err
}

// sweep removes, from the place of a new table, the files of writes that it has taken over: of a CREATE TABLE AS,
// or to a table that was there, of which it is not known that they died: they cannot commit any more. Other files
// become the table's, as in Hive.
func (s *Session) sweep(ctx context.Context, t *metastore.Table, left inheritance) error {
	for _, id := range left.writes {
		if err := s.removeFilesOf(ctx, t.Storage.Location, id); err != nil {
			return err
		}
	}
	return nil
}

func alreadyExists(name metastore.TableName, err error) error {
	return ddlFailed("AlreadyExistsException(message:Table hive.%s already exists)%w", name, quiet(err))
}

// describeTable fills in everything but the columns of CREATE TABLE AS.
func (s *Session) describeTable(
	ctx context.Context, t *metastore.Table, db *metastore.Database, n *syntax.CreateTable,
) error {
	t.Parameters = map[string]string{
		"bucketing_version": "2", "transient_lastDdlTime": strconv.FormatInt(s.cfg.Now().Unix(), 10),
	}
	managed := !n.External
	if n.Like != nil {
		if err := s.likeTable(ctx, t, n); err != nil {
			return err
		}
	} else if err := s.ownColumns(ctx, t, n, managed); err != nil {
		return err
	}
	if n.Comment != nil {
		t.Parameters["comment"] = *n.Comment
	}
	setProperties(t.Parameters, n.Properties)
	if n.Query == nil {
		if err := s.takeAvro(ctx, t); err != nil {
			return err
		}
	}
	if err := checkNesting(t); err != nil {
		return err
	}
	for i := range n.Properties {
		if strings.HasPrefix(n.Properties[i].Key, hiddenParams) {
			return semantic(n, 0, "table properties that begin with %s are reserved", hiddenParams)
		}
	}
	if n.Temporary {
		t.Parameters[temporaryParam] = "true"
		delete(t.Parameters, "transient_lastDdlTime")
	}
	if n.External || strings.EqualFold(t.Parameters["EXTERNAL"], "TRUE") {
		t.Type = metastore.External
		t.Parameters["EXTERNAL"] = "TRUE"
	}
	if t.Type == metastore.Managed && n.Location == nil && len(t.PartitionKeys) == 0 && n.Query == nil {
		for _, k := range []string{"numFiles", "numRows", rawParam, "totalSize"} {
			t.Parameters[k] = "0"
		}
		setAccurate(&t.Parameters, t.Storage.Columns)
	}
	location := s.tablesLocation(db, t.Type) + "/" + t.Name
	switch {
	case n.Location != nil:
		location = *n.Location
	case n.Temporary:
		location = s.temporaryLocation(t.TableName)
	}
	var err error
	t.Storage.Location, err = s.canonical(ctx, location)
	return err
}

// ownColumns describes a table that is not made LIKE another.
func (s *Session) ownColumns(ctx context.Context, t *metastore.Table, n *syntax.CreateTable, managed bool) error {
	if strings.EqualFold(propertyOf(n.Properties, "transactional"), "true") {
		return unsupported(n, "a transactional (ACID) table")
	}
	if err := s.describeStorage(&t.Storage, n.Row, n.Format, managed); err != nil {
		return err
	}
	if n.Query != nil {
		return s.bucketing(t, n.Bucketing)
	}
	var err error
	if t.Storage.Columns, err = columns(n.Columns); err != nil {
		return err
	}
	if n.LikeFile != nil {
		if t.Storage.Columns, err = s.fileColumns(ctx, n.LikeFile); err != nil {
			return err
		}
	}
	if classEqual(t.Storage.SerDe.Library, openCSV) {
		// This SerDe has strings only, and says so instead of what was declared.
		for i := range t.Storage.Columns {
			t.Storage.Columns[i].Type = hivetype.Of(hivetype.String)
			t.Storage.Columns[i].Comment = fromDeserializer
		}
	}
	if err := checkRegex(&t.Storage); err != nil {
		return err
	}
	if t.PartitionKeys, err = columns(n.PartitionedBy); err != nil {
		return err
	}
	for i, k := range t.PartitionKeys {
		if t.Storage.Column(k.Name) >= 0 {
			return semantic(&n.PartitionedBy[i].Name, 10035, "Column repeated in partitioning columns")
		}
		if !k.Type.Primitive() {
			return semantic(&n.PartitionedBy[i].Type, 10126,
				"Partition columns can only be of primitive type: %s is %s", k.Name, k.Type)
		}
	}
	if literal, url := s.avroNamed(t, n); len(t.Storage.Columns) == 0 && literal == "" && url == "" {
		e := semantic(n, 10043, "Either list of columns or a custom serializer should be specified")
		return e
	}
	return s.layout(t, n)
}

// layout records CLUSTERED BY and SKEWED BY. They say how Hive would lay out files, and do not
// change how rows are written here.
func (s *Session) layout(t *metastore.Table, n *syntax.CreateTable) error {
	if err := s.bucketing(t, n.Bucketing); err != nil {
		return err
	}
	return takeSkew(&t.Storage, n.Skewed)
}

func propertyOf(list []syntax.Property, key string) string {
	for _, p := range list {
		if strings.EqualFold(p.Key, key) {
			return p.Value
		}
	}
	return ""
}

// bucketing records CLUSTERED BY. Rows are not divided into buckets when they are written; the
// clause only says how Hive would do it.
func (s *Session) bucketing(t *metastore.Table, b *syntax.Bucketing) error {
	if b == nil {
		return nil
	}
	check := func(i syntax.Ident) (string, error) {
		if len(t.Storage.Columns) > 0 && t.Storage.Column(i.Name) < 0 {
			return "", semantic(&i, 10002, "Invalid column reference '%s'", i.Name)
		}
		return strings.ToLower(i.Name), nil
	}
	d := &t.Storage
	d.NumBuckets, d.BucketColumns, d.SortColumns = b.Buckets, nil, nil
	for _, c := range b.Columns {
		name, err := check(c)
		if err != nil {
			return err
		}
		d.BucketColumns = append(d.BucketColumns, name)
	}
	for _, item := range b.Sorted {
		col, ok := item.X.(*syntax.Name)
		if !ok {
			return semantic(&item, 10002, "SORTED BY takes columns")
		}
		name, err := check(col.Ident)
		if err != nil {
			return err
		}
		d.SortColumns = append(d.SortColumns, metastore.SortColumn{Name: name, Desc: item.Desc})
	}
	if n := len(d.BucketColumns); n > 0 && len(d.SortColumns) >= n {
		var first []string
		for _, c := range d.SortColumns[:n] {
			first = append(first, c.Name)
		}
		if sameNames(first, d.BucketColumns) { // so Hive says it
			setParam(&t.Parameters, "SORTBUCKETCOLSPREFIX", "TRUE")
		}
	}
	return nil
}

// likeTable copies the shape of another table, or the columns of a view.
func (s *Session) likeTable(ctx context.Context, t *metastore.Table, n *syntax.CreateTable) error {
	from, err := s.table(ctx, n.Like)
	if err != nil {
		return err
	}
	t.PartitionKeys = slices.Clone(from.PartitionKeys)
	if from.Type == metastore.View {
		if err := s.describeStorage(&t.Storage, n.Row, n.Format, !n.External); err != nil {
			return err
		}
		t.Storage.Columns = slices.Clone(from.Storage.Columns)
		return nil
	}
	t.Storage = from.Storage.Clone()
	for k, v := range from.Parameters {
		if strings.HasPrefix(k, "avro.schema.") || k == avroOwnColumns {
			t.Parameters[k] = v
		}
	}
	if n.Format != nil || n.Row != nil {
		cols := t.Storage.Columns
		t.Storage = metastore.StorageDescriptor{}
		if err := s.describeStorage(&t.Storage, n.Row, n.Format, !n.External); err != nil {
			return err
		}
		t.Storage.Columns = cols
	}
	return nil
}

// createAs runs CREATE TABLE AS: the table appears together with its rows.
func (s *Session) createAs(ctx context.Context, r *Result, t *metastore.Table, n *syntax.CreateTable) error {
	if len(n.Columns) > 0 {
		return semantic(&n.Columns[0], 10064,
			"CREATE-TABLE-AS-SELECT cannot specify the list of columns for the target table")
	}
	return s.replanning(ctx, func() error {
		q, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), n.Query)
		if err != nil {
			return err
		}
		t := t.Clone()
		if err := takeColumns(t, q, n); err != nil {
			return err
		}
		if err := s.layout(t, n); err != nil {
			return err
		}
		spec := make(partitions.Spec, len(t.PartitionKeys))
		for i, k := range t.PartitionKeys {
			spec[i].Name = k.Name
		}
		w, err := analysis.WriteTo(t, spec, true, q)
		if err != nil {
			return err
		}
		err = s.write(ctx, r, w, true)
		if errors.Is(err, metastore.ErrExists) {
			if n.IfNotExists {
				return nil
			}
			return alreadyExists(t.TableName, err)
		}
		return err
	})
}

// takeColumns makes the table's columns from the query's, whose partition keys move to the end.
func takeColumns(t *metastore.Table, q *analysis.Query, n *syntax.CreateTable) error {
	outputs := slices.Clone(q.Output)
	var keys []analysis.Output
	for i := range n.PartitionedBy {
		def := &n.PartitionedBy[i]
		at := slices.IndexFunc(outputs, func(o analysis.Output) bool { return strings.EqualFold(o.Name, def.Name.Name) })
		if at < 0 {
			return semantic(&def.Name, 10002, "Invalid column reference '%s'", def.Name.Name)
		}
		if !outputs[at].Type.Primitive() {
			return semantic(&def.Name, 10126,
				"Partition columns can only be of primitive type: %s is %s", def.Name.Name, outputs[at].Type)
		}
		keys = append(keys, outputs[at])
		outputs = slices.Delete(outputs, at, at+1)
	}
	if len(outputs) == 0 {
		return semantic(n, 10043, "every column is a partition key; a table needs one that is not")
	}
	seen := map[string]bool{}
	cols := make([]metastore.Column, 0, len(q.Output))
	for _, o := range append(outputs, keys...) {
		name := strings.ToLower(o.Name)
		if seen[name] {
			return semantic(n.Query, 10036, "Duplicate column name: %s", name)
		}
		if o.Type.Kind == hivetype.Void {
			return semantic(n.Query, 10305,
				"CREATE-TABLE-AS-SELECT creates a VOID type, please use CAST to specify the type, near field: %s", name)
		}
		seen[name] = true
		cols = append(cols, metastore.Column{Name: name, Type: o.Type})
	}
	q.Output = append(outputs, keys...)
	t.Storage.Columns, t.PartitionKeys = cols[:len(outputs)], cols[len(outputs):]
	return nil
}

// specPredicate is the condition that PARTITION (...) puts on partitions, complete or not.
func (s *Session) specPredicate(t *metastore.Table, spec *syntax.PartitionSpec) (partitions.Predicate, error) {
	if !t.Partitioned() {
		return nil, semantic(spec, 10098, "Table is not partitioned %s", t.Name)
	}
	ps, err := analysis.PartitionSpec(t, spec, false)
	if err != nil {
		return nil, err
	}
	p, err := t.Keys().Predicate(ps)
	if err != nil {
		return nil, semantic(spec, 10214, "Partition spec is wrong: %v", err)
	}
	return p, nil
}
