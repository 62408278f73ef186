package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// tx implements metastore.Tx.
type tx struct {
	reader
	q querier
}

// atomically runs fn so that it changes either everything or nothing, even when the caller goes
// on after an error.
func (t *tx) atomically(ctx context.Context, op, object string, fn func() error) error {
	err := func() error {
		if _, err := t.q.ExecContext(ctx, `SAVEPOINT call`); err != nil {
			return err
		}
		err := fn()
		if err != nil {
			if _, undo := t.q.ExecContext(ctx, `ROLLBACK TO call`); undo != nil {
				return errors.Join(err, undo)
			}
		}
		_, release := t.q.ExecContext(ctx, `RELEASE call`)
		return errors.Join(err, release)
	}()
	var known *metastore.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return fail(op, object, err)
}

// changed reports whether a statement changed a row.
func changed(res sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// CreateDatabase implements metastore.Tx.
func (t *tx) CreateDatabase(ctx context.Context, d *metastore.Database) error {
	name := strings.ToLower(d.Name)
	return t.atomically(ctx, "create database", name, func() error {
		if err := d.Validate(); err != nil {
			return err
		}
		ok, err := changed(t.q.ExecContext(ctx, `
INSERT INTO databases (name, comment, location, owner, parameters, created) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING`,
			name, d.Comment, d.Location, d.Owner, encodeParameters(d.Parameters), encodeTime(d.CreateTime)))
		if err == nil && !ok {
			return metastore.ErrExists
		}
		return err
	})
}

// AlterDatabase implements metastore.Tx.
func (t *tx) AlterDatabase(ctx context.Context, d *metastore.Database) error {
	name := strings.ToLower(d.Name)
	return t.atomically(ctx, "alter database", name, func() error {
		if err := d.Validate(); err != nil {
			return err
		}
		ok, err := changed(t.q.ExecContext(ctx, `
UPDATE databases SET comment = ?, location = ?, owner = ?, parameters = ?, created = ? WHERE name = ?`,
			d.Comment, d.Location, d.Owner, encodeParameters(d.Parameters), encodeTime(d.CreateTime), name))
		if err == nil && !ok {
			return metastore.ErrNoSuchDatabase
		}
		return err
	})
}

// DropDatabase implements metastore.Tx.
func (t *tx) DropDatabase(ctx context.Context, name string) error {
	name = strings.ToLower(name)
	return t.atomically(ctx, "drop database", name, func() error {
		if name == metastore.DefaultDatabase {
			return fmt.Errorf("%w: the default database cannot be dropped", metastore.ErrInvalid)
		}
		id, err := t.databaseID(ctx, name)
		if err != nil {
			return err
		}
		var tables int
		err = t.q.QueryRowContext(ctx, `SELECT count(*) FROM tables WHERE database_id = ?`, id).Scan(&tables)
		if err != nil {
			return err
		}
		if tables > 0 {
			return metastore.ErrNotEmpty
		}
		_, err = t.q.ExecContext(ctx, `DELETE FROM databases WHERE id = ?`, id)
		return err
	})
}

// CreateTable implements metastore.Tx.
func (t *tx) CreateTable(ctx context.Context, table *metastore.Table) error {
	name := lowerName(table.TableName)
	return t.atomically(ctx, "create table", name.String(), func() error {
		if err := table.Validate(); err != nil {
			return err
		}
		db, err := t.databaseID(ctx, name.Database)
		if err != nil {
			return err
		}
		var id int64
		err = t.q.QueryRowContext(ctx, `
INSERT INTO tables (database_id, name, type, owner, created, descriptor_id, location, partition_keys,
                    parameters, view_original, view_expanded, version)
VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING RETURNING id`,
			db, name.Name, string(table.Type), table.Owner, encodeTime(table.CreateTime), table.Storage.Location,
			encode(encodeColumns(table.PartitionKeys)), encodeParameters(table.Parameters),
			table.ViewOriginalText, table.ViewExpandedText).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return metastore.ErrExists
		}
		if err != nil {
			return err
		}
		descriptor, err := t.descriptor(ctx, id, &table.Storage)
		if err != nil {
			return err
		}
		_, err = t.q.ExecContext(ctx, `UPDATE tables SET descriptor_id = ? WHERE id = ?`, descriptor, id)
		return err
	})
}

