package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"sync"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// recall keeps what was read of tables, and of partitions where they are few, until something is committed
// to the database, by whichever process. SQLite tells a connection that writes nothing itself a number that
// changes with every commit, so that this costs no look at the tables. It is safe for concurrent use.
type recall struct {
	mu     sync.Mutex
	conn   *sql.Conn // the one that is told; nil until it is needed
	number *sql.Stmt

	version    int64 // the number as it was last told
	moment     int64 // counts its changes: what is kept is of this one; 0 before the first
	size       int   // about the bytes of what is kept
	tables     map[metastore.TableName]*metastore.Table
	partitions map[string][]*metastore.Partition
}

const (
	// recallBytes bounds what is kept.
	recallBytes = 8 << 20
	// recallPartitions is how many partitions an answer has at most that is kept.
	recallPartitions = 256
	// recallKey is how long the text of a predicate is at most of which the answer is kept.
	recallKey = 4096
)

// now forgets what is no longer so. It returns the moment that everything kept is of, which is the
// present, or 0 where that cannot be found out. The caller holds the lock.
func (c *recall) now(db *sql.DB) int64 {
	ctx := context.Background() // what is interrupted would cost the connection
	if c.conn == nil {
		conn, err := db.Conn(ctx)
		if err != nil {
			return 0 // who reads the tables then gets the same error
		}
		c.conn = conn
		if c.number, err = conn.PrepareContext(ctx, `PRAGMA data_version`); err != nil {
			return c.lost()
		}
	}
	var version int64
	if err := c.number.QueryRowContext(ctx).Scan(&version); err != nil {
		return c.lost()
	}
	if version != c.version || c.moment == 0 {
		c.version = version
		c.forget()
		c.moment++
	}
	return c.moment
}

// lost gives up a connection that does not work, and what was kept by it.
func (c *recall) lost() int64 {
	_ = c.close()
	c.forget()
	c.moment++ // nothing that is being read is kept
	return 0
}

func (c *recall) forget() {
	c.size, c.tables, c.partitions = 0, map[metastore.TableName]*metastore.Table{}, map[string][]*metastore.Partition{}
}

// close gives the connection back. The caller holds the lock.
func (c *recall) close() error {
	if c.conn == nil {
		return nil
	}
	if c.number != nil {
		_ = c.number.Close() // of a connection that ends with it
	}
	err := c.conn.Close()
	c.conn, c.number = nil, nil
	return err
}

// table is a table of the present, nil if it is not known, and the moment for keepTable.
func (c *recall) table(db *sql.DB, name metastore.TableName) (t *metastore.Table, moment int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	moment = c.now(db)
	if t = c.tables[name]; moment == 0 || t == nil {
		return nil, moment
	}
	return t.Clone(), moment
}

// keepTable keeps a table that was read after table gave a moment.
func (c *recall) keepTable(moment int64, name metastore.TableName, t *metastore.Table) {
	size := len(t.ViewOriginalText) + len(t.ViewExpandedText) + sizeOf(t.Parameters) + 100*(10+len(t.Storage.Columns))
	c.keep(moment, size, func() { c.tables[name] = t.Clone() })
}

// keep makes room and calls fn, unless the moment is over.
func (c *recall) keep(moment int64, size int, fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if moment == 0 || moment != c.moment || size > recallBytes/4 {
		return
	}
	if c.size+size > recallBytes { // rare, and then what is in use comes back at once
		c.forget()
	}
	c.size += size
	fn()
}

// answer is the text by which the partitions that satisfy a predicate are kept; "" for none that are.
func answer(name metastore.TableName, p partitions.Predicate) string {
	key := name.String()
	if p != nil {
		key += "\x00" + p.String()
	}
	if len(key) > recallKey {
		return ""
	}
	return key
}

// found are the partitions of an answer, if it is known, and the moment for keepPartitions.
func (c *recall) found(db *sql.DB, key string) (list []*metastore.Partition, known bool, moment int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if moment = c.now(db); moment != 0 {
		list, known = c.partitions[key]
	}
	return list, known, moment
}

// keepPartitions keeps an answer that was read after found gave a moment.
func (c *recall) keepPartitions(moment int64, key string, list []*metastore.Partition) {
	size := len(key) + 100
	for _, p := range list {
		size += 500 + sizeOf(p.Parameters)
	}
	c.keep(moment, size, func() { c.partitions[key] = list })
}

// own is a partition of which the caller may change what the metastore says he may.
func own(p *metastore.Partition) *metastore.Partition {
	c := *p
	c.Values, c.Parameters = slices.Clone(p.Values), maps.Clone(p.Parameters)
	return &c
}

func sizeOf(parameters map[string]string) int {
	n := 0
	for k, v := range parameters {
		n += len(k) + len(v) + 50
	}
	return n
}
