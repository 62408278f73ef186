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
