package hivetype

import "time"

// Java's old classes, java.util.Date and its kin, by which Hive before 3.1 and ORC's writer in Java tell days and clocks,
// have another calendar and other time zones than java.time, and Go.

// firstGregorian is the day since 1970 from which on all calendars are the same: the 15th of October 1582.
const firstGregorian = -141427

// ProlepticDay is the day that has the name in the Gregorian calendar that a day before the 15th of October 1582 has in the
// Julian one, which Java's old calendar uses for it. Days are counted from 1970.
func ProlepticDay(day int64) int64 {
	if day >= firstGregorian {
		return day
	}
	const epoch = -719470 // the first of March of the Julian year 0: years begin in March, so that a leap day is their last
	days := day - epoch
	cycle := days / 1461 // four years
	if days%1461 < 0 {
		cycle--
	}
	days -= cycle * 1461
	year := min(days/365, 3)
	days -= year * 365
	month := (5*days + 2) / 153
	dayOfMonth := days - (153*month+2)/5 + 1
	y := cycle*4 + year
	if month += 3; month > 12 {
		month, y = month-12, y+1
	}
	seconds := time.Date(int(y), time.Month(month), int(dayOfMonth), 0, 0, 0, 0, time.UTC).Unix()
	return (seconds - (seconds%86400+86400)%86400) / 86400
}

// JavaZone is a time zone as java.util.TimeZone has it: before 1900 with the offset of today's standard time.
type JavaZone struct {
	Standard time.Time // a time at which the zone has its standard time
	where    *time.Location
	raw      int
}

// NewJavaZone is a zone of Go's as one of Java's.
func NewJavaZone(where *time.Location) *JavaZone {
	z := &JavaZone{where: where, Standard: time.Date(2024, 1, 1, 0, 0, 0, 0, where)}
	summer := time.Date(2024, 7, 1, 0, 0, 0, 0, where)
	_, z.raw = z.Standard.Zone()
	if _, offset := summer.Zone(); offset < z.raw {
		z.raw, z.Standard = offset, summer
	}
	return z
}

// Year1900 is its beginning, in seconds since 1970.
const Year1900 = -2208988800

// Offset is that at an instant, in seconds since 1970, to the east of UTC and in seconds.
func (z *JavaZone) Offset(unix int64) int {
	if unix < Year1900 {
		return z.raw
	}
	_, offset := time.Unix(unix, 0).In(z.where).Zone()
	return offset
}
