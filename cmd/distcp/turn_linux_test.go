package main

import (
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// All threads take turns, those that are made later too, and are as nice as before.
func TestTakeTurns(t *testing.T) {
	before, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		t.Fatal(err)
	}
	takeTurns()
	var held, checked sync.WaitGroup
	checked.Add(1)
	for range 8 { // threads of their own
		held.Add(1)
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			held.Done()
			checked.Wait()
		}()
	}
	held.Wait()
	defer checked.Done()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil || len(threads) < 8 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			t.Fatal(err)
		}
		attr, err := unix.SchedGetAttr(id, 0)
		if err != nil {
			continue // it has ended
		}
		if attr.Policy != unix.SCHED_BATCH || attr.Nice != before.Nice {
			t.Errorf("thread %d has policy %d and is nice by %d, want %d and %d", id, attr.Policy, attr.Nice, unix.SCHED_BATCH, before.Nice)
		}
	}
}

// A policy that somebody has chosen stays.
func TestTakeTurnsOfAnotherPolicy(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and end with the thread, whose policy is another
		idle := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}
		if err := unix.SchedSetAttr(0, &idle, 0); err != nil {
			t.Error(err)
			return
		}
		if takeTurn(0) {
			t.Error("a thread that was to run when nothing else does has another policy")
		}
	}()
	<-done
}
