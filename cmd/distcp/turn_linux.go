package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// takeTurns has the kernel treat the process as a batch (SCHED_BATCH): a thread that is woken waits for its
// turn, and does not interrupt what runs. A copy is woken by each answer; where it shares a machine
// with its server it would interrupt the server for each, and find one answer instead of several. Its
// share of the processors and its nice value are what they were, and a policy that the user has chosen
// stays. It is for the beginning of a program: threads inherit it from those that make them. What it cannot
// set it leaves, for nothing depends on it.
func takeTurns() {
	const passes = 5 // others may make threads meanwhile
	for range passes {
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return
		}
		changed := false
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			changed = err == nil && takeTurn(id) || changed
		}
		if !changed {
			return
		}
	}
}

// takeTurn is takeTurns for one thread. It reports whether it has changed something.
func takeTurn(thread int) bool {
	attr, err := unix.SchedGetAttr(thread, 0)
	if err != nil || attr.Policy != unix.SCHED_NORMAL {
		return false
	}
	attr.Policy = unix.SCHED_BATCH
	return unix.SchedSetAttr(thread, attr, 0) == nil
}
