package hms

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// query says which partitions a client wants.
type query struct {
	db, table string
	where     func(*metastore.Table) (partitions.Predicate, error) // nil: all
	limit     int                                                  // -1: all
	asks      asker
}

// asker is for whom partitions are wanted with their privileges.
type asker struct {
	user   *string
	groups []string
}

// partitions are the partitions of a query, which are read while they are sent.
func (s *Service) partitions(ctx context.Context, q query) (*thrift.Spool, error) {
	t, where, err := s.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	return thrift.Stream[*writtenPartition](ctx, func(to *thrift.Spool) error {
		return s.send(ctx, t, where, q.limit, to, func(r metastore.Reader) error {
			w := newPartitionWriter(t, to)
			if q.asks.user != nil {
				var err error
				if w.sets, err = partitionSets(ctx, r, t, q.asks); err != nil {
					return err
				}
			}
			return first(r.Partitions(ctx, t.TableName, where), q.limit, w.add)
		})
	}), nil
}

// names are the names of the partitions of a query.
func (s *Service) names(ctx context.Context, q query) (*thrift.Spool, error) {
	t, where, err := s.resolve(ctx, q)
	if err != nil {
		return nil, err
	}
	return thrift.Stream[string](ctx, func(to *thrift.Spool) error {
		return s.send(ctx, t, where, q.limit, to, func(r metastore.Reader) error {
			return first(r.PartitionNames(ctx, t.TableName, where), q.limit, func(name string) error { return to.Add(name) })
		})
	}), nil
}

// send counts the partitions of a query and runs what adds them to an answer, on one moment of the metastore.
func (s *Service) send(
	ctx context.Context, t *metastore.Table, where partitions.Predicate, limit int, to *thrift.Spool,
	add func(metastore.Reader) error,
) error {
	if limit == 0 || !t.Partitioned() {
		return nil
	}
	return missing(s.store(ctx).View(ctx, func(r metastore.Reader) error {
		n, err := r.CountPartitions(ctx, t.TableName, where)
		if err != nil {
			return err
		}
		if limit > 0 {
			n = min(n, limit)
		}
		if err := to.Expect(n); err != nil {
			return err
		}
		if err = add(r); err != nil && to.Sent() {
			return errors.New(err.Error()) // there is no other try
		}
		return err
	}), t.Database, t.Name)
}

// first calls fn for the elements of a list, for limit at most (-1: all).
func first[T any](list iter.Seq2[T, error], limit int, fn func(T) error) error {
	n := 0
	for v, err := range list {
		if err != nil {
			return err
		}
		if err := fn(v); err != nil {
			return err
		}
		if n++; n == limit {
			break
		}
	}
	return nil
}

// eachName calls fn for the names of partitions that satisfy a predicate, for limit at most.
func (s *Service) eachName(
	ctx context.Context, t *metastore.Table, where partitions.Predicate, limit int, fn func(string) error,
) error {
	if limit == 0 || !t.Partitioned() {
		return nil
	}
	return missing(first(s.store(ctx).PartitionNames(ctx, t.TableName, where), limit, fn), t.Database, t.Name)
}

func (s *Service) resolve(ctx context.Context, q query) (*metastore.Table, partitions.Predicate, error) {
	t, err := s.stored(ctx, q.db, q.table)
	if err != nil || q.where == nil {
		return t, nil, err
	}
	where, err := q.where(t)
	return t, where, err
}

// byFilter makes the predicate of a filter.
func (s *Service) byFilter(ctx context.Context, filter string) func(*metastore.Table) (partitions.Predicate, error) {
	return func(t *metastore.Table) (partitions.Predicate, error) {
		p, err := parseFilter(filter, func(key string, re *regexp.Regexp) (partitions.Predicate, error) {
			return s.valuesLike(ctx, t, key, re)
		})
		if err == nil {
			err = t.Keys().Check(p)
		}
		if err != nil {
			return nil, metaf("%v", err)
		}
		return p, nil
	}
}

// valuesLike finds the values of a key that a regular expression matches.
func (s *Service) valuesLike(
	ctx context.Context, t *metastore.Table, key string, re *regexp.Regexp,
) (partitions.Predicate, error) {
	i := t.Keys().Find(key)
	if i < 0 {
		return nil, metaf("Error parsing partition filter: %s is no partition key of %s", key, t.TableName)
	}
	in := partitions.In{Key: key}
	seen := map[string]bool{}
	err := s.eachName(ctx, t, nil, -1, func(name string) error {
		values, err := t.Keys().ParseName(name)
		if err != nil {
			return err
		}
		v := values[i]
		if !seen[v] && v != partitions.DefaultName && re.MatchString(v) {
			in.Values = append(in.Values, v)
		}
		seen[v] = true
		return nil
	})
	return in, err
}

