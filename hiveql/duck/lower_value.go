package duck

import (
	"fmt"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// intervalRule multiplies a unit.
func intervalRule(_ *lowerer, x *analysis.Call, args []string) string {
	unit, _ := constantText(x, 0)
	switch unit {
	case "YEAR":
		return "to_months((" + args[1] + " * 12)::INTEGER)"
	case "MONTH":
		return "to_months((" + args[1] + ")::INTEGER)"
	}
	seconds := map[string]string{"DAY": "86400", "HOUR": "3600", "MINUTE": "60", "SECOND": "1"}
	return "to_microseconds((" + args[1] + ") * (" + seconds[unit] + "000000)::BIGINT)"
}

func dateRules() map[string]rule {
	part := func(s string) rule {
		return func(l *lowerer, x *analysis.Call, args []string) string {
			if x.Args[0].Type().Kind == hivetype.IntervalDayTime {
				return l.fill("skep_interval_"+s+"(epoch_us($1))::INTEGER", x, args)
			}
			return l.fill(s+"($1)::INTEGER", x, args)
		}
	}
	all := map[string]rule{
		"add_months": byCount("", "skep_add_months(skep_to_date($1), $2)::VARCHAR",
			"skep_date_format((skep_add_months(skep_to_date($1), $2) + (skep_to_timestamp($1) - skep_to_date($1)::TIMESTAMP))::TIMESTAMP, $3)"),
		"current_date": as("current_date"), "current_timestamp": as("now()::TIMESTAMP"),
		"date_add": as("skep_add_days($1, $2)"), "date_sub": as("skep_add_days($1, skep_negate($2))"),
		"date_format": dateFormat, "datediff": as("($1 - $2)::INTEGER"),
		"day": part("day"), "month": part("month"), "year": part("year"), "quarter": part("quarter"),
		"hour": part("hour"), "minute": part("minute"), "second": part("second"),
		"datetime_legacy_hybrid_calendar": inGo(julian), "to_epoch_milli": as("skep_millis($1)"),
		"internal_interval": intervalRule,
		"tumbling_window":   byCount("", "skep_window($1, $2, make_timestamp(0))", "skep_window($1, $2, $3)"),
		"dayofweek":         as("(dayofweek($1) + 1)::INTEGER"), "weekofyear": as("skep_week($1)"),
		"from_unixtime":      fromUnixtime,
		"from_utc_timestamp": moved(true),
		"to_utc_timestamp":   moved(false),
		"last_day":           as("last_day($1)::VARCHAR"),
		"months_between":     byCount("", "skep_months_between($1, $2, TRUE)", "skep_months_between($1, $2, $3)"),
		"next_day":           as("skep_next_day($1, $2)::VARCHAR"), "to_date": as("$1"),
		"trunc": truncate, "unix_timestamp": unixTimestamp,
	}
	for _, unit := range strings.Fields("year quarter month week day hour minute second") {
		all["floor_"+unit] = floorTime(unit)
	}
	return all
}

// floorTime goes back to the beginning of a unit; weeks begin on Monday.
func floorTime(unit string) rule {
	return func(l *lowerer, x *analysis.Call, args []string) string {
		return "date_trunc(" + quote(unit) + ", " + args[0] + ")::" + l.sqlType(x.T)
	}
}

func truncate(l *lowerer, x *analysis.Call, args []string) string {
	t := x.Args[0].Type()
	if t.Kind == hivetype.Date {
		return l.fill("skep_trunc($1, $2)::VARCHAR", x, args)
	}
	places := "0::INTEGER"
	if len(args) == 2 {
		places = "coalesce(" + args[1] + ", 0)"
	}
	switch {
	case t.Integer():
		return l.cast("skep_truncate("+args[0]+", "+places+")", hivetype.Of(hivetype.BigInt), x.T)
	case t.Kind == hivetype.Decimal:
		return l.fill("TRY_CAST(skep_number(skep_print(skep_truncate(($1)::DOUBLE, "+places+"))) AS $T)", x, args)
	}
	return l.fill("skep_truncate(skep_to_double(skep_print($1)), "+places+")::$T", x, args)
}

func unixTimestamp(l *lowerer, x *analysis.Call, args []string) string {
	switch len(args) {
	case 0:
		return "skep_seconds(now()::TIMESTAMP)"
	case 1:
		if x.Args[0].Type().Text() {
			return l.fill("skep_seconds(skep_to_whole_timestamp($1))", x, args)
		}
		return l.fill("skep_seconds($1)", x, args)
	}
	if isSimple(x) {
		return l.fill("skep_parse_seconds($1, $2)", x, args)
	}
	return parseSeconds(l, x, args)
}

func fromUnixtime(l *lowerer, x *analysis.Call, args []string) string {
	if isSimple(x) {
		if args = args[:len(args)-1]; len(args) == 1 {
			args = append(args, "'yyyy-MM-dd HH:mm:ss'")
		}
		return simpleFormat(l, x, args, "UTC")
	}
	if len(args) == 1 {
		return l.fill("skep_format($1, 'yyyy-MM-dd HH:mm:ss')", x, args)
	}
	return l.fill("skep_format($1, $2)", x, args)
}

// isSimple reports whether the pattern of a call is one of SimpleDateFormat.
func isSimple(x *analysis.Call) bool {
	last := len(x.Args) - 1
	s, _ := constantText(x, last)
	return s == "SIMPLE" && (x.Func.Name != "date_format" || last == 3) && (x.Func.Name != "unix_timestamp" || last == 2)
}

// buildVersion is the version of the program and the commit it was built from, as far as it knows them.
func buildVersion() string {
	version := "skep"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		version += " " + v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			version += " r" + s.Value
		}
	}
	return version
}

