package copier

import (
	"io/fs"
	"testing"
	"time"
)

func TestFormatTime(t *testing.T) {
	for want, when := range map[string]time.Time{
		"1504019553.123456789": time.Unix(1504019553, 123456789),
		"1504019553.5":         time.Unix(1504019553, 500000000),
		"1504019553":           time.Unix(1504019553, 0),
		"0.000000001":          time.Unix(0, 1),
		"0":                    time.Unix(0, 0),
		"-0.25":                time.Unix(0, -250000000),
		"-2":                   time.Unix(-2, 0),
		"-1.000000001":         time.Unix(-1, -1),
		"-86399.75":            time.Unix(-86400, 250000000),
	} {
		if got := formatTime(when); got != want {
			t.Errorf("%v is %s, want %s", when, got, want)
		}
		if got := parseTime(want); !got.Equal(when) {
			t.Errorf("%s is %v, want %v", want, got, when)
		}
	}
	for _, text := range []string{"2017-08-29T15:12:33.123456789Z", "1504019553.1234567899", "2017-08-29T17:12:33.123456789+02:00"} {
		if got := parseTime(text); !got.Equal(time.Unix(1504019553, 123456789)) {
			t.Errorf("%s is %v", text, got)
		}
	}
	for _, bad := range []string{"", "x", "1.x", "1.2.3", "--1", "+1", "99999999999999", "1e9", "2017-08-29 15:12:33"} {
		if got := parseTime(bad); !got.IsZero() {
			t.Errorf("%q is %v, want none", bad, got)
		}
	}
}

func TestParseMode(t *testing.T) {
	for text, want := range map[string]fs.FileMode{
		"0100644": 0o644, "100755": 0o755, "0104755": 0o755, "644": 0o644, "0600": 0o600,
		"33188": 0o644, "33204": 0o664, "33261": 0o755, // s3fs
		"": 0, "x": 0, "0040755": 0, "16877": 0, "-1": 0, "rw-r--r--": 0,
	} {
		if got := parseMode(text); got != want {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	for mode := range fs.FileMode(0o1000) {
		if got := parseMode(formatMode(mode)); got != mode {
			t.Errorf("%v comes back as %v", mode, got)
		}
	}
}

// A number of a file is not another in octal and in decimal.
func FuzzPreserve(f *testing.F) {
	f.Add(int64(1504019553), int64(123456789), "33188")
	f.Add(int64(-1), int64(1), "0100644")
	f.Fuzz(func(t *testing.T, seconds, nanos int64, text string) {
		when := time.Unix(seconds%(1<<39), nanos%1e9)
		if got := parseTime(formatTime(when)); !got.Equal(when) {
			t.Errorf("%v is %s, which is %v", when, formatTime(when), got)
		}
		if got := parseMode(text); got != got.Perm() {
			t.Errorf("%q has more than permissions: %v", text, got)
		}
		parseTime(text)
	})
}
