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

// reader implements metastore.Reader on one transaction.
type reader struct {
	session
	descriptors *descriptorCache
	tables      *tableReads // nil where no query is kept prepared
	inTx        bool        // the rows may change while they are read
}

func lowerName(n metastore.TableName) metastore.TableName {
	return metastore.TableName{Database: strings.ToLower(n.Database), Name: strings.ToLower(n.Name)}
}

func fail(op, object string, err error) error {
	return &metastore.Error{Op: op, Object: object, Err: err}
}

const selectDatabase = `SELECT id, comment, location, owner, owner_type, parameters, created FROM dbs WHERE name = ?`

// Database implements metastore.Reader.
func (r reader) Database(ctx context.Context, name string) (*metastore.Database, error) {
	name = strings.ToLower(name)
	_, d, err := r.database(ctx, name)
	if err != nil {
		return nil, fail("get database", name, err)
	}
	return d, nil
}

func (r reader) database(ctx context.Context, name string) (id int64, _ *metastore.Database, err error) {
	d := metastore.Database{Name: name}
	var parameters string
	var created int64
	err = r.one(ctx, selectDatabase, with(name), &id, &d.Comment, &d.Location, &d.Owner, &d.OwnerType, &parameters, &created)
	if errors.Is(err, sql.ErrNoRows) {
		err = metastore.ErrNoSuchDatabase
	}
	if err == nil {
		d.CreateTime = decodeTime(created)
		d.Parameters, err = decodeParameters(parameters)
	}
	return id, &d, err
}

// Databases implements metastore.Reader.
func (r reader) Databases(ctx context.Context, pattern string) ([]string, error) {
	names, err := r.names(ctx, pattern, `SELECT name FROM dbs ORDER BY name`)
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
	err = r.each(ctx, func(scan func(...any) error) error {
		var name string
		if err := scan(&name); err != nil {
			return err
		}
		if metastore.MatchPattern(pattern, name) {
			names = append(names, name)
		}
		return nil
	}, query, args...)
	return names, err
}

func (r reader) databaseID(ctx context.Context, name string) (id int64, err error) {
	err = r.one(ctx, `SELECT id FROM dbs WHERE name = ?`, with(name), &id)
	if errors.Is(err, sql.ErrNoRows) {
		err = metastore.ErrNoSuchDatabase
	}
	return id, err
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

const selectTables = `
SELECT b.name, t.name, t.id, t.type, t.owner, t.owner_type, t.created, t.location, t.partition_keys, t.parameters,
       t.view_original, t.view_expanded, t.version, d.id, d.base, d.body
  FROM dbs b
  JOIN tables t ON t.database_id = b.id
  JOIN descriptors d ON d.table_id = t.id AND d.id = t.descriptor_id`

const selectTable = selectTables + ` WHERE b.name = ? AND t.name = ?`

func (r reader) table(ctx context.Context, name metastore.TableName) (id int64, t *metastore.Table, err error) {
	read := func(scan func(...any) error) error {
		id, t, err = r.scanTable(scan)
		return err
	}
	if r.tables != nil {
		err = r.tables.each(ctx, read, name.Database, name.Name)
	} else {
		err = r.each(ctx, read, selectTable, name.Database, name.Name)
	}
	if err == nil && t == nil {
		err = r.noTable(ctx, name)
	}
	return id, t, err
}

// scanTable reads a row of selectTables.
func (r reader) scanTable(scan func(...any) error) (id int64, _ *metastore.Table, err error) {
	var t metastore.Table
	var created, descriptor int64
	var location, keys, parameters, base, body string
	err = scan(&t.Database, &t.Name, &id, &t.Type, &t.Owner, &t.OwnerType, &created, &location, &keys, &parameters,
		&t.ViewOriginalText, &t.ViewExpandedText, &t.Version, &descriptor, &base, &body)
	if err != nil {
		return 0, nil, err
	}
	t.CreateTime = decodeTime(created)
	d, ok := r.descriptors.get(descriptor)
	if !ok {
		if d, err = r.descriptors.decode(descriptor, base, body); err != nil {
			return 0, nil, err
		}
	}
	t.Storage = d.Clone() // it is the caller's
	t.Storage.Location = location
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

// tablePage is how many tables are read at once.
const tablePage = 500

// AllTables implements metastore.Reader.
func (r reader) AllTables(ctx context.Context, dbPattern, tablePattern string) iter.Seq2[*metastore.Table, error] {
	return func(yield func(*metastore.Table, error) bool) {
		dbs, err := r.Databases(ctx, dbPattern)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, db := range dbs {
			after := ""
			for {
				page, n, err := r.tablesAfter(ctx, db, after, tablePattern, &after)
				if err != nil {
					yield(nil, fail("list tables", db, err))
					return
				}
				for _, t := range page {
					if !yield(t, nil) {
						return
					}
				}
				if n < tablePage {
					break
				}
			}
		}
	}
}

// tablesAfter reads a page of the tables of a database, and keeps those that match; n is how many
// there were, and last the name of the last.
func (r reader) tablesAfter(
	ctx context.Context, db, after, pattern string, last *string,
) (page []*metastore.Table, n int, err error) {
	err = r.each(ctx, func(scan func(...any) error) error {
		_, t, err := r.scanTable(scan)
		if err != nil {
			return err
		}
		n++
		*last = t.Name
		if metastore.MatchPattern(pattern, t.Name) {
			page = append(page, t)
		}
		return nil
	}, selectTables+` WHERE b.name = ? AND t.name > ? ORDER BY t.name LIMIT ?`, db, after, tablePage)
	return page, n, err
}

// tableRow is what the partitions of a table need to know of it.
type tableRow struct {
	id   int64
	name metastore.TableName
	keys partitions.Keys
}

// tableRow reads less than table does.
func (r reader) tableRow(ctx context.Context, name metastore.TableName) (tableRow, error) {
	row := tableRow{name: name}
	var keys string
	err := r.one(ctx, `
SELECT t.id, t.partition_keys FROM dbs b JOIN tables t ON t.database_id = b.id
 WHERE b.name = ? AND t.name = ?`, with(name.Database, name.Name), &row.id, &keys)
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
