package main

import "testing"

func TestParseBandwidth(t *testing.T) {
	for text, want := range map[string]int64{
		"1": 1 << 20, "20": 20 << 20, "0.5": 512 << 10, "100k": 100 << 10, "1.5M": 3 << 19, "2G": 2 << 30, "700b": 700,
		"20MB": 20 << 20, "20MiB": 20 << 20, "20kib/s": 20 << 10, "100B/s": 100, "2/s": 2 << 20,
	} {
		if got, err := parseBandwidth(text); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "M", "1MM", "NaN", "Inf", "1e300G", "ten", "0.1B", "1iB", "2IM", "3/", "B", "MB/s/s"} {
		if got, err := parseBandwidth(text); err == nil {
			t.Errorf("%s: got %d, want an error", text, got)
		}
	}
}
