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
	gzip, err := ByName("gzip")
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("one line is much like another, and differs in a number: 0123456789\n"), 30_000)
	want := encode(t, gzip, Options{}, data)
	crew := NewCrew(2)
	for range 3 {
		encode(t, gzip, Options{Crew: crew}, bytes.Repeat([]byte{7, 77}, 400_000))
		if got := encode(t, gzip, Options{Crew: crew}, data); !bytes.Equal(got, want) {
			t.Fatal("the output depends on what was compressed before")
		}
	}
	if n := len(crew.spare[deflateBlock]); n == 0 || n > 2*crew.size {
		t.Errorf("%d blocks are kept, want some, and at most %d", n, 2*crew.size)
	}
}
