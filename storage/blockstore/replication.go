package blockstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/skepdata/skep/storage"
)

// Replication tells how the blocks at a place are kept.
type Replication struct {
	Objects, Blocks int64
	Lacking         int64 // blocks with fewer good replicas than they should have
	Surplus         int64 // blocks with more
	Shared          int64 // blocks that objects elsewhere have too, and that keep more replicas for these
}

// SetReplication makes n the number of replicas of the objects at a path: of all in the volume and those
// that it gets from then on, if it is empty; of those below a directory, whose snapshots included; or of one
// object. Nothing is copied before the next [Store.Repair]. A block that an object elsewhere has too
// gets more replicas, and not fewer. It reports ErrNotExist where there is no object.
func (s *Store) SetReplication(ctx context.Context, volume, path string, n int) (r Replication, err error) {
	about := volume + "/" + path
	if n < 1 || n > maxReplication {
		return r, s.fail(ctx, "setrep", about, fmt.Errorf("%d replicas: want 1 to %d", n, maxReplication))
	}
	err = s.changeVolume(ctx, "setrep", volume, about, func(ctx context.Context, t *transaction, v *volumeState) error {
		if path != "" {
			if some, err := t.anyAt(ctx, v, path); err != nil || !some {
				return orRefuse(err, storage.ErrNotExist)
			}
		}
		r.Shared, err = t.setReplication(ctx, v, path, n)
		return err
	})
	if err != nil {
		return r, err
	}
	shared := r.Shared
	r, err = s.Replication(ctx, volume, path)
	r.Shared = shared
	return r, err
}

// orRefuse is err or, without one, a refusal.
func orRefuse(err, why error) error {
	if err != nil {
		return err
	}
	return refusal{why}
}

// Replication tells how the blocks at a path are kept, by what is known of them.
func (s *Store) Replication(ctx context.Context, volume, path string) (r Replication, err error) {
	v, err := s.volumeNamed(ctx, volume)
	if err != nil {
		return r, s.fail(ctx, "stat", volume+"/"+path, err)
	}
	condition, keys := place(path)
	args := append([]any{v.id}, keys...)
	err = s.ns.view(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT count(*) FROM files WHERE volume = ? AND "+condition, args...).Scan(&r.Objects)
		if err != nil {
			return err
		}
		versions, both := versionsAt(condition, args)
		return tx.QueryRowContext(ctx, `SELECT count(*), count(*) FILTER (WHERE good < copies), count(*) FILTER (WHERE good > copies) FROM (
			SELECT copies, (SELECT count(*) FROM replicas r JOIN disks d ON d.id = r.disk
				WHERE r.block = b.id AND r.state = 0 AND d.state = 'active') AS good
			FROM blocks b WHERE id IN (SELECT block FROM file_blocks WHERE version IN (`+versions+")))", both...).
			Scan(&r.Blocks, &r.Lacking, &r.Surplus)
	})
	if err != nil {
		return r, s.fail(ctx, "stat", volume+"/"+path, err)
	}
	return r, nil
}

// versionsAt is a query for the versions of objects that fulfil a condition, those that only snapshots have
// included.
func versionsAt(condition string, args []any) (query string, both []any) {
	one := " WHERE volume = ? AND " + condition
	return "SELECT version FROM files" + one + " UNION ALL SELECT version FROM old_files" + one,
		append(args[:len(args):len(args)], args...)
}

// anyAt tells whether there is an object at a path.
func (t *transaction) anyAt(ctx context.Context, v *volumeState, path string) (some bool, err error) {
	condition, keys := place(path)
	err = t.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM files WHERE volume = ? AND "+condition+")",
		append([]any{v.id}, keys...)...).Scan(&some)
	return some, err
}

// setReplication makes n the number of replicas at a path, and queues the blocks that have fewer. shared is
// how many blocks would have fewer but for objects elsewhere.
func (t *transaction) setReplication(ctx context.Context, v *volumeState, path string, n int) (shared int64, err error) {
	number, err := t.number(ctx)
	if err != nil {
		return 0, err
	}
	t.note(&entry{N: number, Op: opReplication, Volume: v.name, Key: []byte(path), Copies: n})
	if path == "" {
		v.replication = n
		if _, err := t.ExecContext(ctx, "UPDATE volumes SET replication = ? WHERE id = ?", n, v.id); err != nil {
			return 0, err
		}
	}
	condition, keys := place(path)
	versions, both := versionsAt(condition, append([]any{v.id}, keys...))
	for _, step := range []struct {
		query string
		args  []any
	}{
		{"CREATE TEMP TABLE IF NOT EXISTS placed (version INTEGER PRIMARY KEY)", nil},
		{"CREATE TEMP TABLE IF NOT EXISTS placed_blocks (block INTEGER PRIMARY KEY, shared INTEGER NOT NULL)", nil},
		{"DELETE FROM temp.placed", nil},
		{"DELETE FROM temp.placed_blocks", nil},
		{"INSERT INTO temp.placed " + versions, both},
		{`INSERT OR IGNORE INTO temp.placed_blocks SELECT fb.block,
				EXISTS (SELECT 1 FROM file_blocks o WHERE o.block = fb.block AND o.version NOT IN (SELECT version FROM temp.placed))
			FROM temp.placed p JOIN file_blocks fb ON fb.version = p.version`, nil},
		{`UPDATE blocks SET copies = ?1 WHERE copies <> ?1 AND id IN (SELECT block FROM temp.placed_blocks)
			AND (copies < ?1 OR id IN (SELECT block FROM temp.placed_blocks WHERE NOT shared))`, []any{n}},
		{`INSERT INTO repairs (block, since, reason) SELECT p.block, ?, 'more replicas are wanted' FROM temp.placed_blocks p JOIN blocks b ON b.id = p.block
			WHERE b.copies > (SELECT count(*) FROM replicas WHERE block = b.id AND state = 0) ON CONFLICT (block) DO NOTHING`, []any{t.now.UnixNano()}},
	} {
		if _, err := t.ExecContext(ctx, step.query, step.args...); err != nil {
			return 0, err
		}
	}
	err = t.QueryRowContext(ctx,
		"SELECT count(*) FROM temp.placed_blocks p JOIN blocks b ON b.id = p.block WHERE p.shared AND b.copies > ?", n).Scan(&shared)
	return shared, err
}
