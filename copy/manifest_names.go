package copier

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/skepdata/skep/storage"
)

// listedNames finds what a manifest to be copied lists more than once, of which one counts, and
// objects of several directories that have one name relative to them, of which the first is copied:
// the others would replace it. It remembers about 40 bytes for each.
type listedNames struct {
	apart bool // outputs are not called like their sources
	dirs  []string
	byDir map[string]int
	seen  map[[16]byte]int // the directory of what was listed, by the hash of its name
}

// add reports whether a source has been listed before. One that has the name of another is lost.
func (l *listedNames) add(p *planner, s *Source) (again bool) {
	if l.seen == nil {
		l.byDir, l.seen = map[string]int{}, map[[16]byte]int{}
	}
	dir, ok := strings.CutSuffix(s.Key, s.Base)
	if !ok {
		dir = s.Key
	}
	at, known := l.byDir[dir]
	if !known {
		at = len(l.dirs)
		l.dirs = append(l.dirs, dir)
		l.byDir[dir] = at
	}
	exactly := s.Key + "\n" + s.Base
	if l.apart {
		return l.remember(exactly, at) != nothing
	}
	switch other := l.remember(s.Base, at); {
	case other == nothing:
		return false
	case other == at, l.remember(exactly, at) != nothing:
		return true
	default:
		url := p.src.Bucket.URL()
		s.lost = &storage.Error{Op: "copy", URL: url + s.Key, Err: fmt.Errorf(
			"it and the one that the manifest has from %s would both become %s; --srcPattern can select what is of one srcDir",
			url+l.dirs[other], s.Base)}
		return false
	}
}

const nothing = -1

// remember returns the directory of the first that had that name, or else remembers this one.
func (l *listedNames) remember(name string, dir int) int {
	sum := sha256.Sum256([]byte(name))
	id := [16]byte(sum[:])
	if other, ok := l.seen[id]; ok {
		return other
	}
	l.seen[id] = dir
	return nothing
}
