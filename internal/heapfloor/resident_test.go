//go:build linux && !race

package heapfloor_test

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/skepdata/skep/internal/heapfloor"
)

// TestNotResident raises the floor and looks whether memory is taken for it.
func TestNotResident(t *testing.T) {
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
