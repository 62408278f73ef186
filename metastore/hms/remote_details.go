package hms

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Function implements metastore.Reader.
func (r reader) Function(ctx context.Context, name metastore.TableName) (*metastore.Function, error) {
	name = lower(name)
	var got function
	err := meaning(r.call(ctx, "get_function", &tableArgs{name.Database, name.Name}, &got, throwsMN), metastore.ErrNoSuchFunction)
	if errors.Is(err, metastore.ErrNoSuchFunction) {
		if _, dbErr := r.database(ctx, name.Database); dbErr != nil {
			err = dbErr
		}
	}
	if err == nil {
		var f *metastore.Function
		if f, err = storeFunction(&got); err == nil {
			return f, nil
		}
	}
	return nil, failed("get function", name.String(), err)
}

// Functions implements metastore.Reader.
func (r reader) Functions(ctx context.Context, db, pattern string) ([]*metastore.Function, error) {
	db = strings.ToLower(db)
	var all listOf[*function]
	err := r.call(ctx, "get_all_functions", &noArgs{}, &all, throwsM)
	if err == nil && db != "" {
		_, err = r.database(ctx, db)
	}
	var out []*metastore.Function
	for _, in := range all.List {
		if err != nil {
			break
		}
		var f *metastore.Function
		if f, err = storeFunction(in); err == nil && (db == "" || f.Database == db) && metastore.MatchPattern(pattern, f.Name) {
			out = append(out, f)
		}
	}
	if err != nil {
		return nil, failed("list functions", db, err)
	}
	slices.SortFunc(out, func(a, b *metastore.Function) int {
		return strings.Compare(a.Database+"\x00"+a.Name, b.Database+"\x00"+b.Name)
	})
	return out, nil
}

// CreateFunction implements metastore.Tx.
func (x *remoteTx) CreateFunction(ctx context.Context, f *metastore.Function) error {
	return x.putFunction(ctx, "create function", f, func(in *function) error {
		return x.call(ctx, "create_function", &requestArgs[*function]{in}, nil, throwsAOMN)
	})
}

// AlterFunction implements metastore.Tx.
func (x *remoteTx) AlterFunction(ctx context.Context, f *metastore.Function) error {
	if _, err := x.Function(ctx, metastore.TableName{Database: f.Database, Name: f.Name}); err != nil {
		return err
	}
	return x.putFunction(ctx, "alter function", f, func(in *function) error {
		return x.call(ctx, "alter_function", &struct {
			DB       string    `thrift:"1"`
			Name     string    `thrift:"2"`
			Function *function `thrift:"3"`
		}{in.DbName, in.FunctionName, in}, nil, throwsPM)
	})
}

func (x *remoteTx) putFunction(ctx context.Context, op string, f *metastore.Function, put func(*function) error) error {
	name := lower(metastore.TableName{Database: f.Database, Name: f.Name})
	if f.Class == "" {
		return unsupported(op, name.String(), "a macro")
	}
	err := f.Validate()
	if err == nil {
		out := *f
		out.Database, out.Name = name.Database, name.Name
		err = meaning(put(wireFunction(&out)), metastore.ErrNoSuchDatabase)
	}
	if err != nil {
		return failed(op, name.String(), err)
	}
	return nil
}

// DropFunction implements metastore.Tx.
func (x *remoteTx) DropFunction(ctx context.Context, name metastore.TableName) error {
	if _, err := x.Function(ctx, name); err != nil {
		return err
	}
	name = lower(name)
	err := x.call(ctx, "drop_function", &tableArgs{name.Database, name.Name}, nil, throwsNM)
	if err != nil {
		return failed("drop function", name.String(), meaning(err, metastore.ErrNoSuchFunction))
	}
	return nil
}

// Constraints implements metastore.Reader.
func (r reader) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	name = lower(name)
	list, err := r.constraints(ctx, name)
	if err != nil {
		return nil, failed("list constraints", name.String(), err)
	}
	return list, nil
}

