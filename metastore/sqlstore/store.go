package sqlstore

import (
	"context"
	"iter"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Database implements metastore.Reader.
func (s *Store) Database(ctx context.Context, name string) (d *metastore.Database, err error) {
	err = s.view(ctx, func(r reader) error {
		d, err = r.Database(ctx, name)
		return err
	})
	return d, err
}

// Databases implements metastore.Reader.
func (s *Store) Databases(ctx context.Context, pattern string) (names []string, err error) {
	err = s.view(ctx, func(r reader) error {
		names, err = r.Databases(ctx, pattern)
		return err
	})
	return names, err
}

// Table implements metastore.Reader.
func (s *Store) Table(ctx context.Context, name metastore.TableName) (t *metastore.Table, err error) {
	err = s.view(ctx, func(r reader) error {
		t, err = r.Table(ctx, name)
		return err
	})
	return t, err
}

// Tables implements metastore.Reader.
func (s *Store) Tables(ctx context.Context, db, pattern string) (names []string, err error) {
	err = s.view(ctx, func(r reader) error {
		names, err = r.Tables(ctx, db, pattern)
		return err
	})
	return names, err
}

// Partition implements metastore.Reader.
func (s *Store) Partition(
	ctx context.Context, name metastore.TableName, v partitions.Values,
) (p *metastore.Partition, err error) {
	err = s.view(ctx, func(r reader) error {
		p, err = r.Partition(ctx, name, v)
		return err
	})
	return p, err
}

// Partitions implements metastore.Reader. All that it yields is of one moment, however long the
// iteration takes.
func (s *Store) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	return func(yield func(*metastore.Partition, error) bool) {
		more := true
		err := s.view(ctx, func(r reader) error {
			for p, err := range r.Partitions(ctx, name, p) {
				if more = yield(p, err); !more {
					break
				}
			}
			return nil
		})
		if err != nil && more {
			yield(nil, err)
		}
	}
}
