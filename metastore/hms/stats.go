package hms

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// addStatistics adds the methods for the statistics of columns.
func (s *Service) addStatistics(t *thrift.Service) {
	thrift.Handle(t, "get_table_statistics_req", func(ctx context.Context, a *requestArgs[tableStatsRequest]) (*tableStatsResult, error) {
		r := a.Request
		found, err := s.tableStatistics(ctx, r.DbName, r.TblName, r.ColNames)
		return &tableStatsResult{TableStats: found}, err
	}, throwsNM...)
	thrift.Handle(t, "get_partitions_statistics_req", func(ctx context.Context, a *requestArgs[partitionsStatsRequest]) (*partitionsStatsResult, error) {
		out := &partitionsStatsResult{PartStats: map[string][]*columnStatisticsObj{}}
		err := s.partitionStatistics(ctx, a.Request, func(name string, found *metastore.Statistics) {
			for i := range found.Columns {
				out.PartStats[name] = append(out.PartStats[name], wireStatistics(&found.Columns[i]))
			}
		})
		return out, err
	}, throwsNM...)
	thrift.Handle(t, "get_aggr_stats_for", s.aggregate, throwsNM...)
	thrift.Handle(t, "get_table_column_statistics", func(ctx context.Context, a *partitionNameArgs) (*columnStatistics, error) {
		found, err := s.tableStatistics(ctx, a.DB, a.Table, []string{a.Name})
		if err == nil && len(found) == 0 {
			err = &noSuchObject{"Statistics for " + a.DB + "." + a.Table + "." + a.Name + " are not there"}
		}
		return &columnStatistics{&columnStatisticsDesc{true, a.DB, a.Table, "", 0, catalog}, found, false, ""}, err
	}, throwsNMIO...)
	thrift.Handle(t, "get_partition_column_statistics", s.partitionColumnStatistics, throwsNMIO...)
	s.addStatisticsChanges(t)
}

func (s *Service) tableStatistics(ctx context.Context, db, table string, columns []string) ([]*columnStatisticsObj, error) {
	name, err := tableName(db, table)
	if err != nil {
		return nil, err
	}
	out := []*columnStatisticsObj{}
	if len(columns) == 0 {
		return out, nil
	}
	found, err := s.store(ctx).TableStatistics(ctx, name, columns...)
	if err != nil {
		return nil, missing(err, name.Database, name.Name)
	}
	for i := range found.Columns {
		out = append(out, wireStatistics(&found.Columns[i]))
	}
	return out, nil
}

// partitionStatistics yields what is known of the partitions that are named.
func (s *Service) partitionStatistics(
	ctx context.Context, r partitionsStatsRequest, yield func(name string, found *metastore.Statistics),
) error {
	t, err := s.stored(ctx, r.DbName, r.TblName)
	if err != nil || len(r.PartNames) == 0 || len(r.ColNames) == 0 {
		return err
	}
	where, err := namesPredicate(t, r.PartNames)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, name := range r.PartNames {
		wanted[name] = true
	}
	for found, err := range s.store(ctx).Statistics(ctx, t.TableName, where, r.ColNames...) {
		if err != nil {
			return missing(err, t.Database, t.Name)
		}
		name, err := t.Keys().Name(found.Values)
		if err != nil {
			return err
		}
		if len(found.Columns) > 0 {
			yield(name, found)
		}
	}
	return nil
}

type partitionColumnArgs struct {
	DB        string `thrift:"1"`
	Table     string `thrift:"2"`
	Partition string `thrift:"3"`
	Column    string `thrift:"4"`
}

func (s *Service) partitionColumnStatistics(ctx context.Context, a *partitionColumnArgs) (*columnStatistics, error) {
	out := &columnStatistics{StatsDesc: &columnStatisticsDesc{false, a.DB, a.Table, a.Partition, 0, catalog}}
	err := s.partitionStatistics(ctx, partitionsStatsRequest{
		DbName: a.DB, TblName: a.Table, ColNames: []string{a.Column}, PartNames: []string{a.Partition},
	}, func(_ string, found *metastore.Statistics) {
		for i := range found.Columns {
			out.StatsObj = append(out.StatsObj, wireStatistics(&found.Columns[i]))
		}
	})
	if err == nil && len(out.StatsObj) == 0 {
		err = &noSuchObject{"Statistics for " + a.DB + "." + a.Table + " partition " + a.Partition + " are not there"}
	}
	return out, err
}

