package spill

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/s2"
)

// blockSize is how many bytes of a run are compressed together, which one that is read holds twice.
const blockSize = 64 << 10

// Reader reads the records of a Sorter in order. One goroutine uses it.
type Reader struct {
	memory *Sorter // what is left in memory, if there are no runs
	next   int
	runs   runHeap
	last   *runReader // whose record was returned last
}

// Read begins to read. Nothing must be added after that.
func (s *Sorter) Read() (*Reader, error) {
	if len(s.runs) == 0 {
		s.sort()
		return &Reader{memory: s}, nil
	}
	if len(s.arena) > 0 {
		if err := s.flush(); err != nil {
			return nil, err
		}
	}
	s.arena, s.at = nil, nil // make room
	return readRuns(s.runs)
}

// readRuns merges runs, the earlier of which have the earlier records of a key.
func readRuns(runs []run) (*Reader, error) {
	r := &Reader{}
	for i, one := range runs {
		if _, err := one.file.Seek(0, io.SeekStart); err != nil {
			return nil, failed(err)
		}
		in := s2.NewReader(one.file, s2.ReaderMaxBlockSize(blockSize), s2.ReaderAllocBlock(blockSize))
		rr := &runReader{in: bufio.NewReaderSize(in, 4<<10), order: i}
		switch err := rr.read(); {
		case err == nil:
			r.runs = append(r.runs, rr)
		case !errors.Is(err, io.EOF):
			return nil, failed(err)
		}
	}
	heap.Init(&r.runs)
	return r, nil
}

// Next returns the next record, until the next call, or io.EOF.
func (r *Reader) Next() (key, value []byte, err error) {
	if r.memory != nil {
		if r.next == len(r.memory.at) {
			return nil, nil, io.EOF
		}
		key, rest := cutBytes(r.memory.arena[r.memory.at[r.next]:])
		value, _ := cutBytes(rest)
		r.next++
		return key, value, nil
	}
	if r.last != nil {
		switch err := r.last.read(); {
		case err == nil:
			heap.Fix(&r.runs, 0)
		case errors.Is(err, io.EOF):
			heap.Pop(&r.runs)
		default:
			return nil, nil, failed(err)
		}
		r.last = nil
	}
	if len(r.runs) == 0 {
		return nil, nil, io.EOF
	}
	r.last = r.runs[0]
	return r.last.key, r.last.value, nil
}

// runReader is a run and the record that comes next.
type runReader struct {
	in         *bufio.Reader
	order      int
	key, value []byte
}

// read reads a record. Its error is io.EOF at the end of the run.
func (r *runReader) read() (err error) {
	if r.key, err = readBytes(r.in, r.key); err != nil {
		return err
	}
	if r.value, err = readBytes(r.in, r.value); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// readBytes reads what appendRecord has written, into b if there is room.
func readBytes(in *bufio.Reader, b []byte) ([]byte, error) {
	n, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	if uint64(cap(b)) < n {
		b = make([]byte, n)
	}
	b = b[:n]
	if _, err := io.ReadFull(in, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}

// runHeap has the run with the first record first.
type runHeap []*runReader

func (h runHeap) Len() int { return len(h) }

func (h runHeap) Less(i, j int) bool {
	c := bytes.Compare(h[i].key, h[j].key)
	return c < 0 || c == 0 && h[i].order < h[j].order
}

func (h runHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *runHeap) Push(x any) { *h = append(*h, x.(*runReader)) }

// Pop implements heap.Interface.
func (h *runHeap) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	*h = (*h)[:last]
	return r
}
