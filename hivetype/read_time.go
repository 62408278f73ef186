package hivetype

import (
	"strings"
	"time"
)

// scanner reads the parts of dates and times.
type scanner struct {
	text string
	ok   bool
}

// number reads from least to most digits.
func (s *scanner) number(least, most int) int {
	n, i := 0, 0
	for i < len(s.text) && i < most && s.text[i] >= '0' && s.text[i] <= '9' {
		n = n*10 + int(s.text[i]-'0')
		i++
	}
	s.ok = s.ok && i >= least
	s.text = s.text[i:]
	return n
}

func (s *scanner) accept(c byte) bool {
	if s.text == "" || s.text[0] != c {
		return false
	}
	s.text = s.text[1:]
	return true
}

func (s *scanner) expect(c byte) { s.ok = s.accept(c) && s.ok }

// date reads year-month-day; the year may be negative.
func (s *scanner) date() (year int, month time.Month, day int) {
	negative := s.accept('-')
	year = s.number(1, 4)
	if negative {
		year = -year
	}
	s.expect('-')
	month = time.Month(s.number(1, 2))
	s.expect('-')
	day = s.number(1, 2)
	s.ok = s.ok && month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
	return year, month, day
}

func daysIn(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// minDate is the length below which Hive does not even try.
const minDate = len("2020-1-1")

func parseDate(text string) (time.Time, bool) {
	day, _, ok := startingDate(text)
	return day, ok
}

// startingDate reads the date with which a text begins, and what is behind it.
func startingDate(text string) (day time.Time, rest string, ok bool) {
	s := scanner{text: strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }), ok: true}
	y, m, d := s.date()
	if s.text != "" && s.text[0] >= '0' && s.text[0] <= '9' {
		return time.Time{}, "", false
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC), s.text, s.ok
}

// castClock reads a timestamp as CAST does, as UTC's. whole is whether it has a time, and nothing behind that.
func castClock(text string) (ts time.Time, whole, ok bool) {
	day, rest, ok := startingDate(text)
	if !ok {
		return time.Time{}, false, false
	}
	clock, zone, ok := timeOfDay(rest)
	if !ok {
		return day, false, true
	}
	twoDigits := len(strings.TrimFunc(text, func(r rune) bool { return r <= ' ' }))-len(rest) == len("2024-01-31")
	if zone != "" {
		if _, known := location(zone); !known || !twoDigits {
			return day, false, true
		}
	}
	if rest[0] == 'T' && !twoDigits {
		return day, false, true
	}
	return day.Add(clock), zone == "", true
}

// timeOfDay reads a blank or T, a time, and a zone.
func timeOfDay(text string) (clock time.Duration, zone string, ok bool) {
	s := scanner{text: text, ok: true}
	iso := s.accept('T')
	if !iso && !s.accept(' ') {
		return 0, "", false
	}
	start, least := len(s.text), 1
	if iso {
		least = 2
	}
	h := s.number(least, 2)
	s.expect(':')
	m, sec, nanos := s.number(least, 2), 0, 0
	if !iso || s.text != "" {
		s.expect(':')
		sec = s.number(least, 2)
	}
	exact := start-len(s.text) == len("12:58:59")
	if s.accept('.') {
		if n := len(s.text) - len(strings.TrimLeft(s.text, "0123456789")); n > 9 { // what is behind nanoseconds is cut off
			s.text = s.text[:9] + s.text[n:]
		}
		nanos = s.fraction()
	}
	if s.text != "" {
		zone = strings.TrimPrefix(s.text, " ")
		s.ok = s.ok && !iso && exact && zone != ""
	}
	clock = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(sec)*time.Second + time.Duration(nanos)
	return clock, zone, s.ok && h < 24 && m < 60 && sec < 60
}

