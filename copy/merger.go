package copier

import (
	"iter"
	"strings"

	"github.com/skepdata/skep/storage"
)

// merger goes through the destination's objects beside the source's.
type merger struct {
	y    *syncing
	next func() (storage.Object, error, bool)
	stop func()
	head storage.Object
	name string // of head
	err  error
	ok   bool // there is a head, or an error

	taken     *storage.Object // the latest
	takenName string
}

func newMerger(y *syncing, existing iter.Seq2[storage.Object, error]) *merger {
	m := &merger{y: y}
	m.next, m.stop = iter.Pull2(existing)
	m.advance()
	return m
}

func (m *merger) advance() {
	m.head, m.err, m.ok = m.next()
	m.name = strings.TrimPrefix(m.head.Key, m.y.dest.Prefix)
}

// before tells of what comes before a name, or of all for an empty one.
func (m *merger) before(name string, tell func(storage.Object) error) error {
	for m.ok && m.err == nil && (name == "" || m.name < name) {
		if err := tell(m.head); err != nil {
			return err
		}
		m.advance()
	}
	return m.err
}

// take returns the object of that name, if it is the next, or the latest.
func (m *merger) take(name string) *storage.Object {
	if m.taken != nil && m.takenName == name {
		return m.taken
	}
	if !m.ok || m.name != name {
		return nil
	}
	o := m.head
	m.advance()
	m.taken, m.takenName = &o, name
	return &o
}
