package hms

import (
	"context"
	"errors"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// addPartitionDrops adds the methods that drop partitions.
func (s *Service) addPartitionDrops(t *thrift.Service) {
	for _, name := range []string{"drop_partition", "drop_partition_with_environment_context"} {
		thrift.Handle(t, name, func(ctx context.Context, a *struct {
			DB     string   `thrift:"1"`
			Table  string   `thrift:"2"`
			Values []string `thrift:"3"`
			Delete bool     `thrift:"4"`
		}) (bool, error) {
			stored, err := s.stored(ctx, a.DB, a.Table)
			if err == nil {
				err = s.dropPartitions(ctx, stored, []partitions.Values{orDefault(a.Values)}, a.Delete, false)
			}
			return err == nil, err
		}, throwsNM...)
	}
	byName := func(ctx context.Context, db, table, name string, data bool) (bool, error) {
		stored, err := s.stored(ctx, db, table)
		if err != nil {
			return false, err
		}
		values, err := valuesOf(stored.Keys(), name)
		if err != nil {
			return false, err
		}
		err = s.dropPartitions(ctx, stored, []partitions.Values{values}, data, false)
		return err == nil, err
	}
	for _, name := range []string{"drop_partition_by_name", "drop_partition_by_name_with_environment_context"} {
		thrift.Handle(t, name, func(ctx context.Context, a *struct {
			DB     string `thrift:"1"`
			Table  string `thrift:"2"`
			Name   string `thrift:"3"`
			Delete bool   `thrift:"4"`
		}) (bool, error) {
			return byName(ctx, a.DB, a.Table, a.Name, a.Delete)
		}, throwsNM...)
	}
	thrift.Handle(t, "drop_partition_req", func(ctx context.Context, a *requestArgs[struct {
		Catalog string   `thrift:"1"`
		DB      string   `thrift:"2"`
		Table   string   `thrift:"3"`
		Name    string   `thrift:"4"`
		Values  []string `thrift:"5"`
		Delete  bool     `thrift:"6"`
	}]) (bool, error) {
		r := a.Request
		if r.Name != "" {
			return byName(ctx, r.DB, r.Table, r.Name, r.Delete)
		}
		stored, err := s.stored(ctx, r.DB, r.Table)
		if err == nil {
			err = s.dropPartitions(ctx, stored, []partitions.Values{orDefault(r.Values)}, r.Delete, false)
		}
		return err == nil, err
	}, throwsNM...)
	thrift.Handle(t, "drop_partitions_req", s.dropPartitionsRequest, throwsNM...)
}

// dropPartitions removes partitions, all or none unless some may be missing, and their data where
// the table owns it.
func (s *Service) dropPartitions(
	ctx context.Context, t *metastore.Table, values []partitions.Values, data, ifExists bool,
) error {
	owned := t.Type == metastore.Managed || strings.EqualFold(t.Parameters["external.table.purge"], "true")
	var garbage []string
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		garbage = nil
		var found []partitions.Values
		for _, v := range values {
			p, err := tx.Partition(ctx, t.TableName, v)
			if ifExists && errors.Is(err, metastore.ErrNoSuchPartition) {
				continue
			}
			if err != nil {
				return err
			}
			found = append(found, v)
			if data && owned && p.Storage.Location != "" {
				garbage = append(garbage, p.Storage.Location)
			}
		}
		return tx.DropPartitions(ctx, t.TableName, found...)
	})
	if errors.Is(err, metastore.ErrNoSuchPartition) || errors.Is(err, metastore.ErrInvalid) {
		return &noSuchObject{"Partition doesn't exist. " + err.Error()}
	}
	if err != nil {
		return missing(err, t.Database, t.Name)
	}
	s.remove(ctx, garbage...)
	return nil
}

func (s *Service) dropPartitionsRequest(
	ctx context.Context, a *requestArgs[dropPartitionsRequest],
) (*listOf[*partition], error) {
	r := a.Request
	t, err := s.stored(ctx, r.DbName, r.TblName)
	if err != nil {
		return nil, err
	}
	if r.Parts == nil || r.Parts.Exprs != nil {
		return nil, metaf("dropping partitions by an expression of Hive is not supported yet; name the partitions")
	}
	var values []partitions.Values
	result := &listOf[*partition]{}
	for _, name := range r.Parts.Names {
		v, err := valuesOf(t.Keys(), name)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		if p, err := s.store(ctx).Partition(ctx, t.TableName, v); err == nil && (r.NeedResult == nil || *r.NeedResult) {
			result.List = append(result.List, wirePartition(t.TableName, p))
		}
	}
	err = s.dropPartitions(ctx, t, values, r.DeleteData, r.IfExists == nil || *r.IfExists)
	return result, err
}
