package copier

import (
	"hash"
	"sync"

	md5simd "github.com/minio/md5-simd"

	"github.com/skepdata/skep/storage"
)

const (
	// mostLanes is how many MD5s are computed together: so many lanes of a vector there are at most.
	mostLanes = 16
	// fewLanes is how many together take less processor time than one by one.
	fewLanes = 4
)

// lanes compute the MD5s of several parts of large objects in the lanes of vectors, where the processor can: of eight
// together each takes a third of the time. What is hashed is copied for that, to a goroutine that begins with the
// first part and ends with close. The zero value is ready. It is safe for concurrent use, except close.
type lanes struct {
	mu     sync.Mutex
	server md5simd.Server // nil as long as nobody has asked
	free   []md5simd.Hasher
	used   int
}

// newRange is the hash of a part of which there are so many, for a digest, and what gives it back.
func (l *lanes) newRange(d storage.Digest, parts int) (h hash.Hash, giveBack func()) {
	if d.Algorithm != "MD5" || d.PartSize == 0 || parts < fewLanes {
		return d.NewRange(), func() {}
	}
	lane := l.take()
	if lane == nil {
		return d.NewRange(), func() {}
	}
	return d.NewRangeBy(lane), func() { l.put(lane) }
}

// take returns a lane, or nil if all are in use.
func (l *lanes) take() md5simd.Hasher {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.used == mostLanes {
		return nil
	}
	l.used++
	if n := len(l.free); n > 0 {
		lane := l.free[n-1]
		l.free = l.free[:n-1]
		lane.Reset()
		return lane
	}
	if l.server == nil {
		l.server = md5simd.NewServer()
	}
	return l.server.NewHash()
}

// put gives back a lane. It is used again: the library never forgets one.
func (l *lanes) put(lane md5simd.Hasher) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used--
	l.free = append(l.free, lane)
}

// close ends the goroutine. All lanes have been given back.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.server == nil {
		return
	}
	for _, lane := range l.free {
		lane.Close()
	}
	l.server.Close()
	l.server, l.free = nil, nil
}
