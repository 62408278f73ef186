package rangecache

import (
	"os"
	"time"

	"github.com/skepdata/skep/storage"
)

// unkept opens an object of which nothing is kept, because the cache's disk takes no file of it: it is
// full, or broken. Its file has holes only, which File.ReadAt reads past.
func (c *Cache) unkept(name string, b storage.Bucket, o storage.Object, why error) (*object, error) {
	data, err := holes(o.Size)
	if err != nil {
		return nil, why
	}
	f, err := holes(0)
	if err != nil {
		data.Close()
		return nil, why
	}
	m := &blockMap{f: f, blocks: make([]uint64, blocksOf(o.Size))}
	if err := m.begin(data, o.Size, c.boot, b.URL()+o.Key); err != nil {
		data.Close()
		f.Close()
		return nil, why
	}
	// Such files are known by the number of their descriptor, which others have had before. Their times
	// tell them apart, for who keeps what it has read of a file: each has a second of its own.
	t := time.Unix(c.unkepts.Add(1), 0)
	if err := os.Chtimes(data.Name(), t, t); err != nil {
		data.Close()
		f.Close()
		return nil, err
	}
	of := newObject(c, name, b, o, data, m)
	of.unkept = &unwritable{why}
	return of, nil
}
