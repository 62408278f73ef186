package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// pageSize is how many partitions a transaction reads at once where it must read pages, and how
// many are looked up by name at once.
const pageSize = 1000

// partition is a row of the table partitions.
type partition struct {
	name string
	*metastore.Partition
}

// scope is what a query for partitions is about.
type scope struct {
	t     tableRow
	where pruned
	known known
	// from is where partitions, called p, come from, and its arguments.
	from     string
	fromArgs []any
}

// allPartitions is a scope's from.
const allPartitions = "partitions p"

// byName finds partitions of names by their key, one by one. Given a list, PostgreSQL rather looks at
// each partition of the table and searches the list for it, as long as it believes that there are few.
const byName = `unnest(?::text[]) AS wanted (name)
 CROSS JOIN LATERAL (SELECT * FROM partitions q WHERE q.table_id = ? AND q.name = wanted.name OFFSET 0) p`

// statement is the query, in order of name. Bodies of descriptors come along only for those that
// are not known.
func (c scope) statement(live bool) (string, []any) {
	if c.known.all && !live {
		return `SELECT p.name, p.descriptor_id, p.location, p.parameters, p.created
  FROM ` + c.from + ` WHERE p.table_id = ?` + c.where.sql, slices.Concat(c.fromArgs, []any{c.t.id}, c.where.args)
	}
	return `SELECT p.name, p.descriptor_id, p.location, p.parameters, p.created, d.base, d.body
  FROM ` + c.from + ` LEFT JOIN descriptors d
    ON d.table_id = p.table_id AND d.id = p.descriptor_id AND p.descriptor_id NOT BETWEEN ? AND ?
 WHERE p.table_id = ?` + c.where.sql, slices.Concat(c.fromArgs, []any{c.known.from, c.known.to, c.t.id}, c.where.args)
}

// scope resolves a table and a predicate.
func (r reader) scope(ctx context.Context, name metastore.TableName, p partitions.Predicate) (c scope, err error) {
	if c.t, err = r.tableRow(ctx, name); err != nil {
		return c, err
	}
	if c.where, err = prune(c.t.keys, p); err != nil {
		err = fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
	}
	if c.from = allPartitions; c.where.narrow {
		c.from += r.d.narrow
	}
	return c, err
}

// Partition implements metastore.Reader.
func (r reader) Partition(
	ctx context.Context, name metastore.TableName, v partitions.Values,
) (*metastore.Partition, error) {
	name = lowerName(name)
	object := name.String()
	p, err := func() (*metastore.Partition, error) {
		t, err := r.tableRow(ctx, name)
		if err != nil {
			return nil, err
		}
		partName, err := t.keys.Name(v)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
		}
		object += "/" + partName
		found, err := r.named(ctx, t, []string{partName})
		if err == nil && len(found) == 0 {
			err = metastore.ErrNoSuchPartition
		}
		if err != nil {
			return nil, err
		}
		return found[0].Partition, nil
	}()
	if err != nil {
		return nil, fail("get partition", object, err)
	}
	return p, nil
}

// named reads those of at most pageSize partitions that exist, in order of name.
func (r reader) named(ctx context.Context, t tableRow, names []string) (found []partition, err error) {
	c := scope{t: t, from: allPartitions}
	if c.known, err = r.recent(ctx, t.id); err != nil {
		return nil, err
	}
	if r.d.arrays {
		c.from, c.fromArgs, c.where.sql = byName, []any{names, t.id}, " ORDER BY p.name"
	} else {
		in, args := r.in("p.name", names)
		c.where.sql, c.where.args = " AND "+in+" ORDER BY p.name", args
	}
	query, all := c.statement(false)
	row := r.row(c, false)
	err = r.each(ctx, func(scan func(...any) error) error {
		p, err := row.read(scan)
		if err == nil {
			found = append(found, p)
		}
		return err
	}, query, all...)
	return found, err
}

// PartitionsNamed implements metastore.Reader.
func (r reader) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	name = lowerName(name)
	return func(yield func(*metastore.Partition, error) bool) {
		err := func() error {
			t, err := r.tableRow(ctx, name)
			if err != nil {
				return err
			}
			names := make([]string, len(vs))
			for i, v := range vs {
				part, err := t.named(v)
				if err != nil {
					return err
				}
				names[i] = part.name
			}
			slices.Sort(names)
			for chunk := range slices.Chunk(slices.Compact(names), pageSize) {
				found, err := r.named(ctx, t, chunk)
				if err != nil {
					return err
				}
				for _, p := range found {
					if !yield(p.Partition, nil) {
						return nil
					}
				}
			}
			return nil
		}()
		if err != nil {
			yield(nil, fail("get partitions", name.String(), err))
		}
	}
}

// Partitions implements metastore.Reader.
func (r reader) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	name = lowerName(name)
	return func(yield func(*metastore.Partition, error) bool) {
		c, err := r.scope(ctx, name, p)
		if err == nil {
			for p, rowErr := range r.rows(ctx, c) {
				if err = rowErr; err != nil {
					break
				}
				if !yield(p.Partition, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, fail("list partitions", name.String(), err))
		}
	}
}

