package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// counters are those of the store row, which the transaction has locked.
type counters struct {
	nextID, lastChange int64
}

// tx implements metastore.Tx.
type tx struct {
	reader
	counters
	sql      *sql.Tx
	before   counters
	keepDays int64
	wrote    bool
	quiet    bool // changes are not logged: an import brings its log along
}

// newID gives out an id that was never given out before.
func (t *tx) newID() int64 {
	t.nextID++
	return t.nextID - 1
}

// atomically runs fn so that it changes either everything or nothing, even when the caller goes
// on after an error.
func (t *tx) atomically(ctx context.Context, op, object string, fn func() error) error {
	t.wrote = true
	err := func() error {
		if _, err := t.exec(ctx, `SAVEPOINT step`); err != nil {
			return err
		}
		last := t.lastChange
		if err := fn(); err != nil {
			t.lastChange = last
			if _, undo := t.exec(ctx, `ROLLBACK TO SAVEPOINT step`); undo != nil {
				return errors.Join(err, undo)
			}
			return err
		}
		_, err := t.exec(ctx, `RELEASE SAVEPOINT step`)
		return err
	}()
	var known *metastore.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	return fail(op, object, err)
}

const insertDatabase = `
INSERT INTO dbs (id, name, comment, location, owner, owner_type, parameters, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

// CreateDatabase implements metastore.Tx.
func (t *tx) CreateDatabase(ctx context.Context, d *metastore.Database) error {
	name := strings.ToLower(d.Name)
	return t.atomically(ctx, "create database", name, func() error {
		if err := d.Validate(); err != nil {
			return err
		}
		if _, err := t.databaseID(ctx, name); err == nil {
			return metastore.ErrExists
		} else if !errors.Is(err, metastore.ErrNoSuchDatabase) {
			return err
		}
		now := storedDatabase(d)
		_, err := t.exec(ctx, insertDatabase, t.newID(), name, d.Comment, d.Location, d.Owner, d.OwnerType,
			encodeParameters(d.Parameters), now.CreateTime.UnixMicro())
		if err != nil {
			return err
		}
		return t.log(ctx, metastore.CreatedDatabase, metastore.TableName{Database: name}, nil, stateJSON{Database: encodeDatabase(now)})
	})
}

// storedDatabase is d as it is kept.
func storedDatabase(d *metastore.Database) *metastore.Database {
	now := *d
	now.Name, now.CreateTime = strings.ToLower(d.Name), decodeTime(encodeTime(d.CreateTime))
	return &now
}

// AlterDatabase implements metastore.Tx.
func (t *tx) AlterDatabase(ctx context.Context, d *metastore.Database) error {
	name := strings.ToLower(d.Name)
	return t.atomically(ctx, "alter database", name, func() error {
		if err := d.Validate(); err != nil {
			return err
		}
		id, old, err := t.database(ctx, name)
		if err != nil {
			return err
		}
		now := storedDatabase(d)
		_, err = t.exec(ctx, `
UPDATE dbs SET comment = ?, location = ?, owner = ?, owner_type = ?, parameters = ?, created = ? WHERE id = ?`,
			d.Comment, d.Location, d.Owner, d.OwnerType, encodeParameters(d.Parameters), now.CreateTime.UnixMicro(), id)
		if err != nil {
			return err
		}
		return t.log(ctx, metastore.AlteredDatabase, metastore.TableName{Database: name},
			&stateJSON{Database: encodeDatabase(old)}, stateJSON{Database: encodeDatabase(now)})
	})
}

// DropDatabase implements metastore.Tx.
func (t *tx) DropDatabase(ctx context.Context, name string) error {
	name = strings.ToLower(name)
	return t.atomically(ctx, "drop database", name, func() error {
		if name == metastore.DefaultDatabase {
			return fmt.Errorf("%w: the default database cannot be dropped", metastore.ErrInvalid)
		}
		id, old, err := t.database(ctx, name)
		if err != nil {
			return err
		}
		var tables int
		if err := t.one(ctx, `SELECT count(*) FROM tables WHERE database_id = ?`, with(id), &tables); err != nil {
			return err
		}
		if tables > 0 {
			return metastore.ErrNotEmpty
		}
		for _, statement := range []string{
			`DELETE FROM functions WHERE database_id = ?`,
			`DELETE FROM privileges WHERE table_id = 0 AND database_id = ?`,
			`DELETE FROM dbs WHERE id = ?`,
		} {
			if _, err := t.exec(ctx, statement, id); err != nil {
				return err
			}
		}
		return t.log(ctx, metastore.DroppedDatabase, metastore.TableName{Database: name},
			&stateJSON{Database: encodeDatabase(old)}, stateJSON{})
	})
}

// storedTable is t as it is kept, with a version.
func storedTable(t *metastore.Table, version int64) *metastore.Table {
	now := *t
	now.TableName, now.CreateTime, now.Version = lowerName(t.TableName), decodeTime(encodeTime(t.CreateTime)), version
	return &now
}

// CreateTable implements metastore.Tx.
func (t *tx) CreateTable(ctx context.Context, table *metastore.Table) error {
	name := lowerName(table.TableName)
	return t.atomically(ctx, "create table", name.String(), func() error {
		if err := table.Validate(); err != nil {
			return err
		}
		now := storedTable(table, 1)
		if err := t.insertTable(ctx, now); err != nil {
			return err
		}
		return t.log(ctx, metastore.CreatedTable, name, nil, stateJSON{Table: encodeTable(now)})
	})
}

func (t *tx) insertTable(ctx context.Context, table *metastore.Table) error {
	db, err := t.databaseID(ctx, table.Database)
	if err != nil {
		return err
	}
	if err := t.nameIsFree(ctx, table.TableName); err != nil {
		return err
	}
	id := t.newID()
	descriptor, err := t.descriptor(ctx, id, encodeDescriptor(&table.Storage), "")
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `
INSERT INTO tables (id, database_id, name, type, owner, owner_type, created, descriptor_id, location, partition_keys,
                    parameters, view_original, view_expanded, version)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, db, table.Name, string(table.Type), table.Owner, table.OwnerType, table.CreateTime.UnixMicro(), descriptor,
		table.Storage.Location, encode(encodeColumns(table.PartitionKeys)), encodeParameters(table.Parameters),
		table.ViewOriginalText, table.ViewExpandedText, table.Version)
	return err
}

