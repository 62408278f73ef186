package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseBandwidth reads what people write for bytes a second: a number with K, M or G (of 1024), as 20M,
// 20MB, 20MiB or 20MiB/s, and MiB where there is no unit, as Hadoop DistCp has it.
func parseBandwidth(text string) (int64, error) {
	number, inBytes := strings.ToUpper(strings.TrimSpace(text)), false
	number, _ = strings.CutSuffix(number, "/S")
	if number, inBytes = strings.CutSuffix(number, "B"); inBytes {
		for _, unit := range []string{"K", "M", "G"} {
			number = strings.Replace(number, unit+"I", unit, 1)
		}
	}
	unit := int64(1 << 20)
	if inBytes {
		unit = 1
	}
	if n := len(number); n > 0 {
		if i := strings.IndexByte("KMG", number[n-1]); i >= 0 {
			number, unit = number[:n-1], 1<<(10*(i+1))
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	rate := f * float64(unit)
	if err != nil || !(rate >= 1 && rate < 1<<50) { // NaN compares with nothing
		return 0, fmt.Errorf("%q is not a rate: want a number of bytes a second with K, M or G, as 20M, or of MiB", text)
	}
	return int64(rate), nil
}
