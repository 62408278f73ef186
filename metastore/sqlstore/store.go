package sqlstore

import (
	"context"
	"iter"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// get runs a read of one thing, again where the server has gone meanwhile.
func get[T any](ctx context.Context, s *Store, read func(reader) (T, error)) (out T, err error) {
	err = s.view(ctx, func(r reader) error {
		out, err = read(r)
		return err
	}, nil)
	return out, err
}

// stream runs a read of many things on one moment of the metastore, however long it takes. Where
// the server goes before the first of them, it is run again.
func stream[T any](ctx context.Context, s *Store, read func(reader) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		more, begun := true, false
		err := s.view(ctx, func(r reader) error {
			for v, err := range read(r) {
				if err != nil {
					return err
				}
				begun = true
				if more = yield(v, nil); !more {
					break
				}
			}
			return nil
		}, func() bool { return begun })
		if err != nil && more {
			var none T
			yield(none, err)
		}
	}
}

// View implements metastore.Store.
func (s *Store) View(ctx context.Context, fn func(metastore.Reader) error) error {
	return s.view(ctx, func(r reader) error { return fn(r) }, nil)
}

// Database implements metastore.Reader.
func (s *Store) Database(ctx context.Context, name string) (*metastore.Database, error) {
	return get(ctx, s, func(r reader) (*metastore.Database, error) { return r.Database(ctx, name) })
}

// Databases implements metastore.Reader.
func (s *Store) Databases(ctx context.Context, pattern string) ([]string, error) {
	return get(ctx, s, func(r reader) ([]string, error) { return r.Databases(ctx, pattern) })
}

// Table implements metastore.Reader.
func (s *Store) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	if !s.d.tells || ctx.Err() != nil {
		return get(ctx, s, func(r reader) (*metastore.Table, error) { return r.Table(ctx, name) })
	}
	name = lowerName(name)
	t, moment := s.recall.table(s.read, name)
	if t != nil {
		return t, nil
	}
	t, err := get(ctx, s, func(r reader) (*metastore.Table, error) { return r.Table(ctx, name) })
	if err == nil {
		s.recall.keepTable(moment, name, t)
	}
	return t, err
}

// Tables implements metastore.Reader.
func (s *Store) Tables(ctx context.Context, db, pattern string) ([]string, error) {
	return get(ctx, s, func(r reader) ([]string, error) { return r.Tables(ctx, db, pattern) })
}

// AllTables implements metastore.Reader.
func (s *Store) AllTables(ctx context.Context, dbPattern, tablePattern string) iter.Seq2[*metastore.Table, error] {
	return stream(ctx, s, func(r reader) iter.Seq2[*metastore.Table, error] { return r.AllTables(ctx, dbPattern, tablePattern) })
}

// Partition implements metastore.Reader.
func (s *Store) Partition(ctx context.Context, name metastore.TableName, v partitions.Values) (*metastore.Partition, error) {
	return get(ctx, s, func(r reader) (*metastore.Partition, error) { return r.Partition(ctx, name, v) })
}

// Partitions implements metastore.Reader.
func (s *Store) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	read := stream(ctx, s, func(r reader) iter.Seq2[*metastore.Partition, error] { return r.Partitions(ctx, name, p) })
	key := answer(lowerName(name), p)
	if !s.d.tells || key == "" || ctx.Err() != nil {
		return read
	}
	return func(yield func(*metastore.Partition, error) bool) {
		list, known, moment := s.recall.found(s.read, key)
		if known {
			for _, p := range list {
				if !yield(own(p), nil) {
					return
				}
			}
			return
		}
		few := true
		for p, err := range read {
			if few = few && err == nil && len(list) < recallPartitions; few {
				list = append(list, own(p))
			}
			if !yield(p, err) {
				return
			}
		}
		if few {
			s.recall.keepPartitions(moment, key, list)
		}
	}
}

// PartitionNames implements metastore.Reader.
func (s *Store) PartitionNames(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[string, error] {
	return stream(ctx, s, func(r reader) iter.Seq2[string, error] { return r.PartitionNames(ctx, name, p) })
}

// CountPartitions implements metastore.Reader.
func (s *Store) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (int, error) {
	return get(ctx, s, func(r reader) (int, error) { return r.CountPartitions(ctx, name, p) })
}

// PartitionsNamed implements metastore.Reader.
func (s *Store) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	return stream(ctx, s, func(r reader) iter.Seq2[*metastore.Partition, error] { return r.PartitionsNamed(ctx, name, vs) })
}