func (t *tx) nameIsFree(ctx context.Context, name metastore.TableName) error {
	switch _, err := t.tableRow(ctx, name); {
	case err == nil:
		return metastore.ErrExists
	case errors.Is(err, metastore.ErrNoSuchTable):
		return nil
	default:
		return err
	}
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
			if err := t.nameIsFree(ctx, renamed); err != nil {
				return fmt.Errorf("%s %w", renamed, err)
			}
			if err := t.moveWriteID(ctx, name, &renamed); err != nil {
				return err
			}
		}
		now := storedTable(table, old.Version+1)
		if err := t.updateTable(ctx, id, db, now); err != nil || onlyHiddenDiffers(old, now) {
			return err
		}
		if err := t.forget(ctx, id, "", old.Storage.Columns, now.Storage.Columns); err != nil {
			return err
		}
		return t.log(ctx, metastore.AlteredTable, name, &stateJSON{Table: encodeTable(old)}, stateJSON{Table: encodeTable(now)})
	})
}

func (t *tx) updateTable(ctx context.Context, id, db int64, now *metastore.Table) error {
	descriptor, err := t.descriptor(ctx, id, encodeDescriptor(&now.Storage), "")
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `
UPDATE tables SET database_id = ?, name = ?, type = ?, owner = ?, owner_type = ?, created = ?, descriptor_id = ?,
       location = ?, partition_keys = ?, parameters = ?, view_original = ?, view_expanded = ?, version = ?
 WHERE id = ?`,
		db, now.Name, string(now.Type), now.Owner, now.OwnerType, now.CreateTime.UnixMicro(), descriptor,
		now.Storage.Location, encode(encodeColumns(now.PartitionKeys)), encodeParameters(now.Parameters),
		now.ViewOriginalText, now.ViewExpandedText, now.Version, id)
	return err
}

// onlyHiddenDiffers reports whether a change is the business of skep alone, as the steps of a write
// are.
func onlyHiddenDiffers(old, now *metastore.Table) bool {
	if maps.Equal(old.Parameters, now.Parameters) {
		return false
	}
	visible := func(t *metastore.Table) string {
		c := *t
		c.Version = 0
		c.Parameters = maps.Clone(t.Parameters)
		maps.DeleteFunc(c.Parameters, func(k, _ string) bool { return strings.HasPrefix(k, metastore.HiddenParameters) })
		return encode(encodeTable(&c))
	}
	return visible(old) == visible(now)
}

// checkKeys refuses a change of partition keys while there are partitions, whose
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
	var used int
	err := t.one(ctx, `SELECT count(*) FROM (SELECT 1 FROM partitions WHERE table_id = ? LIMIT 1) AS found`, with(id), &used)
	if err == nil && used > 0 {
		err = fmt.Errorf("%w: changing the partition keys of a table with partitions is not supported yet",
			metastore.ErrInvalid)
	}
	return err
}

// DropTable implements metastore.Tx.
func (t *tx) DropTable(ctx context.Context, name metastore.TableName) error {
	name = lowerName(name)
	return t.atomically(ctx, "drop table", name.String(), func() error {
		id, old, err := t.table(ctx, name)
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM partitions WHERE table_id = ?`,
			`DELETE FROM column_stats WHERE table_id = ?`,
			`DELETE FROM table_constraints WHERE table_id = ?`,
			`DELETE FROM descriptors WHERE table_id = ?`,
			`DELETE FROM privileges WHERE table_id = ?`,
			`DELETE FROM tables WHERE id = ?`,
		} {
			if _, err := t.exec(ctx, statement, id); err != nil {
				return err
			}
		}
		if err := t.moveWriteID(ctx, name, nil); err != nil {
			return err
		}
		return t.log(ctx, metastore.DroppedTable, name, &stateJSON{Table: encodeTable(old)}, stateJSON{})
	})
}
