// Command demo runs the whole idea of skep on real data and checks what comes out.
//
//	go run ./testenv/demo --bin bin
//
// It starts MinIO, lays out 181 days of flights as a lake, and then takes the tour that
// tour.txt describes, with the programs a person would run: distcp copies and compacts,
// hiveql projects tables onto the files and queries them. Every command and statement is
// printed with what it prints itself; results are compared with those in tour.txt. It ends
// with the line "demo: ok", or with what went wrong and status 1.
//
// It knows nothing of skep's packages but testenv: everything goes through the programs.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/testenv"
)

//go:embed tour.txt
var tour string

//go:embed flights
var flights embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	flags := pflag.NewFlagSet("demo", pflag.ExitOnError)
	bin := flags.String("bin", "bin", "directory of the programs distcp and hiveql")
	_ = flags.Parse(os.Args[1:]) // ExitOnError: it does not return one
	start := time.Now()
	if err := run(ctx, *bin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		os.Exit(1)
	}
	fmt.Printf("\n%.1f seconds in all\ndemo: ok\n", time.Since(start).Seconds())
}

// run takes the tour with the programs in bin.
func run(ctx context.Context, bin string, out io.Writer) (err error) {
	steps, err := parseTour(tour)
	if err != nil {
		return err
	}
	bin, err = filepath.Abs(bin)
	if err != nil {
		return err
	}
	for _, program := range []string{"distcp", "hiveql"} {
		if _, err := os.Stat(filepath.Join(bin, program)); err != nil {
			return fmt.Errorf("%w; run make build first", err)
		}
	}
	dir, err := os.MkdirTemp("", "skep-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := layOutLake(filepath.Join(dir, "lake")); err != nil {
		return err
	}

	server, err := testenv.StartMinIO(ctx, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := server.MakeBucket(ctx, "lake"); err != nil {
		return err
	}

	env := append(os.Environ(), server.Env()...)
	env = append(env,
		"PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"LAKE="+filepath.Join(dir, "lake"),
		"SKEP_BLOCK_ROOT="+filepath.Join(dir, "blocks"),
		"XDG_DATA_HOME="+filepath.Join(dir, "data"),
		"XDG_CACHE_HOME="+filepath.Join(dir, "cache"),
		"XDG_CONFIG_HOME="+filepath.Join(dir, "config"))
	for _, s := range steps {
		if err := s.take(ctx, dir, env, out); err != nil {
			return err
		}
	}
	return nil
}

// layOutLake writes the flights below dir as a lake is laid out: one directory a day.
func layOutLake(dir string) error {
	days, err := flights.ReadDir("flights/daily")
	if err != nil {
		return err
	}
	put := func(from, to string) error {
		data, err := flights.ReadFile(from)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, to)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, data, 0o644)
	}
	for _, d := range days {
		day := strings.TrimSuffix(d.Name(), ".csv.gz")
		if err := put("flights/daily/"+d.Name(), "flights/ds="+day+"/flights.csv.gz"); err != nil {
			return err
		}
	}
	return put("flights/airports.csv", "airports/airports.csv")
}

// take runs one step, prints it, and checks its result.
func (s step) take(ctx context.Context, dir string, env []string, out io.Writer) error {
	for _, line := range s.remarks {
		fmt.Fprintf(out, "\n# %s\n", line)
	}
	if s.text == "" {
		return nil
	}
	var cmd *exec.Cmd
	if s.sql {
		fmt.Fprintf(out, "\nhiveql> %s\n", strings.ReplaceAll(s.text, "\n", "\n      > "))
		cmd = exec.CommandContext(ctx, "sh", "-c", `hiveql -e "$1"`, "sh", s.text)
	} else {
		fmt.Fprintf(out, "\n$ %s\n", s.text)
		cmd = exec.CommandContext(ctx, "sh", "-c", s.text)
	}
	cmd.Dir, cmd.Env = dir, env
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	elapsed := time.Since(start)
	fmt.Fprint(out, shorten(stdout.String()), stderr.String())
	fmt.Fprintf(out, "(%.2f s)\n", elapsed.Seconds())
	if err != nil {
		return fmt.Errorf("%s: %w", s.text, err)
	}
	return s.check(stdout.String())
}

// shorten cuts the middle out of a long output.
func shorten(text string) string {
	const keep = 12
	lines := strings.SplitAfter(text, "\n")
	if len(lines) <= 2*keep {
		for i, l := range lines {
			lines[i] = shortenLine(l)
		}
		return strings.Join(lines, "")
	}
	return shorten(strings.Join(lines[:3], "")) +
		fmt.Sprintf("... %d lines more ...\n", len(lines)-6) + shorten(strings.Join(lines[len(lines)-3:], ""))
}

func shortenLine(line string) string {
	const most = 160
	if len(line) <= most {
		return line
	}
	return line[:most] + " ...\n"
}
