package blockstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"maps"

	"github.com/skepdata/skep/storage"
)

// Difference is an object that differs between two states of a volume.
type Difference struct {
	Old, New *storage.Object // nil where there is none
}

// Key is the object's key.
func (d Difference) Key() string {
	if d.New != nil {
		return d.New.Key
	}
	return d.Old.Key
}

// Diff yields the objects below prefix that differ between two states of one volume, each of which
// is a snapshot or what the volume has now, in the order of their keys. Objects that were written
// again with the same content and attributes do not differ. ErrUnsupported says that from and
// to are of different volumes.
//
// It takes time for the objects that the volume has or had, and memory for a page of differences.
func Diff(ctx context.Context, from, to *Bucket, prefix string) iter.Seq2[Difference, error] {
	return func(yield func(Difference, error) bool) {
		fail := func(err error) { yield(Difference{}, to.fail(ctx, "diff", prefix, err)) }
		old, err := from.forReading(ctx)
		if err != nil {
			yield(Difference{}, from.fail(ctx, "diff", prefix, err))
			return
		}
		now, err := to.forReading(ctx)
		if err == nil && (old.store.id != now.store.id || old.id != now.id) {
			err = fmt.Errorf("%w: it is not of the volume of %s", storage.ErrUnsupported, from.URL())
		}
		if err != nil {
			fail(err)
			return
		}
		d := diff{old: old, now: now, end: after(prefix)}
		d.from = append([]byte(prefix), 0)[:len(prefix)]
		for more := true; more; {
			page, err := d.page(ctx)
			if err != nil {
				fail(err)
				return
			}
			if more = len(page) == diffPage; more {
				// The other row of the last key may not be in the page.
				last := page[len(page)-1].Key
				for len(page) > 0 && page[len(page)-1].Key == last {
					page = page[:len(page)-1]
				}
				d.from = []byte(last)
			}
			if !yieldPairs(ctx, page, yield, fail) {
				return
			}
		}
	}
}

// diffPage is how many rows are read at a time, of which an object has two at most.
const diffPage = 1000

// diff is one run of Diff.
type diff struct {
	old, now  volumeRef
	from, end []byte // the keys that are left; end may be nil
}

// diffRow is an object in one of the two states only.
type diffRow struct {
	fileRow
	isNew bool
}

// page returns the next rows that are in one state and not in the other.
func (d *diff) page(ctx context.Context) (page []diffRow, err error) {
	a, b := visibleAt(d.old), visibleAt(d.now)
	condition := "f.volume = ?1 AND f.key >= ?2 AND (?3 IS NULL OR f.key < ?3)"
	part := func(isNew int, table, seen, unseen string) string {
		return fmt.Sprintf("SELECT %s, %d FROM %s f WHERE %s AND %s AND NOT %s", fileColumns, isNew, table, condition, seen, unseen)
	}
	query := part(0, "files", a.live, b.live) + " UNION ALL " + part(0, "old_files", a.old, b.old) +
		" UNION ALL " + part(1, "files", b.live, a.live) + " UNION ALL " + part(1, "old_files", b.old, a.old) +
		" ORDER BY 1 LIMIT ?4"
	err = d.old.consistently(ctx, func(tx *sql.Tx) error {
		page = nil
		rows, err := tx.QueryContext(ctx, query, d.old.id, d.from, d.end, diffPage)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var row diffRow
			if err := row.scan(rows.Scan, &row.isNew); err != nil {
				return err
			}
			page = append(page, row)
		}
		if err := rows.Err(); err != nil || d.now.snapshot == 0 {
			return err
		}
		return d.now.stillThere(ctx, tx)
	})
	return page, err
}

// visibility says which rows of the two tables a state has.
type visibility struct{ live, old string }

func visibleAt(v volumeRef) visibility {
	if v.snapshot == 0 {
		return visibility{"TRUE", "FALSE"}
	}
	live := fmt.Sprintf("(f.version < %d)", v.snapshot)
	return visibility{live, fmt.Sprintf("(f.version < %[1]d AND f.died > %[1]d)", v.snapshot)}
}

// yieldPairs puts rows of one key together. It returns false when no more is wanted.
func yieldPairs(ctx context.Context, page []diffRow, yield func(Difference, error) bool, fail func(error)) bool {
	for len(page) > 0 {
		if ctx.Err() != nil {
			fail(context.Cause(ctx))
			return false
		}
		var d Difference
		var old, now *diffRow
		key := page[0].Key
		for len(page) > 0 && page[0].Key == key {
			if row := &page[0]; row.isNew {
				d.New, now = &row.Object, row
			} else {
				d.Old, old = &row.Object, row
			}
			page = page[1:]
		}
		if old != nil && now != nil && alike(old.fileRow, now.fileRow) {
			continue
		}
		if !yield(d, nil) {
			return false
		}
	}
	return true
}

// alike tells whether two versions of an object are the same but for their times.
func alike(a, b fileRow) bool {
	return a.Size == b.Size && a.CRC32C == b.CRC32C && a.ContentType == b.ContentType &&
		maps.Equal(a.Metadata, b.Metadata) && a.Headers == b.Headers && maps.Equal(a.tags, b.tags)
}
