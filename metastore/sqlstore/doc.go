// Package sqlstore keeps a metastore in an SQL database: SQLite, PostgreSQL, or MySQL and MariaDB.
//
//	store, err := sqlstore.Open(ctx, "sqlite:///home/me/.local/share/skep/metastore.db")
//	store, err := sqlstore.Open(ctx, "postgres://skep:secret@db/lake?sslmode=require")
//
// There is one implementation; dialect.go lists what the databases differ in. The schema is our own
// and small: databases, tables, partitions, the storage descriptors that partitions share, what else
// is known of them, and a log of all changes (migrations/ says more). It is made, and brought up to
// date, when a store is opened; a database made by a newer version is refused.
//
// # Predicates
//
// Partitions hand the predicate to the database as far as it can be decided there: comparisons
// and lists of the first four keys whose type orders by bytes in the form the k columns hold.
// Because an unknown comparison is NULL there too, AND and OR of such parts are exact. The rest
// is decided here, row by row, while streaming. partitions.Keys.Match is the definition of both.
//
// # Writers
//
// All writers, of all processes, happen one after the other: an Update begins by taking a lock that
// it holds until its commit. In SQLite that is the write lock (BEGIN IMMEDIATE), on a server the
// lock of the one row of the table store. So no transaction has to be undone because of another,
// none deadlocks, and whatever is counted in that row (ids, and the numbers of changes) has neither
// gaps nor numbers that become visible late. Waiting ends with the context or after a minute; a
// server takes the lock from a client that has been silent for five minutes. Readers never wait: a
// read sees one moment.
//
// Where a server goes away and comes back within half a minute, calls go on. The same holds where nothing comes
// from it any more though the connection stays: silence.go has the limits. If it went during a
// commit, the token that each transaction leaves in the table commits tells whether it arrived.
//
// # SQLite
//
// The driver is modernc.org/sqlite, in pure Go. The database is in WAL mode. Commits are synced to
// disk before Update returns. What was read of tables and of few partitions is kept until the next commit of
// anybody, of which a connection is told (recall.go). The file must be on a local file system: WAL needs shared memory.
//
// The package never looks at data files and does not know what a location means.
package sqlstore
