package spill

import (
	"os"
	"sync"
)

// storeMemory is how many bytes a Store keeps before it writes them to its file.
const storeMemory = 1 << 20

// Store keeps pieces of bytes. It is safe for concurrent use.
type Store struct {
	dir string

	mu      sync.Mutex
	file    *os.File // nil as long as everything is in memory
	written int64    // bytes in file
	tail    []byte   // what comes behind them
}

// Piece is where a Store has something. The zero value is nothing.
type Piece struct {
	at int64
	n  int
}

// NewStore keeps what there is in a file in dir, or, if it is empty, where programs put temporary files.
func NewStore(dir string) *Store { return &Store{dir: dir} }

// Put keeps a copy of b.
func (s *Store) Put(b []byte) (Piece, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Piece{s.written + int64(len(s.tail)), len(b)}
	if s.tail = append(s.tail, b...); len(s.tail) < storeMemory {
		return p, nil
	}
	if s.file == nil {
		f, err := scratch(s.dir)
		if err != nil {
			return Piece{}, err
		}
		s.file = f
	}
	if _, err := s.file.WriteAt(s.tail, s.written); err != nil {
		return Piece{}, failed(err)
	}
	s.written += int64(len(s.tail))
	s.tail = make([]byte, 0, storeMemory)
	return p, nil
}

// Get returns a copy of what Put was given.
func (s *Store) Get(p Piece) ([]byte, error) {
	b := make([]byte, p.n)
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.at >= s.written { // a piece is never in both
		copy(b, s.tail[p.at-s.written:])
		return b, nil
	}
	if _, err := s.file.ReadAt(b, p.at); err != nil {
		return nil, failed(err)
	}
	return b, nil
}

// Close forgets everything.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = nil
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
