package duck

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// moved is the rule of from_utc_timestamp, or of to_utc_timestamp. Zones are those of Java's TimeZone.getTimeZone: names of
// the IANA, abbreviations, GMT and an offset; all others are GMT, and no error.
func moved(from bool) rule {
	named, shifted := "skep_to_utc($2, $1)", "($1 - INTERVAL '%d minutes')"
	if from {
		named, shifted = "timezone($2, timezone('UTC', $1))", "($1 + INTERVAL '%d minutes')"
	}
	return func(l *lowerer, x *analysis.Call, args []string) string {
		zone, ok := constantText(x, 1)
		if !ok {
			byRow := &computed{name: "zone", args: []hivetype.Type{hivetype.Of(hivetype.String)}, result: hivetype.Of(hivetype.String),
				start: func() compute {
					return func(args []hivetype.Value) (hivetype.Value, error) { return zoneByName(args[0].(string)) }
				}}
			return l.fill(named, x, []string{args[0], l.compute(byRow, args[1:2])})
		}
		if minutes, ok := zoneOffset(zone); ok {
			return l.fill(fmt.Sprintf(shifted, minutes), x, args)
		}
		return l.fill(named, x, []string{args[0], quote(zoneID(zone))})
	}
}

var gmtOffset = regexp.MustCompile(`^GMT([+-])(\d{1,2})(?::?(\d{2}))?$`)

// zoneOffset is how many minutes a zone such as GMT+8 or GMT-03:30 is east of Greenwich.
func zoneOffset(zone string) (minutes int, ok bool) {
	m := gmtOffset.FindStringSubmatch(zone)
	if m == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(m[2])
	if m[3] != "" {
		minutes, _ = strconv.Atoi(m[3])
	}
	if hours > 23 || minutes > 59 {
		return 0, false
	}
	minutes += 60 * hours
	if m[1] == "-" {
		minutes = -minutes
	}
	return minutes, true
}

// abbreviations are those that Java knows and Go does not; DuckDB knows them.
const abbreviations = " ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST " //nolint:misspell // ECT is one

// zoneID is a zone that DuckDB knows.
func zoneID(zone string) string {
	if zone != "" && zone != "Local" && !strings.Contains(zone, " ") && strings.Contains(abbreviations, " "+zone+" ") {
		return zone
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return "UTC"
	}
	return zone
}

// zoneByName is zoneID, also for offsets of whole hours, which have names from GMT-12 to GMT+14.
func zoneByName(zone string) (string, error) {
	minutes, ok := zoneOffset(zone)
	switch {
	case !ok:
		return zoneID(zone), nil
	case minutes == 0:
		return "UTC", nil
	case minutes%60 == 0 && -12*60 <= minutes && minutes <= 14*60:
		return fmt.Sprintf("Etc/GMT%+d", -minutes/60), nil // whose signs are the other way round
	}
	return "", unsupported("the time zone %s in a column; as a constant it is", zone)
}
