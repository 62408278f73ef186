package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/spf13/pflag"

	copier "github.com/skepdata/skep/copy"
)

const limitSynopsis = "limit JOB [--bandwidth RATE] [--requestRate N]"

// limitRecord is what NAME.limits has: the rates of the run that is going on. 0 is no limit.
type limitRecord struct {
	Bandwidth   int64 `json:"bandwidth"`   // bytes a second
	RequestRate int64 `json:"requestRate"` // requests a second
}

// limit changes the rates of a job that is running. It writes them down and sends SIGHUP.
func (c *command) limit(_ context.Context, args []string) error {
	f := pflag.NewFlagSet("limit", pflag.ContinueOnError)
	bandwidth := f.String("bandwidth", "", "read at most this `rate` a second: bytes with K, M or G, as 20M; none is no limit")
	requests := f.Int64("requestRate", 0, "send at most this `number` of requests for objects a second; 0 is no limit")
	if err := c.parse(f, args, limitSynopsis, 1, 1); err != nil {
		return err
	}
	name := f.Arg(0)
	if !isJobName(name) || !f.Changed("bandwidth") && !f.Changed("requestRate") || *requests < 0 {
		return usagef("want: distcp %s", limitSynopsis)
	}
	store, err := c.jobStore()
	if err != nil {
		return err
	}
	job, err := store.read(name)
	if err != nil {
		return err
	}
	if job.State != "running" {
		return fmt.Errorf("the job %s is not running: it is %s", name, job.State)
	}
	rates, err := store.limits(name)
	if err != nil {
		return fmt.Errorf("the limits of the job %s: %w", name, err)
	}
	if f.Changed("bandwidth") {
		rates.Bandwidth = 0
		if *bandwidth != "none" {
			if rates.Bandwidth, err = parseBandwidth(*bandwidth); err != nil {
				return usagef("--bandwidth: %v", err)
			}
		}
	}
	if f.Changed("requestRate") {
		rates.RequestRate = *requests
	}
	if err := store.writeLimits(name, rates); err != nil {
		return err
	}
	if err := syscall.Kill(job.PID, syscall.SIGHUP); err != nil {
		return fmt.Errorf("tell the job %s of it: %w", name, err)
	}
	return nil
}

func (s jobStore) limits(name string) (r limitRecord, err error) {
	text, err := os.ReadFile(s.path(name, ".limits"))
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

func (s jobStore) writeLimits(name string, r limitRecord) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return replaceFile(s.path(name, ".limits"), append(text, '\n'))
}

// limited makes the rates of a run ones that SIGHUP reads again, until the end is called.
func (c *command) limited(store jobStore, flags *copyFlags) (end func(), err error) {
	limits := &copier.Limits{}
	flags.opts.Limits = limits
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	rates := limitRecord{flags.opts.Bandwidth, flags.opts.RequestRate}
	if err := store.writeLimits(flags.job, rates); err != nil {
		signal.Stop(hangups)
		return nil, err
	}
	var reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-hangups:
				rates, err := store.limits(flags.job)
				if err == nil && (rates.Bandwidth < 0 || rates.RequestRate < 0) {
					err = errors.New("a rate is negative")
				}
				if err != nil {
					fmt.Fprintf(c.stderr, "distcp: the limits of the job %s stay as they are: %s\n", flags.job, oneLine(err))
					continue
				}
				limits.Set(rates.Bandwidth, rates.RequestRate)
			case <-stop:
				return
			}
		}
	})
	return func() {
		signal.Stop(hangups)
		close(stop)
		reading.Wait()
		_ = os.Remove(store.path(flags.job, ".limits")) // of no meaning any more
	}, nil
}
