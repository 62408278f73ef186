package analysis

import "github.com/skepdata/skep/hivetype"

func dateFunctions() []*Function {
	return []*Function{
		scalar("add_months", "add_months(start, n[, format]) - Returns the date n months after start", sig("string int string?->string")),
		scalar("current_date", "current_date() - Returns the date when the statement began", sig("->date")),
		scalar("current_timestamp", "current_timestamp() - Returns the time when the statement began", sig("->timestamp")),
		scalar("date_add", "date_add(start, n) - Returns the date n days after start", sig("date int->date")),
		scalar("date_format", "date_format(ts, fmt) - Formats a date or timestamp by a pattern such as yyyy-MM-dd", sig("timestamp string->string")),
		scalar("date_sub", "date_sub(start, n) - Returns the date n days before start", sig("date int->date")),
		scalar("datediff", "datediff(date1, date2) - Returns the number of days from date2 to date1", sig("date date->int")),
		scalar("day dayofmonth", "day(date) - Returns the day of the month", bindPart(hivetype.Date, hivetype.IntervalDayTime)),
		scalar("dayofweek", "dayofweek(date) - Returns the day of the week, 1 for Sunday", sig("date->int")),
		scalar("from_unixtime", "from_unixtime(seconds[, format]) - Converts seconds since 1970 to text, in the time zone of the session", sig("bigint string?->string")),
		scalar("from_utc_timestamp", "from_utc_timestamp(ts, zone) - Converts a time in UTC to the clock of a zone", bindMoved),
		scalar("hour", "hour(ts) - Returns the hour", bindPart(hivetype.Timestamp, hivetype.IntervalDayTime)),
		scalar("internal_interval", "internal_interval(unit, n) - Returns the interval of n units, which are YEAR, MONTH, DAY, HOUR, MINUTE or SECOND", bindInterval),
		scalar("last_day", "last_day(date) - Returns the last day of the month", sig("date->string")),
		scalar("minute", "minute(ts) - Returns the minute", bindPart(hivetype.Timestamp, hivetype.IntervalDayTime)),
		scalar("month", "month(date) - Returns the month", bindPart(hivetype.Date, hivetype.IntervalYearMonth)),
		scalar("months_between", "months_between(date1, date2[, roundOff]) - Returns the number of months from date2 to date1", sig("timestamp timestamp boolean?->double")),
		scalar("next_day", "next_day(start, day) - Returns the first date after start that is such a day of the week", sig("date string->string")),
		scalar("quarter", "quarter(date) - Returns the quarter of the year, 1 to 4", sig("date->int")),
		scalar("second", "second(ts) - Returns the second", bindPart(hivetype.Timestamp, hivetype.IntervalDayTime)),
		scalar("to_date", "to_date(expr) - Returns the date of a timestamp or text", sig("date->date")),
		scalar("to_utc_timestamp", "to_utc_timestamp(ts, zone) - Converts the clock of a zone to UTC", bindMoved),
		scalar("trunc", "trunc(date, fmt) / trunc(n[, d]) - Truncates a date to its year, quarter or month, or a number to d places", bindTrunc),
		scalar("unix_timestamp to_unix_timestamp", "unix_timestamp([date[, pattern]]) - Converts a time of the session's zone to seconds since 1970", bindUnixTimestamp),
		scalar("datetime_legacy_hybrid_calendar", "datetime_legacy_hybrid_calendar(date) - Converts a date of the Gregorian calendar, also before 1582, to the Julian one there", bindCalendar),
		scalar("to_epoch_milli", "to_epoch_milli(ts) - Returns the milliseconds since 1970 in UTC", sig("timestamp->bigint")),
		scalar("tumbling_window", "tumbling_window(ts, interval[, origin]) - Returns the beginning of the window that ts falls into", bindTumblingWindow),
		scalar("weekofyear", "weekofyear(date) - Returns the number of the ISO week", sig("date->int")),
		scalar("year", "year(date) - Returns the year", bindPart(hivetype.Date, hivetype.IntervalYearMonth)),
	}
}

// bindInterval takes a constant unit and an integer.
func bindInterval(args []Arg) (Binding, error) {
	if err := arity(args, 2, 2); err != nil {
		return Binding{}, err
	}
	unit := ""
	if c := args[0].Const; c != nil && args[0].Type.Text() {
		unit, _ = c.Value.(string)
	}
	if !args[1].Type.Integer() && args[1].Type.Kind != hivetype.Void {
		return Binding{}, &TypeError{Index: 1, Want: "an integer", Got: args[1].Type}
	}
	b := Binding{Args: []hivetype.Type{text, bigint}}
	switch unit {
	case "YEAR", "MONTH":
		b.Result = hivetype.Of(hivetype.IntervalYearMonth)
	case "DAY", "HOUR", "MINUTE", "SECOND":
		b.Result = hivetype.Of(hivetype.IntervalDayTime)
	default:
		return Binding{}, &TypeError{Index: 0, Want: "a constant unit, such as DAY", Got: args[0].Type}
	}
	return b, nil
}

// bindTrunc gives text for dates, and the type of the number for numbers; decimals keep the digits that
// are asked for.
func bindTrunc(args []Arg) (Binding, error) {
	if err := arity(args, 1, 2); err != nil {
		return Binding{}, err
	}
	if !args[0].Type.Numeric() {
		if t := args[len(args)-1].Type; len(args) == 2 && !t.Text() && t.Kind != hivetype.Void {
			return Binding{}, &TypeError{Index: 1, Want: "a string", Got: t}
		}
		return sig("date string->string")(args)
	}
	t := args[0].Type
	b := Binding{Args: []hivetype.Type{t}, Result: t}
	if t.Integer() {
		b.Args[0] = bigint
	}
	if len(args) == 2 {
		if !args[1].Type.Integer() {
			return Binding{}, &TypeError{Index: 1, Want: "an integer", Got: args[1].Type}
		}
		b.Args = append(b.Args, hivetype.Of(hivetype.Int))
	}
	if t.Kind == hivetype.Decimal {
		b.Result = truncated(t, args[1:])
	}
	return b, nil
}

// truncated is a decimal with so many digits after the point, 0 where that is not said. Where it
// is not constant the type is that of the number.
func truncated(t hivetype.Type, places []Arg) hivetype.Type {
	n := int64(0)
	if len(places) > 0 {
		var constant bool
		if c := places[0].Const; c != nil {
			n, constant = c.Value.(int64)
		}
		if !constant {
			return t
		}
	}
	scale := min(max(n, 0), hivetype.MaxPrecision)
	whole := t.Precision - t.Scale
	return hivetype.DecimalOf(min(max(whole+int(scale), 1), hivetype.MaxPrecision), min(int(scale), hivetype.MaxPrecision-whole))
}

// bindUnixTimestamp reads text by a pattern, by default yyyy-MM-dd HH:mm:ss. A time needs none.
func bindUnixTimestamp(args []Arg) (Binding, error) {
	if err := arity(args, 0, 2); err != nil {
		return Binding{}, err
	}
	if len(args) == 1 {
		if args[0].Type.Text() {
			return bound(bigint, text)
		}
		return sig("timestamp->bigint")(args)
	}
	if len(args) == 2 && instant(args[0].Type) {
		return sig("timestamp string->bigint")(args)
	}
	return sig("string? string?->bigint")(args)
}

// bindMoved takes numbers for times as well, as CAST does.
func bindMoved(args []Arg) (Binding, error) {
	if len(args) == 2 && args[0].Type.Numeric() && args[1].Type.Text() {
		return bound(timestamp, timestamp, text)
	}
	return sig("timestamp string->timestamp")(args)
}
