package analysis

import (
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// simple is the last argument of functions with a pattern that is SimpleDateFormat's, as the setting
// hive.datetime.formatter says. Otherwise it is DateTimeFormatter's.
const simple = "SIMPLE"

// byPattern makes the functions that read and print dates by patterns mean those of the setting.
func (e Env) byPattern(c *Call) *Call {
	if c.Func.Name == "unix_timestamp" && len(c.Args) == 2 && instant(c.Args[0].Type()) {
		c = &Call{Func: c.Func, Args: c.Args[:1], T: c.T}
	}
	reads := c.Func.Name == "unix_timestamp" && len(c.Args) == 2
	zoned := e.inZone(c)
	if e.setting("hive.datetime.formatter", "datetime") != "simple" {
		return zoned
	}
	marked := func(c *Call) *Call {
		args := c.Args
		if c.Func.Name == "date_format" && len(args) == 2 {
			args = append(args[:2:2], &Const{Value: "UTC", T: text})
		}
		return &Call{Func: c.Func, Args: append(args[:len(args):len(args)], &Const{Value: simple, T: text}), T: c.T}
	}
	switch {
	case reads && zoned != c:
		return e.zonedSeconds(marked(c))
	case reads, zoned.Func.Name == "date_format", zoned.Func.Name == "from_unixtime":
		return marked(zoned)
	}
	return zoned
}

// inZone makes the functions between clocks and seconds since 1970 mean the session's time zone.
// Plans know clocks without zones and UTC only, so that the conversion is written out:
//
//	unix_timestamp(ts)    unix_timestamp(to_utc_timestamp(ts, zone))
//	from_unixtime(n, f)   date_format(from_utc_timestamp(timestamp of n, zone), f, zone)
//	date_format(ts, f)    date_format(ts, f, zone), for patterns that print it
func (e Env) inZone(c *Call) *Call {
	zone := e.zoneName()
	if zone == "" {
		return c
	}
	name := &Const{Value: zone, T: text}
	switch {
	case c.Func.Name == "unix_timestamp" && len(c.Args) == 1 && c.Args[0].Type().Text():
		return e.zonedSeconds(c)
	case c.Func.Name == "unix_timestamp" && len(c.Args) == 1:
		return calling("unix_timestamp", bigint, calling("to_utc_timestamp", timestamp, c.Args[0], name))
	case c.Func.Name == "unix_timestamp" && len(c.Args) == 2:
		if p, ok := c.Args[1].(*Const); ok {
			if s, isText := p.Value.(string); isText && namesZone(s) {
				return c
			}
			return e.zonedSeconds(c)
		}
		named := &Call{Func: opRlike, Args: []Expr{c.Args[1], &Const{Value: "^([^']|'[^']*')*[zZXxVO]", T: text}}, T: boolean}
		return calling("if", bigint, named, c, e.zonedSeconds(c))
	case c.Func.Name == "date_format":
		return &Call{Func: c.Func, Args: append(c.Args[:2:2], name), T: c.T}
	case c.Func.Name == "from_unixtime":
		var format Expr = &Const{Value: "yyyy-MM-dd HH:mm:ss", T: text}
		if len(c.Args) == 2 {
			format = c.Args[1]
		}
		return calling("date_format", text, calling("from_utc_timestamp", timestamp, clockOf(c.Args[0]), name), format, name)
	}
	return c
}

// zonedSeconds takes seconds since 1970 for what clocks of the session's zone show then.
func (e Env) zonedSeconds(c *Call) *Call {
	zone := &Const{Value: e.zoneName(), T: text}
	return calling("unix_timestamp", bigint, calling("to_utc_timestamp", timestamp, clockOf(c), zone))
}

// namesZone reports whether a pattern has letters of time zones.
func namesZone(pattern string) bool {
	for i, part := range strings.Split(pattern, "'") {
		if i%2 == 0 && strings.ContainsAny(part, "zZXxVO") {
			return true
		}
	}
	return false
}

// zoneName is the session's zone, "" for UTC.
func (e Env) zoneName() string {
	zone := e.Now.Location().String()
	if zone == "UTC" || zone == "Local" || zone == "Etc/UTC" || e.Now.IsZero() {
		return ""
	}
	return zone
}

// zonedCasts says in which zone clocks are that become a timestamp with local time zone, or the
// other way round, and those of text files.
func zonedCasts(a *analyzer, q *Query) error {
	zone := a.env.zoneName()
	if zone == "" {
		return nil
	}
	eachRel(q.Root, func(r Rel) {
		if s, ok := r.(*Scan); ok {
			s.Zone = zone
		}
		mapOwn(r, func(x Expr) Expr {
			visit(x, func(x Expr) bool {
				if c, ok := x.(*Cast); ok && (c.T.Kind == hivetype.TimestampLocalTZ) != (c.X.Type().Kind == hivetype.TimestampLocalTZ) {
					c.Zone = zone
				}
				return true
			})
			return x
		})
	})
	return nil
}

var timestamp = hivetype.Of(hivetype.Timestamp)

// clockOf is what clocks show in UTC so many seconds after 1970.
func clockOf(seconds Expr) Expr {
	return convert(calling("from_unixtime", text, seconds), timestamp)
}

func calling(name string, t hivetype.Type, args ...Expr) *Call {
	fn, _ := Lookup(name)
	return &Call{Func: fn, Args: args, T: t}
}