// rows yields the partitions of a scope in order of name.
func (r reader) rows(ctx context.Context, c scope) iter.Seq2[partition, error] {
	if r.inTx && r.d.paged {
		return r.pages(ctx, c)
	}
	return func(yield func(partition, error) bool) {
		var err error
		if c.known, err = r.recent(ctx, c.t.id); err != nil {
			yield(partition{}, err)
			return
		}
		query, args := c.statement(r.inTx)
		// What is not read any more is not waited for: cancelling closes the connection to a server.
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rows, err := r.q.QueryContext(ctx, r.d.bind(query+` ORDER BY p.name`), args...)
		if err != nil {
			yield(partition{}, r.d.wrap(err))
			return
		}
		defer rows.Close() // errors of reading are those of rows.Err
		row, scan := r.row(c, r.inTx), rows.Scan
		for rows.Next() {
			p, err := row.read(scan)
			if err == nil && p.Partition == nil {
				continue
			}
			if !yield(p, err) || err != nil {
				cancel()
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(partition{}, r.d.wrap(err))
		}
	}
}

// pages is rows where a connection can do one thing at a time: each page is a query of its own.
func (r reader) pages(ctx context.Context, c scope) iter.Seq2[partition, error] {
	return func(yield func(partition, error) bool) {
		after := ""
		for {
			page, n, err := r.page(ctx, c, &after)
			for _, p := range page {
				if !yield(p, nil) {
					return
				}
			}
			if err != nil {
				yield(partition{}, err)
			}
			if err != nil || n < pageSize {
				return
			}
		}
	}
}

// page reads the partitions after a name, which it moves on; n is how many rows there were.
func (r reader) page(ctx context.Context, c scope, after *string) (page []partition, n int, err error) {
	if c.known, err = r.recent(ctx, c.t.id); err != nil {
		return nil, 0, err
	}
	query, args := c.statement(false)
	row := r.row(c, false)
	err = r.each(ctx, func(scan func(...any) error) error {
		n++
		p, err := row.read(scan)
		*after = p.name
		if err == nil && p.Partition != nil {
			page = append(page, p)
		}
		return err
	}, query+` AND p.name > ? ORDER BY p.name LIMIT ?`, append(args, *after, pageSize)...)
	return page, n, err
}

// row reads the rows of scope.statement, all into the same place.
type row struct {
	c           scope
	descriptors *descriptorCache

	name, location, parameters string
	descriptor, created        int64
	base, body                 sql.NullString
	columns                    []any // pointers to these
}

func (r reader) row(c scope, live bool) *row {
	w := &row{c: c, descriptors: r.descriptors}
	w.columns = []any{&w.name, &w.descriptor, &w.location, &w.parameters, &w.created}
	if !c.known.all || live {
		w.columns = append(w.columns, &w.base, &w.body)
	}
	return w
}

// read reads a row. The partition is nil where the residual of the predicate rejects it.
func (w *row) read(scan func(...any) error) (partition, error) {
	if err := scan(w.columns...); err != nil {
		return partition{}, err
	}
	values, err := w.c.t.keys.ParseName(w.name)
	if err != nil {
		return partition{name: w.name}, err
	}
	if w.c.where.residual != nil && !w.c.where.residual.Match(values) {
		return partition{name: w.name}, nil
	}
	d, err := w.c.known.find(w.descriptors, w.descriptor, w.base, w.body)
	if err != nil {
		return partition{name: w.name}, err
	}
	p := &metastore.Partition{Values: values, CreateTime: decodeTime(w.created), Storage: d.at(w.location, w.name)}
	p.Parameters, err = decodeParameters(w.parameters)
	return partition{w.name, p}, err
}

// PartitionNames implements metastore.Reader.
func (r reader) PartitionNames(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[string, error] {
	name = lowerName(name)
	return func(yield func(string, error) bool) {
		c, err := r.scope(ctx, name, p)
		after := ""
		for more := err == nil; more; {
			var page []string
			var n int
			if page, n, err = r.namePage(ctx, c, &after); err != nil {
				break
			}
			for _, name := range page {
				if !yield(name, nil) {
					return
				}
			}
			more = n == namesPage
		}
		if err != nil {
			yield("", fail("list partitions", name.String(), err))
		}
	}
}

// CountPartitions implements metastore.Reader.
func (r reader) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (n int, err error) {
	name = lowerName(name)
	c, err := r.scope(ctx, name, p)
	switch {
	case err == nil && c.where.residual == nil:
		err = r.one(ctx, `SELECT count(*) FROM `+c.from+` WHERE p.table_id = ?`+c.where.sql, append([]any{c.t.id}, c.where.args...), &n)
	case err == nil:
		after, read := "", namesPage
		for err == nil && read == namesPage {
			var page []string
			page, read, err = r.namePage(ctx, c, &after)
			n += len(page)
		}
	}
	if err != nil {
		return 0, fail("count partitions", name.String(), err)
	}
	return n, nil
}

// namesPage is how many names are read at once.
const namesPage = 10_000

func (r reader) namePage(ctx context.Context, c scope, after *string) (page []string, n int, err error) {
	err = r.each(ctx, func(scan func(...any) error) error {
		var name string
		if err := scan(&name); err != nil {
			return err
		}
		n++
		*after = name
		if c.where.residual != nil {
			values, err := c.t.keys.ParseName(name)
			if err != nil || !c.where.residual.Match(values) {
				return err
			}
		}
		page = append(page, name)
		return nil
	}, `SELECT p.name FROM `+c.from+` WHERE p.table_id = ?`+c.where.sql+` AND p.name > ? ORDER BY p.name LIMIT ?`,
		append(append([]any{c.t.id}, c.where.args...), *after, namesPage)...)
	return page, n, err
}
