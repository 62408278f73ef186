package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
)

// operations are the flags of those who run copies: how fast, what is recorded, what follows.
type operations struct {
	bandwidth            string
	logDir               string
	failures, failures0  string
	metrics              []string // files, and at most one address
	onSuccess, onFailure string
	check                string
	retryDelay           string
	retryBudget          []string
}

func (o *operations) addFlags(f *pflag.FlagSet, opts *copier.Options) {
	f.StringVar(&o.bandwidth, "bandwidth", "", "read at most this `rate` a second: bytes with K, M or G, as 20M; a plain number is MiB")
	f.Int64Var(&opts.RequestRate, "requestRate", 0, "send at most this `number` of requests for objects a second")
	f.StringVar(&o.logDir, "log-dir", "", "write a log with one JSON event a line into this local `directory`")
	f.StringVar(&o.failures, "failures", "", "write the URLs of the files that failed into this local `file`, one a line")
	f.StringVar(&o.failures0, "failures0", "", "likewise into this local `file`, each ended by a NUL, as --src-list0 reads them")
	f.StringArrayVar(&o.metrics, "metrics", nil, "write what was done into this local `file`, as Prometheus reads it, or serve it meanwhile at [host]:port")
	f.StringVar(&o.onSuccess, "on-success", "", "run this shell `command` when all is done, with the summary in JSON on its standard input")
	f.StringVar(&o.onFailure, "on-failure", "", "run this shell `command` when not all could be done, likewise")
	f.StringVar(&o.check, "verify", "checksum", "what is `compared` of each output: none, size, checksum (what the destination says it has stored), or read-back, which reads it again")
	f.BoolVar(&opts.Batch, "batch", false, "send files up to 64 KiB many at a time; MinIO takes them, and keeps no checksums of them")
	f.IntVar(&opts.JobRetries, "retries-of-job", 0, "when all has been tried, try what has failed for passing reasons again, this `number` of times")
	f.StringVar(&o.retryDelay, "retries-of-job-delay", "", "wait this `time` before, as 30s, and twice as long each further time (default 10s)")
	f.StringSliceVar(&o.retryBudget, "retry-budget", nil, "`class=number` of retries until one succeeds, of throttled (1000), server (300), connection (300) and checksum (100)")
}

// validate completes opts.
func (o *operations) validate(f *pflag.FlagSet, opts *copier.Options) (err error) {
	if f.Changed("bandwidth") {
		if opts.Bandwidth, err = parseBandwidth(o.bandwidth); err != nil {
			return usagef("--bandwidth: %v", err)
		}
	}
	if f.Changed("requestRate") && opts.RequestRate < 1 {
		return usagef("--requestRate: %d is not a number of requests a second", opts.RequestRate)
	}
	switch o.check {
	case "checksum":
	case "none", "size", "read-back":
		opts.Verify = copier.Verify(o.check)
	default:
		return usagef("--verify: %q is not one of none, size, checksum and read-back", o.check)
	}
	if err := o.validateRetries(f, opts); err != nil {
		return err
	}
	if err := o.validateMetrics(); err != nil {
		return err
	}
	return o.validatePlaces()
}

// validatePlaces reports, before any work is done, files that could not be written when all is done.
func (o *operations) validatePlaces() error {
	for _, where := range o.metrics {
		if isAddress(where) {
			continue
		}
		if err := writable("metrics", where); err != nil {
			return err
		}
	}
	if err := writable("failures", o.failures); err != nil {
		return err
	}
	return writable("failures0", o.failures0)
}

// writable reports that a file cannot be made, or is a directory.
func writable(flag, path string) error {
	if path == "" {
		return nil
	}
	place, err := os.Stat(path)
	if err == nil && place.IsDir() {
		return usagef("--%s: %s is a directory", flag, path)
	}
	if err == nil && !place.Mode().IsRegular() {
		return nil // a device or a pipe, which is written to as it is
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		err = errors.New("not a directory")
	case err == nil:
		err = syscall.Access(dir, accessWrite|accessSearch)
	}
	if err != nil {
		return usagef("--%s: %s: %v", flag, dir, localCause(err))
	}
	return nil
}

func (o *operations) validateMetrics() error {
	addresses := 0
	for _, where := range o.metrics {
		switch {
		case strings.TrimSpace(where) == "":
			return usagef("--metrics is empty")
		case isAddress(where):
			addresses++
		case isNumber(where):
			return usagef("--metrics: %q is a number; write :%s for a port, ./%s for a file", where, where, where)
		case beyondPorts(where):
			return usagef("--metrics: %q: ports are numbers from 0 to 65535", where)
		case strings.HasPrefix(where, ":"):
			return usagef("--metrics: %q is neither a port, as :9100, nor a file", where)
		}
	}
	if addresses > 1 {
		return usagef("--metrics: one address is enough")
	}
	return nil
}

func (o *operations) validateRetries(f *pflag.FlagSet, opts *copier.Options) (err error) {
	if opts.JobRetries < 0 {
		return usagef("--retries-of-job: %d is negative", opts.JobRetries)
	}
	if f.Changed("retries-of-job-delay") {
		if opts.JobRetries == 0 {
			return usagef("--retries-of-job-delay has a meaning with --retries-of-job only")
		}
		if opts.JobBackoff, err = parseAge(o.retryDelay); err != nil || opts.JobBackoff <= 0 {
			return usagef("--retries-of-job-delay: %q is not a time, as 30s or 5m", o.retryDelay)
		}
	}
	for _, pair := range o.retryBudget {
		class, text, _ := strings.Cut(pair, "=")
		n, err := strconv.Atoi(text)
		if _, known := copier.RetryBudgets()[copier.RetryClass(class)]; !known || err != nil || n < 0 {
			return usagef("--retry-budget %q: want class=number, the class one of throttled, server, connection and checksum", pair)
		}
		if opts.RetryBudget == nil {
			opts.RetryBudget = map[copier.RetryClass]int{}
		}
		opts.RetryBudget[copier.RetryClass(class)] = n
	}
	return nil
}

// outcome is how a copy has ended.
type outcome struct {
	sum    copier.Summary
	err    error
	dryRun bool
}

// conclude does what is to follow a copy, and returns its error, or that of what followed a
// copy without one. It goes on when the copy has been interrupted: that, too, is to be told.
func (c *command) conclude(ctx context.Context, o operations, end outcome) error {
	if end.dryRun {
		return end.err
	}
	ctx = context.WithoutCancel(ctx)
	note := func(err error) {
		switch {
		case err == nil:
		case end.err == nil:
			end.err = err
		default:
			fmt.Fprintf(c.stderr, "distcp: %s\n", oneLine(err))
		}
	}
	for _, where := range o.metrics {
		if !isAddress(where) {
			note(writeMetrics(where, end))
		}
	}
	switch {
	case end.err == nil && o.onSuccess != "":
		note(c.hook(ctx, "--on-success", o.onSuccess, end))
	case end.err != nil && o.onFailure != "":
		note(c.hook(ctx, "--on-failure", o.onFailure, end))
	}
	return end.err
}
