package main

import (
	"bytes"
	"fmt"
	"time"

	copier "github.com/skepdata/skep/copy"
)

// metric is one number, as Prometheus reads it.
type metric struct {
	name, help string // the name without the program's
	value      float64
}

// writeMetrics writes what a copy has done in the text format of Prometheus, for the textfile
// collector of its node exporter.
func writeMetrics(path string, end outcome) error {
	all := append([]metric{
		{"success", "Whether the last run did everything.", truth(end.err == nil)},
		{"end_timestamp_seconds", "When the last run ended.", float64(time.Now().Unix())},
	}, countMetrics(end.sum)...)
	if err := replaceFile(path, renderMetrics(all)); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// countMetrics are the numbers of a copy, whether it has ended or not.
func countMetrics(s copier.Summary) []metric {
	return []metric{
		{"duration_seconds", "How long the last run took.", s.Elapsed.Seconds()},
		{"objects", "Objects copied by the last run.", float64(s.Objects)},
		{"outputs", "Objects made by the last run.", float64(s.Outputs)},
		{"bytes", "Bytes of the objects copied by the last run.", float64(s.Bytes)},
		{"skipped_objects", "Objects that needed no copying in the last run.", float64(s.Skipped)},
		{"failed_outputs", "Objects that the last run could not make.", float64(s.Failed)},
		{"deleted_objects", "Objects deleted by the last run.", float64(s.Deleted)},
		{"delete_failures", "Objects that the last run could not delete.", float64(s.DeleteFailures)},
		{"retries", "Operations that the last run tried again.", float64(s.Retries)},
	}
}

// liveMetrics are those of a copy that goes on.
func liveMetrics(s state) []metric {
	return append([]metric{
		{"running", "Whether a run is going on.", 1},
		{"listing_complete", "Whether all that is to be copied is known.", truth(s.listed)},
		{"planned_objects", "Objects to copy that are known so far.", float64(s.planned)},
		{"planned_bytes", "Bytes of the objects to copy that are known so far.", float64(s.bytes)},
		{"transferred_bytes", "Bytes that have been copied, of objects in progress as well.", float64(s.moved)},
		{"transferred_bytes_per_second", "How many of them in a second, of late.", s.rate},
		{"slowest_transfer_seconds", "How long the object has been in progress that has been longest.", s.slowFor.Seconds()},
	}, countMetrics(s.sum)...)
}

func renderMetrics(all []metric) []byte {
	var b bytes.Buffer
	for _, m := range all {
		fmt.Fprintf(&b, "# HELP distcp_%s %s\n# TYPE distcp_%s gauge\ndistcp_%s %s\n", m.name, m.help, m.name, m.name, number(m.value))
	}
	return b.Bytes()
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// number prints whole numbers without an exponent.
func number(f float64) string {
	if f == float64(int64(f)) {
		return fmt.Sprint(int64(f))
	}
	return fmt.Sprint(f)
}
