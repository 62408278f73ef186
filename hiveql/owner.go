package hiveql

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// owner names a process such that others can tell whether it still runs: those on the machine at once, others
// when it has given no sign of life for a while (alive.go).
type owner struct {
	place string // host name and process id name space
	pid   int
	start string // when the process started, in the kernel's ticks; "" where that is not known
	boot  string // of the machine, which tells two of one name apart; "" where that is not known
	life  life   // none for what is of no interest to other machines
}

// life says how an owner gives signs of life.
type life struct {
	token string        // of the session, in its lock; "" where it gives none
	since time.Time     // when the owner was written down, by the clock of the metastore
	term  time.Duration // how long a sign is good
}

func thisProcess() owner {
	host, _ := os.Hostname() // without a name every owner looks foreign, and is left alone
	space, _ := os.Readlink("/proc/self/ns/pid")
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return owner{place: strings.ReplaceAll(host+"/"+space, " ", "_"), pid: os.Getpid(), start: startOf(os.Getpid()),
		boot: strings.TrimSpace(string(boot))}
}

// lifeWord begins the word of an owner that tells of its life.
const lifeWord = "life:"

func (o owner) String() string {
	s := fmt.Sprintf("%s %d %s %s", o.place, o.pid, cmp.Or(o.start, "-"), cmp.Or(o.boot, "-"))
	if o.life.token == "" {
		return s
	}
	return fmt.Sprintf("%s %s%s:%d:%s", s, lifeWord, o.life.token, o.life.since.UnixMilli(), o.life.term)
}

func parseOwner(s string) (owner, bool) {
	var o owner
	words := strings.Fields(s)
	if len(words) < 2 {
		return o, false
	}
	pid, err := strconv.Atoi(words[1])
	o.place, o.pid = words[0], pid
	for i, to := range []*string{&o.start, &o.boot} {
		if len(words) > 2+i && words[2+i] != "-" {
			*to = words[2+i]
		}
	}
	if len(words) > 4 {
		o.life = parseLife(words[4])
	}
	return o, err == nil
}

func parseLife(word string) life {
	parts := strings.SplitN(strings.TrimPrefix(word, lifeWord), ":", 3)
	if !strings.HasPrefix(word, lifeWord) || len(parts) < 3 {
		return life{}
	}
	ms, err := strconv.ParseInt(parts[1], 10, 64)
	term, termErr := time.ParseDuration(parts[2])
	if err != nil || termErr != nil {
		return life{}
	}
	return life{parts[0], time.UnixMilli(ms), term}
}

// here reports whether the process ran on this machine, since it was started last.
func (o owner) here() bool {
	me := thisProcess()
	if o.place != me.place || strings.HasPrefix(o.place, "/") {
		return false
	}
	// Another boot is of another machine, or of this one before. Who gives signs of life can be told apart by them.
	return o.boot == "" || o.boot == me.boot || o.life.token == ""
}

// dead reports whether the process certainly does not run any more. That cannot be told of
// processes elsewhere.
func (o owner) dead() bool {
	if !o.here() {
		return false
	}
	if o.boot != "" && o.boot != thisProcess().boot {
		return true
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
