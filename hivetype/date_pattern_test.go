package hivetype_test

import (
	"testing"
	"time"

	"github.com/skepdata/skep/hivetype"
)

// FuzzDatePattern: no pattern and no text makes it panic, and what a pattern that says all of a time writes,
// it reads.
func FuzzDatePattern(f *testing.F) {
	for _, p := range []string{
		"yyyy-mm-dd hh24:mi:ss.ff9", "FXyyyy ddd sssss.ff", `Month"x\""DD, RRRR hh:mi:ss pm ff9`, "iyyy-iw-dyThh12 a.m.tzh:tzm", "FM", "d q ww w",
	} {
		f.Add(p, "2019-05-03 12:34:56.789", int64(1556886896123456789))
	}
	f.Fuzz(func(t *testing.T, pattern, text string, nanos int64) {
		now := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
		p, err := hivetype.ParseDatePattern(pattern, true)
		if err != nil {
			return
		}
		p.Read(text, now)
		writes, err := hivetype.ParseDatePattern(pattern, false)
		if err != nil {
			return
		}
		writes.Format(time.Unix(0, nanos).UTC())
	})
}

// TestDatePatternRoundTrip: for patterns that say all of a time, what is written is read as the same.
func TestDatePatternRoundTrip(t *testing.T) {
	now := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	for _, pattern := range []string{
		"yyyy-mm-dd hh24:mi:ss.ff9", "FXyyyyddd/sssss.ff9", "FMmonth FMdd yyyy, hh12:mi:ss AM ff", `iyyy-iw-id"T"hh:mi:ss p.m..ff9`, "yyyymmddhh24missff9", "RRRRddMonT sssss ff",
	} {
		reads, err := hivetype.ParseDatePattern(pattern, true)
		if err != nil {
			t.Fatal(pattern, err)
		}
		writes, err := hivetype.ParseDatePattern(pattern, false)
		if err != nil {
			t.Fatal(pattern, err)
		}
		for at := time.Date(1899, 12, 31, 23, 59, 59, 999999999, time.UTC); at.Year() < 2110; at = at.Add(1111*time.Hour + 1234567891*time.Nanosecond) {
			text := writes.Format(at)
			if got, ok := reads.Read(text, now); !ok || !got.Equal(at) {
				t.Fatalf("%s: %s is read as %v, %v; want %v", pattern, text, got, ok, at)
			}
		}
	}
}
