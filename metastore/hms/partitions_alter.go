package hms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

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
