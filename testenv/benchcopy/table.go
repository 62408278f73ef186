package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// result is a workload's race.
type result struct {
	workload
	lines []line
}

// line is one tool's part in it.
type line struct {
	tool        string
	unsupported bool
	runs        []usage
	size        int64 // of what it has made, bytes
}

// print writes the table of a workload.
func (r result) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s  %s, %s\n", r.name, r.title(), sizeOf(r.bytes()))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "tool\twall min\tmedian\tclient CPU\tserver CPU\tpeak RSS\tresult\t")
	for _, l := range r.lines {
		if l.unsupported {
			fmt.Fprintf(t, "%s\t  not supported yet\n", l.tool)
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%.0f MiB\t%.1f MiB\t\n", l.tool, seconds(l.fastest()), seconds(l.median(wall)),
			seconds(l.median(client)), seconds(l.median(server)), mib(l.peak()), mib(l.size))
	}
	_ = t.Flush() // the terminal's own matter
	if ratio := r.ratio(); ratio != "" {
		fmt.Fprintln(out, ratio)
	}
}

// ratio compares ours with the best of the others, or is empty where there is no such thing.
func (r result) ratio() string {
	var mine *line
	var fastest, typical *line
	for i := range r.lines {
		l := &r.lines[i]
		switch {
		case len(l.runs) == 0:
		case l.tool == ours:
			mine = l
		default:
			if fastest == nil || l.fastest() < fastest.fastest() {
				fastest = l
			}
			if typical == nil || l.median(wall) < typical.median(wall) {
				typical = l
			}
		}
	}
	if mine == nil || fastest == nil {
		return ""
	}
	return fmt.Sprintf("%s / best peer: %.2f by the minimum (%s), %.2f by the median (%s)", ours,
		mine.fastest().Seconds()/fastest.fastest().Seconds(), fastest.tool,
		mine.median(wall).Seconds()/typical.median(wall).Seconds(), typical.tool)
}

// printSummary writes the ratios of all workloads.
func printSummary(out io.Writer, results []result) {
	if len(results) < 2 {
		return
	}
	fmt.Fprintln(out)
	for _, r := range results {
		ratio := r.ratio()
		if ratio == "" {
			ratio = "nothing to compare"
		}
		fmt.Fprintf(out, "%-4s %s\n", r.name, ratio)
	}
}

func wall(u usage) time.Duration   { return u.wall }
func client(u usage) time.Duration { return u.client }
func server(u usage) time.Duration { return u.server }

// fastest is the shortest wall time, of at least one run.
func (l line) fastest() time.Duration {
	return slices.MinFunc(l.runs, func(a, b usage) int { return int(a.wall - b.wall) }).wall
}

// median is the middle value, or the mean of the two in the middle.
func (l line) median(of func(usage) time.Duration) time.Duration {
	values := make([]time.Duration, len(l.runs))
	for i, u := range l.runs {
		values[i] = of(u)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

// peak is the most memory of any run.
func (l line) peak() int64 {
	var most int64
	for _, u := range l.runs {
		most = max(most, u.peak)
	}
	return most
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

func mib(n int64) float64 { return float64(n) / (1 << 20) }
