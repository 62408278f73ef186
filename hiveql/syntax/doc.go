// Package syntax is HiveQL as text and as trees: a lexer, a hand-written recursive descent
// parser, nodes with positions, and a printer that writes one canonical form.
//
//	stmts, err := syntax.Parse("SELECT a, count(*) FROM t WHERE ds = '2024-01-01' GROUP BY a;")
//	for _, s := range stmts {
//		fmt.Println(syntax.Print(s))
//	}
//
// Parse(Print(n)) yields a tree equal to n but for positions. An error says where it is, what
// was expected and what was found; grammar that is known but not supported is an error of its
// own, naming the feature. Parsing recovers at the next semicolon, so that a whole script's
// errors can be listed.
//
// The package knows no catalog, no types and no functions: whether a name means anything is
// decided by package analysis. It imports only the standard library.
package syntax
