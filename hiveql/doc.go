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
// copier, while the query runs, -> metastore transaction: nothing is visible before it is whole, and nothing is
// removed before its replacement is in place.
//
// # How data is changed
//
// INSERT, LOAD DATA, TRUNCATE, OPTIMIZE and CREATE TABLE AS change a table in the steps below. Stores of
// objects have no rename, so what a reader sees is decided by the metastore, in one
// transaction, however many files and partitions are concerned.
//
//	[1] the executor writes files into a local directory, one after the other
//	[2] transaction, when the first is complete: the write gets an id, in the table's parameters:
//	    skep.write.ID = writing
//	[3] each file is uploaded when it is complete, under its final name, which ends in the id, and
//	    removed from the local disk; the executor waits while too many wait for that
//	[4] each place concerned is listed; the files that OVERWRITE is to replace are noted in
//	    .skep-replaced-ID in the table's location
//	[5] transaction, the commit: partitions are added, the lists of files change, and
//	    skep.write.ID goes, or, where files were replaced, becomes "cleaning"; where somebody else
//	    has changed a place since [4], the job goes back there
//	[6] when no reader can need them any more, the replaced files are deleted
//	[7] transaction: skep.write.ID becomes "cleaned"; the list of [4] is deleted; transaction:
//	    skep.write.ID goes
//
// Whoever finds the record of a dead process takes it over before anything else, in a transaction that does
// so only if it still is what was read: the process may have committed and ended in between. The commit looks
// whether the record still is its own: otherwise the write was taken back, or the table was dropped, and it fails.
//
// LOAD DATA without LOCAL lists what it has loaded in .skep-moved-ID, and [5] says so in
// skep.moved.ID of the table, and of the default database, where every LOAD DATA looks whether its sources
// have been loaded into another table. They are removed next, whoever may read: they are none of the
// table's. skep.loaded of that database changes with each, so that of two that load one file at once the
// second fails.
//
// The files of a place of a managed table are listed in the metastore, in its parameter
// skep.files: it is tracked. Readers take them from there, without asking the store. The list
// counts only for the place it names, and together with skep.tracking of the table. Where others
// may have changed files that parameter is taken away (by MSCK, dfs, LOAD DATA from it), and the
// place is listed until the next write begins a list again. So it is for a day for a table that a
// client of the Thrift service has looked up (skep.shared): Spark adds files to partitions without
// telling anybody.
//
// A reader of a place that is not tracked lists it, and passes over files whose names end in the
// id of a write that is "writing", and over those that a write that is "cleaning" has replaced.
// Any reader reads the table, finds the files, and reads the table again: when a write has begun,
// or replaced something, in between, files of later writes are left out, or the statement is
// planned again. So every query sees a write whole or not at all, in all partitions.
//
// A reader that runs for longer than a moment holds a lock in the metastore, of the kind that
// Hive's readers hold. Files are deleted skep.vacuum.grace after the commit at the earliest, and
// only when no such lock is older than the commit: by the session that replaced them, by the next
// write to the table, or by Vacuum.
//
// A process can die at any point. Before [5], its files are invisible, and the next write to
// the table removes them once it is certain that the process is gone. From [5] on the write is
// done, and what is left of [6] and [7] is done by the next write. Nothing of this needs the
// process that began it. CREATE TABLE AS, which has no table to look at, and INSERT OVERWRITE
// DIRECTORY are recorded on the database in the same way; the next write to any of its tables cleans up
// after them. Uploads in parts that may have been begun are noted in the staging directory, too.
//
// That a process is gone is seen by its number, on the same machine; that a session has left a write, because the metastore
// was away, by the sessions of its process at once. To others a process is gone when its session has renewed
// no lock for skep.write.lease, by the clock of the metastore (alive.go). It may live all the same, cut off: then
// its commit fails, and the record stays for a day, as one of nobody, so that no file that it puts late is a row.
//
// RENAME of a managed table or partition copies files to a place that must be empty, under names of an id,
// which the database records ("copying"), and the transaction that renames takes the record away. So copies
// of a process that died go as the files of CREATE TABLE AS do. So do those of EXPORT ("exporting"), where
// there is no _metadata, which comes last. The place of an EXPORT is marked in the store, for other metastores
// (export_claim.go).
//
// What other programs see: they know nothing of the parameters. Reading the same files while a
// write is going on, they may see some of its files early, and until [6] old and new ones, as
// with any program that writes into a directory of Hive's. The lists are hidden files to them.
//
// Of data that is dropped (DROP TABLE, DROP PARTITION, what RENAME leaves), the metastore's entry goes
// first and the files after it: those that were listed before, in .skep-replaced-ID too, and no others. Where
// the table stays, the transaction records the list as that of a write, skep.write.ID = cleaning. Where it goes,
// it records it on the database, skep.write.ID = dropping: what a crash leaves of them goes with the next write
// in the database, before CREATE TABLE could bring them back, and Vacuum. Writes to the table that are under way
// are recorded there too. A table that is made at the place meanwhile takes these records over, so that its
// readers pass over those files; so does one that gets a partition there. All stays as
// long as replaced files do; what lies outside of the table's location, at up to a thousand places, has lists and records of
// its own, of the database, so that whoever makes a table or a partition there takes them over. Records of a database that
// is dropped are left to the default one.
//
// A record ends in " at " and the place where its list is, which SET LOCATION of the table does not change. A write
// that has begun before that fails when it commits.
//
// The package knows neither DuckDB (package duck implements Executor) nor any wire protocol; of the
// Hive Metastore's (package hms) it uses the form of the file that EXPORT writes.
package hiveql
