// Command benchsql races hiveql against plain DuckDB, on local files and on files in S3.
//
//	go run ./testenv/benchsql --scale 0.1 --latency 20ms --rounds 3 --only q01,q06
//
// The data is TPC-H's, made by DuckDB's own generator and kept in the user's cache directory, as
// Parquet files: lineitem by the year of shipping and orders by the year of ordering, in
// partitions, the other tables as one file each. The queries are the 22 of TPC-H, as HiveQL
// (testdata/tpch). Every answer is compared with that of plain DuckDB to the generator's own text
// of the query, and where the generator knows the answers, that is at scales 0.01, 0.1 and 1,
// with those.
//
// What is raced:
//
//	plain   DuckDB of the version that hiveql links, on the local files
//	local   hiveql on the same files
//	warm    hiveql on the files in MinIO, all in its cache
//	cold    hiveql on the files in MinIO, with an empty cache for each query
//	httpfs  DuckDB with its own S3 extension, started anew for each query
//
// They take turns within each round. MinIO is on loopback, behind a link that delays what is sent.
// httpfs comes from PyPI, into an environment in the cache directory; it needs python3 with venv.
package main
