package sqlstore

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

const insertChange = `INSERT INTO changes (id, at, who, kind, db, name, was, became) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

// log writes an entry of the change log, in the transaction of the change. Its id comes from the
// store row, which no other transaction can read before this one has ended: hence no gaps, and no
// smaller id that appears later.
func (t *tx) log(ctx context.Context, kind metastore.ChangeKind, object metastore.TableName, was *stateJSON, became stateJSON) error {
	if t.quiet {
		return nil
	}
	t.lastChange++
	now := time.Now()
	before := ""
	if was != nil {
		before = encode(was)
	}
	_, err := t.exec(ctx, insertChange, t.lastChange, now.UnixMicro(), metastore.User(ctx), string(kind), object.Database, object.Name,
		before, encode(became))
	if err != nil || t.lastChange%trimEvery != 0 || t.keepDays == 0 {
		return err
	}
	_, err = t.trim(ctx, now.AddDate(0, 0, -int(t.keepDays)))
	return err
}

// trimEvery is after how many changes old ones are forgotten.
const trimEvery = 512

// trim forgets the changes before a time.
func (t *tx) trim(ctx context.Context, before time.Time) (int64, error) {
	return t.exec(ctx, `DELETE FROM changes WHERE at < ?`, before.UnixMicro())
}

// logPartitions logs a change of partitions.
func (t *tx) logPartitions(
	ctx context.Context, kind metastore.ChangeKind, name metastore.TableName, before, after []partition,
) error {
	if t.quiet || len(before)+len(after) == 0 {
		return nil
	}
	var was *stateJSON
	if before != nil {
		was = &stateJSON{}
		was.encodePartitions(before)
	}
	var became stateJSON
	became.encodePartitions(after)
	return t.log(ctx, kind, name, was, became)
}

// Note implements metastore.Tx.
func (t *tx) Note(ctx context.Context, name metastore.TableName, v partitions.Values, note map[string]string) error {
	name = lowerName(name)
	return t.atomically(ctx, "note", name.String(), func() error {
		return t.log(ctx, metastore.Noted, name, nil, stateJSON{Values: v, Note: note})
	})
}

// LastChange implements metastore.Reader.
func (r reader) LastChange(ctx context.Context) (id int64, err error) {
	if err := r.one(ctx, `SELECT last_change FROM store WHERE one = 1`, nil, &id); err != nil {
		return 0, fail("read", "change log", err)
	}
	return id, nil
}

// UUID implements metastore.Reader.
func (r reader) UUID(ctx context.Context) (id string, err error) {
	if err := r.one(ctx, `SELECT uuid FROM store WHERE one = 1`, nil, &id); err != nil {
		return "", fail("read", "store", err)
	}
	return id, nil
}

// changesPage is how many changes are read at once; one may hold a thousand partitions.
const changesPage = 50

// changeRow is a row of the change log, as it is kept.
type changeRow struct {
	ID     int64  `json:"id"`
	At     int64  `json:"at"`
	Who    string `json:"who,omitempty"`
	Kind   string `json:"kind"`
	DB     string `json:"db,omitempty"`
	Name   string `json:"name,omitempty"`
	was    string
	became string
}

func (c changeRow) decode() (*metastore.Change, error) {
	before, err := decodeState(c.was)
	if err != nil {
		return nil, fmt.Errorf("change %d: %w", c.ID, err)
	}
	after, err := decodeState(c.became)
	if err != nil {
		return nil, fmt.Errorf("change %d: %w", c.ID, err)
	}
	return &metastore.Change{
		ID: c.ID, Time: decodeTime(c.At), User: c.Who, Kind: metastore.ChangeKind(c.Kind),
		Object: metastore.TableName{Database: c.DB, Name: c.Name}, Before: before, After: after,
	}, nil
}

// changeRows yields the rows after an id.
func (r reader) changeRows(ctx context.Context, after int64) iter.Seq2[changeRow, error] {
	return func(yield func(changeRow, error) bool) {
		for {
			var page []changeRow
			err := r.each(ctx, func(scan func(...any) error) error {
				var c changeRow
				err := scan(&c.ID, &c.At, &c.Who, &c.Kind, &c.DB, &c.Name, &c.was, &c.became)
				page = append(page, c)
				return err
			}, `SELECT id, at, who, kind, db, name, was, became FROM changes WHERE id > ? ORDER BY id LIMIT ?`, after, changesPage)
			if err != nil {
				yield(changeRow{}, err)
				return
			}
			for _, c := range page {
				if after = c.ID; !yield(c, nil) {
					return
				}
			}
			if len(page) < changesPage {
				return
			}
		}
	}
}

// Changes implements metastore.Reader.
func (r reader) Changes(ctx context.Context, after int64) iter.Seq2[*metastore.Change, error] {
	return func(yield func(*metastore.Change, error) bool) {
		for row, err := range r.changeRows(ctx, after) {
			var c *metastore.Change
			if err == nil {
				c, err = row.decode()
			}
			if err != nil {
				yield(nil, fail("read", "change log", err))
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// KeepChanges says for how many days the change log is kept; 0 is for ever. What is older is
// forgotten at once, and later from time to time.
func (s *Store) KeepChanges(ctx context.Context, days int) error {
	return s.Update(ctx, func(m metastore.Tx) error {
		t := m.(*tx)
		t.wrote, t.keepDays = true, int64(days)
		if _, err := t.exec(ctx, `UPDATE store SET keep_days = ? WHERE one = 1`, days); err != nil || days == 0 {
			return err
		}
		_, err := t.trim(ctx, time.Now().AddDate(0, 0, -days))
		return err
	})
}
