package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// usage is what one run took.
type usage struct {
	wall   time.Duration
	client time.Duration // processor time of the tool and its children
	server time.Duration // processor time of the server meanwhile
	peak   int64         // resident memory of the tool and its children, bytes
}

// unsupportedError is a tool's refusal to do a job.
type unsupportedError struct{ tool string }

func (e *unsupportedError) Error() string { return e.tool + " does not support this yet" }

// measure runs a program to its end. The server is the process whose time is taken as well.
func measure(ctx context.Context, t tool, args []string, server int) (usage, error) {
	cmd := exec.CommandContext(ctx, t.program, args...)
	cmd.Env = t.env
	cmd.WaitDelay = 5 * time.Second
	// A shell's children end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	before, err := processorTime(server)
	if err != nil {
		return usage{}, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return usage{}, fmt.Errorf("%s: %w", t.name, err)
	}
	watch := watchPeak(cmd.Process.Pid)
	err = cmd.Wait()
	u := usage{wall: time.Since(start), peak: watch.end()}
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		} else if t.name == ours && strings.Contains(stderr.String(), "not supported yet") {
			return usage{}, &unsupportedError{t.name}
		}
		return usage{}, fmt.Errorf("%s: %w: %s", t.name, err, lastLines(stderr.String()))
	}
	u.client = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	after, err := processorTime(server)
	u.server = after - before
	return u, err
}

// lastLines is the end of what a program said, for an error.
func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > 5 {
		lines = lines[len(lines)-5:]
	}
	return strings.Join(lines, "; ")
}

// peakWatch looks at the memory of a process and its children until it is told to end.
//
// The peak that wait4 reports will not do: Linux counts what this process had at the moment
// of the fork as the child's own, and that is more than some of the tools need.
type peakWatch struct {
	stop chan struct{}
	peak chan int64
}

func watchPeak(pid int) *peakWatch {
	w := &peakWatch{stop: make(chan struct{}), peak: make(chan int64)}
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		var peak int64
		for {
			select {
			case <-w.stop:
				w.peak <- peak
				return
			case <-tick.C:
				peak = max(peak, highWater(pid))
			}
		}
	}()
	return w
}

// end returns the peak in bytes.
func (w *peakWatch) end() int64 {
	close(w.stop)
	return <-w.peak
}

// highWater is the sum of the peaks of a process and of its children, 0 if it has ended.
func highWater(pid int) int64 {
	var sum int64
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // it may just have ended
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			sum = kib << 10
		}
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for field := range strings.FieldsSeq(string(children)) {
		if child, err := strconv.Atoi(field); err == nil {
			sum += highWater(child)
		}
	}
	return sum
}

// clockTick is the unit of /proc/PID/stat: Linux has 100 a second on all its platforms.
const clockTick = 10 * time.Millisecond

// processorTime is what a process has used so far, in user and in system mode.
func processorTime(pid int) (time.Duration, error) {
	fields, err := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("the server's processor time: %w", err)
	}
	user, err := strconv.ParseInt(fields[13], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[14], 10, 64)
	return time.Duration(user+system) * clockTick, err
}

// statFields are the fields of a /proc/PID/stat file. The second is the program's name, which
// stands in parentheses and may hold anything.
func statFields(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return nil, fmt.Errorf("%s: no name in parentheses", path)
	}
	fields := append([]string{strings.TrimSpace(string(text[:open])), string(text[open+1 : end])},
		strings.Fields(string(text[end+1:]))...)
	if len(fields) < 15 {
		return nil, fmt.Errorf("%s: %d fields", path, len(fields))
	}
	return fields, nil
}

// childNamed is the process that this one has started of the program with that name.
func childNamed(name string) (int, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, path := range paths {
		fields, err := statFields(path)
		if err == nil && fields[1] == name && fields[3] == strconv.Itoa(os.Getpid()) {
			return strconv.Atoi(fields[0])
		}
	}
	return 0, fmt.Errorf("no process %s was started by this one", name)
}
