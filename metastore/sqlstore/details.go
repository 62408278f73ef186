package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// bodies runs a query for one column of JSON and decodes each.
func bodies[T any](ctx context.Context, s session, query string, args ...any) (all []T, err error) {
	err = s.each(ctx, func(scan func(...any) error) error {
		var body string
		if err := scan(&body); err != nil {
			return err
		}
		var v T
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			return fmt.Errorf("%T: %w", v, err)
		}
		all = append(all, v)
		return nil
	}, query, args...)
	return all, err
}

// Function implements metastore.Reader.
func (r reader) Function(ctx context.Context, name metastore.TableName) (*metastore.Function, error) {
	name = lowerName(name)
	_, f, err := r.function(ctx, name)
	if err != nil {
		return nil, fail("get function", name.String(), err)
	}
	return f, nil
}

func (r reader) function(ctx context.Context, name metastore.TableName) (db int64, _ *metastore.Function, err error) {
	if db, err = r.databaseID(ctx, name.Database); err != nil {
		return 0, nil, err
	}
	found, err := bodies[metastore.Function](ctx, r.session,
		`SELECT body FROM functions WHERE database_id = ? AND name = ?`, db, name.Name)
	if err == nil && len(found) == 0 {
		err = metastore.ErrNoSuchFunction
	}
	if err != nil {
		return db, nil, err
	}
	found[0].Database = name.Database
	return db, &found[0], nil
}

// Functions implements metastore.Reader.
func (r reader) Functions(ctx context.Context, db, pattern string) ([]*metastore.Function, error) {
	db = strings.ToLower(db)
	var out []*metastore.Function
	err := func() error {
		if db != "" {
			if _, err := r.databaseID(ctx, db); err != nil {
				return err
			}
		}
		return r.each(ctx, func(scan func(...any) error) error {
			var in, body string
			if err := scan(&in, &body); err != nil {
				return err
			}
			f := metastore.Function{}
			if err := json.Unmarshal([]byte(body), &f); err != nil {
				return err
			}
			if f.Database = in; metastore.MatchPattern(pattern, f.Name) && (db == "" || in == db) {
				out = append(out, &f)
			}
			return nil
		}, `SELECT b.name, f.body FROM dbs b JOIN functions f ON f.database_id = b.id ORDER BY b.name, f.name`)
	}()
	if err != nil {
		return nil, fail("list functions", db, err)
	}
	return out, nil
}

func storedFunction(f *metastore.Function) *metastore.Function {
	now := *f
	now.Database, now.Name = strings.ToLower(f.Database), strings.ToLower(f.Name)
	now.CreateTime = decodeTime(encodeTime(f.CreateTime))
	return &now
}

// CreateFunction implements metastore.Tx.
func (t *tx) CreateFunction(ctx context.Context, f *metastore.Function) error {
	name := lowerName(metastore.TableName{Database: f.Database, Name: f.Name})
	return t.atomically(ctx, "create function", name.String(), func() error {
		if err := f.Validate(); err != nil {
			return err
		}
		db, _, err := t.function(ctx, name)
		if err == nil {
			return metastore.ErrExists
		}
		if !errors.Is(err, metastore.ErrNoSuchFunction) {
			return err
		}
		now := storedFunction(f)
		if _, err := t.exec(ctx, `INSERT INTO functions (database_id, name, body) VALUES (?, ?, ?)`, db, now.Name, encode(now)); err != nil {
			return err
		}
		return t.log(ctx, metastore.CreatedFunction, name, nil, stateJSON{Function: now})
	})
}

// AlterFunction implements metastore.Tx.
func (t *tx) AlterFunction(ctx context.Context, f *metastore.Function) error {
	name := lowerName(metastore.TableName{Database: f.Database, Name: f.Name})
	return t.atomically(ctx, "alter function", name.String(), func() error {
		if err := f.Validate(); err != nil {
			return err
		}
		db, old, err := t.function(ctx, name)
		if err != nil {
			return err
		}
		now := storedFunction(f)
		if _, err := t.exec(ctx, `UPDATE functions SET body = ? WHERE database_id = ? AND name = ?`, encode(now), db, name.Name); err != nil {
			return err
		}
		return t.log(ctx, metastore.AlteredFunction, name, &stateJSON{Function: old}, stateJSON{Function: now})
	})
}

