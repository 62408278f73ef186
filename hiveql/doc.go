// Package hiveql runs HiveQL: it holds the session (current database, settings, variables),
// runs statements in order, carries out DDL on the metastore, plans and commits what INSERT
// writes, and hands queries to an executor.
//
//	engine := hiveql.New(hiveql.Config{Store: store, Storage: opener, Executor: exec, Warehouse: url})
//	session := engine.NewSession()
//	for r, err := range session.Execute(ctx, "SELECT count(*) FROM flights; SHOW TABLES") {
//		...
//	}
//
// One statement goes syntax -> analysis -> Executor, and, where it writes, staging files ->
// copier -> metastore transaction: nothing is visible before it is whole, and nothing is
// removed before its replacement is in place.
//
// # How data is changed
//
// INSERT, LOAD DATA, TRUNCATE and CREATE TABLE AS change a table in the steps below. Stores of
// objects have no rename, so what a reader sees is decided by the metastore, in one
// transaction, however many files and partitions are concerned.
//
//	[1] the executor writes files into a local directory
//	[2] transaction: the write gets an id, in the table's parameters: skep.write.ID = writing
//	[3] the files are uploaded under their final names, which end in the id
//	[4] OVERWRITE: the files to be replaced are listed in LOCATION/.skep-replaced-ID
//	[5] transaction, the commit: partitions are added; skep.write.ID goes, or, where files are
//	    replaced, becomes "cleaning", and each place concerned gets skep.replacing = ID
//	[6] the replaced files are deleted
//	[7] transaction: skep.replacing and skep.write.ID go; then the list of [4]
//
// A reader passes over files whose names end in the id of a write that is "writing", and, in
// a place that has skep.replacing, over the files in the list. It reads the table, lists the
// files, and reads the table again: when a write has begun, or replaced something, in between,
// files of later writes are left out, or the statement is planned again. So every query sees a
// write whole or not at all, in all partitions.
//
// A process can die at any point. Before [5], its files are invisible, and the next write to
// the table removes them once it is certain that the process is gone. From [5] on the write is
// done, and what is left of [6] and [7] is done by the next write. Nothing of this needs the
// process that began it. CREATE TABLE AS needs no [2], because there is no table to look at.
//
// What other programs see: they know nothing of the parameters. Reading the same files while a
// write is going on, they may see some of its files early, and in [6] old and new ones, as
// with any program that writes into a directory of Hive's. The lists are hidden files to them.
// Of data that is dropped (DROP TABLE, DROP PARTITION), the metastore's entry goes first and
// the files after it; a crash in between leaves files that belong to no table.
//
// The package knows neither DuckDB (package duck implements Executor) nor any wire protocol.
package hiveql
