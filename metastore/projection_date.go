package metastore

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// dateProjection yields times from one to another in steps of an interval.
func dateProjection(get func(string) string, now time.Time) (projection, error) {
	layout, unit, err := javaLayout(get("format"))
	if err != nil {
		return nil, err
	}
	low, high, ok := strings.Cut(get("range"), ",")
	from, err := dateBound(low, layout, now)
	to, err2 := dateBound(high, layout, now)
	if err = errors.Join(err, err2); !ok || err != nil {
		return nil, fmt.Errorf("range is %q, want two dates in the format %s, or NOW, NOW-1YEAR and the like: %w", get("range"), get("format"), err)
	}
	step, err := positive(get, "interval", 1)
	if err != nil {
		return nil, err
	}
	if text := get("interval.unit"); text != "" {
		unit = strings.TrimSuffix(strings.ToUpper(text), "S")
	}
	if _, err := addUnits(from, 1, unit); err != nil {
		return nil, fmt.Errorf("interval.unit: %w", err)
	}
	if unit == "SECOND" && get("interval.unit") == "" {
		return nil, errors.New("interval.unit is needed for a format with hours")
	}
	return func(yield func(string) bool) {
		last := ""
		for n := range maxProjected {
			t, _ := addUnits(from, n*step, unit)
			if t.After(to) {
				return
			}
			if text := t.Format(layout); text != last {
				if last = text; !yield(text) {
					return
				}
			}
		}
	}, nil
}

var relativeTime = regexp.MustCompile(`^NOW(?:([+-])(\d+)(YEAR|MONTH|WEEK|DAY|HOUR|MINUTE|SECOND)S?)?$`)

// dateBound reads one end of a range.
func dateBound(text, layout string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	m := relativeTime.FindStringSubmatch(strings.ToUpper(strings.ReplaceAll(text, " ", "")))
	if m == nil {
		return time.Parse(layout, text)
	}
	// What the format does not show does not count.
	now, err := time.Parse(layout, now.Format(layout))
	if err != nil || m[2] == "" {
		return now, err
	}
	n, err := strconv.Atoi(m[1] + m[2])
	if err != nil {
		return now, err
	}
	return addUnits(now, n, m[3])
}

func addUnits(t time.Time, n int, unit string) (time.Time, error) {
	switch unit {
	case "YEAR":
		return t.AddDate(n, 0, 0), nil
	case "MONTH":
		return t.AddDate(0, n, 0), nil
	case "WEEK":
		return t.AddDate(0, 0, 7*n), nil
	case "DAY":
		return t.AddDate(0, 0, n), nil
	case "HOUR":
		return t.Add(time.Duration(n) * time.Hour), nil
	case "MINUTE":
		return t.Add(time.Duration(n) * time.Minute), nil
	case "SECOND":
		return t.Add(time.Duration(n) * time.Second), nil
	}
	return t, fmt.Errorf("%q is none of YEARS, MONTHS, WEEKS, DAYS, HOURS, MINUTES and SECONDS", unit)
}

// javaLayout is the layout of Go for a pattern of Java of digits only, and the unit of its steps
// where none is given: days or months; SECOND stands for none.
func javaLayout(pattern string) (layout, unit string, err error) {
	if pattern == "" {
		return "", "", errors.New("the type date needs a format, as yyyy-MM-dd")
	}
	words := map[string]string{"yyyy": "2006", "MM": "01", "dd": "02", "HH": "15", "mm": "04", "ss": "05"}
	unit = "MONTH"
	var b strings.Builder
	for i := 0; i < len(pattern); {
		c := pattern[i]
		end := i + 1
		switch {
		case c == '\'':
			length := strings.IndexByte(pattern[i+1:], '\'')
			if length < 0 {
				return "", "", fmt.Errorf("format is %q: a quote is not closed", pattern)
			}
			end = i + length + 2
			b.WriteString(pattern[i+1 : end-1])
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			for end < len(pattern) && pattern[end] == c {
				end++
			}
			word, ok := words[pattern[i:end]]
			if !ok {
				return "", "", fmt.Errorf("format is %q: %s is not supported yet; yyyy, MM, dd, HH, mm and ss are", pattern, pattern[i:end])
			}
			if c == 'd' && unit == "MONTH" {
				unit = "DAY"
			} else if strings.ContainsRune("Hms", rune(c)) {
				unit = "SECOND"
			}
			b.WriteString(word)
		default:
			b.WriteByte(c)
		}
		i = end
	}
	return b.String(), unit, nil
}