// createUnion makes the struct that stands for a uniontype.
func createUnion(l *lowerer, x *analysis.Call, args []string) string {
	values := []string{"(" + args[0] + ")::TINYINT"}
	for i, a := range args[1:] {
		values = append(values, fmt.Sprintf("CASE WHEN %s = %d THEN %s END", args[0], i, a))
	}
	return fmt.Sprintf("CASE WHEN %s BETWEEN 0 AND %d THEN %s END", args[0], len(args)-2, structOf(x.T.Variants(), values))
}

// extractUnion takes one of the types of a uniontype out of it, or makes a struct of all of them.
func extractUnion(l *lowerer, x *analysis.Call, args []string) string {
	field := func(i int64) string {
		return "struct_extract(" + args[0] + ", " + quote(strconv.FormatInt(i, 10)) + ")"
	}
	if len(args) == 2 {
		tag, _ := constantInt(x, 1)
		return field(tag)
	}
	values := make([]string, len(x.T.Fields))
	for i := range values {
		values[i] = field(int64(i))
	}
	return "CASE WHEN " + args[0] + " IS NOT NULL THEN " + structOf(x.T, values) + " END"
}

func valueRules() map[string]rule {
	all := map[string]rule{
		"assert_true": as("skep_assert_true(coalesce($1, FALSE))"), "coalesce": as("coalesce($*)"),
		"if": as("CASE WHEN $1 THEN $2 ELSE $3 END"), "nullif": nullIf, "nvl": as("coalesce($1, $2)"),
		"nvl2": as("CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END"),
		"hash": hash, "murmur_hash": murmurHash, "uuid": as("uuid()::VARCHAR"),
		"typeof":       func(l *lowerer, x *analysis.Call, _ []string) string { return quote(x.Args[0].Type().String()) },
		"buildversion": func(*lowerer, *analysis.Call, []string) string { return quote(buildVersion()) },
		"version":      func(*lowerer, *analysis.Call, []string) string { return quote("skep") },
	}
	for _, name := range []string{"current_authorizer", "current_catalog", "current_database", "current_groups", "current_user", "logged_in_user"} {
		all[name] = func(l *lowerer, x *analysis.Call, _ []string) string {
			return l.fail(&Error{Op: "plan", Msg: "the function " + x.Func.Name + " has no value here"})
		}
	}
	for _, name := range strings.Fields("boolean tinyint smallint int bigint float double string binary date timestamp " +
		"decimal char varchar interval_year_month interval_day_time") {
		all[name] = func(l *lowerer, x *analysis.Call, args []string) string {
			return l.cast(args[0], x.Args[0].Type(), x.T)
		}
	}
	return all
}

// nullIf compares as = does, but returns its first argument as it is.
func nullIf(l *lowerer, x *analysis.Call, args []string) string {
	a, b := x.Args[0].Type(), x.Args[1].Type()
	t, ok := hivetype.ForComparison(a, b)
	if a.Kind == hivetype.Date && b.Kind == hivetype.Timestamp {
		t = a // as in Hive, and only here
	}
	if !ok {
		return l.fail(unsupported("nullif of %s and %s", a, b))
	}
	return "CASE WHEN " + l.cast(args[0], a, t) + " = " + l.cast(args[1], b, t) + " THEN NULL ELSE " + args[0] + " END"
}

// hash is Hive's: 31 times that of the arguments before, plus that of the next; NULL has 0.
func hash(l *lowerer, x *analysis.Call, args []string) string {
	s := ""
	for i, a := range args {
		one := l.hashOf(a, x.Args[i].Type())
		if s == "" {
			s = one
		} else {
			s = "skep_hash_next(" + s + ", " + one + ")"
		}
	}
	return s
}

