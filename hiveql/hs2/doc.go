// Package hs2 serves HiveQL by the Thrift protocol of HiveServer2 (TCLIService), so that Beeline,
// JDBC and ODBC drivers, PyHive, Hue, Superset and their kin work with it.
//
//	service := hs2.New(ctx, hs2.Config{Engine: engine, Store: store})
//	defer service.Close()
//	server := &thrift.Server{Service: service.Thrift(), Left: service.Left}
//	err := server.Serve(ctx, listener, grace)
//
// A session of the protocol is a hiveql.Session, and an operation is one statement in it, or a
// question about the catalog whose answer has the form of a query's. Statements of a session run
// one after the other; while the rows of one are fetched, others can run. Rows leave as they
// are asked for: what a client does not fetch is not computed, and memory does not grow with
// the number of rows.
//
// Versions V1 to V11 of the protocol are spoken: rows before V6, columns from then on. Structs,
// numbers, the columns of the answers about the catalog and the texts of errors are those of
// TCLIService.thrift and of Hive's server; drivers look for some of them.
//
// The package translates. It knows neither DuckDB nor where data lies; who may call it is decided
// by the server that it is put in.
package hs2
