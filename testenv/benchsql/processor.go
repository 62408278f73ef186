package main

import (
	"syscall"
	"time"
)

// inProcess says whether a racer runs in this process.
func inProcess(racer string) bool { return racer != "httpfs" && racer != "spark" }

// settling is how long a run's last work is waited for, here and in the server, before its processor time is taken.
const settling = 3 * time.Millisecond

func (r *race) unit() string {
	if r.cpu {
		return "milliseconds of the processor, the server's too"
	}
	return "milliseconds"
}

// measure is how long a run has taken, or its processor time, that of the server included. What it takes to ask for that
// is left out.
func (r *race) measure(run func() (time.Duration, error)) (time.Duration, error) {
	if !r.cpu {
		return run()
	}
	theirs, err := r.theirProcessor()
	if err != nil {
		return 0, err
	}
	ours, err := ourProcessor()
	if err != nil {
		return 0, err
	}
	if _, err := run(); err != nil {
		return 0, err
	}
	settled := time.NewTimer(settling)
	<-settled.C
	oursNow, err := ourProcessor()
	if err != nil {
		return 0, err
	}
	theirsNow, err := r.theirProcessor()
	return oursNow - ours + theirsNow - theirs, err
}

// ourProcessor is the processor time that this process has taken so far.
func ourProcessor() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// theirProcessor is that of the server, if there is one.
func (r *race) theirProcessor() (time.Duration, error) {
	if r.server == nil {
		return 0, nil
	}
	return r.server.Processor()
}