// Function implements metastore.Reader.
func (s *Store) Function(ctx context.Context, name metastore.TableName) (*metastore.Function, error) {
	return get(ctx, s, func(r reader) (*metastore.Function, error) { return r.Function(ctx, name) })
}

// Functions implements metastore.Reader.
func (s *Store) Functions(ctx context.Context, db, pattern string) ([]*metastore.Function, error) {
	return get(ctx, s, func(r reader) ([]*metastore.Function, error) { return r.Functions(ctx, db, pattern) })
}

// Constraints implements metastore.Reader.
func (s *Store) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	return get(ctx, s, func(r reader) ([]metastore.Constraint, error) { return r.Constraints(ctx, name) })
}

// ForeignKeysTo implements metastore.Reader.
func (s *Store) ForeignKeysTo(ctx context.Context, parent metastore.TableName) ([]metastore.TableName, error) {
	return get(ctx, s, func(r reader) ([]metastore.TableName, error) { return r.ForeignKeysTo(ctx, parent) })
}

// TableStatistics implements metastore.Reader.
func (s *Store) TableStatistics(ctx context.Context, name metastore.TableName, columns ...string) (*metastore.Statistics, error) {
	return get(ctx, s, func(r reader) (*metastore.Statistics, error) { return r.TableStatistics(ctx, name, columns...) })
}

// Statistics implements metastore.Reader.
func (s *Store) Statistics(
	ctx context.Context, name metastore.TableName, p partitions.Predicate, columns ...string,
) iter.Seq2[*metastore.Statistics, error] {
	return stream(ctx, s, func(r reader) iter.Seq2[*metastore.Statistics, error] { return r.Statistics(ctx, name, p, columns...) })
}

// Role implements metastore.Reader.
func (s *Store) Role(ctx context.Context, name string) (*metastore.Role, error) {
	return get(ctx, s, func(r reader) (*metastore.Role, error) { return r.Role(ctx, name) })
}

// Roles implements metastore.Reader.
func (s *Store) Roles(ctx context.Context) ([]*metastore.Role, error) {
	return get(ctx, s, func(r reader) ([]*metastore.Role, error) { return r.Roles(ctx) })
}

// RoleGrants implements metastore.Reader.
func (s *Store) RoleGrants(ctx context.Context, role string, to metastore.Principal) ([]*metastore.RoleGrant, error) {
	return get(ctx, s, func(r reader) ([]*metastore.RoleGrant, error) { return r.RoleGrants(ctx, role, to) })
}

// Privileges implements metastore.Reader.
func (s *Store) Privileges(ctx context.Context, f metastore.PrivilegeFilter) iter.Seq2[*metastore.Privilege, error] {
	return stream(ctx, s, func(r reader) iter.Seq2[*metastore.Privilege, error] { return r.Privileges(ctx, f) })
}

// Locks implements metastore.Reader.
func (s *Store) Locks(ctx context.Context) ([]*metastore.Lock, error) {
	return get(ctx, s, func(r reader) ([]*metastore.Lock, error) { return r.Locks(ctx) })
}

// Now implements metastore.Clock: the time of the server, or of this machine where there is none.
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if s.d.clock == "" {
		return time.Now(), nil
	}
	us, err := get(ctx, s, func(r reader) (us int64, err error) {
		err = r.one(ctx, s.d.clock, nil, &us)
		return us, err
	})
	if err != nil {
		return time.Time{}, fail("read", "the clock", err)
	}
	return time.UnixMicro(us), nil
}

// Txns implements metastore.Reader.
func (s *Store) Txns(ctx context.Context) (all []*metastore.Txn, last int64, err error) {
	err = s.view(ctx, func(r reader) error {
		all, last, err = r.Txns(ctx)
		return err
	}, nil)
	return all, last, err
}

// WriteID implements metastore.Reader.
func (s *Store) WriteID(ctx context.Context, name metastore.TableName) (int64, error) {
	return get(ctx, s, func(r reader) (int64, error) { return r.WriteID(ctx, name) })
}

// Changes implements metastore.Reader.
func (s *Store) Changes(ctx context.Context, after int64) iter.Seq2[*metastore.Change, error] {
	return stream(ctx, s, func(r reader) iter.Seq2[*metastore.Change, error] { return r.Changes(ctx, after) })
}

// LastChange implements metastore.Reader.
func (s *Store) LastChange(ctx context.Context) (int64, error) {
	return get(ctx, s, func(r reader) (int64, error) { return r.LastChange(ctx) })
}

// UUID implements metastore.Reader.
func (s *Store) UUID(ctx context.Context) (string, error) {
	return get(ctx, s, func(r reader) (string, error) { return r.UUID(ctx) })
}
