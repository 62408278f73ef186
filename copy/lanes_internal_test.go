package copier

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// Lanes compute what hashes of their own do, however many there are at once, and of what was given up nothing is left.
func TestLanes(t *testing.T) {
	const parts = 40
	content := make([]byte, 1<<20)
	r := rand.New(rand.NewPCG(7, 8))
	for i := range content {
		content[i] = byte(r.Uint32())
	}
	var l lanes
	d := storage.Digest{Algorithm: "MD5", PartSize: 100_000}
	for _, parts := range []int{parts, 3, 1} {
		var all sync.WaitGroup
		for n := range parts {
			all.Go(func() {
				r := rand.New(rand.NewPCG(uint64(n), 9))
				h, giveBack := l.newRange(d, parts)
				defer giveBack()
				want := d.NewRange()
				for left := content[n:]; len(left) > 0; {
					some := left[:min(len(left), 1+r.IntN(70_000))]
					left = left[len(some):]
					_, _ = h.Write(some)
					_, _ = want.Write(some)
					if n%5 == 4 && len(left) < len(content)/2 {
						return // as a part does that fails
					}
				}
				if got := h.Sum(nil); !bytes.Equal(got, want.Sum(nil)) {
					t.Errorf("part %d has %x", n, got)
				}
			})
		}
		all.Wait()
	}
	if l.used != 0 || len(l.free) == 0 || len(l.free) > mostLanes {
		t.Errorf("%d lanes in use, %d not", l.used, len(l.free))
	}
	l.close()
	l.close()
	for end := time.Now().Add(10 * time.Second); slices.ContainsFunc(goroutines(), isOfLanes); {
		if time.Now().After(end) {
			t.Fatal("a goroutine stays")
		}
		runtime.Gosched()
	}
}

func isOfLanes(stack string) bool { return strings.Contains(stack, "md5simd") }

func goroutines() []string {
	b := make([]byte, 1<<20)
	return strings.Split(string(b[:runtime.Stack(b, true)]), "\n\n")
}

// Only parts of which there are several are worth a lane.
func TestLanesOfFewParts(t *testing.T) {
	var l lanes
	defer l.close()
	for _, c := range []struct {
		digest storage.Digest
		parts  int
		lanes  int
	}{
		{storage.Digest{Algorithm: "MD5", PartSize: 1 << 20}, 3, 0},
		{storage.Digest{Algorithm: "SHA256", PartSize: 1 << 20}, 9, 0},
		{storage.Digest{Algorithm: "CRC64NVME"}, 9, 0},
		{storage.Digest{Algorithm: "MD5", PartSize: 1 << 20}, 4, 1},
	} {
		_, giveBack := l.newRange(c.digest, c.parts)
		if l.used != c.lanes {
			t.Errorf("%+v: %d lanes", c, l.used)
		}
		giveBack()
	}
}
