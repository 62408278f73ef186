package duck

import (
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

func (l *lowerer) window(w *analysis.Window) string {
	list := []string{}
	for _, c := range w.Input.Columns() {
		list = append(list, column(c.ID))
	}
	for _, f := range w.Funcs {
		list = append(list, l.windowFunction(f)+" AS "+column(f.ID))
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.from(w.Input)
}

func (l *lowerer) windowFunction(f analysis.WindowColumn) string {
	over := l.over(f, "")
	b := f.Frame
	if b == nil || b.Unit != "RANGE" || b.Start.N == nil && b.Stop.N == nil || len(f.OrderBy) != 1 {
		return l.overWindow(f, over)
	}
	var without string
	switch frame := frameWithoutKey(b, f.OrderBy[0]); frame {
	case "":
		without = "NULL::" + l.sqlType(f.Type)
		if f.Func.Name == "count" {
			without = "0::BIGINT"
		}
	default:
		without = l.overWindow(f, l.over(f, frame))
	}
	return "CASE WHEN " + l.expr(f.OrderBy[0].X) + " IS NULL THEN " + without + " ELSE " + l.overWindow(f, over) + " END"
}

// frameWithoutKey is the RANGE frame of the rows whose key is NULL, which are at no distance from
// any row. Hive has it begin and end where such rows do, or with the partition; it is empty where
// no row is in it.
func frameWithoutKey(b *analysis.Frame, key analysis.SortKey) string {
	last := !key.NullsFirst || key.Desc // the case in which Hive takes the partition's end for a bound
	start, stop, exclude := b.Start.Kind, b.Stop.Kind, ""
	if b.Start.N != nil {
		switch {
		case b.Start.Kind == "PRECEDING" && last:
			start = "CURRENT ROW"
		case b.Start.Kind == "PRECEDING":
			start = "UNBOUNDED PRECEDING"
		case last, b.Stop.N != nil:
			return ""
		default: // the rows that have a key
			start, exclude = "CURRENT ROW", " EXCLUDE GROUP"
		}
	}
	if b.Stop.N != nil {
		switch {
		case last:
			stop = "UNBOUNDED FOLLOWING"
		case b.Stop.Kind == "PRECEDING":
			return ""
		default:
			stop = "CURRENT ROW"
		}
	}
	return fmt.Sprintf("RANGE BETWEEN %s AND %s%s", start, stop, exclude)
}

func (l *lowerer) overWindow(f analysis.WindowColumn, over string) string {
	if f.Func.Kind == analysis.AggregateFunction {
		wide := len(f.OrderBy) == 0 || strings.HasSuffix(over, "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)")
		return l.aggregateFunction(aggregateCall{f: f.Func, args: f.Args, distinct: f.Distinct, t: f.Type, over: over, wide: wide})
	}
	args := l.exprs(f.Args)
	skip := f.IgnoreNulls
	switch f.Func.Name {
	case "first_value", "last_value":
		if len(f.Args) == 2 {
			c, ok := f.Args[1].(*analysis.Const)
			if !ok {
				return l.fail(unsupported("%s with a second argument that is not a constant", f.Func.Name))
			}
			skip = skip || c.Value == true
			args = args[:1]
		}
	case "lag", "lead":
		if len(args) > 1 {
			args[1] += "::BIGINT"
		}
	case "row_number", "rank", "dense_rank", "ntile", "cume_dist", "percent_rank":
	default:
		return l.fail(unsupported("the window function %s", f.Func.Name))
	}
	text := strings.Join(args, ", ")
	if skip {
		text += " IGNORE NULLS"
	}
	return "(" + f.Func.Name + "(" + text + ")" + over + ")::" + l.sqlType(f.Type)
}

// over is the window of f, with a frame of its own or the one given.
func (l *lowerer) over(f analysis.WindowColumn, frame string) string {
	var clauses []string
	if len(f.PartitionBy) > 0 {
		clauses = append(clauses, "PARTITION BY "+strings.Join(l.exprs(f.PartitionBy), ", "))
	}
	offsets := frame == "" && f.Frame != nil && f.Frame.Unit == "RANGE" && (f.Frame.Start.N != nil || f.Frame.Stop.N != nil)
	if len(f.OrderBy) > 0 {
		keys := f.OrderBy
		if offsets {
			keys = l.distanceKeys(keys)
		}
		clauses = append(clauses, "ORDER BY "+l.sortKeys(keys))
	}
	switch {
	case frame != "":
		clauses = append(clauses, frame)
	case f.Frame != nil:
		start, stop := l.bound(f.Frame.Start, offsets), l.bound(f.Frame.Stop, offsets)
		if offsets {
			start, stop = l.distant(start, "FOLLOWING", f.Frame.Start, f.OrderBy), l.distant(stop, "PRECEDING", f.Frame.Stop, f.OrderBy)
		}
		clauses = append(clauses, fmt.Sprintf("%s BETWEEN %s AND %s", f.Frame.Unit, start, stop))
	}
	return " OVER (" + strings.Join(clauses, " ") + ")"
}

// distanceKeys makes the key of a RANGE frame with offsets a double: of dates in days, of
// timestamps in seconds.
func (l *lowerer) distanceKeys(keys []analysis.SortKey) []analysis.SortKey {
	if len(keys) != 1 {
		l.fail(unsupported("a RANGE frame with an offset and %d keys of ORDER BY", len(keys)))
		return keys
	}
	k := keys[0]
	switch t := k.X.Type(); {
	case t.Numeric():
		k.X = &analysis.Cast{X: k.X, T: hivetype.Of(hivetype.Double)}
	case t.Kind == hivetype.Date:
		days := &analysis.Function{Name: "datediff"}
		epoch := &analysis.Const{Value: time.Unix(0, 0).UTC(), T: t}
		k.X = &analysis.Cast{T: hivetype.Of(hivetype.Double),
			X: &analysis.Call{Func: days, Args: []analysis.Expr{k.X, epoch}, T: hivetype.Of(hivetype.Int)}}
	case instant(t):
		k.X = &analysis.Cast{X: k.X, T: hivetype.Of(hivetype.Double)}
	default:
		l.fail(unsupported("a RANGE frame with an offset over %s", t))
	}
	return []analysis.SortKey{k}
}

// distant is a bound of a RANGE frame with offsets. Hive takes away from the row, which it is where it
// has the direction given, what is farther than the offset, and not what is exactly as far. Of decimals it
// compares whole distances.
func (l *lowerer) distant(bound, away string, b analysis.FrameBound, keys []analysis.SortKey) string {
	if b.N == nil {
		return bound
	}
	n := strings.TrimSuffix(bound, " "+b.Kind)
	little := "(coalesce(abs(" + l.expr(l.distanceKeys(keys)[0].X) + "), 0) + " + n + ") * 4.5e-16::DOUBLE"
	decimal := keys[0].X.Type().Kind == hivetype.Decimal
	switch {
	case decimal && b.Kind == away:
		n = "(" + n + " + 1)"
	case decimal:
		n = "(" + n + " + 1 - " + little + ")"
	case b.Kind == away:
		n = "(" + n + " + " + little + ")"
	}
	return n + " " + b.Kind
}

func (l *lowerer) bound(b analysis.FrameBound, distance bool) string {
	switch {
	case b.N == nil:
		return b.Kind
	case distance:
		return l.castTo(b.N, hivetype.Of(hivetype.Double)) + " " + b.Kind
	}
	return l.expr(b.N) + " " + b.Kind
}
