package spill

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/s2"
)

// mergeOf is how many runs become one.
const mergeOf = 16

// Sorter sorts records by their keys, as bytes are compared; those of one key stay in the order in which they
// were added. One goroutine uses it.
type Sorter struct {
	dir    string
	memory int

	arena []byte
	at    []uint32 // where the records of arena begin
	runs  []run    // in the order of their records; the merged ones first
}

// run is a sorted file.
type run struct {
	file  *os.File
	level int // how often its records have been merged
}

// NewSorter keeps about so many bytes in memory, less than 4 GiB. Its files are in dir or, if it is empty, where
// programs put temporary files.
func NewSorter(dir string, memory int) *Sorter { return &Sorter{dir: dir, memory: memory} }

// Add adds a record, of which it keeps a copy.
func (s *Sorter) Add(key, value []byte) error {
	if len(s.arena) > 0 && len(s.arena)+len(key)+len(value) > s.memory {
		if err := s.flush(); err != nil {
			return err
		}
	}
	s.at = append(s.at, uint32(len(s.arena)))
	s.arena = appendRecord(s.arena, key, value)
	return nil
}

func appendRecord(b, key, value []byte) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(key))), key...)
	return append(binary.AppendUvarint(b, uint64(len(value))), value...)
}

// sort brings the records in memory into order.
func (s *Sorter) sort() {
	slices.SortStableFunc(s.at, func(a, b uint32) int {
		left, _ := cutBytes(s.arena[a:])
		right, _ := cutBytes(s.arena[b:])
		return bytes.Compare(left, right)
	})
}

// cutBytes is what appendRecord has put before others.
func cutBytes(b []byte) (first, rest []byte) {
	n, size := binary.Uvarint(b)
	return b[size : size+int(n)], b[size+int(n):]
}

// flush makes a run of what is in memory.
func (s *Sorter) flush() error {
	s.sort()
	f, err := writeRun(s.dir, func(w io.Writer) error {
		for _, at := range s.at {
			_, rest := cutBytes(s.arena[at:])
			_, rest = cutBytes(rest)
			if _, err := w.Write(s.arena[at : len(s.arena)-len(rest)]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.arena, s.at = s.arena[:0], s.at[:0]
	s.runs = append(s.runs, run{file: f})
	return s.mergeRuns()
}

// mergeRuns makes one run of the latest, as long as there are enough that have been merged as often.
func (s *Sorter) mergeRuns() error {
	for {
		first := len(s.runs)
		for first > 0 && s.runs[first-1].level == s.runs[len(s.runs)-1].level {
			first--
		}
		if len(s.runs)-first < mergeOf {
			return nil
		}
		if err := s.mergeFrom(first); err != nil {
			return err
		}
	}
}

func (s *Sorter) mergeFrom(first int) error {
	latest := s.runs[first:]
	r, err := readRuns(latest)
	if err != nil {
		return err
	}
	f, err := writeRun(s.dir, func(w io.Writer) error {
		var b []byte
		for {
			key, value, err := r.Next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				b = appendRecord(b[:0], key, value)
				_, err = w.Write(b)
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return err
	}
	merged := run{f, latest[0].level + 1}
	err = closeRuns(latest)
	s.runs = append(s.runs[:first], merged)
	return err
}

// writeRun writes a file, which it compresses.
func writeRun(dir string, write func(io.Writer) error) (*os.File, error) {
	f, err := scratch(dir)
	if err != nil {
		return nil, err
	}
	w := s2.NewWriter(f, s2.WriterConcurrency(1), s2.WriterBlockSize(blockSize))
	err = write(w)
	if closed := w.Close(); err == nil { // otherwise it tells the same again
		err = closed
	}
	if err != nil {
		_ = f.Close() // nothing is in it
		return nil, failed(err)
	}
	return f, nil
}

func closeRuns(runs []run) error {
	var errs []error
	for _, r := range runs {
		errs = append(errs, r.file.Close())
	}
	return errors.Join(errs...)
}

// Close forgets everything. Readers must not be used any more.
func (s *Sorter) Close() error {
	runs := s.runs
	s.arena, s.at, s.runs = nil, nil, nil
	return closeRuns(runs)
}
