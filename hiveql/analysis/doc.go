// Package analysis gives HiveQL its meaning: it resolves every name against the catalog, gives
// every expression a Hive type, inserts the conversions that Hive makes silently, prunes
// partitions, and returns a typed plan in which nothing is left to guess.
//
//	q, err := analysis.AnalyzeQuery(ctx, store, env, query)
//	fmt.Print(analysis.Format(q)) // the plan as a text tree, as EXPLAIN prints it
//
// A plan is a tree of relations (Scan, Filter, Project, Join, Aggregate ...). Every column
// that a relation puts out has a number that is unique in the plan, and expressions refer to
// columns by number alone, so that names, scopes and aliases end here. Package duck turns the
// plan into DuckDB's SQL and decides nothing about meaning.
//
// A query passes through three stages. query.go, select.go, from.go and group.go turn the tree
// into relations; resolver.go and its neighbours (conditions.go, calls.go, literals.go,
// subquery.go) turn expressions into typed ones, looking names up in the scopes of scope.go.
// Aggregates and window functions are found where they stand in expressions, and taken out into
// their relations once a SELECT has been read whole. Then the rules of rules.go are applied, of
// which the one that matters chooses partitions:
//
//	WHERE ds >= '2024-01-01' AND year(day) = 2024 AND delay > 10
//	      └ the catalog decides    └ computed here,     └ the engine decides, row by row
//	        in one request           per partition
//
// Conditions reach the scans through subqueries, views, joins and set operations (descend.go),
// but stay where they were written: pruning only leaves out what could not have mattered.
//
// The package reads the catalog through two methods and never looks at a file. It knows
// neither DuckDB nor sessions.
package analysis
