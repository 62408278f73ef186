// Package hiveqltest runs .slt files: scripts of HiveQL statements with what they must give.
// The files in hiveql/testdata are the behaviour of record; anybody who knows SQL can read
// them, and any engine can be held against them.
//
//	hiveqltest.Run(t, "testdata", hiveqltest.Config{New: func(t testing.TB) *hiveql.Engine { ... }})
//
// A file is a list of blocks, separated by empty lines. Lines that begin with # are comments.
//
//	statement ok
//	CREATE TABLE t (a INT, b STRING)
//
//	statement error
//	SELECT nope FROM t
//	----
//	[Error 10004]: Line 1:7 Invalid table alias or column reference 'nope'
//
//	query IT rowsort
//	SELECT a, b FROM t
//	----
//	1	x
//	2	NULL
//
// A statement error must contain the text given. A query says the kind of each of its columns
// (I integer, R other numbers, T text, B boolean, D date or time, ? anything) and whether the
// rows come in any order (rowsort) or in this one (nosort, the default). Rows are printed as the
// Hive CLI prints them, with tabs between columns; a row that would be an empty line is printed
// as (empty).
//
// More blocks:
//
//	file ${warehouse}/t/ds=1/a.txt      the lines that follow become a file at this URL
//	foreach format textfile parquet     the blocks up to endloop run for each word, as ${format}
//	endloop
//
// Names of Config.Vars are substituted in statements and file names, and put back in the place
// of their values in results, so that results do not depend on directories.
//
// The package knows the session's interface, and neither stores nor executors.
package hiveqltest
