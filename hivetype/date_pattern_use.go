package hivetype

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Format writes the clock of t.
func (p *DatePattern) Format(t time.Time) string {
	var b strings.Builder
	for _, tok := range p.tokens {
		switch {
		case tok.field == noField:
			b.WriteString(tok.text)
		case tok.name:
			b.WriteString(tok.formatName(t))
		case tok.field == fieldHalf:
			b.WriteString(tok.formatHalf(t))
		case tok.field == fieldFraction:
			b.WriteString(tok.formatFraction(t))
		default:
			b.WriteString(tok.formatNumber(tok.value(t)))
		}
	}
	return b.String()
}

// value is what t has of a field that is a number.
func (tok *dateToken) value(t time.Time) int {
	year, week := t.ISOWeek()
	switch tok.field {
	case fieldYear, fieldRound:
		return t.Year()
	case fieldMonth:
		return int(t.Month())
	case fieldDay:
		return t.Day()
	case fieldYearDay:
		return t.YearDay()
	case fieldHour12:
		return (t.Hour()+11)%12 + 1
	case fieldHour:
		return t.Hour()
	case fieldMinute:
		return t.Minute()
	case fieldSecond:
		return t.Second()
	case fieldDaySecond:
		return t.Hour()*3600 + t.Minute()*60 + t.Second()
	case fieldWeekday:
		return int(t.Weekday()) + 1
	case fieldQuarter:
		return (int(t.Month())-1)/3 + 1
	case fieldWeek:
		return (t.YearDay()-1)/7 + 1
	case fieldMonthWeek:
		return (t.Day()-1)/7 + 1
	case fieldISOYear:
		return year
	case fieldISOWeek:
		return week
	case fieldISODay:
		return isoDay(t)
	}
	return 0
}

// isoDay is the day of the week, 1 for Monday.
func isoDay(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }

// formatNumber pads or takes the last digits.
func (tok *dateToken) formatNumber(n int) string {
	s := strconv.Itoa(n)
	if len(s) > tok.length {
		s = s[len(s)-tok.length:]
	}
	if tok.fill {
		if s = strings.TrimLeft(s, "0"); s == "" {
			s = "0"
		}
		return s
	}
	return strings.Repeat("0", tok.length-len(s)) + s
}

func (tok *dateToken) formatFraction(t time.Time) string {
	s := fmt.Sprintf("%09d", t.Nanosecond())[:tok.length]
	if len(tok.text) == 2 { // FF
		if s = strings.TrimRight(s, "0"); s == "" {
			s = "0"
		}
	}
	return s
}

func (tok *dateToken) formatHalf(t time.Time) string {
	s := "am"
	if t.Hour() >= 12 {
		s = "pm"
	}
	if len(tok.text) == 4 {
		s = s[:1] + ".m."
	}
	if tok.text[0] < 'a' {
		s = strings.ToUpper(s)
	}
	return s
}

// formatName writes a name in the case of the pattern: month, Month or MONTH.
func (tok *dateToken) formatName(t time.Time) string {
	s := t.Month().String()
	if tok.field == fieldISODay {
		s = t.Weekday().String()
	}
	s = s[:min(len(s), tok.length)]
	switch {
	case tok.text[0] >= 'a':
		s = strings.ToLower(s)
	case tok.text[1] < 'a':
		s = strings.ToUpper(s)
	}
	if !tok.fill {
		s += strings.Repeat(" ", tok.length-len(s))
	}
	return s
}

// Read reads text; ok is false where it does not fit. Digits of the year that the text leaves out are
// those of now. Offsets of time zones are read over: a timestamp has none.
func (p *DatePattern) Read(text string, now time.Time) (t time.Time, ok bool) {
	values := map[dateField]int{}
	rest := text
	for i := range p.tokens {
		tok := &p.tokens[i]
		var n int
		switch {
		case tok.separator:
			n, ok = p.readSeparators(i, rest)
		case tok.field == noField:
			n, ok = len(tok.text), len(rest) >= len(tok.text) && strings.EqualFold(rest[:len(tok.text)], tok.text)
		case tok.name:
			n, ok = tok.readName(rest, values)
		case tok.field == fieldHalf:
			n, ok = p.readHalf(tok, rest, values)
		default:
			n, ok = p.readNumber(tok, rest, values, now)
		}
		if !ok {
			return t, false
		}
		rest = rest[n:]
	}
	if rest != "" {
		return t, false
	}
	return clockOfFields(values)
}

// readSeparators reads separators, of which any number of any kind is as good, unless FX asks for the
// very same. A hyphen before TZH is its sign, where there are others.
func (p *DatePattern) readSeparators(i int, rest string) (int, bool) {
	tok := &p.tokens[i]
	if p.exact {
		return len(tok.text), strings.HasPrefix(rest, tok.text)
	}
	n := len(rest) - len(strings.TrimLeft(rest, dateSeparators))
	if n > 1 && rest[n-1] == '-' && i+1 < len(p.tokens) && p.tokens[i+1].field == fieldZoneHour {
		n--
	}
	return n, n > 0
}

