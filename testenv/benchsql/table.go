package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"
)

// line is what one query took.
type line struct {
	query         string
	runs          map[string][]time.Duration // by racer
	read, fetched int64                      // bytes of the files that a cold run opened, and those it fetched
}

// ratio is one racer's time by another's.
type ratio struct{ of, by string }

// ratios are those that the table shows.
var ratios = []ratio{{"local", "plain"}, {"warm", "plain"}, {"cold", "plain"}, {"httpfs", "cold"}, {"spark", "local"}}

func (l line) best(racer string) float64 {
	return float64(slices.Min(l.runs[racer])) / float64(time.Millisecond)
}

func (l line) ratio(r ratio) float64 { return l.best(r.of) / l.best(r.by) }

// printTable prints a line for each query, and the geometric means of the ratios.
func printTable(out io.Writer, racers []string, lines []line) {
	shown := slices.DeleteFunc(slices.Clone(ratios), func(r ratio) bool {
		return !slices.Contains(racers, r.of) || !slices.Contains(racers, r.by)
	})
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "query\t")
	for _, r := range racerNames {
		if slices.Contains(racers, r) {
			fmt.Fprintf(t, "%s\t", r)
		}
	}
	for _, r := range shown {
		fmt.Fprintf(t, "%s/%s\t", r.of, r.by)
	}
	fmt.Fprintln(t, "fetched of MiB\t")
	products := make([]float64, len(shown))
	for _, l := range lines {
		fmt.Fprintf(t, "%s\t", l.query)
		for _, r := range racerNames {
			if slices.Contains(racers, r) {
				fmt.Fprintf(t, "%.1f\t", l.best(r))
			}
		}
		for i, r := range shown {
			fmt.Fprintf(t, "%.2f\t", l.ratio(r))
			products[i] += math.Log(l.ratio(r))
		}
		if l.read > 0 {
			fmt.Fprintf(t, "%.1f of %.1f", mib(l.fetched), mib(l.read))
		}
		fmt.Fprintln(t, "\t")
	}
	_ = t.Flush() // the terminal's own matter
	for i, r := range shown {
		if len(lines) > 0 {
			fmt.Fprintf(out, "%s/%s: %.2f (geometric mean)\n", r.of, r.by, math.Exp(products[i]/float64(len(lines))))
		}
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
