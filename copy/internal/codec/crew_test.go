package codec

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
)

// The blocks of the writer that began first are compressed first, whoever asked first.
func TestCrewPrefersTheOldest(t *testing.T) {
	c := NewCrew(1)
	first, second, third := c.join(), c.join(), c.join()
	c.enter(third)
	var order []uint64
	done := make(chan struct{})
	for i, rank := range []uint64{third, second, first, second} {
		go func() {
			c.enter(rank)
			order = append(order, rank) // one at a time has entered
			c.leave()
			done <- struct{}{}
		}()
		for waits := 0; waits != i+1; {
			c.mu.Lock()
			waits = len(c.waiting)
			c.mu.Unlock()
			runtime.Gosched()
		}
	}
	c.leave()
	for range 4 {
		<-done
	}
	if want := []uint64{first, second, second, third}; !slices.Equal(order, want) {
		t.Errorf("the order was %v, want %v", order, want)
	}
	if c.idle != 1 {
		t.Errorf("%d are idle in the end, want 1", c.idle)
	}
}

// What a crew has compressed before does not show in the next output, and its memory is used again.
func TestCrewIsUsedAgain(t *testing.T) {
	line := []byte("one line is much like another, and differs in a number: 0123456789\n")
	for name, is := range map[string]struct{ level, block int }{
		"gzip": {0, deflateBlock}, "zstd": {0, zstdBlock}, "lz4": {0, lz4Block}, "bzip2": {1, bzip2BlockOf(1)},
	} {
		c, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		size := 3*is.block - 5 // of blocks enough for both of the crew
		data := bytes.Repeat(line, size/len(line))
		want := encode(t, c, Options{Level: is.level}, data)
		crew := NewCrew(2)
		for range 3 {
			encode(t, c, Options{Crew: crew, Level: is.level}, bytes.Repeat([]byte{7, 77}, size/2))
			if got := encode(t, c, Options{Crew: crew, Level: is.level}, data); !bytes.Equal(got, want) {
				t.Fatalf("%s: the output depends on what was compressed before", name)
			}
		}
		if n := len(crew.spare[is.block]); n == 0 || n > 2*crew.size {
			t.Errorf("%s: %d blocks are kept, want some, and at most %d", name, n, 2*crew.size)
		}
		for kind, idle := range crew.tools {
			if len(idle) == 0 || len(idle) > crew.size {
				t.Errorf("%s: %d of %v are kept, want some, and at most %d", name, len(idle), kind, crew.size)
			}
		}
	}
}
