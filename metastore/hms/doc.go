// Package hms serves a metastore by the Thrift protocol of the Hive Metastore, so that Spark,
// Trino, Iceberg, Flink, Hive and their kin work with it.
//
//	service := hms.New(hms.Config{Store: store, Warehouse: "file:///warehouse"})
//	server := &thrift.Server{Service: service.Thrift(), Translate: hms.Exception}
//	err := server.Serve(ctx, listener, grace)
//
// Clients of Hive 2.3, 3.1 and 4 are served at once: a method that only one of them knows is there
// for all, and what clients send that only one version has is optional. Methods, structs and the
// texts of errors are those of hive_metastore.thrift and of Hive's server; clients look for some
// of these texts, and for the exact exception of each method.
//
// There is one catalog, hive. Names of databases may have it before them, as Hive 3 writes it:
// @hive#db.
//
// Parameters whose names begin with skep. belong to skep's own commits. Clients never see them,
// and what clients write leaves them as they are.
//
// What a client says of a table that package metastore has no place for, as retention, is
// kept in such a parameter and given back.
//
// A Remote is the other side: a metastore.Store in a metastore that is served, by this package or
// by Hive. It is in one package with the service because both need the same types.
//
//	store, err := hms.Open(ctx, "thrift://host:9083")
//
// WriteDump and ReadDump are the form in which Hive's EXPORT says what a directory of data is, which
// is made of the structs of the wire, too.
//
// The package never touches data: directories are made, moved and removed by a Files that it is
// given.
package hms