// addStatisticsChanges adds the methods that set and delete statistics.
func (s *Service) addStatisticsChanges(t *thrift.Service) {
	for _, name := range []string{"update_table_column_statistics", "update_partition_column_statistics"} {
		thrift.Handle(t, name, func(ctx context.Context, a *requestArgs[*columnStatistics]) (bool, error) {
			err := s.setStatistics(ctx, []*columnStatistics{a.Request}, false)
			return err == nil, err
		}, throwsNOMI...)
		thrift.Handle(t, name+"_req", func(ctx context.Context, a *requestArgs[setPartitionsStatsRequest]) (*setPartitionsStatsResponse, error) {
			return &setPartitionsStatsResponse{true}, s.setStatistics(ctx, a.Request.ColStats, false)
		}, throwsNOMI...)
	}
	thrift.Handle(t, "set_aggr_stats_for", func(ctx context.Context, a *requestArgs[setPartitionsStatsRequest]) (bool, error) {
		err := s.setStatistics(ctx, a.Request.ColStats, a.Request.NeedMerge)
		return err == nil, err
	}, throwsNOMI...)
	thrift.Handle(t, "delete_table_column_statistics", func(ctx context.Context, a *partitionNameArgs) (bool, error) {
		err := s.dropStatistics(ctx, a.DB, a.Table, nil, a.Name)
		return err == nil, err
	}, throwsNMOI...)
	thrift.Handle(t, "delete_partition_column_statistics", func(ctx context.Context, a *partitionColumnArgs) (bool, error) {
		stored, err := s.stored(ctx, a.DB, a.Table)
		if err != nil {
			return false, err
		}
		values, err := valuesOf(stored.Keys(), a.Partition)
		if err != nil {
			return false, err
		}
		err = s.dropStatistics(ctx, a.DB, a.Table, values, a.Column)
		return err == nil, err
	}, throwsNMOI...)
}

// setStatistics sets all or none. Where they are to be merged they are those of rows that were added, and
// become those of all rows.
func (s *Service) setStatistics(ctx context.Context, list []*columnStatistics, merge bool) error {
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		to := statisticsBatch{s: s, tx: tx, merge: merge}
		for _, in := range list {
			if in == nil || in.StatsDesc == nil {
				return &invalidObject{"statistics without a description"}
			}
			if err := to.add(ctx, in); err != nil {
				return err
			}
		}
		return to.flush(ctx)
	})
	if errors.Is(err, metastore.ErrInvalid) {
		return &invalidObject{err.Error()}
	}
	return missing(err, "", "of these statistics")
}

// statisticsBatch sets statistics of one table after the other, those of a table together.
type statisticsBatch struct {
	s     *Service
	tx    metastore.Tx
	merge bool
	table *metastore.Table
	list  []*metastore.Statistics
	parts map[string]bool // in the list
}

func (b *statisticsBatch) flush(ctx context.Context) error {
	if len(b.list) == 0 {
		return nil
	}
	err := b.tx.SetStatistics(ctx, b.table.TableName, b.list...)
	b.list, b.parts = nil, nil
	return err
}

// next makes the batch one of a table, in which a partition is not yet.
func (b *statisticsBatch) next(ctx context.Context, name metastore.TableName, part string) (err error) {
	other := b.table == nil || b.table.TableName != name
	if other || b.parts[part] {
		if err := b.flush(ctx); err != nil {
			return err
		}
		b.parts = map[string]bool{}
	}
	if other {
		b.table, err = b.tx.Table(ctx, name)
	}
	if err == nil {
		b.parts[part] = true
	}
	return err
}

