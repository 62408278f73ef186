package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/storage"
)

// Snapshot is a volume as it was once. Blocks never change, so that one costs a row; what only
// snapshots have stays until the last of them is removed.
//
// A [Bucket] that is opened as "volume@name" reads it: block://volume@name/path.
type Snapshot struct {
	Name    string
	Created time.Time
	// OldBytes are those of the objects in it that the volume does not have any more.
	OldBytes int64
}

// cutSnapshot cuts "volume@name".
func cutSnapshot(text string) (volume, snapshot string, err error) {
	volume, snapshot, ok := strings.Cut(text, "@")
	if volume == "" || strings.ContainsAny(text, "/\x00") {
		return "", "", fmt.Errorf("block store volume %q: the name must not be empty or contain a slash", text)
	}
	if ok && (snapshot == "" || strings.Contains(snapshot, "@")) {
		return "", "", fmt.Errorf("block store volume %q: want a volume, or volume@snapshot", text)
	}
	return volume, snapshot, nil
}

// CreateSnapshot makes a snapshot of a volume. It reports ErrExist where there is one of that name.
func (s *Store) CreateSnapshot(ctx context.Context, volume, name string) error {
	if _, snapshot, err := cutSnapshot(volume + "@" + name); err != nil || snapshot == "" {
		return s.fail(ctx, "snapshot", volume+"@"+name, errors.Join(err, storage.ErrInvalidKey))
	}
	return s.changeVolume(ctx, "snapshot", volume, volume+"@"+name, func(ctx context.Context, t *transaction, v *volumeState) error {
		return t.createSnapshot(ctx, v, name)
	})
}

// RemoveSnapshot removes a snapshot, and what nothing else has of it.
func (s *Store) RemoveSnapshot(ctx context.Context, volume, name string) error {
	err := s.changeVolume(ctx, "remove snapshot", volume, volume+"@"+name, func(ctx context.Context, t *transaction, v *volumeState) error {
		return t.removeSnapshot(ctx, v, name)
	})
	if err == nil {
		err = s.removeGarbage(ctx)
	}
	return err
}

// Snapshots returns those of a volume, the oldest first.
func (s *Store) Snapshots(ctx context.Context, volume string) (all []Snapshot, err error) {
	v, err := s.volumeNamed(ctx, volume)
	if err != nil {
		return nil, s.fail(ctx, "list", volume, err)
	}
	err = s.ns.view(ctx, func(tx *sql.Tx) error {
		all = nil
		rows, err := tx.QueryContext(ctx, `
			SELECT name, created, (SELECT coalesce(sum(size), 0) FROM old_files o
				WHERE o.volume = s.volume AND o.version < s.number AND o.died > s.number)
			FROM snapshots s WHERE volume = ? ORDER BY number`, v.id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var one Snapshot
			var created int64
			if err := rows.Scan(&one.Name, &created, &one.OldBytes); err != nil {
				return err
			}
			one.Created = time.Unix(0, created)
			all = append(all, one)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, s.fail(ctx, "list", volume, err)
	}
	return all, nil
}

// createSnapshot makes a snapshot of what the volume has now.
func (t *transaction) createSnapshot(ctx context.Context, v *volumeState, name string) error {
	if _, err := t.snapshot(ctx, v, name); !errors.Is(err, storage.ErrNotExist) {
		if err == nil {
			err = refusal{storage.ErrExist}
		}
		return err
	}
	number, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: number, Op: opSnapshot, Volume: v.name, Name: name, MTime: t.now.UnixNano()})
	_, err = t.ExecContext(ctx, "INSERT INTO snapshots (volume, name, number, created) VALUES (?, ?, ?, ?)",
		v.id, name, number, t.now.UnixNano())
	if err != nil {
		return err
	}
	v.lastSnapshot = number
	_, err = t.ExecContext(ctx, "UPDATE volumes SET last_snapshot = ? WHERE id = ?", number, v.id)
	return err
}

// snapshot returns the number of a snapshot, or refuses with ErrNotExist.
func (t *transaction) snapshot(ctx context.Context, v *volumeState, name string) (number int64, err error) {
	err = t.QueryRowContext(ctx, "SELECT number FROM snapshots WHERE volume = ? AND name = ?", v.id, name).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		err = refusal{storage.ErrNotExist}
	}
	return number, err
}

