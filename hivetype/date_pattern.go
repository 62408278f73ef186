package hivetype

import (
	"errors"
	"fmt"
	"strings"
)

// DatePattern is a pattern of SQL:2016 for dates and timestamps, as CAST(x AS type FORMAT 'pattern') has
// it, with the meanings that Hive gives it: YYYY-MM-DD HH24:MI:SS.FF9. Case does not matter but for how
// names and AM are written.
type DatePattern struct {
	tokens []dateToken
	exact  bool // FX
}

// dateField is what a part of a pattern stands for.
type dateField int

const (
	noField         dateField = iota
	fieldYear                 // YYYY, YYY, YY, Y
	fieldRound                // RRRR, RR
	fieldMonth                // MM, MONTH, MON
	fieldDay                  // DD
	fieldYearDay              // DDD
	fieldHour12               // HH, HH12
	fieldHour                 // HH24
	fieldMinute               // MI
	fieldSecond               // SS
	fieldDaySecond            // SSSSS
	fieldFraction             // FF, FF1 to FF9
	fieldHalf                 // AM, PM, A.M., P.M.
	fieldWeekday              // D: 1 is Sunday
	fieldQuarter              // Q
	fieldWeek                 // WW: the first begins with the year
	fieldMonthWeek            // W
	fieldISOYear              // IYYY, IYY, IY, I
	fieldISOWeek              // IW
	fieldISODay               // ID, DAY, DY: 1 is Monday
	fieldZoneHour             // TZH
	fieldZoneMinute           // TZM
)

// dateToken is one part of a pattern.
type dateToken struct {
	field  dateField
	text   string // as written; of text, what it stands for
	length int    // digits or letters
	fill   bool   // FM is in front
	name   bool   // a name, not a number
	// Where field is noField, one of:
	separator, delimiter bool
}

const maxDatePattern = 100

// datePatterns are the fields by how they are written, in lower case.
var datePatterns = map[string]dateToken{
	"yyyy": {field: fieldYear}, "yyy": {field: fieldYear}, "yy": {field: fieldYear}, "y": {field: fieldYear},
	"rrrr": {field: fieldRound}, "rr": {field: fieldRound}, "mm": {field: fieldMonth}, "dd": {field: fieldDay},
	"ddd": {field: fieldYearDay}, "hh": {field: fieldHour12}, "hh12": {field: fieldHour12, length: 2},
	"hh24": {field: fieldHour, length: 2}, "mi": {field: fieldMinute}, "ss": {field: fieldSecond},
	"sssss": {field: fieldDaySecond}, "ff": {field: fieldFraction, length: 9},
	"am": {field: fieldHalf}, "pm": {field: fieldHalf}, "a.m.": {field: fieldHalf}, "p.m.": {field: fieldHalf},
	"d": {field: fieldWeekday}, "q": {field: fieldQuarter}, "ww": {field: fieldWeek}, "w": {field: fieldMonthWeek},
	"iyyy": {field: fieldISOYear}, "iyy": {field: fieldISOYear}, "iy": {field: fieldISOYear}, "i": {field: fieldISOYear},
	"iw": {field: fieldISOWeek}, "id": {field: fieldISODay},
	"month": {field: fieldMonth, length: 9, name: true}, "mon": {field: fieldMonth, name: true},
	"day": {field: fieldISODay, length: 9, name: true}, "dy": {field: fieldISODay, length: 3, name: true},
	"tzh": {field: fieldZoneHour, length: 2}, "tzm": {field: fieldZoneMinute, length: 2},
}

const dateSeparators = "-:./;', "

// ParseDatePattern reads a pattern, for reading text or for writing it.
func ParseDatePattern(text string, reading bool) (*DatePattern, error) {
	if len(text) > maxDatePattern {
		return nil, fmt.Errorf("a pattern of more than %d characters", maxDatePattern)
	}
	p := &DatePattern{}
	fill := false
	for i := 0; i < len(text); {
		t, size, err := p.nextToken(text, i)
		if err != nil {
			return nil, err
		}
		i += size
		switch {
		case t == nil: // FX
		case t.text == "" && t.fill:
			if fill {
				return nil, errors.New("FM must stand in front of a part of a date or time, not of another FM")
			}
			fill = true
			continue
		default:
			if fill && (t.field == noField || t.field >= fieldZoneHour) {
				return nil, fmt.Errorf("FM must stand in front of a part of a date or time, not of %q", t.text)
			}
			t.fill = fill
			p.add(*t)
		}
		fill = false
	}
	if fill {
		return nil, errors.New("FM must stand in front of a part of a date or time, not at the end")
	}
	return p, p.check(reading)
}

