// Command benchcopy races distcp against s5cmd, rclone, mc and a shell pipeline.
//
//	go run ./testenv/benchcopy --scale 0.05 --only W1,W2 --rounds 3 --dir /dev/shm
//
// One MinIO server on loopback serves them all, and they take turns: in each round every tool
// runs the same workload once, in another order than in the round before, so that whatever
// else the machine does hits all of them. After each run the result is compared with the
// source (every name and size, and samples of the contents), and removed; a run whose result
// is wrong ends the benchmark. The table has the wall time, the processor time of the client
// and of the server, and the client's peak memory; on few cores the two processor times
// together are what decides the race.
//
// distcp is built from the source as it is. The other tools are built once from the Go module
// proxy, at the versions in peers.go, into the user's cache directory. The workloads are in
// workload.go, and the command lines in tools.go.
//
// It knows nothing of distcp but its command line, and needs Linux, whose /proc it reads.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/testenv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags.
type options struct {
	dir         string
	scale       float64
	rounds      int
	only        []string
	tools       []string
	distcp      string
	distcpFlags string
	timeout     time.Duration
	latency     time.Duration
}

// run returns the exit code: 0, 1 for an error, 2 for bad usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "benchcopy: %v; see --help\n", err)
		return 2
	}
	if err := o.bench(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "benchcopy: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := pflag.NewFlagSet("benchcopy", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.SortFlags = false
	flags.StringVar(&o.dir, "dir", "", "`directory` for sources, results and the server's data, as /dev/shm (default: temporary)")
	flags.Float64Var(&o.scale, "scale", 1, "`factor` for the number of objects (of W4: their size), above 0 and at most 1")
	flags.IntVar(&o.rounds, "rounds", 3, "`number` of times each tool runs each workload")
	flags.StringSliceVar(&o.only, "only", nil, "run only these `workloads`, as W1,W2")
	flags.StringSliceVar(&o.tools, "tools", nil, "run only these `tools`, as distcp,s5cmd")
	flags.StringVar(&o.distcp, "distcp", "", "race this `program` instead of building distcp")
	flags.StringVar(&o.distcpFlags, "distcp-flags", "", "further `flags` for distcp, separated by spaces")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Minute, "longest `time` of one run")
	flags.DurationVar(&o.latency, "latency", 0, "put the server so far away: the `time` of a round trip, as 20ms")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: go run ./testenv/benchcopy [flags]\n\n%s\nworkloads:\n", flags.FlagUsages())
		for _, w := range workloads {
			fmt.Fprintf(stderr, "  %-4s %s\n", w.name, w.title())
		}
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case !(o.scale > 0 && o.scale <= 1):
		return fmt.Errorf("--scale: %v is not above 0 and at most 1", o.scale)
	case o.rounds < 1:
		return fmt.Errorf("--rounds: %d is less than 1", o.rounds)
	case o.latency < 0:
		return fmt.Errorf("--latency: %s is negative", o.latency)
	case o.timeout <= 0:
		return fmt.Errorf("--timeout: %s is no time at all", o.timeout)
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(workloads, func(w workload) bool { return w.name == name }) {
			return fmt.Errorf("--only: there is no workload %q", name)
		}
	}
	for _, name := range o.tools {
		if !slices.Contains(toolNames, name) {
			return fmt.Errorf("--tools: there is no tool %q; there are %s", name, strings.Join(toolNames, ", "))
		}
	}
	return nil
}

// bench prepares the tools and the server, runs the workloads and prints a table of each.
func (o *options) bench(ctx context.Context, stdout, stderr io.Writer) (err error) {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("%s has no /proc to measure with; run on Linux", runtime.GOOS)
	}
	dir, err := os.MkdirTemp(o.dir, "skep-benchcopy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	kit, err := o.assemble(ctx, dir, stderr)
	if err != nil {
		return err
	}
	server, err := testenv.StartMinIO(ctx, filepath.Join(dir, "server"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	pid, err := childNamed("minio")
	if err != nil {
		return err
	}
	r := &race{options: o, dir: dir, kit: kit, s3: server.S3, far: server.S3, server: pid, progress: stderr}
	if o.latency > 0 {
		link, failed := testenv.StartLink(&server.S3, o.latency)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, link.Close()) }()
		r.far = link.S3
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	fmt.Fprintf(stdout, "%d cores, %s, scale %v, %d rounds, latency %s\n", runtime.NumCPU(), runtime.Version(), o.scale, o.rounds, o.latency)
	var results []result
	for _, w := range workloads {
		if len(o.only) > 0 && !slices.Contains(o.only, w.name) {
			continue
		}
		res, err := r.workload(ctx, w.scaled(o.scale))
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		res.print(stdout)
		results = append(results, res)
	}
	printSummary(stdout, results)
	return nil
}
