package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/internal/heapfloor"
)

// version is set by the build.
var version = "dev"

// The exit codes, which help prints.
const (
	exitOK          = 0
	exitError       = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(mainCode()) }

func mainCode() int {
	defer heapfloor.Raise(os.LookupEnv)()
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv}
	return p.run(context.Background(), os.Args[1:])
}

// program is what a run of the program is given instead of what the process has.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
}

// usageError is a command line that makes no sense.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// errReported is an error that the user has been told already.
var errReported = errors.New("a statement failed")

// run runs the program and gives its exit code.
func (p *program) run(ctx context.Context, args []string) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	signal.Ignore(syscall.SIGXFSZ) // a file that is too large is an error, not the end
	if len(args) > 0 {
		for _, c := range subcommands() {
			if c.name == args[0] {
				return p.exit(ctx, c.run(p, ctx, args[1:]))
			}
		}
	}
	o, err := parseFlags(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		_, _ = io.WriteString(p.stdout, help())
		return exitOK
	case err != nil:
		return p.exit(ctx, err)
	case o.version:
		fmt.Fprintln(p.stdout, "hiveql", version)
		return exitOK
	case o.parseOnly:
		return p.exit(ctx, p.parseOnly(ctx, o))
	}
	return p.exit(ctx, p.execute(ctx, o))
}

// exit reports an error that is not yet reported, and chooses the exit code.
func (p *program) exit(ctx context.Context, err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		fmt.Fprintln(p.stderr, "hiveql: interrupted")
		return exitInterrupted
	case errors.As(err, &usage):
		fmt.Fprintf(p.stderr, "hiveql: %s\ntry hiveql --help\n", usage.msg)
		return exitUsage
	case !errors.Is(err, errReported):
		fmt.Fprintf(p.stderr, "hiveql: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return exitError
}
