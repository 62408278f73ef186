package main

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "100": 100, "1k": 1024, "64K": 64 << 10, "1.5G": 3 << 29, "2MiB": 2 << 20, "3mb": 3 << 20, "5B": 5, "1T": 1 << 40,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "K", "-1", "1X", "NaN", "Inf", "1e30", "1 K 2"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q: got %d", text, got)
		}
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2024, 5, 10, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90m": now.Add(-90 * time.Minute), "7d": now.AddDate(0, 0, -7), "2w": now.AddDate(0, 0, -14), "1w1d1h": now.AddDate(0, 0, -8).Add(-time.Hour),
		"0.5d": now.Add(-12 * time.Hour), "1d30s": now.AddDate(0, 0, -1).Add(-30 * time.Second),
		"2024-05-01":                time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC),
		"2024-05-01 10:20:30":       time.Date(2024, 5, 1, 10, 20, 30, 0, time.UTC),
		"2024-05-01T10:20":          time.Date(2024, 5, 1, 10, 20, 0, 0, time.UTC),
		"2024-05-01T10:20:30+02:00": time.Date(2024, 5, 1, 8, 20, 30, 0, time.UTC),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "7", "-1h", "1h1d", "2024-13-01", "yesterday", "1e300d"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q: got %s", text, got)
		}
	}
}