// DropFunction implements metastore.Tx.
func (t *tx) DropFunction(ctx context.Context, name metastore.TableName) error {
	name = lowerName(name)
	return t.atomically(ctx, "drop function", name.String(), func() error {
		db, old, err := t.function(ctx, name)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM functions WHERE database_id = ? AND name = ?`, db, name.Name); err != nil {
			return err
		}
		return t.log(ctx, metastore.DroppedFunction, name, &stateJSON{Function: old}, stateJSON{})
	})
}

// Constraints implements metastore.Reader.
func (r reader) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	name = lowerName(name)
	t, err := r.tableRow(ctx, name)
	if err != nil {
		return nil, fail("list constraints", name.String(), err)
	}
	cs, err := r.constraints(ctx, t.id)
	if err != nil {
		return nil, fail("list constraints", name.String(), err)
	}
	return cs, nil
}

func (r reader) constraints(ctx context.Context, table int64) ([]metastore.Constraint, error) {
	return bodies[metastore.Constraint](ctx, r.session, `SELECT body FROM table_constraints WHERE table_id = ? ORDER BY name`, table)
}

// ForeignKeysTo implements metastore.Reader.
func (r reader) ForeignKeysTo(ctx context.Context, parent metastore.TableName) (out []metastore.TableName, err error) {
	parent = lowerName(parent)
	err = r.each(ctx, func(scan func(...any) error) error {
		var name metastore.TableName
		err := scan(&name.Database, &name.Name)
		out = append(out, name)
		return err
	}, `
SELECT DISTINCT b.name, t.name FROM table_constraints c JOIN tables t ON t.id = c.table_id JOIN dbs b ON b.id = t.database_id
 WHERE c.parent_db = ? AND c.parent_name = ? ORDER BY b.name, t.name`, parent.Database, parent.Name)
	if err != nil {
		return nil, fail("list foreign keys", parent.String(), err)
	}
	return out, nil
}

// AddConstraints implements metastore.Tx.
func (t *tx) AddConstraints(ctx context.Context, name metastore.TableName, cs []metastore.Constraint) error {
	name = lowerName(name)
	return t.atomically(ctx, "add constraints", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		old, err := t.constraints(ctx, row.id)
		if err != nil {
			return err
		}
		var added []metastore.Constraint
		for i := range cs {
			if err := cs[i].Validate(); err != nil {
				return err
			}
			c := cs[i]
			c.Name, c.Parent = strings.ToLower(c.Name), lowerName(c.Parent)
			if slices.ContainsFunc(slices.Concat(old, added), func(o metastore.Constraint) bool { return o.Name == c.Name }) {
				return fmt.Errorf("constraint %s %w", c.Name, metastore.ErrExists)
			}
			added = append(added, c)
			_, err := t.exec(ctx, `INSERT INTO table_constraints (table_id, name, parent_db, parent_name, body) VALUES (?, ?, ?, ?, ?)`,
				row.id, c.Name, c.Parent.Database, c.Parent.Name, encode(c))
			if err != nil {
				return err
			}
		}
		if len(added) == 0 {
			return nil
		}
		return t.log(ctx, metastore.AddedConstraints, name, nil, stateJSON{Constraints: added})
	})
}

// DropConstraint implements metastore.Tx.
func (t *tx) DropConstraint(ctx context.Context, name metastore.TableName, constraint string) error {
	name, constraint = lowerName(name), strings.ToLower(constraint)
	return t.atomically(ctx, "drop constraint", name.String()+"."+constraint, func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		old, err := t.constraints(ctx, row.id)
		if err != nil {
			return err
		}
		old = slices.DeleteFunc(old, func(c metastore.Constraint) bool { return c.Name != constraint })
		if len(old) == 0 {
			return metastore.ErrNoConstraint
		}
		if _, err := t.exec(ctx, `DELETE FROM table_constraints WHERE table_id = ? AND name = ?`, row.id, constraint); err != nil {
			return err
		}
		return t.log(ctx, metastore.DroppedConstraint, name, &stateJSON{Constraints: old}, stateJSON{})
	})
}

// Locks implements metastore.Reader.
func (r reader) Locks(ctx context.Context) ([]*metastore.Lock, error) {
	locks, err := bodies[*metastore.Lock](ctx, r.session, `SELECT body FROM locks ORDER BY id`)
	if err != nil {
		return nil, fail("list", "locks", err)
	}
	return locks, nil
}

// PutLock implements metastore.Tx.
func (t *tx) PutLock(ctx context.Context, l *metastore.Lock) (int64, error) {
	now := *l
	err := t.atomically(ctx, "put lock", fmt.Sprint(l.ID), func() error {
		if now.ID == 0 {
			now.ID = t.newID()
			_, err := t.exec(ctx, `INSERT INTO locks (id, expires, body) VALUES (?, ?, ?)`, now.ID, now.Expires.UnixMicro(), encode(now))
			return err
		}
		if err := t.lockExists(ctx, now.ID); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE locks SET expires = ?, body = ? WHERE id = ?`, now.Expires.UnixMicro(), encode(now), now.ID)
		return err
	})
	return now.ID, err
}

func (t *tx) lockExists(ctx context.Context, id int64) error {
	var n int
	err := t.one(ctx, `SELECT count(*) FROM locks WHERE id = ?`, with(id), &n)
	if err == nil && n == 0 {
		err = metastore.ErrNoSuchLock
	}
	return err
}

// DropLock implements metastore.Tx.
func (t *tx) DropLock(ctx context.Context, id int64) error {
	return t.atomically(ctx, "drop lock", fmt.Sprint(id), func() error {
		if err := t.lockExists(ctx, id); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM locks WHERE id = ?`, id)
		return err
	})
}
