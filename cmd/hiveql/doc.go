// Command hiveql runs HiveQL over tables that a metastore projects onto files.
//
//	hiveql -e "SELECT origin, count(*) FROM flights WHERE ds = '2001-01-01' GROUP BY origin"
//	hiveql -f nightly.sql --hivevar day=2001-01-01
//	hiveql                      # an interactive shell
//
// The program is wiring: flags become a configuration, an engine and a session; results become
// text on standard output in one of several formats, and everything else (errors, times,
// progress) goes to standard error. It decides nothing about HiveQL.
//
//	main.go         the program's life: signals, exit codes
//	flags.go        the command line and its help
//	engine.go       configuration -> engine, with the query engine opened at the first query
//	run.go          statements in order: results, errors, statistics
//	shell.go        the interactive shell; history.go, completion.go, beeline.go and progress.go serve it
//	subcommands.go  what a first word may say instead: fmt.go, metastore.go, vacuum.go, cache.go
//	serve*.go       hiveql serve: the metastore for others, who may use it, and what is told of it
//	format*.go      the output formats
package main