// removeSnapshot removes a snapshot, and the objects that neither the one before it nor the one
// after it has: what is in two snapshots is in all between them.
func (t *transaction) removeSnapshot(ctx context.Context, v *volumeState, name string) error {
	number, err := t.snapshot(ctx, v, name)
	if err != nil {
		return err
	}
	n, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: n, Op: opRemoveSnapshot, Volume: v.name, Name: name})
	if _, err := t.ExecContext(ctx, "DELETE FROM snapshots WHERE volume = ? AND name = ?", v.id, name); err != nil {
		return err
	}
	var before int64
	var after sql.NullInt64
	err = t.QueryRowContext(ctx, `
		SELECT coalesce(max(number) FILTER (WHERE number < ?1), 0), min(number) FILTER (WHERE number > ?1), coalesce(max(number), 0)
		FROM snapshots WHERE volume = ?2`, number, v.id).Scan(&before, &after, &v.lastSnapshot)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, "UPDATE volumes SET last_snapshot = ? WHERE id = ?", v.lastSnapshot, v.id); err != nil {
		return err
	}
	condition := "FROM old_files WHERE volume = ?1 AND version < ?2 AND died > ?2 AND version > ?3 AND (?4 IS NULL OR died < ?4)"
	args := []any{v.id, number, before, after}
	if err := t.releaseAll(ctx, "SELECT version "+condition, args...); err != nil {
		return err
	}
	_, err = t.ExecContext(ctx, "DELETE "+condition, args...)
	return err
}

// snapshotNumber returns the number of a snapshot of the volume, or ErrNotExist.
func (n *namespace) snapshotNumber(ctx context.Context, volume int64, name string) (number int64, err error) {
	numbers, err := column[int64](ctx, n.reads, "SELECT number FROM snapshots WHERE volume = ? AND name = ?", volume, name)
	if err == nil && len(numbers) == 0 {
		err = fmt.Errorf("%w: the volume has no snapshot %q", storage.ErrNotExist, name)
	}
	if err != nil {
		return 0, err
	}
	return numbers[0], nil
}

// rows is the query for objects of the volume, or of its snapshot, that are visible. Columns and
// condition are of f, and of what joins adds to it; in the condition ?1 is the volume.
func (v volumeRef) rows(columns, joins, condition, order string) string {
	q := "SELECT " + columns + " FROM files f " + joins + " WHERE f.volume = ?1 AND " + condition
	if v.snapshot > 0 {
		q += fmt.Sprintf(" AND f.version < %[1]d UNION ALL SELECT %[2]s FROM old_files f %[3]s WHERE f.volume = ?1 AND %[4]s"+
			" AND f.version < %[1]d AND f.died > %[1]d", v.snapshot, columns, joins, condition)
	}
	return q + order
}

// consistently runs fn on one state of the namespace, in which the snapshot, if the volume is one,
// is still there: of one that was removed only remnants can be seen.
func (v volumeRef) consistently(ctx context.Context, fn func(*sql.Tx) error) error {
	return v.ns.view(ctx, func(tx *sql.Tx) error {
		if err := fn(tx); v.snapshot == 0 || err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		} else if gone := v.stillThere(ctx, tx); gone != nil {
			return gone
		} else {
			return err
		}
	})
}

func (v volumeRef) stillThere(ctx context.Context, tx *sql.Tx) error {
	var there bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM snapshots WHERE volume = ? AND number = ?)",
		v.id, v.snapshot).Scan(&there)
	if err == nil && !there {
		err = fmt.Errorf("%w: the snapshot was removed meanwhile", storage.ErrNotExist)
	}
	return err
}

// lookUp finds the row of an object by a query that is prepared for what the volume has now, and
// made of columns and joins for a snapshot.
func (v volumeRef) lookUp(
	ctx context.Context, prepared *sql.Stmt, columns, joins, key string, read func(scan func(...any) error) error,
) error {
	if v.snapshot == 0 {
		return patiently(ctx, func() error { return read(prepared.QueryRowContext(ctx, v.id, []byte(key)).Scan) })
	}
	return v.consistently(ctx, func(tx *sql.Tx) error {
		return read(tx.QueryRowContext(ctx, v.rows(columns, joins, "f.key = ?2", ""), v.id, []byte(key)).Scan)
	})
}

// fileOf returns the object of that key in a volume or snapshot; there may be none.
func (t *transaction) fileOf(ctx context.Context, v volumeRef, key string) (r fileRow, ok bool, err error) {
	if v.snapshot == 0 {
		return t.file(ctx, v.id, key)
	}
	err = r.scan(t.QueryRowContext(ctx, v.rows(fileColumns, "", "f.key = ?2", ""), v.id, []byte(key)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, v.stillThere(ctx, t.Tx)
	}
	return r, err == nil, err
}
