package hiveql

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// refused reports that a statement writes, where that is not allowed. What is not known to write nothing is taken for writing.
// EXPLAIN of such a statement is allowed.
func (s *Session) refused(stmt syntax.Stmt) error {
	if !s.cfg.ReadOnly {
		return nil
	}
	what := ""
	switch n := stmt.(type) {
	case *syntax.QueryStmt, *syntax.Show, *syntax.Describe, *syntax.Explain, *syntax.Use, *syntax.Set, *syntax.Reset,
		*syntax.CreateMacro, *syntax.DropFunction, *syntax.ReloadFunctions, *syntax.ShowRoles:
		return nil
	case *syntax.RoleCommand:
		if n.What == "SET" {
			return nil // of the session
		}
		what = n.What + " ROLE"
	case *syntax.ShellCommand:
		if n.Command != "dfs" {
			return nil // of the session, or of the client
		}
		action, _, _ := strings.Cut(strings.TrimSpace(n.Args), " ")
		if slices.Contains([]string{"-ls", "-lsr", "-cat", "-text", "-du", "-count", "-test"}, action) {
			return nil
		}
		what = "dfs " + action
	case *syntax.Insert, *syntax.InsertDirectory, *syntax.MultiInsert:
		what = "INSERT"
	default:
		words := strings.Fields(syntax.Print(stmt))
		what = strings.Join(words[:min(2, len(words))], " ")
	}
	e := semantic(stmt, 0, "%s is refused: this service is read-only", strings.TrimSpace(what))
	e.SQLState = "25006"
	return e
}