func (l *lowerer) hashOf(a string, t hivetype.Type) string {
	switch t.Kind {
	case hivetype.Void:
		return "0::INTEGER"
	case hivetype.Boolean:
		return "coalesce((" + a + ")::INTEGER, 0)"
	case hivetype.TinyInt, hivetype.SmallInt, hivetype.Int:
		return "coalesce((" + a + ")::INTEGER, 0)"
	case hivetype.BigInt:
		return "coalesce(skep_hash_long(" + a + "), 0)"
	case hivetype.Float:
		return "coalesce(skep_hash_float(" + a + "), 0)"
	case hivetype.Double:
		return "coalesce(skep_hash_double(" + a + "), 0)"
	case hivetype.String:
		return "coalesce(skep_hash_text(" + a + "), 0)"
	case hivetype.Varchar:
		return "coalesce(skep_hash_chars(" + a + "), 0)"
	case hivetype.Char:
		return "coalesce(skep_hash_chars(rtrim(" + a + ", ' ')), 0)"
	case hivetype.Date:
		return "coalesce((" + a + " - DATE '1970-01-01')::INTEGER, 0)"
	case hivetype.Timestamp:
		if l.resolution == nanos {
			return l.computedHash(a, t)
		}
		return "coalesce(skep_hash_time(epoch_us(" + a + ")), 0)"
	case hivetype.Array:
		e := l.fresh("e")
		return l.hashList("list_transform(" + a + ", lambda " + e + ": " + l.hashOf(e, *t.Elem) + ")")
	case hivetype.Map:
		e := l.fresh("e")
		entry := "xor(" + l.hashOf("struct_extract("+e+", 'key')", *t.Key) + ", " +
			l.hashOf("struct_extract("+e+", 'value')", *t.Elem) + ")"
		return "coalesce(list_reduce(list_transform(map_entries(" + a + "), lambda " + e + ": " + entry +
			"), lambda a, b: skep_add(a, b), 0::INTEGER), 0)"
	case hivetype.Decimal, hivetype.Binary, hivetype.TimestampLocalTZ, hivetype.IntervalDayTime, hivetype.IntervalYearMonth:
		return l.computedHash(a, t)
	case hivetype.Struct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = l.hashOf("struct_extract("+a+", "+quote(f.Name)+")", f.Type)
		}
		return "CASE WHEN " + a + " IS NULL THEN 0::INTEGER ELSE " +
			l.hashList("["+strings.Join(fields, ", ")+"]") + " END"
	}
	return l.fail(unsupported("hash of %s", t))
}

// hashList is the hash of a row whose values have the hashes in a list; 0 of NULL.
func (l *lowerer) hashList(list string) string {
	return "coalesce(list_reduce(" + list + ", lambda a, b: skep_hash_next(a, b), 0::INTEGER), 0)"
}

func collectionRules() map[string]rule {
	return map[string]rule{
		"array": as("[$*]::$T"), "array_contains": as("skep_array_contains($1, $2)"),
		"array_distinct": setOf("skep_array_distinct($1)"), "array_max": as("list_max($1)"), "array_min": as("list_min($1)"),
		"array_except": setOf("skep_array_except($1, $2)"), "array_intersect": setOf("skep_array_intersect($1, $2)"),
		"array_union": setOf("skep_array_union($1, $2)"), "array_remove": as("CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda e: e IS DISTINCT FROM $2) END"),
		"array_append": as("list_append($1, $2)"), "array_position": as("coalesce(list_position($1, $2), 0)::INTEGER"),
		"array_join": arrayJoin, "sort_array_by": sortArrayBy, "array_slice": as("skep_array_slice($1, $2, $3)"),
		"map": mapOf, "map_keys": as("coalesce(map_keys($1), [])"), "map_values": as("coalesce(map_values($1), [])"),
		"named_struct": func(l *lowerer, x *analysis.Call, args []string) string {
			values := []string{}
			for i := 1; i < len(args); i += 2 {
				values = append(values, args[i])
			}
			return structOf(x.T, values)
		},
		"create_union": createUnion, "extract_union": extractUnion,
		"struct": func(l *lowerer, x *analysis.Call, args []string) string { return structOf(x.T, args) },
		"size": func(l *lowerer, x *analysis.Call, args []string) string {
			if x.Args[0].Type().Kind == hivetype.Map {
				return l.fill("skep_map_size($1)", x, args)
			}
			return l.fill("skep_size($1)", x, args)
		},
		"sort_array": as("list_sort($1, 'ASC', 'NULLS FIRST')"),
	}
}

func structOf(t hivetype.Type, values []string) string {
	fields := make([]string, len(t.Fields))
	for i, f := range t.Fields {
		fields[i] = name(f.Name) + " := " + values[i]
	}
	return "struct_pack(" + strings.Join(fields, ", ") + ")"
}

// arrayJoin gives NULL for an empty array, and writes true and false as Java does.
func arrayJoin(l *lowerer, x *analysis.Call, args []string) string {
	e, elem := l.fresh("e"), *x.Args[0].Type().Elem
	part := e
	if !elem.Text() {
		part = l.cast(e, elem, hivetype.Of(hivetype.String))
	}
	if elem.Kind == hivetype.Boolean {
		part = "lower(" + part + ")"
	}
	if len(args) == 3 {
		part = "coalesce(" + part + ", " + args[2] + ")"
	}
	return "CASE WHEN len(" + args[0] + ") > 0 THEN array_to_string(list_transform(" + args[0] + ", lambda " + e + ": " + part + "), " + args[1] + ") END"
}
