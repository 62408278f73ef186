package spill

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Records come in the order of their keys, and of their being added, however little memory there is.
func TestSorter(t *testing.T) {
	type record struct{ key, value string }
	for _, memory := range []int{1, 100, 3000, 1 << 20} {
		t.Run(fmt.Sprint(memory), func(t *testing.T) {
			dir := t.TempDir()
			r := rand.New(rand.NewPCG(1, uint64(memory)))
			s := NewSorter(dir, memory)
			var want []record
			for i := range 2000 {
				one := record{strings.Repeat("k", r.IntN(3)) + fmt.Sprint(r.IntN(100)), strings.Repeat("v", r.IntN(40)) + fmt.Sprint(i)}
				want = append(want, one)
				if err := s.Add([]byte(one.key), []byte(one.value)); err != nil {
					t.Fatal(err)
				}
			}
			slices.SortStableFunc(want, func(a, b record) int { return cmp.Compare(a.key, b.key) })
			in, err := s.Read()
			if err != nil {
				t.Fatal(err)
			}
			if most := 4 * mergeOf; len(s.runs) > most {
				t.Errorf("%d files are open", len(s.runs))
			}
			for i := 0; ; i++ {
				key, value, err := in.Next()
				if errors.Is(err, io.EOF) && i == len(want) {
					break
				}
				if err != nil || i == len(want) || string(key) != want[i].key || string(value) != want[i].value {
					t.Fatalf("record %d is %s %s, %v", i, key, value, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}

func TestEmptySorter(t *testing.T) {
	in, err := NewSorter(t.TempDir(), 1).Read()
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := in.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestStore(t *testing.T) {
	s := NewStore(t.TempDir())
	var pieces []Piece
	contents := [][]byte{nil, []byte("a"), make([]byte, 3*storeMemory/4), bytes.Repeat([]byte("b"), storeMemory/2), []byte("c"), make([]byte, 3*storeMemory), []byte("d")}
	for _, b := range contents {
		p, err := s.Put(b)
		if err != nil {
			t.Fatal(err)
		}
		pieces = append(pieces, p)
	}
	for i, p := range pieces {
		if b, err := s.Get(p); err != nil || !bytes.Equal(b, contents[i]) {
			t.Errorf("piece %d has %d bytes, %v", i, len(b), err)
		}
	}
	if b, err := s.Get(Piece{}); err != nil || len(b) > 0 {
		t.Errorf("nothing is %q, %v", b, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Where there is no room the error says what to do.
func TestNoPlace(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	s := NewSorter(missing, 1)
	if err := s.Add([]byte("a"), nil); err != nil {
		t.Fatal(err)
	}
	err := s.Add([]byte("b"), nil)
	if !errors.Is(err, os.ErrNotExist) || !strings.HasSuffix(err.Error(), "(TMPDIR chooses another directory)") {
		t.Errorf("got %v", err)
	}
	if _, err := NewStore(missing).Put(make([]byte, storeMemory)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkSorter(b *testing.B) {
	value := make([]byte, 100)
	s := NewSorter(b.TempDir(), 16<<20)
	defer s.Close()
	for i := range b.N {
		if err := s.Add(fmt.Appendf(nil, "%08d", i*7919%10_000), value); err != nil {
			b.Fatal(err)
		}
	}
	in, err := s.Read()
	for err == nil {
		_, _, err = in.Next()
	}
	if !errors.Is(err, io.EOF) {
		b.Fatal(err)
	}
}
