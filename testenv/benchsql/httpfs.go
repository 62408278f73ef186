package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"

	"github.com/skepdata/skep/testenv"
)

// httpfsVersion is of DuckDB and of its extension on PyPI.
const httpfsVersion = "1.5.5"

//go:embed testdata/httpfs.py
var httpfsProgram string

// startHTTPFS installs DuckDB with its own S3 extension, once, and starts it over the files in S3.
// It runs each query in a database opened anew.
func startHTTPFS(ctx context.Context, tmp string, d *data, s3 *testenv.S3, threads int, progress io.Writer) (*python, error) {
	interpreter, err := installPython(ctx, "duckdb-"+httpfsVersion,
		[]string{"duckdb==" + httpfsVersion, "duckdb-extension-httpfs==" + httpfsVersion}, progress)
	if err != nil {
		return nil, fmt.Errorf("DuckDB with httpfs cannot be had, leave it out with --racers: %w", err)
	}
	h, err := startPython(ctx, "httpfs", interpreter, httpfsProgram, tmp, s3.Env(),
		filepath.Join(tmp, "views.duckdb"), strconv.Itoa(threads))
	if err != nil {
		return nil, err
	}
	views := map[string]string{}
	for _, t := range d.tables {
		views[t.name] = t.read(d.far())
	}
	if _, _, err := h.ask(map[string]any{"views": views}); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}