// byValues makes the predicate of a list of values, as many as a client has: an empty one stands
// for any, and so do those at the end that are not there.
func byValues(values []string) func(*metastore.Table) (partitions.Predicate, error) {
	return func(t *metastore.Table) (partitions.Predicate, error) {
		if len(values) > len(t.PartitionKeys) {
			return nil, metaf("Incorrect number of partition values. numPartKeys=%d, part_val=%d",
				len(t.PartitionKeys), len(values))
		}
		all := partitions.And{}
		for i, v := range values {
			if v != "" {
				all = append(all, compare(t.PartitionKeys[i].Name, partitions.Eq, v))
			}
		}
		return all, nil
	}
}

// partition finds one.
func (s *Service) partition(ctx context.Context, db, table string, values []string) (*partition, error) {
	t, err := s.stored(ctx, db, table)
	if err != nil {
		return nil, err
	}
	return s.partitionOf(ctx, t, orDefault(values))
}

// partitionFor finds one, with the privileges of who asks for it.
func (s *Service) partitionFor(ctx context.Context, a *partitionAuthArgs) (*partition, error) {
	p, err := s.partition(ctx, a.DB, a.Table, a.Values)
	if err != nil {
		return nil, err
	}
	t, err := s.stored(ctx, a.DB, a.Table)
	if err == nil && withPrivileges(t) {
		on := metastore.Securable{Kind: metastore.OnPartition, Database: t.Database, Table: t.Name, Values: p.Values}
		p.Privileges, err = privilegesOf(ctx, s.store(ctx), on, asker{a.User, a.Groups})
	}
	return p, err
}

func (s *Service) partitionOf(ctx context.Context, t *metastore.Table, values partitions.Values) (*partition, error) {
	p, err := s.store(ctx).Partition(ctx, t.TableName, values)
	switch {
	case errors.Is(err, metastore.ErrNoSuchPartition), errors.Is(err, metastore.ErrInvalid):
		return nil, &noSuchObject{"partition values=[" + strings.Join(values, ", ") + "]"}
	case err != nil:
		return nil, missing(err, t.Database, t.Name)
	}
	return wirePartition(t.TableName, p), nil
}

func (s *Service) partitionByName(ctx context.Context, db, table, name string) (*partition, error) {
	t, err := s.stored(ctx, db, table)
	if err != nil {
		return nil, err
	}
	values, err := valuesOf(t.Keys(), name)
	if err != nil {
		return nil, err
	}
	return s.partitionOf(ctx, t, values)
}

// partitionsByName finds the partitions of the names that exist, in the order of the names.
func (s *Service) partitionsByName(ctx context.Context, db, table string, names []string) (*thrift.Spool, error) {
	t, err := s.stored(ctx, db, table)
	if err != nil {
		return nil, err
	}
	values, order, err := parseNames(t, names)
	if err != nil {
		return nil, err
	}
	found := make([]*metastore.Partition, len(values))
	for p, err := range s.store(ctx).PartitionsNamed(ctx, t.TableName, values) {
		if err != nil {
			return nil, missing(err, t.Database, t.Name)
		}
		name, err := t.Keys().Name(p.Values)
		if err != nil {
			return nil, err
		}
		found[order[name]] = p
	}
	spool := thrift.NewSpool[*writtenPartition](ctx)
	w := newPartitionWriter(t, spool)
	for _, p := range found {
		if p == nil {
			continue
		}
		if err := w.add(p); err != nil {
			return nil, err
		}
	}
	return spool, nil
}

// parseNames reads names of partitions, each once, and says which place each of them has.
func parseNames(t *metastore.Table, names []string) (values []partitions.Values, order map[string]int, err error) {
	keys := t.Keys()
	order = make(map[string]int, len(names))
	for _, name := range names {
		v, err := valuesOf(keys, name)
		if err != nil {
			return nil, nil, err
		}
		canonical, err := keys.Name(v)
		if err != nil {
			return nil, nil, err
		}
		if _, seen := order[canonical]; !seen {
			order[canonical] = len(values)
			values = append(values, v)
		}
	}
	return values, order, nil
}

// namesPredicate holds for the partitions of these names.
func namesPredicate(t *metastore.Table, names []string) (partitions.Predicate, error) {
	keys := t.Keys()
	either := partitions.Or{}
	for _, name := range names {
		values, err := valuesOf(keys, name)
		if err != nil {
			return nil, err
		}
		all := partitions.And{}
		for i, v := range values {
			all = append(all, compare(keys[i].Name, partitions.Eq, v))
		}
		either = append(either, all)
	}
	return either, nil
}

// valuesOf are the values that a partition's name says.
func valuesOf(keys partitions.Keys, name string) (partitions.Values, error) {
	values, err := keys.ParseName(name)
	if err != nil {
		return nil, metaf("Invalid partition name %s: %v", name, err)
	}
	return values, nil
}
