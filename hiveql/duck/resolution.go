package duck

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// resolution is what the timestamps of a statement are counted in, and with it, how they lie in
// DuckDB.
type resolution bool

const (
	// micros are TIMESTAMPs.
	micros resolution = false
	// nanos are HUGEINTs. Intervals are their nanoseconds; of timestamps: the microseconds since 1970 in the upper 64 bits, and in the lower ones
	// the nanoseconds behind them, 0 to 999. They compare, group and join as numbers do, over all
	// years that Hive has.
	nanos resolution = true
)

// stampOf is a time in nanos.
func stampOf(t time.Time) *big.Int {
	stamp := new(big.Int).Lsh(big.NewInt(t.UnixMicro()), 64)
	return stamp.Add(stamp, big.NewInt(int64(t.Nanosecond()%1000)))
}

// stamped reports whether a type is a timestamp.
func stamped(t hivetype.Type) bool {
	return t.Kind == hivetype.Timestamp || t.Kind == hivetype.TimestampLocalTZ
}

// timed reports whether a type is a timestamp or an interval of time.
func timed(t hivetype.Type) bool { return stamped(t) || t.Kind == hivetype.IntervalDayTime }

// hasTime reports whether there are such types in t, and hasStamp, whether there are timestamps.
func hasTime(t hivetype.Type) bool  { return timed(t) || slices.ContainsFunc(parts(t), hasTime) }
func hasStamp(t hivetype.Type) bool { return stamped(t) || slices.ContainsFunc(parts(t), hasStamp) }

// nanosOf are the nanoseconds of an interval.
func nanosOf(i hivetype.Interval) *big.Int {
	n := new(big.Int).Mul(big.NewInt(i.Seconds), big.NewInt(1e9))
	return n.Add(n, big.NewInt(int64(i.Nanos)))
}

func (l *lowerer) sqlType(t hivetype.Type) string { return l.resolution.sqlType(t) }

// hasDigits reports whether a constant has digits behind the microseconds.
func hasDigits(v hivetype.Value) bool {
	switch x := v.(type) {
	case time.Time:
		return x.Nanosecond()%1000 > 0
	case hivetype.Interval:
		return x.Nanos%1000 > 0
	case []any:
		return slices.ContainsFunc(x, hasDigits)
	case []hivetype.Entry:
		return slices.ContainsFunc(x, func(e hivetype.Entry) bool { return hasDigits(e.Key) || hasDigits(e.Value) })
	}
	return false
}

// resolutionOf is the resolution that a plan needs. Nanoseconds cost time, and are for what may
// have digits behind the microseconds: timestamps of text files, those of Parquet files whose type
// says so, and what becomes a timestamp in the statement.
func (l *lowerer) resolutionOf(q *analysis.Query) resolution {
	if !l.src.Nanos() {
		return micros
	}
	fine := false
	for s, groups := range l.prepared {
		fine = fine || slices.ContainsFunc(groups, func(g *scanGroup) bool { return g.fine(s) })
	}
	analysis.Expressions(q.Root, func(x analysis.Expr) {
		switch x := x.(type) {
		case *analysis.Const:
			fine = fine || hasDigits(x.Value)
		case *analysis.Cast:
			fine = fine || hasTime(x.T) && !hasTime(x.X.Type()) && x.X.Type().Kind != hivetype.Date
		case *analysis.Call:
			fine = fine || timed(x.T) && x.Func.Name != "internal_interval" && slices.ContainsFunc(x.Args, func(a analysis.Expr) bool { return a.Type().Text() || a.Type().Numeric() })
		}
	})
	return resolution(fine)
}

// fine reports whether the files of a group may have digits behind the microseconds.
func (g *scanGroup) fine(s *analysis.Scan) bool {
	for i, c := range s.Cols {
		switch {
		case c.Source == analysis.PartitionKey && stamped(c.Type):
			return true
		case c.Source != analysis.DataColumn:
		case g.orc:
			if slices.ContainsFunc(g.files, func(f scanFile) bool { return f.orc != nil && f.orc.stamped(i) }) {
				return true
			}
		case g.parquet:
			if slices.ContainsFunc(g.files, func(f scanFile) bool { return f.fine(s, c) }) {
				return true
			}
		case hasStamp(c.Type) || c.Index < len(g.fields) && hasStamp(g.fields[c.Index].Type):
			return true
		}
	}
	return false
}

// fine reports whether there may be digits behind the microseconds in a column of a Parquet file.
func (f *scanFile) fine(s *analysis.Scan, c analysis.ScanColumn) bool {
	if f.footer == nil {
		return f.file.Object.Size > 0 && hasStamp(c.Type)
	}
	col := dataColumn(s, c, f.footer)
	return col != nil && col.Nanos || len(f.digits) > 0
}

