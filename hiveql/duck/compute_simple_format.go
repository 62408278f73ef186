package duck

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// simpleFormat prints times by patterns of Java's SimpleDateFormat, as Hive does when it is told to: in the calendar of
// Java's old classes, which is Julian before the 15th of October 1582, and with their offsets of time zones, which before
// 1900 are what the zones have today. zone is that of the session. What is no pattern prints NULL.
func simpleFormat(l *lowerer, x *analysis.Call, args []string, zone string) string {
	where, err := time.LoadLocation(zone)
	if err != nil {
		return l.fail(&Error{Op: "plan", Msg: "unknown time zone " + zone, Err: err})
	}
	from := x.Args[0].Type()
	types := []hivetype.Type{from, hivetype.Of(hivetype.String)}
	f := &computed{name: "text by a SimpleDateFormat in " + zone, args: types, result: types[1], start: func() compute {
		z := hivetype.NewJavaZone(where)
		return func(args []hivetype.Value) (hivetype.Value, error) {
			var at time.Time
			switch v := args[0].(type) {
			case int64:
				at = time.Unix(v, 0).In(where)
			case time.Time:
				at = time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), where)
			}
			text, ok := momentOf(z, at).format(args[1].(string))
			if !ok {
				return nil, nil
			}
			return text, nil
		}
	}}
	return l.compute(f, args[:2])
}

// oldMoment is a time as java.util.GregorianCalendar has it.
type oldMoment struct {
	year, month, day  int // year 0 is 1 BC; months count from 1
	weekday, yearDay  int // Sunday is 0; the first of January is 0
	yearDays          int
	hour, minute, sec int
	millis            int
	zone              time.Time // has its zone
}

const firstGregorian = -141427 // the 15th of October 1582, in days since 1970

func momentOf(z *hivetype.JavaZone, at time.Time) oldMoment {
	m := oldMoment{zone: at, millis: at.Nanosecond() / 1e6}
	if at.Unix() < hivetype.Year1900 {
		m.zone = z.Standard
	}
	seconds := at.Unix() + int64(z.Offset(at.Unix()))
	days := seconds / 86400
	if seconds%86400 < 0 {
		days--
	}
	rest := int(seconds - days*86400)
	m.hour, m.minute, m.sec = rest/3600, rest/60%60, rest%60
	m.weekday = int(((days+4)%7 + 7) % 7)
	if days >= firstGregorian {
		c := time.Unix(days*86400, 0).UTC()
		m.year, m.month, m.day = c.Year(), int(c.Month()), c.Day()
		m.yearDay = c.YearDay() - 1
		m.yearDays = time.Date(m.year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
		return m
	}
	m.julian(days)
	return m
}

// julian finds the date of a day in the Julian calendar, counting in years that begin in March, so that the leap day
// is their last.
func (m *oldMoment) julian(days int64) {
	const march0 = 719470 // days from the first of March of the Julian year 0 to 1970
	n := days + march0
	cycle := n / 1461
	if n%1461 < 0 {
		cycle--
	}
	of := int(n - cycle*1461)
	year := min(of/365, 3)
	of -= year * 365
	month := (5*of + 2) / 153
	m.day = of - (153*month+2)/5 + 1
	m.year = int(cycle)*4 + year
	if m.month = month + 3; m.month > 12 {
		m.month -= 12
		m.year++
	}
	m.yearDays = 365
	leap := m.year%4 == 0
	if leap {
		m.yearDays = 366
	}
	before := [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}
	m.yearDay = before[m.month-1] + m.day - 1
	if leap && m.month > 2 {
		m.yearDay++
	}
}

// format prints a moment by a pattern; false says that it is none.
func (m oldMoment) format(pattern string) (string, bool) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(pattern); {
		c, n := pattern[i], 1
		switch {
		case c == '\'' && i+1 < len(pattern) && pattern[i+1] == '\'':
			b.WriteByte(c)
			n = 2
		case c == '\'':
			quoted = !quoted
		case quoted || c|0x20 < 'a' || c|0x20 > 'z':
			b.WriteByte(c)
		default:
			for i+n < len(pattern) && pattern[i+n] == c {
				n++
			}
			text, ok := m.letter(c, n)
			if !ok {
				return "", false
			}
			b.WriteString(text)
		}
		i += n
	}
	return b.String(), !quoted
}

// letter prints n equal letters of a pattern.
func (m oldMoment) letter(c byte, n int) (string, bool) {
	name := func(text string) (string, bool) {
		if n < 4 {
			text = text[:3]
		}
		return text, true
	}
	number := 0
	switch c {
	case 'G':
		return map[bool]string{true: "AD", false: "BC"}[m.year > 0], true
	case 'a':
		return map[bool]string{true: "AM", false: "PM"}[m.hour < 12], true
	case 'E':
		return name(time.Weekday(m.weekday).String())
	case 'z', 'Z', 'X':
		return m.zoneLetter(c, n)
	case 'y', 'Y':
		return m.yearLetter(c, n), true
	case 'M', 'L':
		if n > 2 {
			return name(time.Month(m.month).String())
		}
		number = m.month
	case 'w':
		number, _ = m.week()
	case 'W':
		number = (m.day-1+weekdayBefore(m.weekday, m.day-1))/7 + 1
	default:
		hour := m.hour % 12
		var ok bool
		number, ok = map[byte]int{
			'D': m.yearDay + 1, 'd': m.day, 'F': (m.day-1)/7 + 1, 'u': (m.weekday+6)%7 + 1,
			'H': m.hour, 'k': (m.hour+23)%24 + 1, 'K': hour, 'h': (hour+11)%12 + 1, 'm': m.minute, 's': m.sec, 'S': m.millis,
		}[c]
		if !ok {
			return "", false
		}
	}
	return padded(number, n), true
}

func padded(n, digits int) string {
	text := strconv.Itoa(n)
	return strings.Repeat("0", max(0, digits-len(text))) + text
}

// yearLetter prints the year, of its era, or that of the week; two letters its last two digits.
func (m oldMoment) yearLetter(c byte, n int) string {
	year := m.year
	if c == 'Y' {
		_, year = m.week()
	}
	if year <= 0 {
		year = 1 - year
	}
	if n == 2 {
		return padded(year%100, 2)
	}
	return padded(year, n)
}

// week is the number of the week and the year it is of. Weeks begin on Sunday, and the first has the first of January.
func (m oldMoment) week() (week, year int) {
	first := weekdayBefore(m.weekday, m.yearDay)
	next := (first + m.yearDays) % 7
	if m.yearDay >= m.yearDays-next {
		return 1, m.year + 1
	}
	return (m.yearDay+first)/7 + 1, m.year
}

// weekdayBefore is the day of the week so many days before.
func weekdayBefore(weekday, days int) int { return ((weekday-days)%7 + 7) % 7 }

func (m oldMoment) zoneLetter(c byte, n int) (string, bool) {
	_, offset := m.zone.Zone()
	switch {
	case c == 'X' && n > 3:
		return "", false
	case c == 'X' && n == 1 && offset != 0:
		return fmt.Sprintf("%+03d", offset/3600), true
	case c == 'z' && n > 3:
		return m.zone.Location().String(), true
	}
	return zoneText(c, n, m.zone), true
}
