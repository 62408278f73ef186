package hiveql

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// owner names a process such that others on the machine can tell whether it still runs.
type owner struct {
	place string // host name and process id name space
	pid   int
	start string // when the process started, in the kernel's ticks; "" where that is not known
}

func thisProcess() owner {
	host, _ := os.Hostname() // without a name every owner looks foreign, and is left alone
	space, _ := os.Readlink("/proc/self/ns/pid")
	return owner{place: strings.ReplaceAll(host+"/"+space, " ", "_"), pid: os.Getpid(), start: startOf(os.Getpid())}
}

func (o owner) String() string { return fmt.Sprintf("%s %d %s", o.place, o.pid, o.start) }

func parseOwner(s string) (owner, bool) {
	var o owner
	n, _ := fmt.Sscan(s, &o.place, &o.pid, &o.start)
	return o, n >= 2
}

// dead reports whether the process certainly does not run any more. That cannot be told of
// processes elsewhere.
func (o owner) dead() bool {
	me := thisProcess()
	if o.place != me.place || strings.HasPrefix(o.place, "/") {
		return false
	}
	if now := startOf(o.pid); now != "" && o.start != "" {
		return now != o.start
	}
	p, err := os.FindProcess(o.pid)
	if err != nil {
		return true
	}
	defer func() { _ = p.Release() }()
	err = p.Signal(syscall.Signal(0))
	return err != nil && !os.IsPermission(err)
}

// startOf is field 22 of /proc/pid/stat, "" where there is no such file.
func startOf(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	s := string(text)
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:]) // from field 3 on
	if len(fields) < 20 {
		return ""
	}
	if fields[0] == "Z" || fields[0] == "X" { // it has ended, and only its parent has not looked yet
		return "ended"
	}
	return fields[19]
}
