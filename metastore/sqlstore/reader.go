package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// querier is what *sql.DB and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// reader implements metastore.Reader on one transaction.
type reader struct{ q querier }

func lowerName(n metastore.TableName) metastore.TableName {
	return metastore.TableName{Database: strings.ToLower(n.Database), Name: strings.ToLower(n.Name)}
}

func fail(op, object string, err error) error {
	return &metastore.Error{Op: op, Object: object, Err: err}
}

// Database implements metastore.Reader.
func (r reader) Database(ctx context.Context, name string) (*metastore.Database, error) {
	name = strings.ToLower(name)
	d := metastore.Database{Name: name}
	var parameters string
	var created int64
	err := r.q.QueryRowContext(ctx,
		`SELECT comment, location, owner, parameters, created FROM databases WHERE name = ?`, name,
	).Scan(&d.Comment, &d.Location, &d.Owner, &parameters, &created)
	if errors.Is(err, sql.ErrNoRows) {
		err = metastore.ErrNoSuchDatabase
	}
	if err == nil {
		d.CreateTime = decodeTime(created)
		d.Parameters, err = decodeParameters(parameters)
	}
	if err != nil {
		return nil, fail("get database", name, err)
	}
	return &d, nil
}

// Databases implements metastore.Reader.
func (r reader) Databases(ctx context.Context, pattern string) ([]string, error) {
	names, err := r.names(ctx, pattern, `SELECT name FROM databases ORDER BY name`)
	if err != nil {
		return nil, fail("list databases", pattern, err)
	}
	return names, nil
}

// Tables implements metastore.Reader.
func (r reader) Tables(ctx context.Context, db, pattern string) ([]string, error) {
	db = strings.ToLower(db)
	id, err := r.databaseID(ctx, db)
	if err != nil {
		return nil, fail("list tables", db, err)
	}
	names, err := r.names(ctx, pattern, `SELECT name FROM tables WHERE database_id = ? ORDER BY name`, id)
	if err != nil {
		return nil, fail("list tables", db, err)
	}
	return names, nil
}

// names runs a query for names and keeps those that match the pattern.
func (r reader) names(ctx context.Context, pattern, query string, args ...any) (names []string, err error) {
	rows, err := r.q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		if metastore.MatchPattern(pattern, name) {
			names = append(names, name)
		}
	}
	return names, rows.Err()
}

