package hms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// addPartitionChanges adds the methods that make, change and drop partitions.
func (s *Service) addPartitionChanges(t *thrift.Service) {
	add := func(name string) {
		thrift.Handle(t, name, func(ctx context.Context, a *requestArgs[*partition]) (*partition, error) {
			if a.Request == nil {
				return nil, &invalidObject{"there is no partition in the request"}
			}
			added, err := s.addAll(ctx, a.Request.DbName, a.Request.TableName, []*partition{a.Request}, false)
			if err != nil {
				return nil, err
			}
			return added.wire(0), nil
		}, throwsOAM...)
	}
	add("add_partition")
	add("add_partition_with_environment_context")
	thrift.Handle(t, "add_partitions", func(ctx context.Context, a *requestArgs[[]*partition]) (int32, error) {
		if len(a.Request) == 0 {
			return 0, nil
		}
		first := a.Request[0]
		_, err := s.addAll(ctx, first.DbName, first.TableName, a.Request, false)
		return int32(len(a.Request)), err
	}, throwsOAM...)
	thrift.Handle(t, "add_partitions_req", func(ctx context.Context, a *requestArgs[addPartitionsRequest]) (*addPartitionsResult, error) {
		r := a.Request
		added, err := s.addAll(ctx, r.DbName, r.TblName, r.Parts, r.IfNotExists)
		result := &addPartitionsResult{}
		if err == nil && (r.NeedResult == nil || *r.NeedResult) {
			result.Partitions = []*partition{}
			for i := range added.partitions {
				result.Partitions = append(result.Partitions, added.wire(i))
			}
		}
		return result, err
	}, throwsOAM...)
	thrift.Handle(t, "add_partitions_pspec", func(ctx context.Context, a *requestArgs[[]*partitionSpec]) (int32, error) {
		var n int32
		for _, spec := range a.Request {
			list := specPartitions(spec)
			if _, err := s.addAll(ctx, spec.DbName, spec.TableName, list, false); err != nil {
				return n, err
			}
			n += int32(len(list))
		}
		return n, nil
	}, throwsOAM...)
	s.addAppends(t)
	s.addPartitionAlters(t)
	s.addPartitionDrops(t)
}

// specPartitions takes the partitions out of a spec.
func specPartitions(spec *partitionSpec) []*partition {
	var list []*partition
	if spec.PartitionList != nil {
		list = append(list, spec.PartitionList.Partitions...)
	}
	if shared := spec.SharedSDPartitionSpec; shared != nil {
		for _, p := range shared.Partitions {
			sd := storageDescriptor{}
			if shared.Sd != nil {
				sd = *shared.Sd
			}
			sd.Location = spec.RootPath + p.RelativePath
			list = append(list, &partition{
				Values: p.Values, CreateTime: p.CreateTime, Sd: &sd, Parameters: p.Parameters,
			})
		}
	}
	return list
}

// addedPartitions are partitions as they are now stored.
type addedPartitions struct {
	table      *metastore.Table
	partitions []*metastore.Partition
}

func (a *addedPartitions) wire(i int) *partition {
	return wirePartition(a.table.TableName, a.partitions[i])
}

// addAll adds all partitions or none.
func (s *Service) addAll(
	ctx context.Context, db, name string, in []*partition, ifNotExists bool,
) (*addedPartitions, error) {
	t, err := s.stored(ctx, db, name)
	var none *noSuchObject
	if errors.As(err, &none) {
		return nil, &invalidObject{fmt.Sprintf("Unable to add partitions because table %s.%s.%s does not exist", catalog, db, name)}
	}
	if err != nil {
		return nil, err
	}
	added := &addedPartitions{table: t}
	for _, one := range in {
		if one != nil && one.TableName != "" && !strings.EqualFold(one.TableName, t.Name) {
			return nil, metaf("Partition does not belong to target table %s: %s", t.TableName, one.TableName)
		}
		p, err := s.newPartition(ctx, t, one)
		if err != nil {
			return nil, err
		}
		added.partitions = append(added.partitions, p)
	}
	if err := noneTwice(t, added.partitions); err != nil {
		return nil, err
	}
	all := added.partitions
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		added.partitions = all
		if ifNotExists {
			if added.partitions, err = absent(ctx, tx, t, all); err != nil || len(added.partitions) == 0 {
				return err
			}
		}
		return tx.AddPartitions(ctx, t.TableName, added.partitions, false)
	})
	if errors.Is(err, metastore.ErrExists) {
		return nil, &alreadyExists{"Partition already exists: " + err.Error()}
	}
	if err != nil {
		return nil, cannotCreate(err, t.TableName.String())
	}
	for _, p := range added.partitions {
		s.makeDir(ctx, p.Storage.Location)
	}
	return added, nil
}