func (r reader) constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	if _, err := r.table(ctx, name); err != nil {
		return nil, err
	}
	w := &sqlAllTableConstraints{}
	var primary listOf[*sqlPrimaryKey]
	var foreign listOf[*sqlForeignKey]
	var unique listOf[*sqlUniqueConstraint]
	var notNull listOf[*sqlNotNullConstraint]
	var defaults listOf[*sqlDefaultConstraint]
	var checks listOf[*sqlCheckConstraint]
	of := &requestArgs[uniqueConstraintsRequest]{uniqueConstraintsRequest{catalog, name.Database, name.Name}}
	for _, ask := range []struct {
		method       string
		args, result any
	}{
		{"get_primary_keys", &requestArgs[primaryKeysRequest]{primaryKeysRequest{DbName: name.Database, TblName: name.Name}}, &primary},
		{"get_foreign_keys", &requestArgs[foreignKeysRequest]{foreignKeysRequest{ForeignDbName: name.Database, ForeignTblName: name.Name}}, &foreign},
		{"get_unique_constraints", of, &unique}, {"get_not_null_constraints", of, &notNull},
		{"get_default_constraints", of, &defaults}, {"get_check_constraints", of, &checks},
	} {
		if err := r.call(ctx, ask.method, ask.args, ask.result, throwsMN); err != nil && !unknown(err) { // of Hive 2, some are
			return nil, meaning(err, metastore.ErrNoSuchTable)
		}
	}
	w.PrimaryKeys, w.ForeignKeys, w.UniqueConstraints = primary.List, foreign.List, unique.List
	w.NotNullConstraints, w.DefaultConstraints, w.CheckConstraints = notNull.List, defaults.List, checks.List
	_, list, err := w.store()
	slices.SortFunc(list, func(a, b metastore.Constraint) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// ForeignKeysTo implements metastore.Reader.
func (r reader) ForeignKeysTo(ctx context.Context, parent metastore.TableName) ([]metastore.TableName, error) {
	parent = lower(parent)
	var got listOf[*sqlForeignKey]
	err := r.call(ctx, "get_foreign_keys", &requestArgs[foreignKeysRequest]{
		foreignKeysRequest{ParentDbName: parent.Database, ParentTblName: parent.Name},
	}, &got, throwsMN)
	if err != nil {
		return nil, failed("list foreign keys", parent.String(), meaning(err, metastore.ErrNoSuchTable))
	}
	var tables []metastore.TableName
	for _, k := range got.List {
		tables = append(tables, lower(metastore.TableName{Database: k.FktableDb, Name: k.FktableName}))
	}
	slices.SortFunc(tables, func(a, b metastore.TableName) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(tables), nil
}

// AddConstraints implements metastore.Tx.
func (x *remoteTx) AddConstraints(ctx context.Context, name metastore.TableName, cs []metastore.Constraint) error {
	name = lower(name)
	if err := x.addConstraints(ctx, name, cs); err != nil {
		return failed("add constraints", name.String(), err)
	}
	return nil
}

func (x *remoteTx) addConstraints(ctx context.Context, name metastore.TableName, cs []metastore.Constraint) error {
	have, err := x.constraints(ctx, name)
	if err != nil {
		return err
	}
	w := &sqlAllTableConstraints{}
	for i := range cs {
		if err := cs[i].Validate(); err != nil {
			return err
		}
		if slices.ContainsFunc(have, func(c metastore.Constraint) bool { return strings.EqualFold(c.Name, cs[i].Name) }) {
			return metastore.ErrExists
		}
		w.add(name, &cs[i])
	}
	for _, add := range []struct {
		method string
		n      int
		args   any
	}{
		{"add_primary_key", len(w.PrimaryKeys), &requestArgs[listOf[*sqlPrimaryKey]]{listOf[*sqlPrimaryKey]{w.PrimaryKeys}}},
		{"add_foreign_key", len(w.ForeignKeys), &requestArgs[listOf[*sqlForeignKey]]{listOf[*sqlForeignKey]{w.ForeignKeys}}},
		{"add_unique_constraint", len(w.UniqueConstraints), &requestArgs[listOf[*sqlUniqueConstraint]]{listOf[*sqlUniqueConstraint]{w.UniqueConstraints}}},
		{"add_not_null_constraint", len(w.NotNullConstraints), &requestArgs[listOf[*sqlNotNullConstraint]]{listOf[*sqlNotNullConstraint]{w.NotNullConstraints}}},
		{"add_default_constraint", len(w.DefaultConstraints), &requestArgs[listOf[*sqlDefaultConstraint]]{listOf[*sqlDefaultConstraint]{w.DefaultConstraints}}},
		{"add_check_constraint", len(w.CheckConstraints), &requestArgs[listOf[*sqlCheckConstraint]]{listOf[*sqlCheckConstraint]{w.CheckConstraints}}},
	} {
		if add.n == 0 {
			continue
		}
		if err := x.call(ctx, add.method, add.args, nil, throwsNM); err != nil {
			return meaning(err, metastore.ErrNoSuchTable)
		}
	}
	return nil
}

// DropConstraint implements metastore.Tx.
func (x *remoteTx) DropConstraint(ctx context.Context, name metastore.TableName, constraint string) error {
	name = lower(name)
	have, err := x.constraints(ctx, name)
	if err == nil && !slices.ContainsFunc(have, func(c metastore.Constraint) bool { return strings.EqualFold(c.Name, constraint) }) {
		err = metastore.ErrNoConstraint
	}
	if err == nil {
		request := dropConstraintRequest{Dbname: name.Database, Tablename: name.Name, Constraintname: strings.ToLower(constraint)}
		err = meaning(x.call(ctx, "drop_constraint", &requestArgs[dropConstraintRequest]{request}, nil, throwsNM), metastore.ErrNoConstraint)
	}
	if err != nil {
		return failed("drop constraint", name.String(), err)
	}
	return nil
}

// columnNames are the columns that are asked for, or all of the table.
func columnNames(t *metastore.Table, columns []string) []string {
	var names []string
	for _, c := range t.Storage.Columns {
		if len(columns) == 0 || slices.ContainsFunc(columns, func(name string) bool { return strings.EqualFold(name, c.Name) }) {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return names
}

// readStatistics reads those of columns, in the order of their names. Hive does not say when they
// were made.
func readStatistics(list []*columnStatisticsObj) ([]metastore.ColumnStatistics, error) {
	var out []metastore.ColumnStatistics
	for _, o := range list {
		c, err := storeStatistics(o, fromSeconds(0), "hive")
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b metastore.ColumnStatistics) int { return strings.Compare(a.Column, b.Column) })
	return out, nil
}

// TableStatistics implements metastore.Reader.
func (r reader) TableStatistics(ctx context.Context, name metastore.TableName, columns ...string) (*metastore.Statistics, error) {
	name = lower(name)
	out := &metastore.Statistics{}
	err := func() error {
		t, err := r.table(ctx, name)
		if err != nil {
			return err
		}
		names := columnNames(t, columns)
		if len(names) == 0 {
			return nil
		}
		var got tableStatsResult
		request := tableStatsRequest{DbName: t.Database, TblName: t.Name, ColNames: names, Engine: "hive"}
		if err := r.call(ctx, "get_table_statistics_req", &requestArgs[tableStatsRequest]{request}, &got, throwsNM); err != nil {
			return meaning(err, metastore.ErrNoSuchTable)
		}
		out.Columns, err = readStatistics(got.TableStats)
		return err
	}()
	if err != nil {
		return nil, failed("get statistics", name.String(), err)
	}
	return out, nil
}

// Statistics implements metastore.Reader.
func (r reader) Statistics(
	ctx context.Context, name metastore.TableName, p partitions.Predicate, columns ...string,
) iter.Seq2[*metastore.Statistics, error] {
	return func(yield func(*metastore.Statistics, error) bool) {
		name := lower(name)
		t, err := r.table(ctx, name)
		var names []string
		if err == nil {
			names, err = r.names(ctx, t, p)
		}
		for chunk := range slices.Chunk(names, partitionBatch) {
			var found []*metastore.Statistics
			if err == nil {
				found, err = r.statistics(ctx, t, chunk, columnNames(t, columns))
			}
			if err != nil {
				break
			}
			for _, s := range found {
				if !yield(s, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, failed("get statistics", name.String(), err))
		}
	}
}

func (r reader) statistics(ctx context.Context, t *metastore.Table, names, columns []string) ([]*metastore.Statistics, error) {
	var got partitionsStatsResult
	request := partitionsStatsRequest{DbName: t.Database, TblName: t.Name, ColNames: columns, PartNames: names, Engine: "hive"}
	if err := r.call(ctx, "get_partitions_statistics_req", &requestArgs[partitionsStatsRequest]{request}, &got, throwsNM); err != nil {
		return nil, meaning(err, metastore.ErrNoSuchTable)
	}
	var out []*metastore.Statistics
	for _, name := range names {
		if len(got.PartStats[name]) == 0 {
			continue
		}
		values, err := t.Keys().ParseName(name)
		if err != nil {
			return nil, err
		}
		list, err := readStatistics(got.PartStats[name])
		if err != nil {
			return nil, err
		}
		out = append(out, &metastore.Statistics{Values: values, Columns: list})
	}
	return out, nil
}

// SetStatistics implements metastore.Tx.
func (x *remoteTx) SetStatistics(ctx context.Context, name metastore.TableName, all ...*metastore.Statistics) error {
	name = lower(name)
	t, err := x.table(ctx, name)
	var ofPartitions []*columnStatistics
	var parts []string
	for _, s := range all {
		if err != nil {
			break
		}
		var part string
		if s.Values != nil {
			if part, err = partitionName(t, s.Values); err != nil {
				break
			}
			parts = append(parts, part)
		}
		in := sentStatistics(t, part, s)
		switch {
		case len(s.Columns) == 0:
		case part != "":
			ofPartitions = append(ofPartitions, in)
		default:
			var done bool
			err = x.call(ctx, "update_table_column_statistics", &requestArgs[*columnStatistics]{in}, &done, throwsNOMI)
		}
	}
	if err == nil && len(parts) > 0 {
		err = x.setPartitionStatistics(ctx, t, parts, ofPartitions)
	}
	if err != nil {
		return failed("set statistics", name.String(), meaning(err, metastore.ErrNoSuchTable))
	}
	return nil
}

// setPartitionStatistics sets those of many partitions, which must exist, with few calls.
func (x *remoteTx) setPartitionStatistics(ctx context.Context, t *metastore.Table, parts []string, list []*columnStatistics) error {
	once := slices.Clone(parts)
	slices.Sort(once)
	if len(slices.Compact(once)) < len(parts) {
		return fmt.Errorf("%w: statistics of a partition are given twice", metastore.ErrInvalid)
	}
	if err := x.exist(ctx, t, parts); err != nil {
		return err
	}
	for chunk := range slices.Chunk(list, partitionBatch) {
		var done bool
		request := &requestArgs[setPartitionsStatsRequest]{setPartitionsStatsRequest{ColStats: chunk, Engine: "hive"}}
		if err := x.call(ctx, "set_aggr_stats_for", request, &done, throwsNOMI); err != nil {
			return err
		}
	}
	return nil
}

// sentStatistics are those of a table or, where part names one, of a partition of it.
func sentStatistics(t *metastore.Table, part string, s *metastore.Statistics) *columnStatistics {
	in := &columnStatistics{
		StatsDesc: &columnStatisticsDesc{IsTblLevel: part == "", DbName: t.Database, TableName: t.Name, PartName: part, CatName: catalog},
		Engine:    "hive",
	}
	for i := range s.Columns {
		in.StatsObj = append(in.StatsObj, wireStatistics(&s.Columns[i]))
		in.StatsDesc.LastAnalyzed = int64(seconds(s.Columns[i].Analyzed))
	}
	return in
}

// place finds a table, and names its partition of these values, which must exist; nil is the table.
func (x *remoteTx) place(ctx context.Context, name metastore.TableName, v partitions.Values) (*metastore.Table, string, error) {
	t, err := x.table(ctx, name)
	if err != nil || v == nil {
		return t, "", err
	}
	part, err := partitionName(t, v)
	if err == nil {
		err = x.exist(ctx, t, []string{part})
	}
	return t, part, err
}

// DropStatistics implements metastore.Tx.
func (x *remoteTx) DropStatistics(ctx context.Context, name metastore.TableName, v partitions.Values, columns ...string) error {
	name = lower(name)
	t, part, err := x.place(ctx, name, v)
	if err == nil {
		for _, column := range columnNames(t, columns) {
			var done bool
			if part == "" {
				err = x.call(ctx, "delete_table_column_statistics", &partitionNameArgs{t.Database, t.Name, column}, &done, throwsNMOI)
			} else {
				err = x.call(ctx, "delete_partition_column_statistics", &partitionColumnArgs{t.Database, t.Name, part, column}, &done, throwsNMOI)
			}
			var none *noSuchObject
			if errors.As(err, &none) { // there are none
				err = nil
			}
			if err != nil {
				break
			}
		}
	}
	if err != nil {
		return failed("drop statistics", name.String(), meaning(err, metastore.ErrNoSuchTable))
	}
	return nil
}

// Locks implements metastore.Reader.
func (r reader) Locks(context.Context) ([]*metastore.Lock, error) {
	return nil, unsupported("list locks", "", "the list of locks")
}

// PutLock implements metastore.Tx.
func (x *remoteTx) PutLock(context.Context, *metastore.Lock) (int64, error) {
	return 0, unsupported("put lock", "", "a lock with a state")
}

// DropLock implements metastore.Tx.
func (x *remoteTx) DropLock(_ context.Context, id int64) error {
	return unsupported("drop lock", fmt.Sprint(id), "a lock with a state")
}

// Txns implements metastore.Reader.
func (r reader) Txns(context.Context) ([]*metastore.Txn, int64, error) {
	return nil, 0, unsupported("list transactions", "", "the list of transactions")
}

// PutTxn implements metastore.Tx.
func (x *remoteTx) PutTxn(context.Context, *metastore.Txn) (int64, error) {
	return 0, unsupported("put transaction", "", "a transaction with a state")
}

// DropTxn implements metastore.Tx.
func (x *remoteTx) DropTxn(_ context.Context, id int64) error {
	return unsupported("drop transaction", fmt.Sprint(id), "a transaction with a state")
}

// SkipTxns implements metastore.Tx.
func (x *remoteTx) SkipTxns(context.Context, int64) error {
	return unsupported("skip transactions", "", "a transaction with a state")
}

// WriteID implements metastore.Reader.
func (r reader) WriteID(_ context.Context, name metastore.TableName) (int64, error) {
	return 0, unsupported("get write id", name.String(), "the number of a write")
}

// SetWriteID implements metastore.Tx.
func (x *remoteTx) SetWriteID(_ context.Context, name metastore.TableName, _ int64) error {
	return unsupported("set write id", name.String(), "the number of a write")
}

// Changes implements metastore.Reader.
func (r reader) Changes(context.Context, int64) iter.Seq2[*metastore.Change, error] {
	return func(yield func(*metastore.Change, error) bool) {
		yield(nil, unsupported("list changes", "", "the change log"))
	}
}

// LastChange implements metastore.Reader.
func (r reader) LastChange(context.Context) (int64, error) {
	return 0, unsupported("list changes", "", "the change log")
}

// Note implements metastore.Tx.
func (x *remoteTx) Note(_ context.Context, name metastore.TableName, _ partitions.Values, _ map[string]string) error {
	return unsupported("note", name.String(), "a note in the change log")
}
