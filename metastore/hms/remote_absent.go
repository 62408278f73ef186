package hms

import (
	"context"
	"fmt"
	"iter"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// Txns implements metastore.Reader.
func (r reader) Txns(context.Context) ([]*metastore.Txn, int64, error) {
	return nil, 0, unsupported("list transactions", "", "the list of transactions")
}

// PutTxn implements metastore.Tx.
func (x *remoteTx) PutTxn(context.Context, *metastore.Txn) (int64, error) {
	return 0, unsupported("put transaction", "", "a transaction with a state")
}

// DropTxn implements metastore.Tx.
func (x *remoteTx) DropTxn(_ context.Context, id int64) error {
	return unsupported("drop transaction", fmt.Sprint(id), "a transaction with a state")
}

// SkipTxns implements metastore.Tx.
func (x *remoteTx) SkipTxns(context.Context, int64) error {
	return unsupported("skip transactions", "", "a transaction with a state")
}

// WriteID implements metastore.Reader.
func (r reader) WriteID(_ context.Context, name metastore.TableName) (int64, error) {
	return 0, unsupported("get write id", name.String(), "the number of a write")
}

// SetWriteID implements metastore.Tx.
func (x *remoteTx) SetWriteID(_ context.Context, name metastore.TableName, _ int64) error {
	return unsupported("set write id", name.String(), "the number of a write")
}

// Changes implements metastore.Reader.
func (r reader) Changes(context.Context, int64) iter.Seq2[*metastore.Change, error] {
	return func(yield func(*metastore.Change, error) bool) {
		yield(nil, unsupported("list changes", "", "the change log"))
	}
}

// LastChange implements metastore.Reader.
func (r reader) LastChange(context.Context) (int64, error) {
	return 0, unsupported("list changes", "", "the change log")
}

// Note implements metastore.Tx.
func (x *remoteTx) Note(_ context.Context, name metastore.TableName, _ partitions.Values, _ map[string]string) error {
	return unsupported("note", name.String(), "a note in the change log")
}
