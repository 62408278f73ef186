package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/skepdata/skep/internal/heapfloor"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	lower := heapfloor.Raise(os.LookupEnv) // as hiveql does
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	lower()
	os.Exit(code)
}

// options are the flags.
type options struct {
	dir     string
	suites  []string
	scale   float64
	rounds  int
	only    []string
	racers  []string
	latency time.Duration
	threads int
	cpu     bool
	verbose bool
}

// run returns the exit code: 0, 1 for an error, 2 for bad usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "benchsql: %v; see --help\n", err)
		return 2
	}
	if err := o.bench(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "benchsql: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := pflag.NewFlagSet("benchsql", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.SortFlags = false
	flags.StringVar(&o.dir, "dir", "", "`directory` for the server's data and the caches, as /dev/shm (default: temporary)")
	flags.StringSliceVar(&o.suites, "suites", suiteNames(), "run only these `suites`")
	flags.Float64Var(&o.scale, "scale", 0.1, "scale `factor`: 1 is some 1 GB as text, 6,000,000 rows of TPC-H's lineitem")
	flags.IntVar(&o.rounds, "rounds", 3, "`number` of times each query is run by each racer")
	flags.StringSliceVar(&o.only, "only", nil, "run only these `queries`, as q01,ds06")
	flags.StringSliceVar(&o.racers, "racers", racerNames, "run only these `racers`")
	flags.DurationVar(&o.latency, "latency", 0, "put S3 so far away: the `time` of a round trip, as 20ms")
	flags.IntVar(&o.threads, "threads", runtime.NumCPU(), "`number` of threads of a query")
	flags.BoolVar(&o.cpu, "processor", false, "take the processor time, the server's too, instead of the time that passes")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "say what each run took")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: go run ./testenv/benchsql [flags]\n\n%s", flags.FlagUsages())
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
	case !(o.scale > 0 && o.scale <= 1000):
		return fmt.Errorf("--scale: %v is not above 0 and at most 1000", o.scale)
	case o.rounds < 1:
		return fmt.Errorf("--rounds: %d is less than 1", o.rounds)
	case o.threads < 1:
		return fmt.Errorf("--threads: %d is less than 1", o.threads)
	case o.latency < 0:
		return fmt.Errorf("--latency: %s is negative", o.latency)
	}
	if o.cpu {
		for _, name := range o.racers {
			if !inProcess(name) {
				return fmt.Errorf("--processor: that of %s is not known; choose others by --racers", name)
			}
		}
	}
	for _, name := range o.suites {
		if !slices.Contains(suiteNames(), name) {
			return fmt.Errorf("--suites: there is no suite %q; there are %s", name, strings.Join(suiteNames(), ", "))
		}
	}
	var names []string
	for _, s := range suites {
		names = append(names, s.queryNames()...)
	}
	for _, name := range o.only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("--only: there is no query %q", name)
		}
	}
	for _, name := range o.racers {
		if !slices.Contains(racerNames, name) {
			return fmt.Errorf("--racers: there is no racer %q; there are %s", name, strings.Join(racerNames, ", "))
		}
	}
	return nil
}
