package hms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

type exchangeArgs struct {
	Spec        map[string]string `thrift:"1"`
	SourceDB    string            `thrift:"2"`
	SourceTable string            `thrift:"3"`
	DestDB      string            `thrift:"4"`
	DestTable   string            `thrift:"5"`
}

// addExchange adds the methods that move partitions from one table to another.
func (s *Service) addExchange(t *thrift.Service) {
	thrift.Handle(t, "exchange_partition", func(ctx context.Context, a *exchangeArgs) (*partition, error) {
		moved, err := s.exchange(ctx, a)
		if err != nil {
			return nil, err
		}
		return moved[0], nil
	}, throwsMNOI...)
	thrift.Handle(t, "exchange_partitions", s.exchange, throwsMNOI...)
}

// movingPartition is one partition on its way.
type movingPartition struct {
	old, now *metastore.Partition
	from, to string // of its data, where that is copied
}

// exchange moves the partitions that have the values of the spec, all or none, and their data.
func (s *Service) exchange(ctx context.Context, a *exchangeArgs) ([]*partition, error) {
	source, err := s.stored(ctx, a.SourceDB, a.SourceTable)
	if err != nil {
		return nil, err
	}
	dest, err := s.stored(ctx, a.DestDB, a.DestTable)
	if err != nil {
		return nil, err
	}
	if !sameColumns(source.Storage.Columns, dest.Storage.Columns) || !sameColumns(source.PartitionKeys, dest.PartitionKeys) {
		return nil, metaf("The tables have different schemas. Their partitions cannot be exchanged.")
	}
	if s.ReadOnly {
		return nil, metaf("this metastore is served read-only")
	}
	moves, err := s.exchanged(ctx, a.Spec, source, dest)
	if err != nil {
		return nil, err
	}
	if err := s.copyMoves(ctx, moves); err != nil {
		return nil, err
	}
	var olds []partitions.Values
	var nows []*metastore.Partition
	out := []*partition{}
	for _, m := range moves {
		olds, nows = append(olds, m.old.Values), append(nows, m.now)
		out = append(out, wirePartition(dest.TableName, m.now))
	}
	err = s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		if err := tx.DropPartitions(ctx, source.TableName, olds...); err != nil {
			return err
		}
		return tx.AddPartitions(ctx, dest.TableName, nows, false)
	})
	for _, m := range moves {
		switch {
		case m.from == "":
		case err != nil:
			s.remove(context.WithoutCancel(ctx), m.to)
		default:
			s.remove(ctx, m.from)
		}
	}
	if errors.Is(err, metastore.ErrExists) {
		return nil, metaf("%v", err)
	}
	return out, missing(err, source.Database, source.Name)
}

// exchanged finds the partitions that are to be moved. The spec must give the first keys.
func (s *Service) exchanged(ctx context.Context, spec map[string]string, source, dest *metastore.Table) ([]movingPartition, error) {
	var values []string
	given := map[string]string{}
	for key, value := range spec {
		given[strings.ToLower(key)] = value
	}
	for i, key := range source.PartitionKeys {
		value, ok := given[key.Name]
		if ok && value != "" && len(values) < i {
			return nil, metaf("Invalid partition key & values; the keys before %s have none", key.Name)
		}
		if ok && value != "" {
			values = append(values, value)
			delete(given, key.Name)
		}
	}
	for key, value := range given {
		if value != "" {
			return nil, &noSuchObject{key + " is no partition key of " + source.TableName.String()}
		}
	}
	where, err := byValues(values)(source)
	if err != nil {
		return nil, err
	}
	var moves []movingPartition
	err = missing(first(s.store(ctx).Partitions(ctx, source.TableName, where), -1, func(p *metastore.Partition) error {
		name, err := source.Keys().Name(p.Values)
		if err != nil {
			return err
		}
		now := *p
		m := movingPartition{old: p, now: &now}
		if s.Files != nil {
			m.from, m.to = p.Storage.Location, strings.TrimSuffix(dest.Storage.Location, "/")+"/"+name
			now.Storage.Location = m.to
		}
		moves = append(moves, m)
		return nil
	}), source.Database, source.Name)
	if err == nil && len(moves) == 0 {
		err = metaf("No partition is found with the values %v for the table %s", spec, source.Name)
	}
	vs := make([]partitions.Values, len(moves))
	for i, m := range moves {
		vs[i] = m.old.Values
	}
	for p, there := range s.store(ctx).PartitionsNamed(ctx, dest.TableName, vs) {
		if err == nil && there == nil {
			err = metaf("The partition values %v exist already in the table %s", slices.Clone(p.Values), dest.Name)
		}
		err = errors.Join(err, there)
	}
	return moves, err
}

// copyMoves copies the data of all moves, or leaves nothing.
func (s *Service) copyMoves(ctx context.Context, moves []movingPartition) error {
	for i, m := range moves {
		if m.from == "" {
			continue
		}
		if err := s.Files.Copy(ctx, m.from, m.to); err != nil {
			for _, done := range moves[:i] {
				s.remove(context.WithoutCancel(ctx), done.to)
			}
			return metaf("%v", fmt.Errorf("move %s to %s: %w", m.from, m.to, err))
		}
	}
	return nil
}
