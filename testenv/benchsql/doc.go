// Command benchsql races hiveql against plain DuckDB and Spark, on local files and on files in S3.
//
//	go run ./testenv/benchsql --scale 0.1 --latency 20ms --rounds 3 --only q01,ds06
//
// The data is that of TPC-H and TPC-DS, made by DuckDB's own generators and kept in the user's
// cache directory, as Parquet files: what happened on days is in partitions by the year, the other
// tables are one file each. The queries are the 22 of TPC-H, as HiveQL (testdata/tpch), and the 99
// of TPC-DS, where HiveQL is made of the generator's text as dialect.go says. Every answer is
// compared with that of plain DuckDB to the generator's own text of the query, and where the
// generator knows the answers, with those: TPC-H at scales 0.01, 0.1 and 1, TPC-DS at 0.01 and 1.
//
// What is raced:
//
//	plain   DuckDB of the version that hiveql links, on the local files
//	local   hiveql on the same files
//	warm    hiveql on the files in MinIO, all in its cache
//	cold    hiveql on the files in MinIO, with an empty cache for each query
//	httpfs  DuckDB with its own S3 extension, started anew for each query
//	spark   Spark in local mode on the local files, one session that has run the query before
//
// They take turns within each round. MinIO is on loopback, behind a link that delays what is sent.
// httpfs and Spark come from PyPI, into environments in the cache directory: they need python3 with
// venv, and Spark a Java.
package main
