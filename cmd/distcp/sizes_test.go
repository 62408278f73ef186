package main

import "testing"

func TestParseBandwidth(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1 << 20, "20": 20 << 20, "0.5": 512 << 10, "100k": 100 << 10, "1.5M": 3 << 19, "2G": 2 << 30, "700b": 700,
	} {
		if got, err := parseBandwidth(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "M", "1MM", "NaN", "Inf", "1e300G", "ten", "0.1B"} {
		if got, err := parseBandwidth(text); err == nil {
			t.Errorf("%s: got %d, want an error", text, got)
		}
	}
}
