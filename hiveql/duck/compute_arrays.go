package duck

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// sortArrayBy sorts structs by the fields that constants name.
func sortArrayBy(l *lowerer, x *analysis.Call, args []string) string {
	elem := *x.Args[0].Type().Elem
	descending := false
	var by []int
	words := []string{"sort_array_by"}
	for i := range x.Args[1:] {
		word, _ := constantText(x, i+1)
		words = append(words, word)
		if i > 0 && i == len(x.Args)-2 && (strings.EqualFold(word, "desc") || strings.EqualFold(word, "asc")) {
			descending = strings.EqualFold(word, "desc")
			continue
		}
		for k, f := range elem.Fields {
			if strings.EqualFold(f.Name, word) {
				by = append(by, k)
			}
		}
	}
	compare := func(a, b any) int {
		for _, k := range by {
			x, y := fieldOf(a, k), fieldOf(b, k)
			if c := compareNullsFirst(x, y, elem.Fields[k].Type); c != 0 {
				if descending {
					return -c
				}
				return c
			}
		}
		return 0
	}
	f := &computed{name: strings.Join(words, " "), args: []hivetype.Type{x.Args[0].Type()}, result: x.T, start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			list := slices.Clone(args[0].([]any))
			slices.SortStableFunc(list, compare)
			return list, nil
		}
	}}
	return l.compute(f, args[:1])
}

func fieldOf(v any, k int) any {
	if fields, ok := v.([]any); ok {
		return fields[k]
	}
	return nil
}

func compareNullsFirst(a, b any, t hivetype.Type) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return hivetype.Compare(a, b, t)
}

// castInGo converts intervals to text, and back.
func (l *lowerer) castInGo(x string, from, to hivetype.Type) string {
	f := &computed{name: "cast", args: []hivetype.Type{from}, result: to, start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			s := string(hivetype.AppendText(nil, args[0], from))
			if to.Text() {
				return s, nil
			}
			return parseInterval(s, to), nil
		}
	}}
	return l.compute(f, []string{x})
}

var (
	monthsText = regexp.MustCompile(`^\s*([+-]?)(\d+)-(\d+)\s*$`)
	clockText  = regexp.MustCompile(`^\s*([+-]?)(\d+)\s+(\d+):(\d+):(\d+)(?:\.(\d{1,9}))?\s*$`)
)

// parseInterval reads years-months, or days hours:minutes:seconds.fraction; NULL for other texts.
func parseInterval(s string, t hivetype.Type) hivetype.Value {
	pattern, limits := monthsText, []int64{1 << 31, 11}
	if t.Kind == hivetype.IntervalDayTime {
		pattern, limits = clockText, []int64{100000, 23, 59, 59}
	}
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return nil
	}
	total := int64(0)
	for i, limit := range limits {
		n, err := strconv.ParseInt(m[i+2], 10, 64)
		if err != nil || n > limit {
			return nil
		}
		total = total*(limits[i]+1) + n
		if i == 0 {
			total = n
		}
	}
	if t.Kind == hivetype.IntervalDayTime {
		nanos, _ := strconv.ParseInt((m[6] + "000000000")[:9], 10, 64)
		length := hivetype.IntervalOf(total, nanos)
		if m[1] == "-" {
			length = length.Neg()
		}
		return length
	}
	if m[1] == "-" {
		total = -total
	}
	return total
}

// julian is the date with the same name in the calendar that was in use before October 15, 1582.
func julian(args []hivetype.Value) (hivetype.Value, error) {
	t := args[0].(time.Time)
	start := time.Date(1582, 10, 15, 0, 0, 0, 0, time.UTC)
	if !t.Before(start) {
		return t, nil
	}
	// The Julian day number counts days in both calendars.
	days := floorDiv(t.Unix(), 86400)
	j := days + 2440588
	c := j + 32082
	d := (4*c + 3) / 1461
	e := c - 1461*d/4
	m := (5*e + 2) / 153
	day, month, year := e-(153*m+2)/5+1, m+3-12*(m/10), d-4800+m/10
	clock := t.Sub(time.Unix(days*86400, 0))
	return time.Date(int(year), time.Month(month), int(day), 0, 0, 0, 0, time.UTC).Add(clock), nil
}
