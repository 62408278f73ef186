package duck

import (
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// dateFormat takes the time zone as a third argument where the session is not in UTC. Only the
// letters z, Z, X, x, V and O print it.
func dateFormat(l *lowerer, x *analysis.Call, args []string) string {
	function, clock := "skep_format", args[0]
	if isSimple(x) {
		zone, _ := constantText(x, 2)
		return simpleFormat(l, x, args, zone)
	}
	if len(args) < 3 {
		return function + "(" + clock + ", " + args[1] + ")"
	}
	if p, ok := constantText(x, 1); ok && !strings.ContainsAny(p, zoneLetters) {
		return function + "(" + clock + ", " + args[1] + ")"
	}
	zone, _ := constantText(x, 2)
	where, err := time.LoadLocation(zone)
	if err != nil {
		return l.fail(&Error{Op: "plan", Msg: "unknown time zone " + zone, Err: err})
	}
	// The zone's part of the pattern becomes quoted text; the rest is for the C++ function.
	pattern := &computed{name: "pattern in " + zone, args: []hivetype.Type{x.Args[0].Type(), x.Args[1].Type()},
		result: hivetype.Of(hivetype.String), start: func() compute {
			return func(args []hivetype.Value) (hivetype.Value, error) {
				clock := args[0].(time.Time)
				at := time.Date(clock.Year(), clock.Month(), clock.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, where)
				return zonedPattern(args[1].(string), at)
			}
		}}
	return function + "(" + clock + ", " + l.compute(pattern, args[:2]) + ")"
}

const zoneLetters = "zZXxVO"

// zonedPattern puts quoted text in the place of the letters of time zones.
func zonedPattern(pattern string, at time.Time) (string, error) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(pattern); {
		c, n := pattern[i], 1
		for i+n < len(pattern) && pattern[i+n] == c && c != '\'' {
			n++
		}
		switch {
		case c == '\'':
			quoted = !quoted
			b.WriteByte(c)
		case !quoted && c == 'z' && n > 3:
			return "", unsupported("the full name of a time zone (zzzz) in a date pattern")
		case !quoted && strings.IndexByte(zoneLetters, c) >= 0 && n < 4:
			b.WriteString("'" + zoneText(c, n, at) + "'")
		case !quoted && strings.IndexByte(zoneLetters, c) >= 0:
			return "", unsupported("the letters %s in a date pattern", pattern[i:i+n])
		default:
			b.WriteString(pattern[i : i+n])
		}
		i += n
	}
	return b.String(), nil
}

func zoneText(letter byte, count int, at time.Time) string {
	name, offset := at.Zone()
	sign := '+'
	minutes := offset / 60
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	switch {
	case letter == 'V':
		return at.Location().String()
	case letter == 'X' && offset == 0:
		return "Z"
	case letter == 'O' && offset == 0:
		return "GMT"
	case letter == 'O' && minutes%60 == 0:
		return fmt.Sprintf("GMT%c%d", sign, minutes/60)
	case letter == 'O':
		return fmt.Sprintf("GMT%c%d:%02d", sign, minutes/60, minutes%60)
	case (letter == 'X' || letter == 'x') && count == 1 && minutes%60 == 0:
		return fmt.Sprintf("%c%02d", sign, minutes/60)
	case (letter == 'X' || letter == 'x') && count > 2:
		return fmt.Sprintf("%c%02d:%02d", sign, minutes/60, minutes%60)
	case letter != 'z':
		return fmt.Sprintf("%c%02d%02d", sign, minutes/60, minutes%60)
	}
	if javaName := javaZones[at.Location().String()]; javaName != "" {
		return javaName
	}
	return name
}

