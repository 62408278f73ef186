package hms

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// reader is the reading half of a Remote.
type reader struct{ call caller }

// partitionBatch is how many partitions are asked for, or written, at once.
const partitionBatch = 500

func failed(op, object string, err error) error {
	return &metastore.Error{Op: op, Object: object, Err: err}
}

// meaning turns exceptions of the metastore into the errors of package metastore. What a missing
// object is depends on the call.
func meaning(err, missing error) error {
	var none *noSuchObject
	var db *unknownDB
	var table *unknownTable
	var exists *alreadyExists
	var object *invalidObject
	var input *invalidInput
	var meta *metaException
	switch {
	case err == nil:
		return nil
	case errors.As(err, &none):
		return fmt.Errorf("%w (%s)", missing, none.Message)
	case errors.As(err, &db):
		return metastore.ErrNoSuchDatabase
	case errors.As(err, &table):
		return metastore.ErrNoSuchTable
	case errors.As(err, &exists):
		return metastore.ErrExists
	case errors.As(err, &object):
		return fmt.Errorf("%w: %s", metastore.ErrInvalid, object.Message)
	case errors.As(err, &input):
		return fmt.Errorf("%w: %s", metastore.ErrInvalid, input.Message)
	case errors.As(err, &meta) && strings.Contains(meta.Message, metastore.ErrConflict.Error()):
		return metastore.ErrConflict
	}
	return err
}

func lower(n metastore.TableName) metastore.TableName {
	return metastore.TableName{Database: strings.ToLower(n.Database), Name: strings.ToLower(n.Name)}
}

// Database implements metastore.Reader.
func (r reader) Database(ctx context.Context, name string) (*metastore.Database, error) {
	name = strings.ToLower(name)
	d, err := r.database(ctx, name)
	if err != nil {
		return nil, failed("get database", name, err)
	}
	return d, nil
}

func (r reader) database(ctx context.Context, name string) (*metastore.Database, error) {
	var got database
	if err := r.call(ctx, "get_database", &oneName{name}, &got, throwsNM); err != nil {
		return nil, meaning(err, metastore.ErrNoSuchDatabase)
	}
	d, err := storeDatabase(&got)
	if err == nil {
		d.Parameters = closed(d.Parameters)
	}
	return d, err
}

// Databases implements metastore.Reader.
func (r reader) Databases(ctx context.Context, pattern string) ([]string, error) {
	var all []string
	if err := r.call(ctx, "get_all_databases", &noArgs{}, &all, throwsM); err != nil {
		return nil, failed("list databases", pattern, err)
	}
	return matching(pattern, all), nil
}

func matching(pattern string, names []string) []string {
	kept := slices.DeleteFunc(names, func(name string) bool { return !metastore.MatchPattern(pattern, name) })
	slices.Sort(kept)
	return kept
}

// Table implements metastore.Reader.
func (r reader) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	name = lower(name)
	t, err := r.table(ctx, name)
	if err != nil {
		return nil, failed("get table", name.String(), err)
	}
	return t, nil
}

func (r reader) table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	var got table
	err := r.call(ctx, "get_table", &tableArgs{name.Database, name.Name}, &got, throwsMN)
	if unknown(err) { // Hive 4.0.1 and later
		var result getTableResult
		request := &requestArgs[getTableRequest]{getTableRequest{DbName: name.Database, TblName: name.Name, Engine: "hive"}}
		if err = r.call(ctx, "get_table_req", request, &result, throwsMN); err == nil && result.Table != nil {
			got = *result.Table
		}
	}
	if err = meaning(err, metastore.ErrNoSuchTable); errors.Is(err, metastore.ErrNoSuchTable) {
		if _, dbErr := r.database(ctx, name.Database); dbErr != nil {
			err = dbErr
		}
	}
	if err != nil {
		return nil, err
	}
	return readTable(&got)
}

// readTable reads a table. Its version is the metastore's where it has one, and else made of what
// it is: then it only tells whether the table is the same.
func readTable(in *table) (*metastore.Table, error) {
	t, err := storeTable(in)
	if err != nil {
		return nil, err
	}
	text, ours := t.Parameters[versionParam]
	if ours {
		delete(t.Parameters, versionParam)
		t.Version, err = strconv.ParseInt(text, 10, 64)
	} else {
		t.Version, err = versionOf(in)
	}
	t.Parameters = closed(t.Parameters)
	if !ours { // and nobody says when others look it up, to write files that hiveql is not told of
		t.Parameters = maps.Clone(t.Parameters)
		t.Parameters[metastore.SharedParameter] = strconv.FormatInt(time.Now().Unix(), 10)
		delete(t.Parameters, metastore.TrackingParameter)
	}
	return t, err
}

