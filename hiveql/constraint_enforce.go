package hiveql

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// checksOf are the conditions that rows written to a table have to meet: its NOT NULL and CHECK
// constraints, but those that are disabled. Keys are not enforced, as in Hive.
func (s *Session) checksOf(t *metastore.Table) ([]analysis.Check, error) {
	if strings.EqualFold(s.Setting("hive.constraint.notnull.enforce"), "false") {
		return nil, nil
	}
	var checks []analysis.Check
	for _, c := range constraintsOf(t) {
		var cond, why string
		switch {
		case c.Disabled:
			continue
		case c.Kind == "NOT NULL":
			cond = "`" + strings.ReplaceAll(c.column(), "`", "``") + "` IS NOT NULL"
			why = c.column() + " is NULL"
		case c.Kind == "CHECK":
			cond, why = "("+c.Text+") IS NOT FALSE", c.Text+" is false"
		default:
			continue
		}
		x, err := syntax.ParseExpr(cond)
		if err != nil {
			return nil, fmt.Errorf("the constraint %s of %s: %w", c.Name, t.TableName, err)
		}
		checks = append(checks, analysis.Check{Cond: x,
			Broken: fmt.Sprintf("Either CHECK or NOT NULL constraint violated! In a row for %s, %s (constraint %s)", t.TableName, why, c.Name)})
	}
	return checks, nil
}
