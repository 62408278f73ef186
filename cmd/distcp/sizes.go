package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseBandwidth reads what people write for bytes a second: a number with K, M or G (of 1024),
// and MiB where there is no unit, as Hadoop DistCp has it.
func parseBandwidth(text string) (int64, error) {
	number, unit := strings.TrimSpace(text), int64(1<<20)
	if n := len(number); n > 0 {
		switch strings.ToUpper(number[n-1:]) {
		case "B":
			number, unit = number[:n-1], 1
		case "K":
			number, unit = number[:n-1], 1<<10
		case "M":
			number = number[:n-1]
		case "G":
			number, unit = number[:n-1], 1<<30
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	rate := f * float64(unit)
	if err != nil || !(rate >= 1 && rate < 1<<50) { // NaN compares with nothing
		return 0, fmt.Errorf("%q is not a rate: want a number of bytes a second with K, M or G, as 20M, or of MiB", text)
	}
	return int64(rate), nil
}