// parseTimestamp returns the clock as UTC, and the text of the zone after it.
func parseTimestamp(text string) (ts time.Time, zone string, ok bool) {
	if len(text) < minDate {
		return time.Time{}, "", false
	}
	s := scanner{text: strings.TrimSpace(text), ok: true}
	y, mon, d := s.date()
	var h, m, sec, nanos int
	iso := s.accept('T')
	if iso || s.accept(' ') {
		least := 1
		if iso {
			least = 2
		}
		h = s.number(least, 2)
		if iso || s.text != "" {
			s.expect(':')
			m = s.number(least, 2)
		}
		if s.accept(':') {
			sec = s.number(least, 2)
			if s.accept('.') {
				nanos = s.fraction()
			}
		}
		s.ok = s.ok && h < 24 && m < 60 && sec < 60
		zone = strings.TrimSpace(s.text)
		s.text = ""
	}
	if zone != "" {
		if _, known := location(zone); !known {
			return time.Time{}, "", false
		}
	}
	return time.Date(y, mon, d, h, m, sec, nanos, time.UTC), zone, s.ok && s.text == ""
}

// fraction reads one to nine digits as nanoseconds.
func (s *scanner) fraction() int {
	before := len(s.text)
	n := s.number(1, 9)
	for i := before - len(s.text); i < 9; i++ {
		n *= 10
	}
	if s.text != "" && s.text[0] >= '0' && s.text[0] <= '9' {
		s.ok = false
	}
	return n
}

// location knows Z, UTC, +01:00, GMT+1 and the names of the time zone database.
func location(zone string) (*time.Location, bool) {
	name := strings.TrimPrefix(strings.TrimPrefix(zone, "UTC"), "GMT")
	if name == "" || name == "Z" {
		return time.UTC, true
	}
	if name[0] == '+' || name[0] == '-' {
		s := scanner{text: name[1:], ok: true}
		seconds := s.number(1, 2) * 3600
		if s.accept(':') || s.text != "" {
			seconds += s.number(2, 2) * 60
		}
		if !s.ok || s.text != "" || seconds > 18*3600 {
			return nil, false
		}
		if name[0] == '-' {
			seconds = -seconds
		}
		return time.FixedZone(zone, seconds), true
	}
	if name != zone || name == "Local" || strings.Trim(name, zoneCharacters) != "" {
		return nil, false
	}
	loc, err := time.LoadLocation(name)
	return loc, err == nil
}

const zoneCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-"

// ParseInstant reads the text of a timestamp with local time zone. Where it names no zone, it is
// in the one given.
func ParseInstant(text string, loc *time.Location) (time.Time, bool) {
	ts, zone, ok := parseTimestamp(text)
	if !ok {
		return time.Time{}, false
	}
	if zone != "" {
		loc, _ = location(zone)
	}
	y, mon, d := ts.Date()
	h, m, s := ts.Clock()
	return time.Date(y, mon, d, h, m, s, ts.Nanosecond(), loc), true
}

// ParseClock reads a timestamp as Hive's SerDes read it from files, which is stricter than CAST: year, month and day, a
// blank, and hours, minutes and seconds, with a fraction or without; or ISO 8601 with a T, where seconds may be missing.
// A date alone is none, nor is what has a time zone.
func ParseClock(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if len(text) < minDate {
		return time.Time{}, false
	}
	s := scanner{text: text, ok: true}
	y, mon, d := s.date()
	iso := s.accept('T')
	least := 1
	if iso {
		least = 2
		s.ok = s.ok && len(text) > 10 && text[10] == 'T'
	} else {
		s.expect(' ')
	}
	h := s.number(least, 2)
	s.expect(':')
	m := s.number(least, 2)
	sec, nanos := 0, 0
	if !iso || s.text != "" {
		s.expect(':')
		sec = s.number(least, 2)
		if s.accept('.') {
			nanos = s.fraction()
		}
	}
	ok := s.ok && s.text == "" && text[0] != '-' && h < 24 && m < 60 && sec < 60
	return time.Date(y, mon, d, h, m, sec, nanos, time.UTC), ok
}