func (r reader) databaseID(ctx context.Context, name string) (id int64, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT id FROM databases WHERE name = ?`, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = metastore.ErrNoSuchDatabase
	}
	return id, err
}

// tableRow is what the partitions of a table need to know of it.
type tableRow struct {
	id   int64
	name metastore.TableName
	keys partitions.Keys
}

// Table implements metastore.Reader.
func (r reader) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	name = lowerName(name)
	_, t, err := r.table(ctx, name)
	if err != nil {
		return nil, fail("get table", name.String(), err)
	}
	return t, nil
}

const selectTable = `
SELECT t.id, t.type, t.owner, t.created, t.location, t.partition_keys, t.parameters,
       t.view_original, t.view_expanded, t.version, d.body
  FROM databases b
  JOIN tables t ON t.database_id = b.id
  JOIN descriptors d ON d.id = t.descriptor_id
 WHERE b.name = ? AND t.name = ?`

func (r reader) table(ctx context.Context, name metastore.TableName) (int64, *metastore.Table, error) {
	t := metastore.Table{TableName: name}
	var id, created int64
	var location, keys, parameters, body string
	err := r.q.QueryRowContext(ctx, selectTable, name.Database, name.Name).Scan(
		&id, &t.Type, &t.Owner, &created, &location, &keys, &parameters,
		&t.ViewOriginalText, &t.ViewExpandedText, &t.Version, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil, r.noTable(ctx, name)
	}
	if err != nil {
		return 0, nil, err
	}
	t.CreateTime = decodeTime(created)
	if t.Storage, err = decodeDescriptor(body, location); err != nil {
		return 0, nil, err
	}
	if t.PartitionKeys, err = decodeKeys(keys); err != nil {
		return 0, nil, err
	}
	t.Parameters, err = decodeParameters(parameters)
	return id, &t, err
}

func decodeKeys(text string) ([]metastore.Column, error) {
	var columns []columnJSON
	if err := json.Unmarshal([]byte(text), &columns); err != nil {
		return nil, fmt.Errorf("partition keys: %w", err)
	}
	return decodeColumns(columns)
}

// noTable says whether it is the table or its database that does not exist.
func (r reader) noTable(ctx context.Context, name metastore.TableName) error {
	if _, err := r.databaseID(ctx, name.Database); err != nil {
		return err
	}
	return metastore.ErrNoSuchTable
}

// tableRow reads less than table does.
func (r reader) tableRow(ctx context.Context, name metastore.TableName) (tableRow, error) {
	row := tableRow{name: name}
	var keys string
	err := r.q.QueryRowContext(ctx, `
SELECT t.id, t.partition_keys FROM databases b JOIN tables t ON t.database_id = b.id
 WHERE b.name = ? AND t.name = ?`, name.Database, name.Name).Scan(&row.id, &keys)
	if errors.Is(err, sql.ErrNoRows) {
		return row, r.noTable(ctx, name)
	}
	if err != nil {
		return row, err
	}
	columns, err := decodeKeys(keys)
	if err != nil {
		return row, err
	}
	row.keys = (&metastore.Table{PartitionKeys: columns}).Keys()
	return row, nil
}

const selectPartitions = `
SELECT p.name, p.descriptor_id, d.body, p.location, p.parameters, p.created
  FROM partitions p JOIN descriptors d ON d.id = p.descriptor_id
 WHERE p.table_id = ?`

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
		rows, err := r.q.QueryContext(ctx, selectPartitions+` AND p.name = ?`, t.id, partName)
		if err != nil {
			return nil, err
		}
		for p, err := range scanPartitions(rows, t, nil) {
			return p, err
		}
		return nil, metastore.ErrNoSuchPartition
	}()
	if err != nil {
		return nil, fail("get partition", object, err)
	}
	return p, nil
}

// Partitions implements metastore.Reader.
func (r reader) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	name = lowerName(name)
	return func(yield func(*metastore.Partition, error) bool) {
		t, err := r.tableRow(ctx, name)
		if err != nil {
			yield(nil, fail("list partitions", name.String(), err))
			return
		}
		where, err := prune(t.keys, p)
		if err != nil {
			yield(nil, fail("list partitions", name.String(), fmt.Errorf("%w: %w", metastore.ErrInvalid, err)))
			return
		}
		rows, err := r.q.QueryContext(ctx, selectPartitions+where.sql+` ORDER BY p.name`,
			append([]any{t.id}, where.args...)...)
		if err != nil {
			yield(nil, fail("list partitions", name.String(), err))
			return
		}
		for p, err := range scanPartitions(rows, t, where.residual) {
			if err != nil {
				yield(nil, fail("list partitions", name.String(), err))
				return
			}
			if !yield(p, nil) {
				return
			}
		}
	}
}

// scanPartitions reads the rows of selectPartitions that satisfy the residual, if there is one,
// and closes them.
func scanPartitions(
	rows *sql.Rows, t tableRow, residual *partitions.Matcher,
) iter.Seq2[*metastore.Partition, error] {
	return func(yield func(*metastore.Partition, error) bool) {
		defer rows.Close() // errors of reading are those of rows.Err
		var descriptors descriptorCache
		for rows.Next() {
			var name, body, location, parameters string
			var descriptor, created int64
			if err := rows.Scan(&name, &descriptor, &body, &location, &parameters, &created); err != nil {
				yield(nil, err)
				return
			}
			values, err := t.keys.ParseName(name)
			if err == nil && residual != nil && !residual.Match(values) {
				continue
			}
			p := metastore.Partition{Values: values, CreateTime: decodeTime(created)}
			if err == nil {
				p.Storage, err = descriptors.decode(descriptor, body, location)
			}
			if err == nil {
				p.Parameters, err = decodeParameters(parameters)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(&p, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// descriptorCache decodes a descriptor once for the partitions in a row that share it.
type descriptorCache struct {
	id   int64
	last metastore.StorageDescriptor
}

func (c *descriptorCache) decode(id int64, body, location string) (metastore.StorageDescriptor, error) {
	if c.id != id {
		d, err := decodeDescriptor(body, "")
		if err != nil {
			return d, err
		}
		c.id, c.last = id, d
	}
	d := c.last.Clone()
	d.Location = location
	return d, nil
}
