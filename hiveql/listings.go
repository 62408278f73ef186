package hiveql

import (
	"errors"
	"sync"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// listings are what was found at the places of tables: for the sessions that say by skep.listing.ttl how long they do not
// look again, of tables that others write to, and for queries that begin before they have looked. It is safe for concurrent
// use.
type listings struct {
	mu      sync.Mutex
	known   map[listingKey]listing
	objects int // of all of them, and one for each
}

// mostListed bounds the objects that are kept, at some 200 bytes each. When there are more, all are
// forgotten: those in use come back at once.
const mostListed = 100_000

type listingKey struct {
	table metastore.TableName
	url   string
}

type listing struct {
	version int64 // of the table: a write of ours changes it
	at      time.Time
	objects []storage.Object
}

// get gives what was found at a place less than ttl ago. It is only read.
func (k *listings) get(t *metastore.Table, url string, ttl time.Duration, now time.Time) ([]storage.Object, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l, ok := k.known[listingKey{t.TableName, url}]
	if !ok || l.version != t.Version || now.Before(l.at) || now.Sub(l.at) >= ttl {
		return nil, false
	}
	return l.objects, true
}

// since gives what was found at a place by a listing that began at a time or later. It is only read.
func (k *listings) since(t *metastore.Table, url string, at time.Time) ([]storage.Object, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l, ok := k.known[listingKey{t.TableName, url}]
	if !ok || l.version != t.Version || l.at.Before(at) {
		return nil, false
	}
	return l.objects, true
}

// put keeps what was found at a place that was listed from at on.
func (k *listings) put(t *metastore.Table, url string, at time.Time, objects []storage.Object) {
	if len(objects) >= mostListed {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	key := listingKey{t.TableName, url}
	if old, ok := k.known[key]; ok {
		k.objects -= len(old.objects) + 1
	}
	if k.known == nil || k.objects+len(objects)+1 > mostListed {
		k.known, k.objects = map[listingKey]listing{}, 0
	}
	k.known[key] = listing{t.Version, at, objects}
	k.objects += len(objects) + 1
}

// doubt forgets everything if an error says that a file is not what was listed.
func (k *listings) doubt(err error) {
	if !errors.Is(err, storage.ErrChanged) && !errors.Is(err, storage.ErrNotExist) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known, k.objects = nil, 0
}
