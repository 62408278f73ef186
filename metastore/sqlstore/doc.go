// Package sqlstore keeps a metastore in an SQL database.
//
//	store, err := sqlstore.Open(ctx, "sqlite:///home/me/.local/share/skep/metastore.db")
//
// The schema is our own and small: databases, tables, partitions, and the storage descriptors
// that partitions share (migrations/0001_catalog.sql says more). It is made, and brought up to
// date, when a store is opened; a database made by a newer version is refused.
//
// # Predicates
//
// Partitions hand the predicate to the database as far as it can be decided there: comparisons
// and lists of the first four keys whose type orders by bytes in the form the k columns hold.
// Because an unknown comparison is NULL there too, AND and OR of such parts are exact. The rest
// is decided here, row by row, while streaming. partitions.Keys.Match is the definition of both.
//
// # SQLite
//
// The driver is modernc.org/sqlite, in pure Go. The database is in WAL mode: readers never wait,
// and each read sees one moment. Every Update takes the write lock at its start (BEGIN
// IMMEDIATE), so that transactions of all processes on the machine happen one after the other
// and none ever has to be undone because of another; waiting ends with the context or after a
// minute. Commits are synced to disk before Update returns. The file must be on a local file
// system: WAL needs shared memory.
//
// The package never looks at data files and does not know what a location means.
package sqlstore
