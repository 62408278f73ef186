package hivetype_test

import (
	"testing"
	"time"

	"github.com/skepdata/skep/hivetype"
)

func TestProlepticDay(t *testing.T) {
	day := func(y, m, d int) int64 {
		s := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Unix()
		return (s - (s%86400+86400)%86400) / 86400
	}
	for _, c := range [][6]int{ // a day by the Gregorian calendar, and its name in the Julian one
		{1582, 10, 15, 1582, 10, 15}, {1582, 10, 14, 1582, 10, 4}, {1012, 2, 27, 1012, 2, 21}, {947, 2, 16, 947, 2, 11},
		{200, 2, 10, 200, 2, 11}, {1001, 1, 5, 1000, 12, 30}, {2024, 2, 29, 2024, 2, 29},
	} {
		if got, want := hivetype.ProlepticDay(day(c[0], c[1], c[2])), day(c[3], c[4], c[5]); got != want {
			t.Errorf("%v: %d, not %d", c, got, want)
		}
	}
}

func TestJavaZone(t *testing.T) {
	for name, want := range map[string][2]int{"Europe/Berlin": {3600, 7200}, "America/Los_Angeles": {-28800, -25200}, "Australia/Sydney": {36000, 36000}} {
		where, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		z := hivetype.NewJavaZone(where)
		summer := time.Date(2020, 7, 1, 0, 0, 0, 0, time.UTC).Unix()
		if old, now := z.Offset(hivetype.Year1900-1), z.Offset(summer); old != want[0] || now != want[1] {
			t.Errorf("%s: %d, %d", name, old, now)
		}
	}
}
