package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/testenv"
)

// TestRace runs our own program through every
// workload at a very small scale: what is measured is right, and nothing is left behind.
func TestRace(t *testing.T) {
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	args := []string{"--scale", "0.0005", "--rounds", "2", "--latency", "2ms", "--tools", "distcp", "--dir", dir}
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout.String(), stderr.String())
	}
	for _, w := range workloads {
		if !strings.Contains(stdout.String(), "\n"+w.name+"  "+w.scaled(0.0005).title()) {
			t.Errorf("no table for %s in\n%s", w.name, stdout.String())
		}
	}
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestWrongResult: a tool that says it is done and is not ends the benchmark.
func TestWrongResult(t *testing.T) {
	idle := filepath.Join(t.TempDir(), "idle")
	if err := os.WriteFile(idle, []byte("#!/bin/sh\nexit 0\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"--scale", "0.0005", "--only", "W1", "--tools", "distcp", "--distcp", idle, "--dir", t.TempDir()}
	code := run(t.Context(), args, &stdout, &stderr)
	want := "W1: the result of distcp is wrong: d000/f00000.bin is missing; there are 0 files of 10"
	if code != 1 || !strings.Contains(stderr.String(), want) {
		t.Errorf("exit code %d, want 1 and %q:\n%s", code, want, stderr.String())
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"x", `unexpected argument "x"`},
		{"--scale 0", "--scale: 0 is not above 0"},
		{"--scale 2", "--scale: 2 is not above 0"},
		{"--latency -1s", "--latency: -1s is negative"},
		{"--rounds 0", "--rounds: 0 is less than 1"},
		{"--timeout 0s", "--timeout: 0s is no time at all"},
		{"--only W1,W9", `--only: there is no workload "W9"`},
		{"--tools rsync", `--tools: there is no tool "rsync"; there are distcp,`},
	} {
		var stderr bytes.Buffer
		code := run(t.Context(), strings.Fields(c.args), &stderr, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%s: exit code %d, %q, want 2 and %q", c.args, code, stderr.String(), c.want)
		}
	}
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"--help"}, &stderr, &stderr); code != 0 || !strings.Contains(stderr.String(), "W4U  upload 4 x 1 GiB") {
		t.Errorf("--help: exit code %d\n%s", code, stderr.String())
	}
}

// TestCommandLines prints what each tool is started with.
func TestCommandLines(t *testing.T) {
	k := &kit{programs: map[string]string{"s5cmd": "/bin/s5cmd"}, names: toolNames, config: "/config"}
	s3 := testenv.S3{Endpoint: "http://host:1", AccessKey: "key", SecretKey: "secret", Region: "us-east-1"}
	datadriven.RunTest(t, "testdata/command_lines", func(t *testing.T, d *datadriven.TestData) string {
		var out strings.Builder
		for _, w := range workloads {
			if w.name != d.Cmd {
				continue
			}
			j := job{w, place{local: "/src"}, place{bucket: "b", key: "k"}}
			switch w.dir {
			case down:
				j.src, j.dest = j.dest, place{local: "/dest"}
			case across:
				j.src = place{bucket: "a", key: "k"}
			}
			for _, name := range toolNames {
				if args := k.tool(name, s3).args(j); args != nil {
					out.WriteString(name + " " + strings.Join(args, " ") + "\n")
				}
			}
		}
		return out.String()
	})
}

// TestTable prints a race that is made up.
func TestTable(t *testing.T) {
	ms := func(wall, client, server int, peak int64) usage {
		unit := time.Millisecond
		return usage{time.Duration(wall) * unit, time.Duration(client) * unit, time.Duration(server) * unit, peak << 20}
	}
	results := []result{
		{workloads[0], []line{
			{tool: ours, runs: []usage{ms(900, 400, 500, 20), ms(700, 300, 500, 25), ms(800, 310, 510, 21)}, size: 160 << 20},
			{tool: "s5cmd", runs: []usage{ms(1400, 900, 500, 30), ms(1000, 900, 600, 31), ms(3000, 900, 600, 31)}, size: 160 << 20},
			{tool: "mc", runs: []usage{ms(1200, 900, 500, 30), ms(1200, 900, 600, 31), ms(1300, 900, 600, 31)}, size: 160 << 20},
		}},
		{workloads[7], []line{
			{tool: ours, unsupported: true},
			{tool: "s5cmd", runs: []usage{ms(10, 5, 5, 30)}, size: 1 << 20},
		}},
	}
	var out strings.Builder
	for _, r := range results {
		r.print(&out)
	}
	printSummary(&out, results)
	datadriven.RunTest(t, "testdata/table", func(t *testing.T, d *datadriven.TestData) string { return out.String() })
}

