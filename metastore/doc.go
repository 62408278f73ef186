// Package metastore says what databases, tables and partitions are, and what a store of them
// must do: the catalog that projects partitioned schemas onto files.
//
//	err := store.Update(ctx, func(tx metastore.Tx) error {
//		return tx.CreateTable(ctx, &metastore.Table{...})
//	})
//	for p, err := range store.Partitions(ctx, name, predicate) { ... }
//
// Package sqlstore keeps it in an SQL database; metastoretest proves the contract on every
// implementation. A metastore holds names, schemas and URLs. It never looks at a data file and
// does not import package storage: whether a location exists is the business of hiveql.
package metastore
