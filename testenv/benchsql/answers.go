package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// sameRows compares two answers. Numbers are the same if they differ in no more than the sixth
// digit, or in no more than a hundredth: Hive's averages and quotients of decimals are decimals of
// few places, DuckDB's are binary. Rows that the query leaves unordered may come in any order.
func sameRows(got, want [][]string) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d rows, not %d", len(got), len(want))
	}
	at := firstDifference(got, want)
	if at < 0 {
		return nil
	}
	got, want = slices.Clone(got), slices.Clone(want)
	slices.SortFunc(got, slices.Compare[[]string])
	slices.SortFunc(want, slices.Compare[[]string])
	if firstDifference(got, want) < 0 {
		return nil
	}
	return fmt.Errorf("row %d is %q, not %q", at+1, got[at], want[at])
}

func firstDifference(got, want [][]string) int {
	for i := range got {
		if len(got[i]) != len(want[i]) {
			return i
		}
		for k := range got[i] {
			if !sameValue(got[i][k], want[i][k]) {
				return i
			}
		}
	}
	return -1
}

func sameValue(a, b string) bool {
	if a == b {
		return true
	}
	x, err := strconv.ParseFloat(a, 64)
	if err != nil {
		return false
	}
	y, err := strconv.ParseFloat(b, 64)
	if err != nil {
		return false
	}
	return math.Abs(x-y) <= max(0.01, 1e-6*math.Abs(y))
}

// knownRows are the rows of the generator's answer.
func (q *query) knownRows() [][]string {
	var rows [][]string
	for _, line := range q.known[1:] {
		row := strings.Split(strings.TrimRight(line, "\r"), "|")
		for i := range row {
			switch row[i] {
			case "":
				row[i] = "NULL"
			case "(empty)":
				row[i] = ""
			}
		}
		rows = append(rows, row)
	}
	return rows
}
