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
	if err := distinct(t, added.partitions); err != nil {
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

// distinct reports a partition that is there twice.
func distinct(t *metastore.Table, ps []*metastore.Partition) error {
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
		values, err := stored.Keys().ParseName(name)
		if err != nil {
			return nil, metaf("Invalid partition name %s: %v", name, err)
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

// addPartitionAlters adds the methods that change partitions.
func (s *Service) addPartitionAlters(t *thrift.Service) {
	type oneArgs struct {
		DB        string              `thrift:"1"`
		Table     string              `thrift:"2"`
		Partition *partition          `thrift:"3"`
		Context   *environmentContext `thrift:"4"`
	}
	type manyArgs struct {
		DB         string              `thrift:"1"`
		Table      string              `thrift:"2"`
		Partitions []*partition        `thrift:"3"`
		Context    *environmentContext `thrift:"4"`
	}
	for _, name := range []string{"alter_partition", "alter_partition_with_environment_context"} {
		thrift.Handle(t, name, func(ctx context.Context, a *oneArgs) (thrift.Void, error) {
			return thrift.Void{}, s.alterPartitions(ctx, a.DB, a.Table, []*partition{a.Partition}, a.Context)
		}, throwsPM...)
	}
	for _, name := range []string{"alter_partitions", "alter_partitions_with_environment_context"} {
		thrift.Handle(t, name, func(ctx context.Context, a *manyArgs) (thrift.Void, error) {
			return thrift.Void{}, s.alterPartitions(ctx, a.DB, a.Table, a.Partitions, a.Context)
		}, throwsPM...)
	}
	thrift.Handle(t, "alter_partitions_req", func(ctx context.Context, a *requestArgs[alterPartitionsRequest]) (*noArgs, error) {
		r := a.Request
		return &noArgs{}, s.alterPartitions(ctx, r.DbName, r.TableName, r.Partitions, r.EnvironmentContext)
	}, throwsPM...)
	thrift.Handle(t, "rename_partition", func(ctx context.Context, a *struct {
		DB     string     `thrift:"1"`
		Table  string     `thrift:"2"`
		Values []string   `thrift:"3"`
		New    *partition `thrift:"4"`
	}) (thrift.Void, error) {
		return thrift.Void{}, s.renamePartition(ctx, a.DB, a.Table, a.Values, a.New)
	}, throwsPM...)
	thrift.Handle(t, "rename_partition_req", func(ctx context.Context, a *requestArgs[renamePartitionRequest]) (*noArgs, error) {
		r := a.Request
		return &noArgs{}, s.renamePartition(ctx, r.DbName, r.TableName, r.PartVals, r.NewPart)
	}, throwsPM...)
}

// alterPartitions changes all partitions or none.
func (s *Service) alterPartitions(
	ctx context.Context, db, table string, in []*partition, env *environmentContext,
) error {
	t, err := s.stored(ctx, db, table)
	var none *noSuchObject
	if errors.As(err, &none) {
		return &invalidOperation{"Unable to alter partitions because table or database does not exist: " + none.Message}
	}
	if err != nil {
		return err
	}
	changed := make([]*metastore.Partition, len(in))
	for i := range in {
		if changed[i], err = storePartition(in[i], t); err != nil {
			return &invalidOperation{err.Error()}
		}
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		merged := make([]*metastore.Partition, len(changed))
		for i, p := range changed {
			old, err := tx.Partition(ctx, t.TableName, p.Values)
			if err != nil {
				return err
			}
			merged[i] = s.merged(ctx, p, old, env)
		}
		return tx.AlterPartitions(ctx, t.TableName, merged)
	})
	return cannotAlter(err, "alter is not possible: "+t.TableName.String()+" or a partition of it")
}

// merged is the partition that replaces old.
func (s *Service) merged(ctx context.Context, p, old *metastore.Partition, env *environmentContext) *metastore.Partition {
	out := *p
	out.Parameters = keepHidden(p.Parameters, old.Parameters)
	if !env.is("DO_NOT_UPDATE_STATS") {
		s.untrust(out.Parameters, old.Parameters, env)
	}
	if out.CreateTime.IsZero() {
		out.CreateTime = old.CreateTime
	}
	if out.Storage.Location == "" {
		out.Storage.Location = old.Storage.Location
	}
	s.stamp(ctx, out.Parameters, old.Parameters[ddlTime])
	return &out
}

// renamePartition gives a partition other values. The data of a managed table, at its usual place,
// moves along.
func (s *Service) renamePartition(ctx context.Context, db, table string, values []string, in *partition) error {
	t, err := s.stored(ctx, db, table)
	if err != nil {
		return &invalidOperation{err.Error()}
	}
	p, err := storePartition(in, t)
	if err != nil {
		return &invalidOperation{err.Error()}
	}
	from, err := s.store(ctx).Partition(ctx, t.TableName, orDefault(values))
	if err != nil {
		return cannotAlter(err, "partition "+strings.Join(values, "/"))
	}
	if _, err := s.store(ctx).Partition(ctx, t.TableName, p.Values); err == nil && strings.Join(p.Values, "\x00") != strings.Join(from.Values, "\x00") {
		return &invalidOperation{fmt.Sprintf("Partition already exists: %s.%s", t.TableName, strings.Join(p.Values, "/"))}
	}
	moveFrom, moveTo := "", ""
	p.Storage.Location = from.Storage.Location
	oldName, err1 := t.Keys().Name(from.Values)
	newName, err2 := t.Keys().Name(p.Values)
	if err := errors.Join(err1, err2); err != nil {
		return &invalidOperation{err.Error()}
	}
	root := strings.TrimSuffix(t.Storage.Location, "/") + "/"
	if t.Type == metastore.Managed && s.Files != nil && !s.ReadOnly && from.Storage.Location == root+oldName && oldName != newName {
		moveFrom, moveTo = from.Storage.Location, root+newName
		p.Storage.Location = moveTo
	}
	err = s.moving(ctx, moveFrom, moveTo, func() error {
		return s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
			if oldName != newName {
				if err := tx.RenamePartition(ctx, t.TableName, from.Values, p.Values); err != nil {
					return err
				}
			}
			return tx.AlterPartition(ctx, t.TableName, s.merged(ctx, p, from, asIs()))
		})
	})
	return cannotAlter(err, "partition "+oldName)
}

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
		values, err := stored.Keys().ParseName(name)
		if err != nil {
			return false, metaf("Invalid partition name %s: %v", name, err)
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
		v, err := t.Keys().ParseName(name)
		if err != nil {
			return nil, metaf("Invalid partition name %s: %v", name, err)
		}
		values = append(values, v)
		if p, err := s.store(ctx).Partition(ctx, t.TableName, v); err == nil && (r.NeedResult == nil || *r.NeedResult) {
			result.List = append(result.List, wirePartition(t.TableName, p))
		}
	}
	err = s.dropPartitions(ctx, t, values, r.DeleteData, r.IfExists == nil || *r.IfExists)
	return result, err
}
