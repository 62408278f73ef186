package heapfloor_test

import (
	"runtime"
	"runtime/metrics"
	"testing"

	"github.com/skepdata/skep/internal/heapfloor"
)

// goal is the size of the heap at which it is collected.
func goal() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/goal:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func TestRaise(t *testing.T) {
	unset := func(string) (string, bool) { return "", false }
	before := goal()
	lower := heapfloor.Raise(unset)
	if got := goal(); got < before+heapfloor.Bytes {
		t.Errorf("the heap is collected at %d bytes, and at %d without the floor", got, before)
	}
	lower()
	if got := goal(); got > before+heapfloor.Bytes/4 {
		t.Errorf("the heap is collected at %d bytes when the floor is lowered, before at %d", got, before)
	}
}

func TestRaiseLeavesSettings(t *testing.T) {
	before := goal()
	for _, name := range []string{"GOGC", "GOMEMLIMIT"} {
		lower := heapfloor.Raise(func(key string) (string, bool) { return "100", key == name })
		if got := goal(); got > before+heapfloor.Bytes/4 {
			t.Errorf("with %s set, the heap is collected at %d bytes, before at %d", name, got, before)
		}
		lower()
	}
}
