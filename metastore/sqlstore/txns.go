package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/skepdata/skep/metastore"
)

// Txns implements metastore.Reader.
func (r reader) Txns(ctx context.Context) (all []*metastore.Txn, last int64, err error) {
	if all, err = bodies[*metastore.Txn](ctx, r.session, `SELECT body FROM txns ORDER BY id`); err == nil {
		err = r.one(ctx, `SELECT next_id FROM store WHERE one = 1`, nil, &last)
	}
	if err != nil {
		return nil, 0, fail("list", "transactions", err)
	}
	return all, last - 1, nil
}

// Txns implements metastore.Reader. What the transaction has given out counts.
func (t *tx) Txns(ctx context.Context) (all []*metastore.Txn, last int64, err error) {
	all, _, err = t.reader.Txns(ctx)
	return all, t.nextID - 1, err
}

// PutTxn implements metastore.Tx.
func (t *tx) PutTxn(ctx context.Context, x *metastore.Txn) (int64, error) {
	now := *x
	err := t.atomically(ctx, "put transaction", fmt.Sprint(x.ID), func() error {
		if now.ID == 0 {
			now.ID = t.newID()
			_, err := t.exec(ctx, `INSERT INTO txns (id, expires, body) VALUES (?, ?, ?)`, now.ID, now.Expires.UnixMicro(), encode(now))
			return err
		}
		if err := t.txnExists(ctx, now.ID); err != nil {
			return err
		}
		_, err := t.exec(ctx, `UPDATE txns SET expires = ?, body = ? WHERE id = ?`, now.Expires.UnixMicro(), encode(now), now.ID)
		return err
	})
	return now.ID, err
}

func (t *tx) txnExists(ctx context.Context, id int64) error {
	var n int
	err := t.one(ctx, `SELECT count(*) FROM txns WHERE id = ?`, with(id), &n)
	if err == nil && n == 0 {
		err = metastore.ErrNoSuchTxn
	}
	return err
}

// DropTxn implements metastore.Tx.
func (t *tx) DropTxn(ctx context.Context, id int64) error {
	return t.atomically(ctx, "drop transaction", fmt.Sprint(id), func() error {
		if err := t.txnExists(ctx, id); err != nil {
			return err
		}
		_, err := t.exec(ctx, `DELETE FROM txns WHERE id = ?`, id)
		return err
	})
}

// SkipTxns implements metastore.Tx.
func (t *tx) SkipTxns(_ context.Context, last int64) error {
	t.wrote = true
	t.nextID = max(t.nextID, last+1)
	return nil
}

// WriteID implements metastore.Reader.
func (r reader) WriteID(ctx context.Context, name metastore.TableName) (id int64, err error) {
	name = lowerName(name)
	err = r.one(ctx, `SELECT last FROM write_ids WHERE name = ?`, with(name.String()), &id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fail("get write id", name.String(), err)
	}
	return id, nil
}

// SetWriteID implements metastore.Tx.
func (t *tx) SetWriteID(ctx context.Context, name metastore.TableName, id int64) error {
	name = lowerName(name)
	return t.atomically(ctx, "set write id", name.String(), func() error { return t.putWriteID(ctx, name, id) })
}

// putWriteID sets the number of writes of a table; 0 is none.
func (t *tx) putWriteID(ctx context.Context, name metastore.TableName, id int64) error {
	_, err := t.exec(ctx, `DELETE FROM write_ids WHERE name = ?`, name.String())
	if err == nil && id > 0 {
		_, err = t.exec(ctx, `INSERT INTO write_ids (name, last) VALUES (?, ?)`, name.String(), id)
	}
	return err
}

// moveWriteID gives the number of writes of a table to another name, or to none.
func (t *tx) moveWriteID(ctx context.Context, from metastore.TableName, to *metastore.TableName) error {
	id, err := t.WriteID(ctx, from)
	if err != nil {
		return err
	}
	if id == 0 {
		return nil
	}
	if to != nil {
		if err := t.putWriteID(ctx, *to, id); err != nil {
			return err
		}
	}
	return t.putWriteID(ctx, from, 0)
}
