package formats

import (
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/skepdata/skep/hiveql/formats/orc"
	"github.com/skepdata/skep/hivetype"
)

// orcConverted appends values of types that have become others by way of their text.
func orcConverted(c *column, from hivetype.Type, julian bool) func(v *orc.Vector, i int) bool {
	clock := func(t hivetype.Type) bool { return t.Kind == hivetype.Date || stamped(t) }
	switch {
	case c.t.Text(), from.Text() && c.t.Primitive():
	case clock(from) && clock(c.t):
		return orcClock(c, from, julian)
	case clock(from) || clock(c.t) || !from.Primitive() || from.Kind == hivetype.Binary || c.t.Kind == hivetype.Binary:
		return nil
	}
	return func(v *orc.Vector, i int) bool {
		text := orcText(v, i, from, julian)
		if from.Kind == hivetype.Decimal && c.t.Integer() {
			text, _, _ = strings.Cut(text, ".")
		}
		return c.text([]byte(text))
	}
}

// orcText is the text of a value that is not NULL.
func orcText(v *orc.Vector, i int, t hivetype.Type, julian bool) string {
	var x hivetype.Value
	switch {
	case t.Kind == hivetype.Boolean: // as ORC's readers of Hive do
		if v.Ints[i] != 0 {
			return "TRUE"
		}
		return "FALSE"
	case t.Text() || t.Kind == hivetype.Binary:
		return string(v.Bytes[i])
	case t.Integer():
		x = v.Ints[i]
	case t.Kind == hivetype.Float || t.Kind == hivetype.Double: // with all digits of a double, as Hive does
		x, t = v.Floats[i], hivetype.Of(hivetype.Double)
	case t.Kind == hivetype.Decimal:
		x = orcDec(v, i)
	case t.Kind == hivetype.Date:
		x = time.Unix(orcDay(v.Ints[i], julian)*86400, 0).UTC()
	default:
		x = time.Unix(orcSecond(v.Ints[i], julian), v.Nanos[i]).UTC()
	}
	return string(hivetype.AppendText(nil, x, t))
}

// orcClock makes dates of timestamps, and timestamps of dates.
func orcClock(c *column, from hivetype.Type, julian bool) func(v *orc.Vector, i int) bool {
	if b, ok := c.builder.(*array.Date32Builder); ok {
		return func(v *orc.Vector, i int) bool {
			b.Append(arrow.Date32(floorDay(orcSecond(v.Ints[i], julian))))
			return true
		}
	}
	return func(v *orc.Vector, i int) bool {
		c.stamp(orcDay(v.Ints[i], julian)*86400*1e6, 0)
		return true
	}
}

func floorDay(seconds int64) int64 {
	day := seconds / 86400
	if seconds%86400 < 0 {
		day--
	}
	return day
}

// gregorian is 1582-10-15, from which on the calendar of today is the one of then.
const gregorian = -141427

// orcDay is the day since 1970 that has the same name in the calendar of today, which goes on before
// 1582 here.
func orcDay(day int64, julian bool) int64 {
	if !julian || day >= gregorian {
		return day
	}
	// Of the Julian calendar, whose years are from March on, with a leap day every four years.
	n := day + 719470 // days since March 1st of the year 0
	year := n * 4 / 1461
	if n < 0 {
		year = (n*4 - 1460) / 1461
	}
	rest := n - (year*1461)/4
	if year < 0 {
		rest = n - (year*1461-3)/4
	}
	month := (5*rest + 2) / 153
	return time.Date(int(year), time.Month(month+3), int(rest-(153*month+2)/5)+1, 0, 0, 0, 0, time.UTC).Unix() / 86400
}

// orcSecond is the second with the same name.
func orcSecond(second int64, julian bool) int64 {
	if !julian || second >= gregorian*86400 {
		return second
	}
	day := floorDay(second)
	return orcDay(day, true)*86400 + second - day*86400
}