// absent leaves the partitions that do not exist yet.
func absent(ctx context.Context, tx metastore.Tx, t *metastore.Table, all []*metastore.Partition) ([]*metastore.Partition, error) {
	values := make([]partitions.Values, len(all))
	for i, p := range all {
		values[i] = p.Values
	}
	exists := map[string]bool{}
	for p, err := range tx.PartitionsNamed(ctx, t.TableName, values) {
		if err != nil {
			return nil, err
		}
		exists[strings.Join(p.Values, "\x00")] = true
	}
	var left []*metastore.Partition
	for _, p := range all {
		if !exists[strings.Join(p.Values, "\x00")] {
			left = append(left, p)
		}
	}
	return left, nil
}

// newPartition reads a partition that is to be added.
func (s *Service) newPartition(ctx context.Context, t *metastore.Table, in *partition) (*metastore.Partition, error) {
	p, err := storePartition(in, t)
	if err != nil {
		return nil, err
	}
	if p.CreateTime.IsZero() {
		p.CreateTime = s.Now()
	}
	s.stamp(ctx, p.Parameters, "")
	if p.Storage.Location == "" && !own(ctx) {
		name, err := t.Keys().Name(p.Values)
		if err != nil {
			return nil, &invalidObject{err.Error()}
		}
		p.Storage.Location = strings.TrimSuffix(t.Storage.Location, "/") + "/" + name
	}
	return p, nil
}

// noneTwice reports a partition that is there twice.
func noneTwice(t *metastore.Table, ps []*metastore.Partition) error {
	seen := map[string]bool{}
	for _, p := range ps {
		name, err := t.Keys().Name(p.Values)
		if err != nil {
			return &invalidObject{err.Error()}
		}
		if seen[name] {
			return metaf("Duplicate partitions in the list: %s", name)
		}
		seen[name] = true
	}
	return nil
}

// addAppends adds the methods that make a partition of values alone.
func (s *Service) addAppends(t *thrift.Service) {
	byValues := func(name string) {
		thrift.Handle(t, name, func(ctx context.Context, a *partitionArgs) (*partition, error) {
			return s.appendPartition(ctx, a.DB, a.Table, a.Values)
		}, throwsOAM...)
	}
	byValues("append_partition")
	byValues("append_partition_with_environment_context")
	byName := func(ctx context.Context, db, table, name string) (*partition, error) {
		stored, err := s.stored(ctx, db, table)
		if err != nil {
			return nil, &invalidObject{err.Error()}
		}
		values, err := valuesOf(stored.Keys(), name)
		if err != nil {
			return nil, err
		}
		return s.appendPartition(ctx, db, table, values)
	}
	for _, name := range []string{"append_partition_by_name", "append_partition_by_name_with_environment_context"} {
		thrift.Handle(t, name, func(ctx context.Context, a *partitionNameArgs) (*partition, error) {
			return byName(ctx, a.DB, a.Table, a.Name)
		}, throwsOAM...)
	}
	thrift.Handle(t, "append_partition_req", func(ctx context.Context, a *requestArgs[struct {
		Catalog string   `thrift:"1"`
		DB      string   `thrift:"2"`
		Table   string   `thrift:"3"`
		Name    string   `thrift:"4"`
		Values  []string `thrift:"5"`
	}]) (*partition, error) {
		if a.Request.Name != "" {
			return byName(ctx, a.Request.DB, a.Request.Table, a.Request.Name)
		}
		return s.appendPartition(ctx, a.Request.DB, a.Request.Table, a.Request.Values)
	}, throwsOAM...)
}

func (s *Service) appendPartition(ctx context.Context, db, table string, values []string) (*partition, error) {
	added, err := s.addAll(ctx, db, table, []*partition{{Values: values}}, false)
	if err != nil {
		return nil, err
	}
	return added.wire(0), nil
}
