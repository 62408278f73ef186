package hiveql

import (
	"context"
	"fmt"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// constrained is an INSERT with the defaults of its table, and the conditions that its rows have to
// meet.
func (s *Session) constrained(ctx context.Context, t *metastore.Table, n *syntax.Insert) (*syntax.Insert, []analysis.Check, error) {
	constraints, err := s.cfg.Store.Constraints(ctx, t.TableName)
	if err != nil {
		return nil, nil, err
	}
	if n, err = withDefaults(t, constraints, n); err != nil {
		return nil, nil, err
	}
	checks, err := s.checksOf(t, constraints)
	return n, checks, err
}

// checksOf are the conditions that rows written to a table have to meet: its NOT NULL and CHECK
// constraints, but those that are disabled. Keys are not enforced, as in Hive.
func (s *Session) checksOf(t *metastore.Table, constraints []metastore.Constraint) ([]analysis.Check, error) {
	if strings.EqualFold(s.Setting("hive.constraint.notnull.enforce"), "false") {
		return nil, nil
	}
	var checks []analysis.Check
	for _, c := range constraints {
		var cond, why string
		switch {
		case !c.Enable:
			continue
		case c.Kind == metastore.NotNull:
			cond = "`" + strings.ReplaceAll(columnOf(&c), "`", "``") + "` IS NOT NULL"
			why = columnOf(&c) + " is NULL"
		case c.Kind == metastore.Check:
			cond, why = "("+c.Expression+") IS NOT FALSE", c.Expression+" is false"
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
