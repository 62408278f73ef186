package main

import (
	"context"
	"runtime"
	"syscall"
	"time"
)

// processors keeps the number of processors that run Go code at what the work keeps busy.
//
// A copy of small objects waits for its server most of the time, in short waits. With a
// processor for each core the scheduler then wakes threads that find next to nothing to do:
// on two cores a third of all time that a copy of 8 KiB objects costs, which is taken from
// the server where both share a machine. So a run gives back half of its processors when it
// does not fill the other half, again and again down to one, and takes twice as many, within
// a tenth of a second, as soon as it fills those it has.
type processors struct {
	most, now int
	busy      float64 // processors' time that is used, smoothed over some ticks
	spare     int     // ticks in a row in which half of them would have done
}

const (
	processorTick = 20 * time.Millisecond
	// smoothing is the weight of the last tick: what counts is the last 50 ms.
	processorSmoothing = 0.3
	// A run that fills this much of its processors takes twice as many.
	processorsFull = 0.85
	// One that would fill less than this much of half of them, for a fifth of a second, gives half back.
	processorsSpare      = 0.75
	processorsSpareTicks = 10
)

// next is the number of processors after a tick in which the process was busy for so many
// processors' time.
func (p *processors) next(busy float64) int {
	p.busy += processorSmoothing * (busy - p.busy)
	half := (p.now + 1) / 2
	switch {
	case p.busy >= processorsFull*float64(p.now):
		p.now, p.spare = min(2*p.now, p.most), 0
	case p.busy >= processorsSpare*float64(half):
		p.spare = 0
	default:
		if p.spare++; p.spare >= processorsSpareTicks {
			p.now, p.spare = half, 0
		}
	}
	return p.now
}

// adaptProcessors sets the runtime's number of processors by what the process uses, until
// the context ends, and then gives back all of them. It is the process's alone: nothing else
// may call runtime.GOMAXPROCS meanwhile. Where the user has set GOMAXPROCS, that stays.
func adaptProcessors(ctx context.Context, getenv func(string) string) (wait func()) {
	most := runtime.GOMAXPROCS(0)
	p := processors{most: most, now: most}
	if getenv("GOMAXPROCS") != "" || p.most == 1 {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer runtime.GOMAXPROCS(p.most)
		ticker := time.NewTicker(processorTick)
		defer ticker.Stop()
		used, at := processorTime(), time.Now()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			before, since := used, at
			used, at = processorTime(), time.Now()
			was := p.now
			if now := p.next(float64(used-before) / float64(at.Sub(since))); now != was {
				runtime.GOMAXPROCS(now)
			}
		}
	}()
	return func() { <-done }
}

// processorTime is what the process has used so far, user and system; 0 where the system
// does not say.
func processorTime() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
