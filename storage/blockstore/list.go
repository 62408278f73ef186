package blockstore

import (
	"context"
	"iter"

	"github.com/skepdata/skep/storage"
)

// listPage is how many objects are read from the namespace at a time. Between pages nothing
// is held, so that a slow consumer keeps nobody waiting.
const listPage = 1000

// List implements storage.Bucket. Each page is a snapshot of its own. Listings tell
// everything that Stat does.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		fail := func(err error) { yield(storage.Object{}, b.fail(ctx, "list", prefix, err)) }
		if ctx.Err() != nil {
			fail(context.Cause(ctx))
			return
		}
		v, err := b.forReading(ctx)
		if err != nil {
			fail(err)
			return
		}
		from := append([]byte(prefix), 0)[:len(prefix)] // not nil, which would be NULL
		for compare := ">="; ; compare = ">" {
			page, err := v.page(ctx, compare, from, after(prefix), listPage)
			if err != nil {
				fail(err)
				return
			}
			for _, o := range page {
				if ctx.Err() != nil {
					fail(context.Cause(ctx))
					return
				}
				if !yield(o, nil) {
					return
				}
			}
			if len(page) < listPage {
				return
			}
			from = []byte(page[len(page)-1].Key)
		}
	}
}

// page returns the next objects whose keys are in order, limit of them at most.
func (v volumeRef) page(ctx context.Context, compare string, from, to []byte, limit int) ([]storage.Object, error) {
	query := "SELECT " + fileColumns + " FROM files f WHERE f.volume = ? AND f.key " + compare + " ?"
	args := []any{v.id, from}
	if to != nil {
		query += " AND f.key < ?"
		args = append(args, to)
	}
	query += " ORDER BY f.key LIMIT ?"
	args = append(args, limit)
	var page []storage.Object
	err := patiently(ctx, func() error {
		page = make([]storage.Object, 0, 64)
		rows, err := v.ns.reads.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var row fileRow
			if err := row.scan(rows.Scan); err != nil {
				return err
			}
			page = append(page, row.Object)
		}
		return rows.Err()
	})
	return page, err
}

// after is the least string that is greater than all with the given prefix, or nil if all
// greater strings have it.
func after(prefix string) []byte {
	next := []byte(prefix)
	for i := len(next) - 1; i >= 0; i-- {
		if next[i] < 0xff {
			next[i]++
			return next[:i+1]
		}
	}
	return nil
}
