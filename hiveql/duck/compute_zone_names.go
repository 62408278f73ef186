package duck

import (
	"regexp"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// parseSeconds reads text by a pattern of DateTimeFormatter. Where that may have the name of a time zone
// in it, the text is read as if it said GMT, and moved then, as the zone has rules and not an offset.
func parseSeconds(l *lowerer, x *analysis.Call, args []string) string {
	if p, ok := constantText(x, 1); ok && !strings.ContainsAny(p, "zV") {
		return l.fill("skep_parse($1, $2)", x, args)
	}
	from, integer := hivetype.Of(hivetype.String), hivetype.Of(hivetype.BigInt)
	plain := &computed{name: "text in GMT", args: []hivetype.Type{from}, result: from, start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			text := args[0].(string)
			if start, end, _ := zoneIn(text); end > 0 {
				text = text[:start] + "GMT" + text[end:]
			}
			return text, nil
		}
	}}
	moved := &computed{name: "seconds in its zone", args: []hivetype.Type{integer, from}, result: integer, start: func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			seconds := args[0].(int64)
			if _, end, zone := zoneIn(args[1].(string)); end > 0 {
				c := time.Unix(seconds, 0).UTC()
				seconds = time.Date(c.Year(), c.Month(), c.Day(), c.Hour(), c.Minute(), c.Second(), 0, zone).Unix()
			}
			return seconds, nil
		}
	}}
	read := l.fill("skep_parse($1, $2)", x, []string{l.compute(plain, args[:1]), args[1]})
	return l.compute(moved, []string{read, args[0]})
}

// zoneIn finds the last word that names a time zone; end is 0 where none does.
func zoneIn(text string) (start, end int, zone *time.Location) {
	for _, at := range zoneWord.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		id, short := zonesByName[word]
		if !short {
			if id = word; !strings.Contains(word, "/") {
				continue
			}
		}
		if found, err := time.LoadLocation(id); err == nil {
			start, end, zone = at[0], at[1], found
		}
	}
	return start, end, zone
}

var zoneWord = regexp.MustCompile(`[A-Za-z]{2,}(?:[/_+-][A-Za-z0-9_+-]+)*`)

// zonesByName are the zones that short names mean in Java, for those that are in use.
var zonesByName = map[string]string{
	"PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "MST": "America/Denver", "MDT": "America/Denver",
	"CST": "America/Chicago", "CDT": "America/Chicago", "EST": "America/New_York", "EDT": "America/New_York",
	"AKST": "America/Anchorage", "AKDT": "America/Anchorage", "HST": "Pacific/Honolulu", "AST": "America/Halifax",
	"BRT": "America/Sao_Paulo", "ART": "America/Argentina/Buenos_Aires",
	"WET": "Europe/Lisbon", "WEST": "Europe/Lisbon", "BST": "Europe/London", "CET": "Europe/Paris", "CEST": "Europe/Paris",
	"EET": "Europe/Bucharest", "EEST": "Europe/Bucharest", "MSK": "Europe/Moscow", "SAST": "Africa/Johannesburg",
	"IST": "Asia/Kolkata", "ICT": "Asia/Bangkok", "SGT": "Asia/Singapore", "HKT": "Asia/Hong_Kong", "JST": "Asia/Tokyo",
	"KST": "Asia/Seoul", "AWST": "Australia/Perth", "ACST": "Australia/Adelaide", "AEST": "Australia/Sydney",
	"AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}
