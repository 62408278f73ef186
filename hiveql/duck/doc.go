// Package duck runs plans of package analysis on DuckDB, in this process. It implements
// hiveql.Executor and is the only package that uses cgo.
//
//	exec, err := duck.Open(duck.Config{TempDir: dir})
//	rows, err := exec.Query(ctx, plan, source)
//
// A plan becomes one SQL text in which nothing is left for DuckDB to decide: every relation is a
// subselect whose columns are named c1, c2 ... after the numbers of the plan, every constant and
// conversion has its type, every ORDER BY says where NULLs go. Where DuckDB's functions mean
// something else than Hive's, the text calls functions of our own, whose names begin with
// "skep_": C++ functions (functions_*.cc), which DuckDB calls with vectors of values, and SQL
// macros over them (macros.sql).
//
//	plan -> lower (lower_*.go) -> SQL -> DuckDB -> rows (rows.go) or files (write*.go)
//
// Parquet files are read by DuckDB itself. Files of all other formats are decoded in Go by
// package formats and handed over as Arrow batches through the table function skep_scan
// (feed.go), so that both kinds look the same to the plan. Partition values come from the
// plan, never from paths.
//
// Arithmetic follows Hive: integers wrap around, decimals that do not fit are NULL, division by
// zero is NULL, and so is what cannot be converted.
//
// The package decides nothing about meaning; it knows no catalog, no session and no user. The
// texts of DuckDB's errors stay inside: see Error.
package duck
