package main

import (
	"bytes"
	"fmt"
	"time"
)

// writeMetrics writes what a copy has done in the text format of Prometheus, for the textfile
// collector of its node exporter.
func writeMetrics(path string, end outcome) error {
	var b bytes.Buffer
	s := end.sum
	ok := 0.0
	if end.err == nil {
		ok = 1
	}
	for _, m := range []struct {
		name, help string
		value      float64
	}{
		{"success", "Whether the last run did everything.", ok},
		{"end_timestamp_seconds", "When the last run ended.", float64(time.Now().Unix())},
		{"duration_seconds", "How long the last run took.", s.Elapsed.Seconds()},
		{"objects", "Objects copied by the last run.", float64(s.Objects)},
		{"outputs", "Objects made by the last run.", float64(s.Outputs)},
		{"bytes", "Bytes of the objects copied by the last run.", float64(s.Bytes)},
		{"skipped_objects", "Objects that needed no copying in the last run.", float64(s.Skipped)},
		{"failed_outputs", "Objects that the last run could not make.", float64(s.Failed)},
		{"deleted_objects", "Objects deleted by the last run.", float64(s.Deleted)},
		{"delete_failures", "Objects that the last run could not delete.", float64(s.DeleteFailures)},
		{"retries", "Operations that the last run tried again.", float64(s.Retries)},
	} {
		fmt.Fprintf(&b, "# HELP distcp_%s %s\n# TYPE distcp_%s gauge\ndistcp_%s %s\n", m.name, m.help, m.name, m.name, number(m.value))
	}
	if err := replaceFile(path, b.Bytes()); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}

// number prints whole numbers without an exponent.
func number(f float64) string {
	if f == float64(int64(f)) {
		return fmt.Sprint(int64(f))
	}
	return fmt.Sprint(f)
}
