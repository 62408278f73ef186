package copier

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// processors tells whether any processor of the machine has time left. Linux says in /proc/uptime how long all of them have
// idled together; elsewhere, and in a sandbox that says nothing, they are taken to have time.
type processors struct {
	read func() ([]byte, error) // the contents of /proc/uptime

	mu   sync.Mutex
	up   float64 // seconds, when it was read last
	idle float64
}

func newProcessors() *processors {
	return &processors{read: func() ([]byte, error) { return os.ReadFile("/proc/uptime") }}
}

// spentShare is how much of the processors may idle where they are all busy: /proc/uptime counts in hundredths of a second,
// of which two processors that a service on the same machine keeps busy were seen to idle two in 200 ms.
const spentShare = 0.06

// shortestLook is the time over which that can be told.
const shortestLook = 100 * time.Millisecond

// spent reports whether none of them has had time left since it was last asked. It can be called by several at once.
func (p *processors) spent() bool {
	text, err := p.read()
	if err != nil {
		return false
	}
	up, idle, ok := parseUptime(text)
	if !ok {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before, idled := p.up, idle-p.idle
	p.up, p.idle = up, idle
	passed := up - before
	return before > 0 && passed >= shortestLook.Seconds() && idled < spentShare*passed*float64(runtime.NumCPU())
}

// parseUptime reads the seconds that a system is up, and that its processors have idled. A system whose processors never idled
// does not count that.
func parseUptime(text []byte) (up, idle float64, ok bool) {
	fields := bytes.Fields(text)
	if len(fields) != 2 {
		return 0, 0, false
	}
	up, err := strconv.ParseFloat(string(fields[0]), 64)
	if err != nil {
		return 0, 0, false
	}
	idle, err = strconv.ParseFloat(string(fields[1]), 64)
	return up, idle, err == nil && up > 0 && idle > 0
}
