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
// The package knows neither DuckDB (package duck implements Executor) nor any wire protocol.
package hiveql
