package hms

import (
	"context"
	"errors"
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
		_, err := s.partitionStatistics(ctx, a.Request, func(name string, found *metastore.Statistics) {
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
) (*metastore.Table, error) {
	t, err := s.stored(ctx, r.DbName, r.TblName)
	if err != nil || len(r.PartNames) == 0 || len(r.ColNames) == 0 {
		return t, err
	}
	where, err := namesPredicate(t, r.PartNames)
	if err != nil {
		return t, err
	}
	wanted := map[string]bool{}
	for _, name := range r.PartNames {
		wanted[name] = true
	}
	for found, err := range s.store(ctx).Statistics(ctx, t.TableName, where, r.ColNames...) {
		if err != nil {
			return t, missing(err, t.Database, t.Name)
		}
		name, err := t.Keys().Name(found.Values)
		if err != nil {
			return t, err
		}
		if len(found.Columns) > 0 {
			yield(name, found)
		}
	}
	return t, nil
}

type partitionColumnArgs struct {
	DB        string `thrift:"1"`
	Table     string `thrift:"2"`
	Partition string `thrift:"3"`
	Column    string `thrift:"4"`
}

func (s *Service) partitionColumnStatistics(ctx context.Context, a *partitionColumnArgs) (*columnStatistics, error) {
	out := &columnStatistics{StatsDesc: &columnStatisticsDesc{false, a.DB, a.Table, a.Partition, 0, catalog}}
	_, err := s.partitionStatistics(ctx, partitionsStatsRequest{
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
			err := s.setStatistics(ctx, []*columnStatistics{a.Request})
			return err == nil, err
		}, throwsNOMI...)
		thrift.Handle(t, name+"_req", func(ctx context.Context, a *requestArgs[setPartitionsStatsRequest]) (*setPartitionsStatsResponse, error) {
			return &setPartitionsStatsResponse{true}, s.setStatistics(ctx, a.Request.ColStats)
		}, throwsNOMI...)
	}
	thrift.Handle(t, "set_aggr_stats_for", func(ctx context.Context, a *requestArgs[setPartitionsStatsRequest]) (bool, error) {
		err := s.setStatistics(ctx, a.Request.ColStats)
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

// setStatistics sets all or none.
func (s *Service) setStatistics(ctx context.Context, list []*columnStatistics) error {
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		to := statisticsBatch{s: s, tx: tx}
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
	b.list = append(b.list, stats)
	return nil
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

// aggregate joins the statistics of partitions. Numbers of distinct values are at least the
// largest of one partition.
func (s *Service) aggregate(ctx context.Context, a *requestArgs[partitionsStatsRequest]) (*aggrStats, error) {
	joined := map[string]*metastore.ColumnStatistics{}
	seen := map[string]int64{}
	out := &aggrStats{ColStats: []*columnStatisticsObj{}}
	_, err := s.partitionStatistics(ctx, a.Request, func(_ string, found *metastore.Statistics) {
		out.PartsFound++
		for i := range found.Columns {
			c := &found.Columns[i]
			seen[c.Column]++
			if joined[c.Column] == nil {
				joined[c.Column] = c
				continue
			}
			joinStatistics(joined[c.Column], c, seen[c.Column])
		}
	})
	for _, name := range a.Request.ColNames {
		if c := joined[strings.ToLower(name)]; c != nil {
			c.BitVector = nil
			out.ColStats = append(out.ColStats, wireStatistics(c))
		}
	}
	return out, err
}

// joinStatistics adds those of one more partition, the nth.
func joinStatistics(c, more *metastore.ColumnStatistics, n int64) {
	c.Nulls, c.Trues, c.Falses = c.Nulls+more.Nulls, c.Trues+more.Trues, c.Falses+more.Falses
	c.Distinct, c.MaxLength = max(c.Distinct, more.Distinct), max(c.MaxLength, more.MaxLength)
	c.AvgLength += (more.AvgLength - c.AvgLength) / float64(n)
	if less(c.Kind, more.Low, c.Low) {
		c.Low = more.Low
	}
	if less(c.Kind, c.High, more.High) {
		c.High = more.High
	}
}

// less compares the texts of low and high values; an empty one is not known, and no bound.
func less(kind, a, b string) bool {
	switch {
	case a == "" || b == "":
		return a != "" && b == ""
	case kind == "date" || kind == "timestamp":
		return a < b
	}
	x, y := float(a), float(b)
	return x != nil && y != nil && *x < *y
}