func TestCompare(t *testing.T) {
	want := tree{"a": 1, "b/c": 2}
	for _, c := range []struct {
		got tree
		err string
	}{
		{tree{"a": 1, "b/c": 2}, ""},
		{tree{"a": 1}, "b/c is missing; there are 1 files of 2"},
		{tree{"a": 1, "b/c": 3}, "b/c has 3 bytes of 2"},
		{tree{"a": 1, "b/c": 2, "d": 0}, "there are 3 files instead of 2"},
	} {
		if err := want.compare(c.got); err == nil && c.err != "" || err != nil && err.Error() != c.err {
			t.Errorf("%v: %v, want %q", c.got, err, c.err)
		}
	}
}

// TestCheckContents: names and sizes that are right are not enough.
func TestCheckContents(t *testing.T) {
	w := workload{name: "T", files: 3, size: 100 << 10}
	source, result := t.TempDir(), t.TempDir()
	want, err := w.makeSource(source)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.makeSource(result); err != nil {
		t.Fatal(err)
	}
	c := checker{source: source, want: want}
	if n, err := c.check(t.Context(), w, place{local: result}); n != 300<<10 || err != nil {
		t.Errorf("an equal copy: %d bytes, %v", n, err)
	}
	path := filepath.Join(result, w.fileName(1))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = c.check(t.Context(), w, place{local: result})
	if err == nil || !strings.Contains(err.Error(), "f00001.bin differs from its source") {
		t.Errorf("one bit has changed: %v", err)
	}
}

// TestCheckGroups joins as it should be, and then in the wrong order.
func TestCheckGroups(t *testing.T) {
	w := workload{name: "T", dir: group, files: 2 * groups, size: 3000}
	source := t.TempDir()
	want, err := w.makeSource(source)
	if err != nil {
		t.Fatal(err)
	}
	c := checker{source: source, want: want}
	for _, order := range []struct {
		step int
		err  string
	}{{groups, ""}, {-groups, "is not where it should be"}} {
		result := t.TempDir()
		for g := range groups {
			var joined bytes.Buffer
			z := gzip.NewWriter(&joined)
			for i := 0; i < 2; i++ {
				n := g + i*order.step
				if order.step < 0 {
					n += groups
				}
				text, err := os.ReadFile(filepath.Join(source, w.fileName(n)))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := z.Write(text); err != nil {
					t.Fatal(err)
				}
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(result, "app-"+string(rune('0'+g))+".gz")
			if err := os.WriteFile(name, joined.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.check(t.Context(), w, place{local: result})
		if err == nil && order.err != "" || err != nil && (order.err == "" || !strings.Contains(err.Error(), order.err)) {
			t.Errorf("step %d: %v, want %q", order.step, err, order.err)
		}
	}
}

// TestMeasure sees a program's memory and its children's, its failure and its refusal.
func TestMeasure(t *testing.T) {
	sh := func(script string) (tool, []string) {
		return tool{name: ours, program: "/bin/sh", env: os.Environ()}, []string{"-c", script}
	}
	program, args := sh(`head -c 20000000 /dev/zero | { read -r x || true; sleep 0.3; }; true`)
	u, err := measure(t.Context(), program, args, os.Getpid())
	if err != nil || u.wall < 300*time.Millisecond || u.peak < 1<<20 {
		t.Errorf("%+v, %v", u, err)
	}
	program, args = sh("echo the disk is full >&2; exit 1")
	if _, err := measure(t.Context(), program, args, os.Getpid()); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("a failure: %v", err)
	}
	program, args = sh("echo the option --update is not supported yet >&2; exit 2")
	var unsupported *unsupportedError
	if _, err := measure(t.Context(), program, args, os.Getpid()); !errors.As(err, &unsupported) {
		t.Errorf("a refusal: %v", err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("no patience"))
	defer cancel()
	program, args = sh("sleep 60 & wait")
	if _, err := measure(ctx, program, args, os.Getpid()); err == nil || !strings.Contains(err.Error(), "no patience") {
		t.Errorf("a run without an end: %v", err)
	}
}

// TestPeerThatCannotBeBuilt is an error that names it.
func TestPeerThatCannotBeBuilt(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("GOPROXY", "off")
	for _, p := range peers {
		p.version = "v0.0.1"
		_, err := p.binary(t.Context(), &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), p.name+" v0.0.1 cannot be built") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
}
