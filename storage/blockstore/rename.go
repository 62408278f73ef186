package blockstore

import (
	"context"
	"fmt"
	"strings"

	"github.com/skepdata/skep/storage"
)

var _ storage.Renamer = (*Bucket)(nil)

// Rename implements storage.Renamer, in one transaction. What describes the object stays, its ETag
// too unless a snapshot has the object.
func (b *Bucket) Rename(ctx context.Context, from, to string) error {
	for _, key := range []string{from, to} {
		if err := b.check(ctx, "rename", key); err != nil {
			return err
		}
	}
	return b.renaming(ctx, from, func(ctx context.Context, t *transaction, v *volumeState) error {
		return t.move(ctx, v, from, to)
	})
}

// RenameDir implements storage.Renamer, in one transaction.
func (b *Bucket) RenameDir(ctx context.Context, from, to string) error {
	for _, dir := range []string{from, to} {
		if err := b.check(ctx, "rename", dir); err != nil {
			return err
		}
		if !strings.HasSuffix(dir, "/") {
			return b.fail(ctx, "rename", dir, fmt.Errorf("%w: a directory ends in a slash", storage.ErrInvalidKey))
		}
	}
	if strings.HasPrefix(from, to) || strings.HasPrefix(to, from) {
		return b.fail(ctx, "rename", from, fmt.Errorf("%w: it is within %s, or the other way round", storage.ErrInvalidKey, to))
	}
	return b.renaming(ctx, from, func(ctx context.Context, t *transaction, v *volumeState) error {
		return t.movePrefix(ctx, v, from, to)
	})
}

// renaming commits a change of names in the volume, which must exist.
func (b *Bucket) renaming(
	ctx context.Context, from string, do func(context.Context, *transaction, *volumeState) error,
) error {
	v, err := b.forChanging(ctx)
	if err == nil {
		err = v.commit(ctx, func(ctx context.Context, t *transaction) error {
			state, err := t.volume(ctx, v.id)
			if err != nil {
				return err
			}
			return do(ctx, t, state)
		})
	}
	if err != nil {
		return b.fail(ctx, "rename", from, err)
	}
	return nil
}

// move gives an object another key, and replaces what is there.
func (t *transaction) move(ctx context.Context, v *volumeState, from, to string) error {
	_, ok, err := t.file(ctx, v.id, from)
	if err != nil {
		return err
	}
	if !ok {
		return refusal{storage.ErrNotExist}
	}
	if from == to {
		return nil
	}
	number, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: number, Op: opMove, Volume: v.name, Key: []byte(from), To: []byte(to)})
	if err := t.retire(ctx, v, to, number); err != nil {
		return err
	}
	if err := t.keepForSnapshots(ctx, v, number, "key = ?", []byte(from)); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, "UPDATE files SET key = ? WHERE volume = ? AND key = ?", []byte(to), v.id, []byte(from))
	return err
}

// movePrefix gives the objects whose keys begin with a prefix keys that begin with another one, which
// must be of no object.
func (t *transaction) movePrefix(ctx context.Context, v *volumeState, from, to string) error {
	some, err := t.any(ctx, v, from)
	if err != nil {
		return err
	}
	if !some {
		return refusal{storage.ErrNotExist}
	}
	if some, err = t.any(ctx, v, to); err != nil {
		return err
	}
	if some {
		return refusal{fmt.Errorf("%w: block://%s/%s", storage.ErrExist, v.name, to)}
	}
	number, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: number, Op: opMovePrefix, Volume: v.name, Key: []byte(from), To: []byte(to)})
	condition, keys := span(from)
	if err := t.keepForSnapshots(ctx, v, number, condition, keys...); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, "UPDATE files SET key = CAST(? || substr(key, ?) AS BLOB) WHERE volume = ? AND "+condition,
		append([]any{[]byte(to), len(from) + 1, v.id}, keys...)...)
	return err
}

// any tells whether the volume has an object whose key begins with a prefix.
func (t *transaction) any(ctx context.Context, v *volumeState, prefix string) (some bool, err error) {
	condition, keys := span(prefix)
	err = t.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM files WHERE volume = ? AND "+condition+")",
		append([]any{v.id}, keys...)...).Scan(&some)
	return some, err
}

// keepForSnapshots prepares the objects of the volume that fulfil a condition on their keys for being
// renamed at a number: those that a snapshot has stay behind as they are for it, and the renamed ones
// are versions of their own with the same content.
func (t *transaction) keepForSnapshots(
	ctx context.Context, v *volumeState, number int64, condition string, keys ...any,
) error {
	if v.lastSnapshot == 0 {
		return nil
	}
	where := "FROM files WHERE volume = ? AND " + condition + " AND version < ?"
	args := append(append([]any{v.id}, keys...), v.lastSnapshot)
	first, err := t.number(ctx)
	if err != nil {
		return err
	}
	for _, step := range []struct {
		query string
		args  []any
	}{
		{"CREATE TEMP TABLE IF NOT EXISTS renamed (old INTEGER PRIMARY KEY, new INTEGER NOT NULL)", nil},
		{"DELETE FROM temp.renamed", nil},
		{"INSERT INTO temp.renamed SELECT version, ? - 1 + row_number() OVER (ORDER BY key) " + where,
			append([]any{first}, args...)},
		{`INSERT INTO old_files (volume, key, version, size, crc32c, mtime, content_type, metadata, more, died)
			SELECT volume, key, version, size, crc32c, mtime, content_type, metadata, more, ? ` + where,
			append([]any{number}, args...)},
		{`INSERT INTO file_blocks (version, seq, block)
			SELECT r.new, fb.seq, fb.block FROM temp.renamed r JOIN file_blocks fb ON fb.version = r.old`, nil},
		{"INSERT INTO inline (version, content) SELECT r.new, i.content FROM temp.renamed r JOIN inline i ON i.version = r.old", nil},
		{"UPDATE files SET version = (SELECT new FROM temp.renamed WHERE old = files.version) WHERE volume = ? AND " +
			condition + " AND version < ?", args},
	} {
		if _, err := t.ExecContext(ctx, step.query, step.args...); err != nil {
			return err
		}
	}
	var renamed int64
	err = t.QueryRowContext(ctx, "SELECT count(*) FROM temp.renamed").Scan(&renamed)
	t.numbers += max(renamed-1, 0) // first was taken already
	return err
}
