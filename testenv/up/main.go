// Command up starts the servers that skep works with, prints the shell commands that make
// programs find them, and serves until it is interrupted.
//
//	go run ./testenv/up --bucket lake > env.sh &
//	eval "$(cat env.sh)"
//
// With --postgres and --mariadb it starts those too. Data is temporary unless --dir names a
// directory to keep it in. With --compose it starts nothing: it prints the environment with
// which tests use the servers of docker-compose.yml.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/skepdata/skep/testenv"
	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// options are the flags.
type options struct {
	dir               string
	buckets           []string
	postgres, mariadb bool
	compose           bool
}

// run returns the exit code: 0, 1 for an error, 2 for bad usage.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "up: %v; see --help\n", err)
		return 2
	}
	if o.compose {
		export(stdout, testenv.ComposeEnv())
		return 0
	}
	if err := o.serve(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "up: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	flags := pflag.NewFlagSet("up", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.SortFlags = false
	flags.StringVar(&o.dir, "dir", "", "keep data in this directory (default: temporary)")
	flags.StringSliceVar(&o.buckets, "bucket", nil, "create this bucket; may be repeated")
	flags.BoolVar(&o.postgres, "postgres", false, "start PostgreSQL too")
	flags.BoolVar(&o.mariadb, "mariadb", false, "start MariaDB too")
	flags.BoolVar(&o.compose, "compose", false, "start nothing, print the environment for docker-compose.yml")
	flags.Usage = func() {
		fmt.Fprintf(stderr, "usage: go run ./testenv/up [flags]\n\n"+
			"Starts MinIO, prints shell commands that make programs find it, and serves until interrupted.\n\n%s",
			flags.FlagUsages())
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, nil
}

// serve runs the servers until ctx ends, which is not an error.
func (o *options) serve(ctx context.Context, stdout, stderr io.Writer) (err error) {
	s3, err := testenv.StartMinIO(ctx, o.subdir("minio"))
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { err = errors.Join(err, s3.Stop()) }()
	for _, b := range o.buckets {
		if err := s3.MakeBucket(ctx, b); err != nil {
			return interrupted(ctx, err)
		}
	}
	env := s3.Env()
	for _, d := range []struct {
		wanted bool
		name   string
		env    string
		start  func(context.Context, string) (*testenv.DatabaseServer, error)
	}{
		{o.postgres, "postgres", testenv.EnvPostgresURL, testenv.StartPostgres},
		{o.mariadb, "mariadb", testenv.EnvMySQLURL, testenv.StartMariaDB},
	} {
		if !d.wanted {
			continue
		}
		server, err := d.start(ctx, o.subdir(d.name))
		if err != nil {
			return interrupted(ctx, err)
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		env = append(env, d.env+"="+server.URL)
	}
	export(stdout, env)
	fmt.Fprintln(stderr, "up: serving; interrupt to stop")
	<-ctx.Done()
	return nil
}

// interrupted is nil if err is only that the user has had enough.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (o *options) subdir(name string) string {
	if o.dir == "" {
		return ""
	}
	return filepath.Join(o.dir, name)
}

// export prints NAME=VALUE pairs for a shell to evaluate.
func export(w io.Writer, env []string) {
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(w, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
}
