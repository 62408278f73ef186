package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"time"
)

// sparkVersion is that of pyspark on PyPI, which brings Spark. It needs a Java, 17 or 21.
const sparkVersion = "4.0.1"

//go:embed testdata/spark.py
var sparkProgram string

// startSpark installs Spark, once, and starts a session in a process of its own over the local
// files.
func startSpark(ctx context.Context, tmp string, d *data, threads int, progress io.Writer) (*python, error) {
	interpreter, err := installPython(ctx, "spark-"+sparkVersion, []string{"pyspark==" + sparkVersion}, progress)
	if err != nil {
		return nil, fmt.Errorf("spark cannot be had, leave it out with --racers: %w", err)
	}
	start := time.Now()
	s, err := startPython(ctx, "spark", interpreter, sparkProgram, tmp, nil, strconv.Itoa(threads), tmp)
	if err != nil {
		return nil, err
	}
	tables := map[string]string{}
	for _, t := range d.tables {
		tables[t.name] = filepath.Join(d.dir, t.name)
	}
	if _, _, err := s.ask(map[string]any{"tables": map[string]string{}, "query": "SELECT 1"}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	fmt.Fprintf(progress, "benchsql: spark, from its start to the answer to SELECT 1: %s\n", time.Since(start).Round(time.Millisecond))
	if _, _, err := s.ask(map[string]any{"tables": tables}); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}
