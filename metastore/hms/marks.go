package hms

import (
	"context"
	"fmt"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

type (
	markArgs struct {
		DB     string            `thrift:"1"`
		Table  string            `thrift:"2"`
		Values map[string]string `thrift:"3"`
		Event  int32             `thrift:"4"`
	}
	unknownPartition struct {
		Message string `thrift:"1"`
	}
	invalidPartition struct {
		Message string `thrift:"1"`
	}
)

func (e *unknownPartition) Error() string { return e.Message }
func (e *invalidPartition) Error() string { return e.Message }

// addMarks adds the methods by which somebody marks a partition as complete, for others to see.
func (s *Service) addMarks(t *thrift.Service) {
	throws := []error{
		&metaException{}, &noSuchObject{}, &unknownDB{}, &unknownTable{}, &unknownPartition{}, &invalidPartition{},
	}
	thrift.Handle(t, "markPartitionForEvent", func(ctx context.Context, a *markArgs) (thrift.Void, error) {
		table, values, err := s.marked(ctx, a)
		if err != nil {
			return thrift.Void{}, err
		}
		return thrift.Void{}, s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
			p, err := tx.Partition(ctx, table.TableName, values)
			if err != nil {
				return &unknownPartition{err.Error()}
			}
			p.Parameters[markParam(a.Event)] = "true"
			return tx.AlterPartition(ctx, table.TableName, p)
		})
	}, throws...)
	thrift.Handle(t, "isPartitionMarkedForEvent", func(ctx context.Context, a *markArgs) (bool, error) {
		table, values, err := s.marked(ctx, a)
		if err != nil {
			return false, err
		}
		p, err := s.store(ctx).Partition(ctx, table.TableName, values)
		if err != nil {
			return false, &unknownPartition{err.Error()}
		}
		return p.Parameters[markParam(a.Event)] == "true", nil
	}, throws...)
}

// markParam is the hidden parameter of a partition that is marked.
func markParam(event int32) string { return fmt.Sprintf("%smarked.%d", hidden, event) }

// marked is the partition that a call is about.
func (s *Service) marked(ctx context.Context, a *markArgs) (*metastore.Table, partitions.Values, error) {
	t, err := s.stored(ctx, a.DB, a.Table)
	if err != nil {
		return nil, nil, &unknownTable{fmt.Sprintf("Table: %s is not found.", a.Table)}
	}
	values := make(partitions.Values, len(t.PartitionKeys))
	for i, key := range t.PartitionKeys {
		v, ok := a.Values[key.Name]
		if !ok || len(a.Values) != len(values) {
			return nil, nil, &invalidPartition{fmt.Sprintf("%v is no partition of %s", a.Values, t.TableName)}
		}
		values[i] = v
	}
	return t, values, nil
}
