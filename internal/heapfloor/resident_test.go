//go:build linux && !race

package heapfloor_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/skepdata/skep/internal/heapfloor"
)

// TestNotResident raises the floor and looks whether memory is taken for it: in a process of its own, for what
// other tests have given back is cleared, and so touched, when it is used again.
func TestNotResident(t *testing.T) {
	const own = "HEAPFLOOR_OWN_PROCESS"
	if os.Getenv(own) == "" {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNotResident$")
		c.Env = append(os.Environ(), own+"=yes")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	before := resident(t)
	defer heapfloor.Raise(func(string) (string, bool) { return "", false })()
	runtime.GC()
	if after := resident(t); after > before+heapfloor.Bytes/4 {
		t.Errorf("%d bytes were resident, and now %d", before, after)
	}
}

func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
