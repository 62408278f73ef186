package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/skepdata/skep/storage"
)

var (
	_ storage.DirLister   = (*Bucket)(nil)
	_ storage.TreeDeleter = (*Bucket)(nil)
	_ storage.Measurer    = (*Bucket)(nil)
)

// dirPage is how many objects ListDir reads at a time: few, for what is below a directory is read
// for nothing.
const dirPage = 64

// ListDir implements storage.DirLister. It goes from directory to directory by an index, whatever
// they hold.
func (b *Bucket) ListDir(ctx context.Context, prefix string) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		fail := func(err error) { yield(storage.Entry{}, b.fail(ctx, "list", prefix, err)) }
		if ctx.Err() != nil {
			fail(context.Cause(ctx))
			return
		}
		v, err := b.forReading(ctx)
		if err != nil {
			fail(err)
			return
		}
		from := append([]byte(prefix), 0)[:len(prefix)]
		to := after(prefix)
		for compare := ">="; ; {
			page, err := v.page(ctx, compare, from, to, dirPage)
			if err != nil {
				fail(err)
				return
			}
			if len(page) == 0 {
				return
			}
			from, compare = []byte(page[len(page)-1].Key), ">"
			last := ""
			for _, o := range page {
				if ctx.Err() != nil {
					fail(context.Cause(ctx))
					return
				}
				if last != "" && strings.HasPrefix(o.Key, last) {
					continue
				}
				e := storage.Entry{Object: o}
				if name, _, ok := strings.Cut(o.Key[len(prefix):], "/"); ok {
					last = prefix + name + "/"
					e = storage.Entry{Object: storage.Object{Key: last}, Dir: true}
				}
				if !yield(e, nil) {
					return
				}
			}
			if last != "" && strings.HasPrefix(page[len(page)-1].Key, last) {
				from, compare = after(last), ">="
			}
		}
	}
}

// DeleteTree implements storage.TreeDeleter, in one transaction.
func (b *Bucket) DeleteTree(ctx context.Context, dir string) error {
	if ctx.Err() != nil {
		return b.fail(ctx, "delete", dir, context.Cause(ctx))
	}
	v, err := b.forChanging(ctx)
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	if err != nil {
		return b.fail(ctx, "delete", dir, err)
	}
	err = v.commit(ctx, func(ctx context.Context, t *transaction) error {
		state, err := t.volume(ctx, v.id)
		if err == nil {
			err = t.deletePrefix(ctx, state, dir)
		}
		return err
	})
	if err == nil {
		err = v.removeGarbage(ctx)
	}
	if err != nil {
		return b.fail(ctx, "delete", dir, err)
	}
	return nil
}

// Measure implements storage.Measurer. Of a whole volume the namespace keeps Objects and Bytes; the
// rest is computed, in time proportional to what is measured.
func (b *Bucket) Measure(ctx context.Context, prefix string) (storage.Usage, error) {
	var u storage.Usage
	if ctx.Err() != nil {
		return u, b.fail(ctx, "list", prefix, context.Cause(ctx))
	}
	v, err := b.forReading(ctx)
	if err != nil {
		return u, b.fail(ctx, "list", prefix, err)
	}
	if u, err = v.measure(ctx, prefix); err != nil {
		return u, b.fail(ctx, "list", prefix, err)
	}
	return u, nil
}

func (v volumeRef) measure(ctx context.Context, prefix string) (u storage.Usage, err error) {
	condition, keys := span(prefix)
	condition = "FROM %s WHERE volume = ? AND " + condition
	args := append([]any{v.id}, keys...)
	live := fmt.Sprintf(condition, "files")
	old := fmt.Sprintf(condition, "old_files")
	visible, versions := live, "SELECT version "+live+" UNION ALL SELECT version "+old
	if v.snapshot > 0 {
		live += fmt.Sprintf(" AND version < %d", v.snapshot)
		old += fmt.Sprintf(" AND version < %d AND died > %d", v.snapshot, v.snapshot)
		versions = "SELECT version " + live + " UNION ALL SELECT version " + old
		visible = fmt.Sprintf("FROM (SELECT size %s UNION ALL SELECT size %s)", live, old)
	}
	both := append(args[:len(args):len(args)], args...)
	return u, v.consistently(ctx, func(tx *sql.Tx) error {
		sum := func(query string, args []any, into ...any) error {
			return tx.QueryRowContext(ctx, query, args...).Scan(into...)
		}
		visibleArgs := args
		if v.snapshot > 0 {
			visibleArgs = both
		}
		if err := sum("SELECT count(*), coalesce(sum(size), 0) "+visible, visibleArgs, &u.Objects, &u.Bytes); err != nil {
			return err
		}
		if v.snapshot == 0 {
			if err := sum("SELECT coalesce(sum(size), 0) "+old, args, &u.OldBytes); err != nil {
				return err
			}
		}
		return sum(`SELECT coalesce(sum(b.size * (SELECT count(*) FROM replicas r WHERE r.block = b.id)), 0)
			FROM blocks b WHERE b.id IN (SELECT fb.block FROM file_blocks fb WHERE fb.version IN (`+versions+"))",
			both, &u.StoredBytes)
	})
}
