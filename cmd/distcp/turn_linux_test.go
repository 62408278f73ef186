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
	before := map[int]*unix.SchedAttr{} // of which one may be another than the rest, as renice(1) makes it
	eachThread(t, func(id int, attr *unix.SchedAttr) { before[id] = attr })
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
	eachThread(t, func(id int, attr *unix.SchedAttr) {
		want := unix.SchedAttr{Policy: unix.SCHED_BATCH, Nice: attr.Nice}
		if was := before[id]; was != nil {
			if want.Nice = was.Nice; was.Policy != unix.SCHED_NORMAL {
				want.Policy = was.Policy
			}
		}
		if attr.Policy != want.Policy || attr.Nice != want.Nice {
			t.Errorf("thread %d has policy %d and is nice by %d, want %d and %d", id, attr.Policy, attr.Nice, want.Policy, want.Nice)
		}
	})
}

// eachThread visits the threads of this process.
func eachThread(t *testing.T, visit func(id int, attr *unix.SchedAttr)) {
	t.Helper()
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
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
		visit(id, attr)
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