func (b *statisticsBatch) add(ctx context.Context, in *columnStatistics) error {
	name, err := tableName(in.StatsDesc.DbName, in.StatsDesc.TableName)
	if err != nil {
		return err
	}
	part := in.StatsDesc.PartName
	if in.StatsDesc.IsTblLevel {
		part = ""
	}
	if err := b.next(ctx, name, part); err != nil {
		return missing(err, name.Database, name.Name)
	}
	t := b.table
	stats := &metastore.Statistics{}
	if !in.StatsDesc.IsTblLevel {
		if stats.Values, err = t.Keys().ParseName(part); err != nil {
			return &invalidObject{err.Error()}
		}
	}
	analyzed := b.s.Now()
	if in.StatsDesc.LastAnalyzed > 0 {
		analyzed = time.Unix(in.StatsDesc.LastAnalyzed, 0)
	}
	for _, o := range in.StatsObj {
		c, err := storeStatistics(o, analyzed, in.Engine)
		if err != nil {
			return err
		}
		if t.Storage.Column(c.Column) < 0 {
			return &invalidObject{"no column " + c.Column + " in " + t.TableName.String()}
		}
		stats.Columns = append(stats.Columns, c)
	}
	if b.merge {
		if err := b.merged(ctx, part, stats); err != nil {
			return missing(err, name.Database, name.Name)
		}
	}
	b.list = append(b.list, stats)
	return nil
}

// merged adds what is known already of a table or partition. As in Hive, nothing is said of columns whose
// statistics are not noted as those of the data.
func (b *statisticsBatch) merged(ctx context.Context, part string, stats *metastore.Statistics) error {
	var columns []string
	for _, c := range stats.Columns {
		columns = append(columns, c.Column)
	}
	if len(columns) == 0 {
		return nil
	}
	params := b.table.Parameters
	var known *metastore.Statistics
	var err error
	if stats.Values == nil {
		known, err = b.tx.TableStatistics(ctx, b.table.TableName, columns...)
	} else {
		var p *metastore.Partition
		if p, err = b.tx.Partition(ctx, b.table.TableName, stats.Values); err != nil {
			return err
		}
		params = p.Parameters
		known, err = b.known(ctx, part, stats.Values, columns)
	}
	if err != nil {
		return err
	}
	stats.Columns = slices.DeleteFunc(stats.Columns, func(c metastore.ColumnStatistics) bool { return !accurateColumn(params, c.Column) })
	for i := range stats.Columns {
		c := &stats.Columns[i]
		for k := range known.Columns {
			if old := &known.Columns[k]; old.Column == c.Column && old.Kind == c.Kind {
				sum := newColumnSum(c)
				sum.add(old)
				*c = *sum.result()
			}
		}
	}
	return nil
}

// known are the statistics of one partition.
func (b *statisticsBatch) known(ctx context.Context, part string, v partitions.Values, columns []string) (*metastore.Statistics, error) {
	where, err := namesPredicate(b.table, []string{part})
	if err != nil {
		return nil, err
	}
	for found, err := range b.tx.Statistics(ctx, b.table.TableName, where, columns...) {
		if err != nil {
			return nil, err
		}
		if slices.Equal(found.Values, v) {
			return found, nil
		}
	}
	return &metastore.Statistics{}, nil
}

// accurateColumn reports whether the parameters of a table or partition say that the statistics of a
// column are those of its data.
func accurateColumn(params map[string]string, column string) bool {
	var said struct {
		Columns map[string]string `json:"COLUMN_STATS"`
	}
	return json.Unmarshal([]byte(params[accurate]), &said) == nil && said.Columns[column] == "true"
}

func (s *Service) dropStatistics(ctx context.Context, db, table string, values partitions.Values, column string) error {
	name, err := tableName(db, table)
	if err != nil {
		return err
	}
	var columns []string
	if column != "" {
		columns = []string{strings.ToLower(column)}
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		return tx.DropStatistics(ctx, name, values, columns...)
	})
	return missing(err, name.Database, name.Name)
}
