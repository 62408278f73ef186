package blockstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/skepdata/skep/storage"
)

// listPage is how many objects are read from the namespace at a time, and firstPage how many at
// first: most listings are short. Between pages nothing is held, so that a slow consumer keeps
// nobody waiting.
const (
	firstPage = 100
	listPage  = 2000
)

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
		for page, err := range v.pages(ctx, prefix) {
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
		}
	}
}

// pages yields what List does, a page at a time. While one is used the next is being read.
func (v volumeRef) pages(ctx context.Context, prefix string) iter.Seq2[[]storage.Object, error] {
	type result struct {
		page []storage.Object
		err  error
	}
	return func(yield func([]storage.Object, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		var free []storage.Object // a page that was used
		read := func(compare string, from []byte, limit int) chan result {
			ready := make(chan result, 1) // so that nobody need wait for a page that is not wanted any more
			buf := free
			free = nil
			go func() {
				page, err := v.pageInto(ctx, buf, compare, from, after(prefix), limit)
				ready <- result{page, err}
			}()
			return ready
		}
		from := append([]byte(prefix), 0)[:len(prefix)] // not nil, which would be NULL
		limit := firstPage
		for next := read(">=", from, limit); next != nil; {
			r := <-next
			next = nil
			if r.err == nil && len(r.page) == limit {
				limit = listPage
				next = read(">", []byte(r.page[len(r.page)-1].Key), limit)
			}
			if !yield(r.page, r.err) {
				break
			}
			if r.err != nil {
				break
			}
			free = r.page
		}
	}
}

// page returns the next objects whose keys are in order, limit of them at most.
func (v volumeRef) page(ctx context.Context, compare string, from, to []byte, limit int) ([]storage.Object, error) {
	return v.pageInto(ctx, nil, compare, from, to, limit)
}

// listColumns are fileColumns, of which those that are mostly empty are mostly NULL: a value costs several calls, each
// with locks, and NULL only one.
const listColumns = "f.key, f.version, f.size, f.crc32c, f.mtime, f.content_type, " +
	"CASE WHEN f.metadata <> '' THEN f.metadata END, CASE WHEN f.more <> '' THEN f.more END"

// pageInto is page, which puts the objects into buf if there is room.
func (v volumeRef) pageInto(
	ctx context.Context, buf []storage.Object, compare string, from, to []byte, limit int,
) ([]storage.Object, error) {
	condition := "f.key " + compare + " ?2"
	args := []any{v.id, from, limit}
	if to != nil {
		condition += " AND f.key < ?4"
		args = append(args, to)
	}
	query := v.rows(listColumns, "", condition, " ORDER BY 1 LIMIT ?3")
	page := buf
	var row fileRow
	err := patiently(ctx, func() error {
		if page = page[:0]; cap(page) < limit {
			page = make([]storage.Object, 0, min(limit, firstPage))
		}
		return v.ns.eachRow(ctx, query, args, func(columns []driver.Value) error {
			row = fileRow{}
			if err := row.set(columns, page); err != nil {
				return err
			}
			if len(page) == cap(page) && len(page) > 0 {
				page = slices.Grow(page, limit-len(page)) // it is a long one
			}
			page = append(page, row.Object)
			return nil
		})
	})
	if err == nil && v.snapshot > 0 {
		err = v.consistently(ctx, func(*sql.Tx) error { return nil }) // if it is there now, it was
	}
	return page, err
}

// eachRow calls do with the columns of each row. It goes past database/sql, whose conversions take as
// long as all else.
func (n *namespace) eachRow(
	ctx context.Context, query string, args []any, do func(columns []driver.Value) error,
) error {
	conn, err := n.reads.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // goes back to the pool
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		if limit, ok := arg.(int); ok {
			arg = int64(limit)
		}
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
	}
	return conn.Raw(func(c any) error {
		rows, err := c.(driver.QueryerContext).QueryContext(ctx, query, named)
		if err != nil {
			return err
		}
		columns := make([]driver.Value, len(rows.Columns()))
		for {
			if err = rows.Next(columns); err == nil {
				err = do(columns)
			}
			if errors.Is(err, io.EOF) {
				return rows.Close()
			}
			if err != nil {
				return errors.Join(err, rows.Close())
			}
		}
	})
}

// set takes listColumns. Objects of one listing share the texts that are alike.
func (r *fileRow) set(columns []driver.Value, page []storage.Object) error {
	key, _ := columns[0].([]byte)
	r.Key = string(key)
	r.version, _ = columns[1].(int64)
	r.Size, _ = columns[2].(int64)
	sum, _ := columns[3].(int64)
	r.CRC32C = storage.Checksum{Sum: uint32(sum), Known: true}
	mtime, _ := columns[4].(int64)
	r.ModTime = time.Unix(0, mtime)
	r.ETag = etag(r.version, r.CRC32C)
	r.ContentType, _ = columns[5].(string)
	if len(page) > 0 && page[len(page)-1].ContentType == r.ContentType {
		r.ContentType = page[len(page)-1].ContentType
	}
	metadata, _ := columns[6].(string)
	more, _ := columns[7].(string)
	return r.parse(metadata, more)
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