// descriptor finds or makes the row of a storage descriptor.
func (t *tx) descriptor(
	ctx context.Context, table int64, d *metastore.StorageDescriptor,
) (id int64, err error) {
	body, hash := encodeDescriptor(d)
	err = t.q.QueryRowContext(ctx,
		`SELECT id FROM descriptors WHERE table_id = ? AND hash = ?`, table, hash).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	err = t.q.QueryRowContext(ctx,
		`INSERT INTO descriptors (table_id, hash, body) VALUES (?, ?, ?) RETURNING id`,
		table, hash, body).Scan(&id)
	return id, err
}

// AlterTable implements metastore.Tx.
func (t *tx) AlterTable(ctx context.Context, name metastore.TableName, table *metastore.Table) error {
	name = lowerName(name)
	renamed := lowerName(table.TableName)
	return t.atomically(ctx, "alter table", name.String(), func() error {
		id, old, err := t.table(ctx, name)
		if err != nil {
			return err
		}
		if err := table.Validate(); err != nil {
			return err
		}
		if table.Version != 0 && table.Version != old.Version {
			return fmt.Errorf("%w: version %d was read, and it is at %d",
				metastore.ErrConflict, table.Version, old.Version)
		}
		if err := t.checkKeys(ctx, id, old, table); err != nil {
			return err
		}
		db, err := t.databaseID(ctx, renamed.Database)
		if err != nil {
			return err
		}
		if renamed != name {
			if _, _, err := t.table(ctx, renamed); err == nil {
				return fmt.Errorf("%s %w", renamed, metastore.ErrExists)
			}
		}
		descriptor, err := t.descriptor(ctx, id, &table.Storage)
		if err != nil {
			return err
		}
		_, err = t.q.ExecContext(ctx, `
UPDATE tables SET database_id = ?, name = ?, type = ?, owner = ?, created = ?, descriptor_id = ?,
       location = ?, partition_keys = ?, parameters = ?, view_original = ?, view_expanded = ?,
       version = version + 1
 WHERE id = ?`,
			db, renamed.Name, string(table.Type), table.Owner, encodeTime(table.CreateTime), descriptor,
			table.Storage.Location, encode(encodeColumns(table.PartitionKeys)), encodeParameters(table.Parameters),
			table.ViewOriginalText, table.ViewExpandedText, id)
		return err
	})
}

// checkKeys refuses other names or types of partition keys while there are partitions, whose
// names and k columns depend on them. Comments may change.
func (t *tx) checkKeys(ctx context.Context, id int64, before, after *metastore.Table) error {
	same := len(before.PartitionKeys) == len(after.PartitionKeys)
	for i := range before.PartitionKeys {
		same = same && strings.EqualFold(before.PartitionKeys[i].Name, after.PartitionKeys[i].Name) &&
			before.PartitionKeys[i].Type.Equal(after.PartitionKeys[i].Type)
	}
	if same {
		return nil
	}
	var used bool
	err := t.q.QueryRowContext(ctx,
		`SELECT EXISTS (SELECT 1 FROM partitions WHERE table_id = ?)`, id).Scan(&used)
	if err == nil && used {
		err = fmt.Errorf("%w: changing the partition keys of a table with partitions is not supported yet",
			metastore.ErrInvalid)
	}
	return err
}

