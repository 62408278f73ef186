package main

import (
	"fmt"
	"regexp"
	"strings"
)

// rewrite is a difference between the generator's SQL and HiveQL.
type rewrite struct {
	why     string
	queries []int // where it is
	change  func(string) string
}

// tpcdsRewrites make HiveQL of the generator's queries of TPC-DS. All others are HiveQL as they are.
var tpcdsRewrites = []rewrite{
	{"names with spaces are in backquotes, not in double quotes", []int{16, 32, 50, 62, 92, 94, 95, 99},
		func(s string) string { return regexp.MustCompile(`"([^"\n]*)"`).ReplaceAllString(s, "`$1`") }},
	{"days are added to a date by a function", []int{72},
		func(s string) string { return strings.ReplaceAll(s, "d1.d_date + 5", "date_add(d1.d_date, 5)") }},
}

// tpcdsText is a query as HiveQL. A rewrite that finds nothing to change is an error: the generator
// has another text then.
func tpcdsText(n int, theirs string) (string, error) {
	text := strings.TrimRight(strings.TrimSpace(theirs), "; \n")
	for _, r := range tpcdsRewrites {
		for _, at := range r.queries {
			if at != n {
				continue
			}
			changed := r.change(text)
			if changed == text {
				return "", fmt.Errorf("query %d of TPC-DS is not as expected: in HiveQL %s", n, r.why)
			}
			text = changed
		}
	}
	return text, nil
}