// javaZones are the short names that Java has for zones to which the tz database gives only
// their offset.
var javaZones = map[string]string{
	"Asia/Bangkok": "ICT", "Asia/Ho_Chi_Minh": "ICT", "Asia/Saigon": "ICT", "Asia/Singapore": "SGT",
	"Asia/Kuala_Lumpur": "MYT", "Asia/Dubai": "GST", "Asia/Tashkent": "UZT", "Asia/Almaty": "ALMT",
	"Asia/Dhaka": "BDT", "Asia/Kathmandu": "NPT", "Asia/Colombo": "IST", "Asia/Kabul": "AFT",
	"Asia/Tehran": "IRST", "Asia/Baku": "AZT", "Asia/Yerevan": "AMT", "Asia/Tbilisi": "GET",
	"Asia/Riyadh": "AST", "Europe/Istanbul": "TRT", "Europe/Minsk": "MSK", "America/Sao_Paulo": "BRT",
	"America/Argentina/Buenos_Aires": "ART", "America/Buenos_Aires": "ART", "America/Bogota": "COT",
	"America/Lima": "PET", "America/Caracas": "VET", "America/La_Paz": "BOT", "America/Santiago": "CLT",
	"America/Montevideo": "UYT",
}

// castZoned is a conversion; those between clocks and instants need a zone.
func (l *lowerer) castZoned(c *analysis.Cast) string {
	from, to := c.X.Type(), c.T
	x := l.expr(c.X)
	zone := c.Zone
	if zone == "" {
		zone = "UTC"
	}
	if from.Kind == hivetype.Timestamp && to.Numeric() && c.Zone != "" {
		x = l.moved(x, from, func(x string) string { return "skep_to_utc(" + quote(zone) + ", " + x + ")" })
	}
	switch {
	case to.Kind == hivetype.TimestampLocalTZ && from.Text():
		return l.textInZone(x, from, to, zone)
	case from.Kind == hivetype.TimestampLocalTZ && to.Text():
		return l.cast(l.instantText(x, from, zone), hivetype.Of(hivetype.String), to)
	case instant(from) && to.Integer() && to.Kind != hivetype.BigInt:
		// Out of range it is NULL, where that of another type's file wraps around.
		seconds := l.cast(x, from, hivetype.Of(hivetype.BigInt))
		return "TRY_CAST(" + seconds + " AS " + l.sqlType(to) + ")"
	case c.Zone == "":
	case to.Kind == hivetype.TimestampLocalTZ && instant(from):
		return l.moved(x, from, func(x string) string { return "skep_to_utc(" + quote(zone) + ", (" + x + ")::TIMESTAMP)" })
	case from.Kind == hivetype.TimestampLocalTZ && instant(to):
		x = l.moved(x, from, func(x string) string { return "timezone(" + quote(zone) + ", timezone('UTC', " + x + "))" })
		return l.cast(x, hivetype.Of(hivetype.Timestamp), to)
	}
	return l.cast(x, from, to)
}

// moved is a time that is moved, by whole microseconds, to another zone. Of a date it becomes a
// timestamp.
func (l *lowerer) moved(x string, t hivetype.Type, move func(string) string) string {
	switch {
	case l.resolution == micros:
		return move(x)
	case stamped(t):
		return "skep_stamp(" + move("skep_clock("+x+")") + ", skep_stamp_rest(" + x + "))"
	}
	return "skep_stamp(" + move(x) + ")"
}

// textInZone reads times, which are in the zone unless they name another one.
func (l *lowerer) textInZone(x string, from, to hivetype.Type, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		return l.fail(&Error{Op: "plan", Msg: "unknown time zone " + zone, Err: err})
	}
	f := &computed{name: "instant in " + zone, args: []hivetype.Type{from}, result: to, start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			if at, ok := hivetype.ParseInstant(args[0].(string), where); ok {
				return at, nil
			}
			return nil, nil
		}
	}}
	return l.compute(f, []string{x})
}

func (l *lowerer) instantText(x string, from hivetype.Type, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		return l.fail(&Error{Op: "plan", Msg: "unknown time zone " + zone, Err: err})
	}
	f := &computed{name: "text in " + zone, args: []hivetype.Type{from}, result: hivetype.Of(hivetype.String), start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			return string(hivetype.AppendText(nil, args[0].(time.Time).In(where), from)), nil
		}
	}}
	return l.compute(f, []string{x})
}