// add puts neighbouring separators together: they are one.
func (p *DatePattern) add(t dateToken) {
	if n := len(p.tokens); t.separator && n > 0 && p.tokens[n-1].separator {
		p.tokens[n-1].text += t.text
		return
	}
	p.tokens = append(p.tokens, t)
}

// nextToken reads the longest part that stands at i. It is nil for FX, and FM has no text.
func (p *DatePattern) nextToken(text string, i int) (*dateToken, int, error) {
	for n := min(5, len(text)-i); n > 0; n-- {
		word := text[i : i+n]
		lower := strings.ToLower(word)
		if t, ok := datePatterns[lower]; ok {
			t.text = word
			if t.length == 0 {
				t.length = n
			}
			return &t, n, nil
		}
		if n == 3 && strings.HasPrefix(lower, "ff") && lower[2] >= '1' && lower[2] <= '9' {
			return &dateToken{field: fieldFraction, text: word, length: int(lower[2] - '0')}, n, nil
		}
		switch {
		case lower == "fx":
			p.exact = true
			return nil, n, nil
		case lower == "fm":
			return &dateToken{fill: true}, n, nil
		case n == 1 && strings.Contains(dateSeparators, word):
			return &dateToken{text: word, separator: true}, n, nil
		case lower == "t" || lower == "z":
			return &dateToken{text: strings.ToUpper(word), delimiter: true}, n, nil
		case word == `"`:
			return quotedToken(text, i)
		}
	}
	return nil, 0, fmt.Errorf("there is no meaning to what begins with %q", text[i:])
}

// quotedToken reads "text", in which \" is a quotation mark.
func quotedToken(text string, i int) (*dateToken, int, error) {
	var b strings.Builder
	for k := i + 1; k < len(text); k++ {
		switch {
		case text[k] == '\\' && k+1 < len(text):
			k++
			b.WriteByte(text[k])
		case text[k] == '"':
			return &dateToken{text: b.String()}, k + 1 - i, nil
		default:
			b.WriteByte(text[k])
		}
	}
	return nil, 0, fmt.Errorf("the quotation mark at %d is not closed", i)
}

// check makes sure that a pattern can be used.
func (p *DatePattern) check(reading bool) error {
	has := map[dateField]int{}
	for _, t := range p.tokens {
		has[t.field]++
	}
	if !reading {
		if has[fieldZoneHour]+has[fieldZoneMinute] > 0 {
			return errors.New("TZH and TZM are nothing that a date or timestamp has")
		}
		return nil
	}
	one := func(fields ...dateField) bool {
		n := 0
		for _, f := range fields {
			n += has[f]
		}
		return n > 0
	}
	for f, n := range has {
		if f != noField && n > 1 {
			return errors.New("it says the same thing twice")
		}
	}
	iso, plain := one(fieldISOYear, fieldISOWeek), one(fieldYear, fieldRound, fieldMonth, fieldDay, fieldYearDay)
	switch {
	case one(fieldWeekday, fieldQuarter, fieldWeek, fieldMonthWeek):
		return errors.New("it has D, Q, WW or W, which cannot be read")
	case has[fieldYear]+has[fieldRound] > 1:
		return errors.New("it has both a year and a rounded year")
	case plain && one(fieldISOYear, fieldISOWeek, fieldISODay):
		return errors.New("it has both parts of ISO weeks and others")
	case iso && !(one(fieldISOYear) && one(fieldISOWeek) && one(fieldISODay)):
		return errors.New("a week needs IYYY, IW and a day of the week")
	case !iso && !one(fieldYear, fieldRound):
		return errors.New("there is no year in it")
	case !iso && !one(fieldYearDay) && !(one(fieldMonth) && one(fieldDay)):
		return errors.New("there is no day in it: DDD, or a month and DD")
	case one(fieldYearDay) && one(fieldMonth, fieldDay):
		return errors.New("DDD goes without a month and DD")
	case one(fieldHalf) && !one(fieldHour12):
		return errors.New("AM and PM go with HH12")
	case one(fieldHour12) && one(fieldHour):
		return errors.New("it has both HH12 and HH24")
	case one(fieldDaySecond) && one(fieldHour, fieldHour12, fieldMinute, fieldSecond):
		return errors.New("SSSSS goes without hours, minutes and SS")
	case one(fieldZoneMinute) && !one(fieldZoneHour):
		return errors.New("TZM goes with TZH")
	}
	return nil
}
