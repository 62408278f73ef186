package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestProcessors feeds a run's use of processors, tick by tick, to the rule that chooses
// their number: "busy N" and "busy N xTICKS" lines, answered by the numbers chosen.
func TestProcessors(t *testing.T) {
	datadriven.RunTest(t, "testdata/processors", func(t *testing.T, d *datadriven.TestData) string {
		var p processors
		d.ScanArgs(t, "most", &p.most)
		d.ScanArgs(t, "now", &p.now)
		var out strings.Builder
		for line := range strings.Lines(d.Input) {
			busy, times := 0.0, 1
			if _, err := fmt.Sscanf(line, "busy %f x%d", &busy, &times); err != nil && busy == 0 {
				t.Fatalf("%q: %v", line, err)
			}
			for range times {
				p.next(busy)
			}
			fmt.Fprintf(&out, "%.2f x%d: %d\n", busy, times, p.now)
		}
		return out.String()
	})
}
