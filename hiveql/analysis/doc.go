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
// The package reads the catalog through two methods and never looks at a file. It knows
// neither DuckDB nor sessions.
package analysis