func versionOf(in *table) (int64, error) {
	kept := *in
	kept.LastAccessTime, kept.Privileges, kept.ColStats = 0, nil, nil
	data, err := thrift.Marshal(&kept, thrift.Compact)
	if err != nil {
		return 0, err
	}
	h := fnv.New64a()
	_, _ = h.Write(data) // it cannot fail
	return int64(h.Sum64()>>1) | 1, nil
}

// Tables implements metastore.Reader.
func (r reader) Tables(ctx context.Context, db, pattern string) ([]string, error) {
	db = strings.ToLower(db)
	var all []string
	err := r.call(ctx, "get_all_tables", &oneName{db}, &all, throwsM)
	if err == nil && len(all) == 0 { // which some say of a database that is not there
		_, err = r.database(ctx, db)
	}
	if err != nil {
		return nil, failed("list tables", db, err)
	}
	return matching(pattern, all), nil
}

// AllTables implements metastore.Reader.
func (r reader) AllTables(ctx context.Context, dbPattern, tablePattern string) iter.Seq2[*metastore.Table, error] {
	return func(yield func(*metastore.Table, error) bool) {
		dbs, err := r.Databases(ctx, dbPattern)
		for _, db := range dbs {
			var names []string
			if names, err = r.Tables(ctx, db, tablePattern); errors.Is(err, metastore.ErrNoSuchDatabase) {
				err = nil // it was dropped meanwhile
			}
			for chunk := range slices.Chunk(names, partitionBatch) {
				var tables []*metastore.Table
				if tables, err = r.tables(ctx, db, chunk); err != nil {
					break
				}
				for _, t := range tables {
					if !yield(t, nil) {
						return
					}
				}
			}
			if err != nil {
				break
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func (r reader) tables(ctx context.Context, db string, names []string) ([]*metastore.Table, error) {
	var got []*table
	err := r.call(ctx, "get_table_objects_by_name", &struct {
		DB    string   `thrift:"1"`
		Names []string `thrift:"2"`
	}{db, names}, &got, throwsMPD)
	if unknown(err) {
		var result struct {
			Tables []*table `thrift:"1"`
		}
		err = r.call(ctx, "get_table_objects_by_name_req",
			&requestArgs[getTablesRequest]{getTablesRequest{DbName: db, TblNames: names}}, &result, throwsMPD)
		got = result.Tables
	}
	if err != nil {
		return nil, failed("list tables", db, meaning(err, metastore.ErrNoSuchDatabase))
	}
	tables := make([]*metastore.Table, len(got))
	for i, in := range got {
		if tables[i], err = readTable(in); err != nil {
			return nil, failed("get table", db+"."+in.TableName, err)
		}
	}
	slices.SortFunc(tables, func(a, b *metastore.Table) int { return strings.Compare(a.Name, b.Name) })
	return tables, nil
}

// Partition implements metastore.Reader.
func (r reader) Partition(ctx context.Context, name metastore.TableName, v partitions.Values) (*metastore.Partition, error) {
	name = lower(name)
	object := name.String()
	p, err := func() (*metastore.Partition, error) {
		t, err := r.table(ctx, name)
		if err != nil {
			return nil, err
		}
		partName, err := partitionName(t, v)
		if err != nil {
			return nil, err
		}
		object += "/" + partName
		found, err := r.named(ctx, t, []string{partName})
		if err == nil && len(found) == 0 {
			err = metastore.ErrNoSuchPartition
		}
		if err != nil {
			return nil, err
		}
		return found[0], nil
	}()
	if err != nil {
		return nil, failed("get partition", object, err)
	}
	return p, nil
}

// partitionName names a partition of a table, which must have keys.
func partitionName(t *metastore.Table, v partitions.Values) (string, error) {
	if !t.Partitioned() {
		return "", fmt.Errorf("%w: the table is not partitioned", metastore.ErrInvalid)
	}
	name, err := t.Keys().Name(v)
	if err == nil && len(name) > metastore.MaxPartitionName {
		err = fmt.Errorf("its name has %d bytes, and the limit is %d", len(name), metastore.MaxPartitionName)
	}
	if err == nil && strings.Contains(strings.Join(v, ""), "\x00") {
		err = errors.New("it contains a NUL character")
	}
	if err != nil {
		return "", fmt.Errorf("%w partition: %w", metastore.ErrInvalid, err)
	}
	return name, nil
}

// named reads those of at most partitionBatch partitions that exist, in order of their names.
func (r reader) named(ctx context.Context, t *metastore.Table, names []string) ([]*metastore.Partition, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var got []*partition
	err := r.call(ctx, "get_partitions_by_names", &struct {
		DB    string   `thrift:"1"`
		Table string   `thrift:"2"`
		Names []string `thrift:"3"`
	}{t.Database, t.Name, names}, &got, throwsMN)
	if unknown(err) {
		var result struct {
			List []*partition `thrift:"1"`
		}
		err = r.call(ctx, "get_partitions_by_names_req", &requestArgs[getPartitionsByNamesRequest]{
			getPartitionsByNamesRequest{DbName: t.Database, TblName: t.Name, Names: names, Engine: "hive"},
		}, &result, throwsMN)
		got = result.List
	}
	if err != nil {
		return nil, meaning(err, metastore.ErrNoSuchTable)
	}
	order := make(map[string]*metastore.Partition, len(got))
	found := make([]string, 0, len(got))
	for _, in := range got {
		p, err := storePartition(in, t)
		if err != nil {
			return nil, err
		}
		p.Parameters = closed(p.Parameters)
		name, err := t.Keys().Name(p.Values)
		if err != nil {
			return nil, err
		}
		order[name] = p
		found = append(found, name)
	}
	slices.Sort(found)
	out := make([]*metastore.Partition, 0, len(found))
	for _, name := range slices.Compact(found) {
		out = append(out, order[name])
	}
	return out, nil
}

// PartitionsNamed implements metastore.Reader.
func (r reader) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	return r.each(ctx, "get partitions", lower(name), func(t *metastore.Table) ([]string, error) {
		names := make([]string, len(vs))
		for i, v := range vs {
			var err error
			if names[i], err = partitionName(t, v); err != nil {
				return nil, err
			}
		}
		slices.Sort(names)
		return slices.Compact(names), nil
	})
}

// Partitions implements metastore.Reader. The names of all partitions are held; they are decided
// by, whatever the predicate is.
func (r reader) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	return r.each(ctx, "list partitions", lower(name), func(t *metastore.Table) ([]string, error) {
		return r.names(ctx, t, p)
	})
}

// each yields the partitions of the names that are chosen.
func (r reader) each(
	ctx context.Context, op string, name metastore.TableName, choose func(*metastore.Table) ([]string, error),
) iter.Seq2[*metastore.Partition, error] {
	return func(yield func(*metastore.Partition, error) bool) {
		t, err := r.table(ctx, name)
		var names []string
		if err == nil {
			names, err = choose(t)
		}
		for chunk := range slices.Chunk(names, partitionBatch) {
			if err != nil {
				break
			}
			var found []*metastore.Partition
			if found, err = r.named(ctx, t, chunk); err != nil {
				break
			}
			for _, p := range found {
				if !yield(p, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, failed(op, name.String(), err))
		}
	}
}

// names lists the names of the partitions that satisfy p, in order.
func (r reader) names(ctx context.Context, t *metastore.Table, p partitions.Predicate) ([]string, error) {
	matcher, err := t.Keys().Compile(p)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
	}
	if !t.Partitioned() {
		return nil, nil
	}
	all := int16(-1)
	var names []string
	err = r.call(ctx, "get_partition_names", &maxArgs{t.Database, t.Name, &all}, &names, throwsNM)
	if unknown(err) {
		err = r.call(ctx, "fetch_partition_names_req", &requestArgs[partitionsRequest]{
			partitionsRequest{DbName: t.Database, TblName: t.Name, MaxParts: &all},
		}, &names, throwsNM)
	}
	if err != nil {
		return nil, meaning(err, metastore.ErrNoSuchTable)
	}
	keys := t.Keys()
	var badName error
	if p != nil {
		names = slices.DeleteFunc(names, func(name string) bool {
			values, err := keys.ParseName(name)
			if err != nil {
				badName = err
			}
			return err == nil && !matcher.Match(values)
		})
	}
	slices.Sort(names)
	return names, badName
}

// PartitionNames implements metastore.Reader.
func (r reader) PartitionNames(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		name := lower(name)
		t, err := r.table(ctx, name)
		var names []string
		if err == nil {
			names, err = r.names(ctx, t, p)
		}
		if err != nil {
			yield("", failed("list partitions", name.String(), err))
			return
		}
		for _, name := range names {
			if !yield(name, nil) {
				return
			}
		}
	}
}

// CountPartitions implements metastore.Reader.
func (r reader) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (int, error) {
	name = lower(name)
	t, err := r.table(ctx, name)
	var names []string
	if err == nil {
		names, err = r.names(ctx, t, p)
	}
	if err != nil {
		return 0, failed("count partitions", name.String(), err)
	}
	return len(names), nil
}

// UUID implements metastore.Reader.
func (r reader) UUID(ctx context.Context) (string, error) {
	var id string
	if err := r.call(ctx, "get_metastore_db_uuid", &noArgs{}, &id, throwsM); err != nil {
		return "", failed("get UUID", "", err)
	}
	return strings.ReplaceAll(id, "-", ""), nil
}

// sent are parameters as they are sent.
func sent(params map[string]string) map[string]string {
	out := maps.Clone(opened(params))
	if out == nil {
		out = map[string]string{}
	}
	return out
}