// DropTable implements metastore.Tx.
func (t *tx) DropTable(ctx context.Context, name metastore.TableName) error {
	name = lowerName(name)
	return t.atomically(ctx, "drop table", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM partitions WHERE table_id = ?`,
			`DELETE FROM descriptors WHERE table_id = ?`,
			`DELETE FROM tables WHERE id = ?`,
		} {
			if _, err := t.q.ExecContext(ctx, statement, row.id); err != nil {
				return err
			}
		}
		return nil
	})
}

const insertPartition = `
INSERT INTO partitions (table_id, name, k0, k1, k2, k3, descriptor_id, location, parameters, created)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`

// AddPartitions implements metastore.Tx.
func (t *tx) AddPartitions(
	ctx context.Context, name metastore.TableName, ps []*metastore.Partition, ifNotExists bool,
) error {
	name = lowerName(name)
	return t.atomically(ctx, "add partitions", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		var descriptors descriptorIDs
		for _, p := range ps {
			part, err := row.partition(p)
			if err != nil {
				return err
			}
			object := name.String() + "/" + part.name
			id, err := descriptors.find(ctx, t, row.id, &p.Storage)
			if err != nil {
				return fail("add partition", object, err)
			}
			ok, err := changed(t.q.ExecContext(ctx, insertPartition, append(append(
				[]any{row.id, part.name}, part.keys[:]...),
				id, p.Storage.Location, encodeParameters(p.Parameters), encodeTime(p.CreateTime))...))
			if err == nil && !ok && !ifNotExists {
				err = metastore.ErrExists
			}
			if err != nil {
				return fail("add partition", object, err)
			}
		}
		return nil
	})
}

// partitionRow is what the database needs to find a partition.
type partitionRow struct {
	name string
	keys [keyColumns]any
}

// partition checks a partition and computes its name and k columns.
func (row tableRow) partition(p *metastore.Partition) (partitionRow, error) {
	part, err := row.named(p.Values)
	if err != nil {
		return part, err
	}
	if err := p.Storage.Validate(); err != nil {
		return part, err
	}
	for i, key := range row.keys[:min(len(row.keys), keyColumns)] {
		if text, ok := key.SortValue(p.Values[i]); ok {
			part.keys[i] = text
		}
	}
	return part, nil
}

func (row tableRow) named(v partitions.Values) (partitionRow, error) {
	if len(row.keys) == 0 {
		return partitionRow{}, fmt.Errorf("%w: the table is not partitioned", metastore.ErrInvalid)
	}
	name, err := row.keys.Name(v)
	if err != nil {
		return partitionRow{}, fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
	}
	return partitionRow{name: name}, nil
}

// descriptorIDs remembers the descriptor of the last partition, which is usually that of the
// next.
type descriptorIDs struct {
	body string
	id   int64
}

func (c *descriptorIDs) find(
	ctx context.Context, t *tx, table int64, d *metastore.StorageDescriptor,
) (int64, error) {
	if body, _ := encodeDescriptor(d); c.id == 0 || body != c.body {
		id, err := t.descriptor(ctx, table, d)
		if err != nil {
			return 0, err
		}
		c.body, c.id = body, id
	}
	return c.id, nil
}

// AlterPartition implements metastore.Tx.
func (t *tx) AlterPartition(ctx context.Context, name metastore.TableName, p *metastore.Partition) error {
	name = lowerName(name)
	return t.atomically(ctx, "alter partition", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		part, err := row.partition(p)
		if err != nil {
			return err
		}
		id, err := t.descriptor(ctx, row.id, &p.Storage)
		if err != nil {
			return err
		}
		ok, err := changed(t.q.ExecContext(ctx, `
UPDATE partitions SET descriptor_id = ?, location = ?, parameters = ?, created = ?
 WHERE table_id = ? AND name = ?`,
			id, p.Storage.Location, encodeParameters(p.Parameters), encodeTime(p.CreateTime), row.id, part.name))
		if err == nil && !ok {
			return fail("alter partition", name.String()+"/"+part.name, metastore.ErrNoSuchPartition)
		}
		return err
	})
}

// DropPartitions implements metastore.Tx.
func (t *tx) DropPartitions(ctx context.Context, name metastore.TableName, vs ...partitions.Values) error {
	name = lowerName(name)
	return t.atomically(ctx, "drop partitions", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		for _, v := range vs {
			part, err := row.named(v)
			if err != nil {
				return err
			}
			ok, err := changed(t.q.ExecContext(ctx,
				`DELETE FROM partitions WHERE table_id = ? AND name = ?`, row.id, part.name))
			if err == nil && !ok {
				err = metastore.ErrNoSuchPartition
			}
			if err != nil {
				return fail("drop partition", name.String()+"/"+part.name, err)
			}
		}
		return nil
	})
}
