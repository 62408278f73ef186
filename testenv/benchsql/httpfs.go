package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/skepdata/skep/testenv"
)

// httpfsVersion is of DuckDB and of its extension on PyPI.
const httpfsVersion = "1.5.5"

//go:embed testdata/httpfs.py
var httpfsProgram string

// httpfs is DuckDB with its own S3 extension, in a process of its own. It runs one query after
// another, each in a database opened anew.
type httpfs struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

// startHTTPFS installs DuckDB into the cache directory, once, and starts it over the files below
// a URL.
func startHTTPFS(ctx context.Context, tmp, far string, s3 *testenv.S3, threads int, progress io.Writer) (*httpfs, error) {
	python, err := installHTTPFS(ctx, progress)
	if err != nil {
		return nil, fmt.Errorf("DuckDB with httpfs cannot be had, leave it out with --racers: %w", err)
	}
	program := filepath.Join(tmp, "httpfs.py")
	if err := os.WriteFile(program, []byte(httpfsProgram), 0o600); err != nil {
		return nil, err
	}
	h := &httpfs{cmd: exec.CommandContext(ctx, python, program, filepath.Join(tmp, "views.duckdb"), strconv.Itoa(threads))}
	h.cmd.Env = append(s3.Env(), "PATH="+os.Getenv("PATH"), "HOME="+tmp)
	h.cmd.Stderr = os.Stderr
	if h.in, err = h.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	h.out = bufio.NewScanner(out)
	if err := h.cmd.Start(); err != nil {
		return nil, err
	}
	views := map[string]string{}
	for _, t := range tables {
		views[t.name] = t.read(far)
	}
	if _, err := h.ask(map[string]any{"views": views}); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

// installHTTPFS makes an environment with DuckDB and the extension, whole or not at all.
func installHTTPFS(ctx context.Context, progress io.Writer) (python string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	env := filepath.Join(cache, "skep", "benchsql", "duckdb-"+httpfsVersion)
	python = filepath.Join(env, "bin", "python")
	done := filepath.Join(env, "done")
	if _, err := os.Stat(done); err == nil {
		return python, nil
	}
	fmt.Fprintf(progress, "benchsql: installing DuckDB %s and httpfs into %s, once\n", httpfsVersion, env)
	if out, err := exec.CommandContext(ctx, "python3", "-m", "venv", "--clear", env).CombinedOutput(); err != nil {
		return "", fmt.Errorf("python3 -m venv: %w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, python, "-m", "pip", "install", "--quiet", "duckdb=="+httpfsVersion,
		"duckdb-extension-httpfs=="+httpfsVersion).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pip install: %w: %s", err, out)
	}
	return python, os.WriteFile(done, nil, 0o600)
}

// run runs a query and reads its rows.
func (h *httpfs) run(sql string) (time.Duration, error) {
	return h.ask(map[string]any{"query": sql})
}

func (h *httpfs) ask(what map[string]any) (time.Duration, error) {
	if err := json.NewEncoder(h.in).Encode(what); err != nil {
		return 0, fmt.Errorf("httpfs: %w", err)
	}
	if !h.out.Scan() {
		return 0, fmt.Errorf("httpfs has ended: %w", errors.Join(h.out.Err(), io.ErrUnexpectedEOF))
	}
	var answer struct {
		Seconds float64
		Error   string
	}
	if err := json.Unmarshal(h.out.Bytes(), &answer); err != nil {
		return 0, fmt.Errorf("httpfs: %w", err)
	}
	if answer.Error != "" {
		return 0, fmt.Errorf("httpfs: %s", answer.Error)
	}
	return time.Duration(answer.Seconds * float64(time.Second)), nil
}

func (h *httpfs) close() error {
	return errors.Join(h.in.Close(), h.cmd.Wait())
}