func (tok *dateToken) readName(rest string, values map[dateField]int) (int, bool) {
	count, name := 12, func(i int) string { return time.Month(i).String() }
	if tok.field == fieldISODay {
		count, name = 7, func(i int) string { return time.Weekday(i % 7).String() }
	}
	for i := 1; i <= count; i++ {
		s := name(i)
		s = s[:min(len(s), tok.length)]
		if len(rest) >= len(s) && strings.EqualFold(rest[:len(s)], s) {
			values[tok.field] = i
			return len(s), true
		}
	}
	return 0, false
}

func (p *DatePattern) readHalf(tok *dateToken, rest string, values map[dateField]int) (int, bool) {
	for _, s := range []string{"a.m.", "p.m.", "am", "pm"} {
		if len(rest) >= len(s) && strings.EqualFold(rest[:len(s)], s) && (!p.exact || len(s) == len(tok.text)) {
			values[fieldHalf] = 0
			if s[0] == 'p' {
				values[fieldHalf] = 12
			}
			return len(s), true
		}
	}
	return 0, false
}

func (p *DatePattern) readNumber(tok *dateToken, rest string, values map[dateField]int, now time.Time) (int, bool) {
	sign := 0
	if tok.field == fieldZoneHour && rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign = 1
	}
	digits := rest[sign:]
	digits = digits[:min(len(digits), tok.length)]
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	exact := p.exact && !tok.fill && tok.field != fieldFraction
	if digits == "" || exact && len(digits) != tok.length {
		return 0, false
	}
	text := digits
	switch tok.field {
	case fieldYear, fieldRound, fieldISOYear:
		text = wholeYear(tok, digits, now)
	case fieldFraction:
		text += strings.Repeat("0", 9-len(digits))
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || tok.field == fieldHour12 && text == "0":
		return 0, false
	case tok.field == fieldHour12 && n == 12:
		n = 0
	}
	values[tok.field] = n
	return sign + len(digits), true
}

// wholeYear completes a year by the digits of this one, or where it is rounded and has two, to the
// nearest such year.
func wholeYear(tok *dateToken, digits string, now time.Time) string {
	year := now.Year()
	if tok.field == fieldISOYear {
		year, _ = now.ISOWeek()
	}
	this := fmt.Sprintf("%04d", year)
	if tok.field != fieldRound || len(digits) != 2 {
		return this[:4-len(digits)] + digits
	}
	century, low, last := year/100, digits < "50", this[2:] < "50"
	switch {
	case low && !last:
		century++
	case !low && last:
		century--
	}
	return strconv.Itoa(century) + digits
}

// clockOfFields puts together what was read. The first of January 1970, at midnight, fills what was not.
func clockOfFields(values map[dateField]int) (time.Time, bool) {
	or := func(f dateField, missing int) int {
		if v, ok := values[f]; ok {
			return v
		}
		return missing
	}
	within := func(f dateField, low, high int) bool { v := or(f, low); return v >= low && v <= high }
	if !within(fieldMonth, 1, 12) || !within(fieldDay, 1, 31) || !within(fieldHour12, 0, 11) || !within(fieldHour, 0, 23) ||
		!within(fieldMinute, 0, 59) || !within(fieldSecond, 0, 59) || !within(fieldDaySecond, 0, 86399) ||
		!within(fieldISOWeek, 1, 53) || !within(fieldISODay, 1, 7) || !within(fieldYearDay, 1, 366) ||
		!within(fieldZoneHour, 0, 15) || !within(fieldZoneMinute, 0, 59) {
		return time.Time{}, false
	}
	day, ok := dayOfFields(values, or)
	if !ok {
		return time.Time{}, false
	}
	seconds := or(fieldDaySecond, 0) + (or(fieldHour, 0)+or(fieldHour12, 0)+or(fieldHalf, 0))*3600 + or(fieldMinute, 0)*60 + or(fieldSecond, 0)
	return day.Add(time.Duration(seconds)*time.Second + time.Duration(or(fieldFraction, 0))), true
}

func dayOfFields(values map[dateField]int, or func(dateField, int) int) (time.Time, bool) {
	if iso, ok := values[fieldISOYear]; ok {
		fourth := time.Date(iso, 1, 4, 0, 0, 0, 0, time.UTC) // which is in the first week
		week := values[fieldISOWeek]
		day := fourth.AddDate(0, 0, (week-1)*7+values[fieldISODay]-isoDay(fourth))
		y, w := day.ISOWeek()
		return day, y == iso && w == week
	}
	year := or(fieldYear, or(fieldRound, 1970))
	if n, ok := values[fieldYearDay]; ok {
		day := time.Date(year, 1, n, 0, 0, 0, 0, time.UTC)
		return day, day.Year() == year
	}
	day := time.Date(year, time.Month(or(fieldMonth, 1)), or(fieldDay, 1), 0, 0, 0, 0, time.UTC)
	return day, int(day.Month()) == or(fieldMonth, 1)
}
