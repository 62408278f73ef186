package rangecache_test

import (
	"testing"
	"time"

	"github.com/skepdata/skep/internal/castagnoli"
	"github.com/skepdata/skep/storage/rangecache"
	"github.com/skepdata/skep/storage/storagetest"
)

// shown are the blocks that a table has, each as r if it has been compared, R if not.
func shown(t *rangecache.ReadTable) string {
	s := make([]byte, len(t.Words))
	for b := range s {
		switch w := t.Words[b].Load(); {
		case w&rangecache.TableReady == 0:
			s[b] = '-'
		case w&rangecache.TableRight != 0:
			s[b] = 'r'
		default:
			s[b] = 'R'
		}
	}
	return string(s)
}

// TestReadTable: the table has what may be given to anybody, and nothing else.
func TestReadTable(t *testing.T) {
	text := noise(41, 5*block+7)
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", text)
	dir := t.TempDir()
	cache := open(t, dir, 1<<30)
	f := object(t, cache, &telling{Bucket: mem}, unsummed(o))
	table := f.ReadTable()
	want := func(when, want string) {
		t.Helper()
		if got := shown(table); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	want("at first", "------")
	read := func(off, n int64) {
		t.Helper()
		if _, err := f.ReadAt(t.Context(), make([]byte, n), off); err != nil {
			t.Fatal(err)
		}
	}
	read(block, 10)
	want("read, but not known to be right", "------")
	if err := f.Confirm(t.Context(), 0, 10); err != nil {
		t.Fatal(err)
	}
	want("confirmed", "r-----")
	if err := f.Forget(0); err != nil {
		t.Fatal(err)
	}
	want("forgotten", "------")
	sums := make([]uint32, 6)
	for b := range sums {
		sums[b] = castagnoli.Update(0, []byte(text[b*block:min((b+1)*block, len(text))]))
	}
	if err := f.Verify(sums); err != nil {
		t.Fatal(err)
	}
	want("the sums are known", "-r----")
	read(4*block, block+7)
	want("read", "-r--rr")
	for b, sum := range sums {
		if w := table.Words[b].Load(); w&rangecache.TableReady != 0 && uint32(w) != sum {
			t.Errorf("block %d has the sum %08x, want %08x", b, uint32(w), sum)
		}
	}
	f.Close()

	f = object(t, cache, &telling{Bucket: mem}, unsummed(o))
	table = f.ReadTable()
	want("opened again", "------")
	if err := f.Verify(sums); err != nil {
		t.Fatal(err)
	}
	want("the sums are known again", "-R--RR")
	table.Used[0].Or(1<<5 | 1<<1)
	if got := f.Found(); got != block+7 {
		t.Errorf("%d bytes count as found, want %d", got, block+7)
	}
	read(block, 1)
	if got := f.Found(); got != block+7 {
		t.Errorf("%d bytes count as found when one block was read otherwise too", got)
	}
}

// TestReadTableOfFailures: when somebody may have been given wrong bytes, everybody asks before each read.
func TestReadTableOfFailures(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	text := noise(42, 8*block)
	o := mem.Put("k", text)
	bucket := &telling{Bucket: &scattering{Bucket: mem, left: map[int64]int{7: 1}}}
	f := object(t, open(t, t.TempDir(), 1<<30), bucket, unsummed(o))
	table := f.ReadTable()
	p := make([]byte, block)
	if _, err := f.ReadAt(t.Context(), p, 7*block); err != nil || string(p) == text[7*block:] {
		t.Fatalf("the block did not come changed, %v", err)
	}
	if err := f.Confirm(t.Context(), 0, block); err != nil || shown(table) != "r-------" {
		t.Fatalf("%s, %v", shown(table), err)
	}
	if err := f.Confirm(t.Context(), 7*block, block); err == nil || shown(table) != "--------" {
		t.Errorf("%s, %v", shown(table), err)
	}
}

// TestReadTableWaits: blocks become others only when those who read them have read.
func TestReadTableWaits(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", noise(43, 3*block))
	f := fetch(t, open(t, t.TempDir(), 1<<30), mem, o)
	table := f.ReadTable()
	if got := shown(table); got != "rrr" {
		t.Fatalf("it has %s", got)
	}
	for range 3 {
		turn := table.Turn.Load()
		table.Readers[turn&1].Add(1)
		done := make(chan error)
		go func() { done <- f.Forget(1) }()
		select {
		case <-done:
			t.Fatal("it did not wait")
		case <-time.After(20 * time.Millisecond):
		}
		if got := shown(table); got != "r-r" {
			t.Errorf("it still has %s", got)
		}
		table.Readers[turn&1].Add(-1)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := f.Fill(t.Context(), 0, o.Size); err != nil {
			t.Fatal(err)
		}
		if _, err := f.ReadAt(t.Context(), make([]byte, block), block); err != nil || shown(table) != "rrr" {
			t.Fatalf("%s, %v", shown(table), err)
		}
	}
}

// TestReadTableWhenFull: what has been read by the table is given up first, and is in it no longer.
func TestReadTableWhenFull(t *testing.T) {
	mem := storagetest.NewMem("mem://lake/")
	o := mem.Put("k", noise(44, 40*block))
	f := object(t, open(t, t.TempDir(), 20*block), mem, o)
	table := f.ReadTable()
	release, err := f.Hold(t.Context(), 0, 10*block)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.ReadAt(t.Context(), make([]byte, 10*block), 0); err != nil {
		t.Fatal(err)
	}
	release()
	if got := shown(table)[:10]; got != "rrrrrrrrrr" {
		t.Fatalf("it has %s", got)
	}
	for off := int64(10); off < 40; off += 5 {
		if _, err := f.ReadAt(t.Context(), make([]byte, 5*block), off*block); err != nil {
			t.Fatal(err)
		}
	}
	missing := func(b int64) bool { return f.Missing(b*block, 1) > 0 }
	given := 0
	for b, is := range shown(table) {
		if missing(int64(b)) {
			given++
			if is != '-' {
				t.Errorf("block %d was given up, and is still in the table", b)
			}
		}
	}
	if given == 0 {
		t.Error("nothing was given up")
	}
}
