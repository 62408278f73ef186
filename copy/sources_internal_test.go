package copier

import (
	"crypto/md5" //nolint:gosec // it is what ETags are
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/skepdata/skep/copy/internal/spill"
	"github.com/skepdata/skep/storage"
)

func numbered(i int, size int64) Source {
	return Source{
		Object: storage.Object{
			Key: fmt.Sprintf("logs/d=%04d/part-%08d.gz", i/1000, i), Size: size, ETag: fmt.Sprintf("%x", md5.Sum([]byte{byte(i), byte(i >> 8), byte(i >> 16)})),
			ModTime: time.Unix(int64(i), 0).UTC(),
		},
		Base: fmt.Sprintf("part-%08d.gz", i), step: step{decode: CodecGzip},
	}
}

// TestSources: whether packed or not, sources are the same, and the byte of each is found.
func TestSources(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	store := spill.NewStore(t.TempDir())
	defer store.Close()
	for range 40 {
		var all []Source
		var numbers []int64
		for i := range 1 + r.IntN(1200) {
			all = append(all, numbered(i, r.Int64N(3)*r.Int64N(50)))
			numbers = append(numbers, int64(i))
		}
		var a aside
		cut := r.IntN(len(all))
		for from := 0; from < cut; {
			to := min(cut, from+1+r.IntN(500))
			if err := a.add(all[from:to], numbers[from:to], store, func(string) step { return step{decode: CodecGzip} }); err != nil {
				t.Fatal(err)
			}
			from = to
		}
		s := Sources{a.head, a.packed, all[cut:]}
		if cut == 0 {
			s = SourcesOf(all...)
		}
		checkSources(t, s, all)
		base := Source{Base: "base", kept: true}
		s = s.before(base)
		checkSources(t, s, append([]Source{base}, all...))
		if t.Failed() {
			return
		}
		got, order := a.before(all[cut:], numbers[cut:])
		if len(got) != len(all) || !reflect.DeepEqual(order, numbers) {
			t.Fatalf("%d of %d files, numbers %v", len(got), len(all), order)
		}
	}
}

func checkSources(t *testing.T, s Sources, want []Source) {
	t.Helper()
	if s.Len() != len(want) {
		t.Fatalf("%d sources, not %d", s.Len(), len(want))
	}
	var sum int64
	n := 0
	for i, one := range s.All() {
		if i != n || !reflect.DeepEqual(one, want[i]) || !reflect.DeepEqual(s.At(i), want[i]) {
			t.Fatalf("%d is %+v, not %+v", i, one, want[n])
		}
		sum += one.Size
		n++
	}
	if n != len(want) || s.Size() != sum {
		t.Fatalf("%d sources, %d bytes, not %d", n, s.Size(), sum)
	}
	for offset := int64(0); offset <= sum; offset += 1 + sum/97 {
		i, rest := 0, offset
		for i < len(want)-1 && rest > 0 && rest >= want[i].Size {
			rest -= want[i].Size
			i++
		}
		if got, left := s.find(offset); got != i || left != rest {
			t.Fatalf("byte %d is %d of source %d, not %d of %d", offset, left, got, rest, i)
		}
	}
}

// TestSourcesMemory: of an output of many files each takes little memory.
func TestSourcesMemory(t *testing.T) {
	const files, most = 200_000, 20 // bytes of each, the test's own included
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // what tests before this one have left in pools goes with the second
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	store := spill.NewStore(t.TempDir())
	defer store.Close()
	before := heap()
	var a aside
	for i := range files {
		if err := a.add([]Source{numbered(i, 7)}, []int64{int64(i)}, store, func(string) step { return step{} }); err != nil {
			t.Fatal(err)
		}
	}
	if each := (heap() - before) / files; each > most {
		t.Errorf("%d bytes each, want at most %d", each, most)
	} else {
		t.Logf("%d bytes each", each)
	}
	if a.Size() != 7*files {
		t.Error(a.Size())
	}
}
