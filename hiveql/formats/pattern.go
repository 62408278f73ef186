package formats

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/hivetype"
)

// clocks says how text becomes a time or a boolean, beyond the usual forms.
type clocks struct {
	short    bool           // booleans may be written t, f, 1 and 0
	zone     *time.Location // of times that name none, where the type is an instant; nil is UTC
	patterns []pattern      // tried first, in order
	cut      *atomic.Int64  // see Spec.Cut
}

// note counts a timestamp that lost digits.
func (c *clocks) note(cut bool) {
	if cut && c.cut != nil {
		c.cut.Add(1)
	}
}

// pattern is a pattern of Java's DateTimeFormatter: runs of one letter, and text that stands for
// itself, which has the letter 0. The pattern millis, which is Hive's, is a number of milliseconds
// since 1970.
type pattern []patternPart

type patternPart struct {
	letter byte
	count  int
	text   string
}

const millisPattern = "millis"

// parsePatterns reads the patterns of timestamp.formats, between commas.
func parsePatterns(list string) ([]pattern, error) {
	var patterns []pattern
	for _, s := range strings.Split(list, ",") {
		if s == "" {
			continue
		}
		p, err := parsePattern(s)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, p)
	}
	return patterns, nil
}

func parsePattern(s string) (pattern, error) {
	if s == millisPattern {
		return pattern{{letter: 'n', text: millisPattern}}, nil
	}
	var p pattern
	for i := 0; i < len(s); {
		c, n := s[i], 1
		switch {
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, fmt.Errorf("timestamp.formats: the pattern %q has a quote that does not end", s)
			}
			text := s[i+1 : i+1+end]
			if end == 0 {
				text = "'"
			}
			p = append(p, patternPart{text: text})
			i += end + 2
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			for i+n < len(s) && s[i+n] == c {
				n++
			}
			if strings.IndexByte("yuMLdHkKhmsSnaEVzOXxZ", c) < 0 {
				return nil, fmt.Errorf("timestamp.formats: the letter %c of the pattern %q is %w yet", c, s, ErrUnsupported)
			}
			p = append(p, patternPart{letter: c, count: n})
			i += n
		default:
			p = append(p, patternPart{text: s[i : i+1]})
			i++
		}
	}
	return p, nil
}

// moment is what a pattern has read so far.
type moment struct {
	year, month, day, hour, minute, second, nanos int
	half                                          bool // the hour is one of twelve
	afternoon                                     bool
	zone                                          *time.Location
}

// read is the time that text stands for. Without a zone it is one of the zone given.
func (p pattern) read(text string, zone *time.Location) (time.Time, bool) {
	if len(p) == 1 && p[0].text == millisPattern {
		ms, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		return time.UnixMilli(ms).UTC(), err == nil
	}
	m := moment{year: 1970, month: 1, day: 1, zone: zone}
	for _, part := range p {
		var ok bool
		if text, ok = m.take(part, text); !ok {
			return time.Time{}, false
		}
	}
	if m.half {
		m.hour %= 12
		if m.afternoon {
			m.hour += 12
		}
	}
	at := time.Date(m.year, time.Month(m.month), m.day, m.hour, m.minute, m.second, m.nanos, m.zone)
	valid := at.Day() == m.day && int(at.Month()) == m.month && m.hour < 24 && m.minute < 60 && m.second < 60
	return at, text == "" && valid
}

// take reads one part from the front of text.
func (m *moment) take(p patternPart, text string) (rest string, ok bool) {
	switch p.letter {
	case 0:
		return strings.CutPrefix(text, p.text)
	case 'a':
		if len(text) < 2 || text[1]|0x20 != 'm' {
			return text, false
		}
		m.afternoon = text[0]|0x20 == 'p'
		return text[2:], m.afternoon || text[0]|0x20 == 'a'
	case 'E':
		n := len(text) - len(strings.TrimLeft(text, letters))
		return text[n:], n >= 3
	case 'V', 'z', 'O', 'X', 'x', 'Z':
		return m.takeZone(text)
	case 'M', 'L':
		if p.count > 2 {
			return m.takeMonth(p, text)
		}
	case 'S':
		n, rest, ok := digits(text, p.count, p.count)
		for i := p.count; i < 9; i++ {
			n *= 10
		}
		m.nanos = n
		return rest, ok && p.count <= 9
	}
	least, most := p.count, p.count
	switch {
	case p.letter == 'n':
		least, most = 1, 9
	case p.count == 1 || (p.letter == 'y' || p.letter == 'u') && p.count > 2:
		most = 9
	}
	n, rest, ok := digits(text, least, most)
	m.set(p, n)
	return rest, ok
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func (m *moment) set(p patternPart, n int) {
	switch p.letter {
	case 'y', 'u':
		if m.year = n; p.count == 2 {
			m.year += 2000
		}
	case 'M', 'L':
		m.month = n
	case 'd':
		m.day = n
	case 'H':
		m.hour = n
	case 'k':
		m.hour = n % 24
	case 'h', 'K':
		m.hour, m.half = n, true
	case 'm':
		m.minute = n
	case 's':
		m.second = n
	case 'n':
		m.nanos = n
	}
}

// digits reads a number of so many digits.
func digits(text string, least, most int) (n int, rest string, ok bool) {
	i := 0
	for i < len(text) && i < most && text[i] >= '0' && text[i] <= '9' {
		n = n*10 + int(text[i]-'0')
		i++
	}
	return n, text[i:], i >= least
}

func (m *moment) takeMonth(p patternPart, text string) (rest string, ok bool) {
	for month := time.January; month <= time.December; month++ {
		name := month.String()
		if p.count == 3 {
			name = name[:3]
		}
		if len(text) >= len(name) && strings.EqualFold(text[:len(name)], name) {
			m.month = int(month)
			return text[len(name):], true
		}
	}
	return text, false
}

// takeZone reads a zone as hivetype.ParseValue does behind a clock.
func (m *moment) takeZone(text string) (rest string, ok bool) {
	n := len(text) - len(strings.TrimLeft(text, letters+"0123456789/_+-:"))
	v, ok := hivetype.ParseValue("1970-01-01 00:00:00 "+text[:n], hivetype.Of(hivetype.TimestampLocalTZ))
	if !ok || n == 0 {
		return text, false
	}
	m.zone = v.(time.Time).Location()
	return text[n:], true
}

// of reads the text of a timestamp, or of an instant.
func (c *clocks) of(text string, t hivetype.Type) (time.Time, bool) {
	zone := time.UTC
	if c.zone != nil && t.Kind == hivetype.TimestampLocalTZ {
		zone = c.zone
	}
	for _, p := range c.patterns {
		at, ok := p.read(text, zone)
		if !ok {
			continue
		}
		if t.Kind == hivetype.Timestamp { // a clock, whatever zone stands behind it
			y, mon, d := at.Date()
			h, m, s := at.Clock()
			at = time.Date(y, mon, d, h, m, s, at.Nanosecond(), time.UTC)
		}
		return at, true
	}
	if t.Kind == hivetype.TimestampLocalTZ {
		return hivetype.ParseInstant(text, zone)
	}
	return hivetype.ParseClock(text)
}
