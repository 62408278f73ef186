package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"sync"

	"github.com/skepdata/skep/metastore"
)

// recentDescriptors is how many descriptors of a table are known beforehand when its partitions
// are read; the rest comes with the rows. Few tables have more.
const recentDescriptors = 256

// maxCached is how many decoded descriptors a store keeps.
const maxCached = 8192

// descriptorCache keeps decoded descriptors by their ids. They never change, and an id is never
// given out twice.
type descriptorCache struct {
	mu   sync.Mutex
	byID map[int64]sharedDescriptor
}

// sharedDescriptor is a descriptor without a location, and the place that it says partitions are in.
type sharedDescriptor struct {
	metastore.StorageDescriptor
	base string
}

func (c *descriptorCache) get(id int64) (sharedDescriptor, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, ok := c.byID[id]
	return d, ok
}

// decode decodes a descriptor that get does not find.
func (c *descriptorCache) decode(id int64, base, body string) (sharedDescriptor, error) {
	decoded, err := decodeDescriptor(body, "")
	if err != nil {
		return sharedDescriptor{}, err
	}
	d := sharedDescriptor{decoded, base}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || len(c.byID) >= maxCached {
		c.byID = map[int64]sharedDescriptor{}
	}
	c.byID[id] = d
	return d, nil
}

// at is the descriptor of a partition, which shares everything but the location.
func (d sharedDescriptor) at(own, name string) metastore.StorageDescriptor {
	out := d.StorageDescriptor
	out.Location = joinLocation(d.base, own, name)
	return out
}

// known are the descriptors of a table that its rows need not bring along: those with the ids from
// one to another.
type known struct {
	from, to int64
	all      bool
	byID     map[int64]sharedDescriptor
}

// recent reads the newest descriptors of a table, or finds them in the cache.
func (r reader) recent(ctx context.Context, table int64) (known, error) {
	k := known{to: -1, byID: map[int64]sharedDescriptor{}}
	var missing []int64
	n := 0
	err := r.each(ctx, func(scan func(...any) error) error {
		var id int64
		if err := scan(&id); err != nil {
			return err
		}
		if n++; n == 1 {
			k.to = id
		}
		k.from = id
		if d, ok := r.descriptors.get(id); ok {
			k.byID[id] = d
		} else {
			missing = append(missing, id)
		}
		return nil
	}, `SELECT id FROM descriptors WHERE table_id = ? ORDER BY id DESC LIMIT ?`, table, recentDescriptors)
	if err != nil {
		return k, err
	}
	k.all = n < recentDescriptors
	if len(missing) == 0 {
		return k, nil
	}
	args := []any{table}
	for _, id := range missing {
		args = append(args, id)
	}
	return k, r.each(ctx, func(scan func(...any) error) error {
		var id int64
		var base, body string
		if err := scan(&id, &base, &body); err != nil {
			return err
		}
		d, err := r.descriptors.decode(id, base, body)
		k.byID[id] = d
		return err
	}, `SELECT id, base, body FROM descriptors WHERE table_id = ? AND id IN `+placeholders(len(missing)), args...)
}

// find is the descriptor of a row, which brought it along where it is not a known one.
func (k known) find(cache *descriptorCache, id int64, base, body sql.NullString) (sharedDescriptor, error) {
	if d, ok := k.byID[id]; ok {
		return d, nil
	}
	if d, ok := cache.get(id); ok {
		return d, nil
	}
	if !body.Valid {
		return sharedDescriptor{}, errors.New("the storage descriptor of a partition is missing; hiveql metastore doctor says more")
	}
	return cache.decode(id, base.String, body.String)
}

// descriptor finds or makes the row of a storage descriptor.
func (t *tx) descriptor(ctx context.Context, table int64, body, base string) (id int64, err error) {
	hash := descriptorHash(body, base)
	err = t.one(ctx, `SELECT id FROM descriptors WHERE table_id = ? AND hash = ?`, with(table, hash), &id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	id = t.newID()
	_, err = t.exec(ctx, `INSERT INTO descriptors (id, table_id, hash, base, body) VALUES (?, ?, ?, ?, ?)`,
		id, table, hash, base, body)
	return id, err
}

// descriptorIDs remembers the descriptors that a call has used.
type descriptorIDs map[[2]string]int64

func (c descriptorIDs) find(ctx context.Context, t *tx, table int64, body, base string) (int64, error) {
	key := [2]string{body, base}
	if id, ok := c[key]; ok {
		return id, nil
	}
	id, err := t.descriptor(ctx, table, body, base)
	if err != nil {
		return 0, err
	}
	if len(c) >= recentDescriptors {
		clear(c)
	}
	c[key] = id
	return id, nil
}