// takesClocks reports whether the rule of a function or an operator takes timestamps in microseconds, and gives
// them.
func takesClocks(x *analysis.Call) bool {
	if _, ok := dateRules()[x.Func.Name]; ok {
		return x.Func.Name != "date_format"
	}
	return slices.Contains([]string{"+", "-", "floor", "ceil"}, x.Func.Name) || strings.HasPrefix(x.Func.Name, "mask")
}

// keepsDigits are those that move a timestamp by whole microseconds: the digits behind them stay.
var keepsDigits = []string{"+", "-", "from_utc_timestamp", "to_utc_timestamp", "datetime_legacy_hybrid_calendar"}

// exactly is a call that computes with nanoseconds: the difference of two times, and a time or an
// interval and an interval.
func exactly(x *analysis.Call, args []string) (string, bool) {
	if len(args) != 2 || x.Func.Name != "+" && x.Func.Name != "-" {
		return "", false
	}
	a, b := x.Args[0].Type(), x.Args[1].Type()
	stamp := func(i int) string {
		if stamped(x.Args[i].Type()) {
			return args[i]
		}
		return "skep_stamp((" + args[i] + ")::TIMESTAMP)" // of a date
	}
	switch {
	case a.Kind == hivetype.IntervalDayTime && b.Kind == hivetype.IntervalDayTime:
		return "(" + args[0] + " " + x.Func.Name + " " + args[1] + ")", true
	case instant(a) && instant(b) && x.T.Kind == hivetype.IntervalDayTime:
		return "skep_stamp_since(" + stamp(0) + ", " + stamp(1) + ")", true
	case instant(a) && b.Kind == hivetype.IntervalDayTime && stamped(x.T):
		return "skep_stamp_after(" + stamp(0) + ", " + x.Func.Name + "(" + args[1] + "))", true
	case a.Kind == hivetype.IntervalDayTime && instant(b) && stamped(x.T):
		return "skep_stamp_after(" + stamp(1) + ", " + args[0] + ")", true
	}
	return "", false
}

// clocked is a call whose rule is for microseconds, in a statement in nanoseconds.
func (l *lowerer) clocked(x *analysis.Call, r rule) string {
	args := l.exprs(x.Args)
	if s, ok := exactly(x, args); ok {
		return s
	}
	rest := ""
	for i, a := range x.Args {
		if stamped(a.Type()) && rest == "" {
			rest = "skep_stamp_rest(" + args[i] + ")"
		}
		args[i] = l.inMicros(args[i], a.Type())
	}
	l.resolution = micros
	s := r(l, x, args)
	l.resolution = nanos
	if rest != "" && stamped(x.T) && slices.Contains(keepsDigits, x.Func.Name) {
		return "skep_stamp(" + s + ", " + rest + ")"
	}
	return l.inNanos(s, x.T)
}

// inMicros cuts the digits behind the microseconds off a value of type t, which is in nanoseconds.
func (l *lowerer) inMicros(x string, t hivetype.Type) string {
	return l.eachTime(x, t, func(x string, t hivetype.Type) string {
		if stamped(t) {
			return "skep_clock(" + x + ")"
		}
		return "to_microseconds(skep_to_bigint(" + x + " // 1000))"
	})
}

// inNanos puts a value of type t in microseconds into nanoseconds.
func (l *lowerer) inNanos(x string, t hivetype.Type) string {
	return l.eachTime(x, t, func(x string, t hivetype.Type) string {
		if stamped(t) {
			return "skep_stamp(" + x + ")"
		}
		return "(epoch_us(" + x + ")::HUGEINT * 1000)"
	})
}

// eachTime changes the timestamps and intervals within a value.
func (l *lowerer) eachTime(x string, t hivetype.Type, change func(string, hivetype.Type) string) string {
	if !hasTime(t) {
		return x
	}
	switch t.Kind {
	case hivetype.Array:
		e := l.fresh("e")
		return "list_transform(" + x + ", lambda " + e + ": " + l.eachTime(e, *t.Elem, change) + ")"
	case hivetype.Map:
		e := l.fresh("e")
		return "map_from_entries(list_transform(map_entries(" + x + "), lambda " + e + ": struct_pack(k := " +
			l.eachTime("struct_extract("+e+", 'key')", *t.Key, change) + ", v := " +
			l.eachTime("struct_extract("+e+", 'value')", *t.Elem, change) + ")))"
	case hivetype.Struct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = name(f.Name) + " := " + l.eachTime("struct_extract("+x+", "+quote(f.Name)+")", f.Type, change)
		}
		return "CASE WHEN " + x + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END"
	}
	return change(x, t)
}
