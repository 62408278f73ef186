package blockstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

// change is one change of the namespace that waits for its transaction.
type change struct {
	ctx context.Context
	do  func(context.Context, *transaction) error
	err error
	// lead gets true when it is for the waiting goroutine to run the next transaction, and
	// false when its change has been done.
	lead chan bool
}

// refusal is an error of one change that leaves the others in its transaction alone. A change
// refuses before it writes.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// queue gathers the changes that come while a transaction runs, for the next one: a
// transaction costs a sync of the disk, however many changes it has.
type queue struct {
	mu      sync.Mutex
	waiting []*change
	busy    bool
}

// maxBatch bounds how long a change can wait for the others in its transaction.
const maxBatch = 500

// commit makes a change, in a transaction with others that come at the same time.
func (s *store) commit(ctx context.Context, do func(context.Context, *transaction) error) error {
	c := &change{ctx: ctx, do: do, lead: make(chan bool, 1)}
	q := &s.commits
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	if q.busy {
		q.mu.Unlock()
		if !<-c.lead {
			return c.err
		}
		q.mu.Lock()
	}
	q.busy = true
	batch := q.waiting[:min(len(q.waiting), maxBatch)] // c is the first of them, or alone
	q.waiting = slices.Clone(q.waiting[len(batch):])
	q.mu.Unlock()

	// The others in the batch must not suffer from the end of this one's context.
	s.run(context.WithoutCancel(ctx), batch)

	for _, other := range batch {
		if other != c {
			other.lead <- false
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.busy = len(q.waiting) > 0; q.busy {
		q.waiting[0].lead <- true
	}
	return c.err
}

// transaction is what changes are made in.
type transaction struct {
	*sql.Tx
	s       *store
	now     time.Time
	garbage []blockRef // blocks that lost their last reference
}

// run makes a batch of changes in one transaction, and removes what became garbage.
func (s *store) run(ctx context.Context, batch []*change) {
	var garbage []blockRef
	err := s.update(ctx, func(tx *sql.Tx) error {
		t := &transaction{Tx: tx, s: s, now: time.Now()}
		for _, c := range batch {
			if c.ctx.Err() != nil {
				c.err = context.Cause(c.ctx)
				continue
			}
			var refused refusal
			if c.err = c.do(ctx, t); c.err != nil && !errors.As(c.err, &refused) {
				return c.err
			}
		}
		garbage = t.garbage
		return nil
	})
	if err != nil {
		for _, c := range batch {
			c.err = err
		}
		return
	}
	s.removeBlocks(ctx, garbage)
}

// goneList holds the blocks whose files have been removed since their entries in the list of
// garbage were last removed with them.
type goneList struct {
	mu     sync.Mutex
	blocks []int64
}

func (g *goneList) add(blocks ...int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocks = append(g.blocks, blocks...)
}

func (g *goneList) take() []int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	blocks := g.blocks
	g.blocks = nil
	return blocks
}

// update is the namespace's, and takes blocks that are gone off the list of garbage on the way.
func (s *store) update(ctx context.Context, fn func(*sql.Tx) error) error {
	gone := s.gone.take()
	err := s.ns.update(ctx, func(tx *sql.Tx) error {
		for _, id := range gone {
			if _, err := tx.ExecContext(ctx, "DELETE FROM garbage WHERE block = ?", id); err != nil {
				return err
			}
		}
		return fn(tx)
	})
	if err != nil {
		s.gone.add(gone...)
	}
	return err
}

// fileRow is an object as the namespace holds it.
type fileRow struct {
	storage.Object
	version int64
}

const (
	fileColumns = "f.key, f.version, f.size, f.crc32c, f.mtime, f.content_type, f.metadata"
	fileQuery   = "SELECT " + fileColumns + " FROM files f WHERE f.volume = ? AND f.key = ?"
)

// scan reads fileColumns, and then more.
func (r *fileRow) scan(scan func(...any) error, more ...any) error {
	var key []byte
	var mtime int64
	var metadata string
	err := scan(append([]any{
		&key, &r.version, &r.Size, &r.CRC32C.Sum, &mtime, &r.ContentType, &metadata,
	}, more...)...)
	if err != nil {
		return err
	}
	r.Key, r.ModTime, r.CRC32C.Known = string(key), time.Unix(0, mtime), true
	r.ETag = fmt.Sprintf("%x-%08x", r.version, r.CRC32C.Sum)
	if metadata != "" {
		return json.Unmarshal([]byte(metadata), &r.Metadata)
	}
	return nil
}

// file returns the object of that key; there may be none.
func (t *transaction) file(ctx context.Context, volume int64, key string) (r fileRow, ok bool, err error) {
	err = r.scan(t.QueryRowContext(ctx, fileQuery, volume, []byte(key)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// put makes o, with the content of blocks that are not in the namespace yet, an object of the
// volume, and completes o.
func (t *transaction) put(ctx context.Context, volume int64, o *storage.Object, blocks []block) error {
	return t.replace(ctx, volume, o, func(version int64) error {
		for seq, b := range blocks {
			_, err := t.ExecContext(ctx,
				"INSERT INTO blocks (id, disk, size, crc32c, chunks) VALUES (?, ?, ?, ?, ?)",
				b.id, b.disk, b.size, int64(b.sum.Sum), []byte(b.chunks))
			if err != nil {
				return err
			}
			_, err = t.ExecContext(ctx, "INSERT INTO file_blocks (version, seq, block) VALUES (?, ?, ?)",
				version, seq, b.id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// share makes o an object with the blocks of the version that from describes.
func (t *transaction) share(ctx context.Context, volume int64, o *storage.Object, from fileRow) error {
	return t.replace(ctx, volume, o, func(version int64) error {
		_, err := t.ExecContext(ctx,
			`INSERT INTO file_blocks (version, seq, block)
			SELECT ?, seq, block FROM file_blocks WHERE version = ?`, version, from.version)
		return err
	})
}

// replace makes o the object of its key, with the blocks that addBlocks gives to its version.
func (t *transaction) replace(
	ctx context.Context, volume int64, o *storage.Object, addBlocks func(version int64) error,
) error {
	version, err := take(ctx, t.Tx, "version", 1)
	if err != nil {
		return err
	}
	if err := addBlocks(version); err != nil {
		return err
	}
	if err := t.remove(ctx, volume, o.Key); err != nil {
		return err
	}
	metadata := ""
	if len(o.Metadata) > 0 {
		text, err := json.Marshal(o.Metadata)
		if err != nil {
			return refusal{err}
		}
		metadata = string(text)
	}
	o.ModTime = t.now
	o.ETag = fmt.Sprintf("%x-%08x", version, o.CRC32C.Sum)
	_, err = t.ExecContext(ctx, `
		INSERT INTO files (volume, key, version, size, crc32c, mtime, content_type, metadata)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		volume, []byte(o.Key), version, o.Size, int64(o.CRC32C.Sum), o.ModTime.UnixNano(),
		o.ContentType, metadata)
	return err
}

// remove removes an object, if there is one, and makes garbage of the blocks that nothing else
// refers to.
func (t *transaction) remove(ctx context.Context, volume int64, key string) error {
	var version int64
	err := t.QueryRowContext(ctx,
		"DELETE FROM files WHERE volume = ? AND key = ? RETURNING version", volume, []byte(key)).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	blocks, err := blockRefs(ctx, t.Tx, `
		SELECT b.id, b.disk FROM file_blocks fb JOIN blocks b ON b.id = fb.block WHERE fb.version = ?`, version)
	if err != nil {
		return err
	}
	if _, err := t.ExecContext(ctx, "DELETE FROM file_blocks WHERE version = ?", version); err != nil {
		return err
	}
	for _, b := range blocks {
		result, err := t.ExecContext(ctx,
			"DELETE FROM blocks WHERE id = ? AND NOT EXISTS (SELECT 1 FROM file_blocks WHERE block = ?)",
			b.id, b.id)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			continue // another object has it too
		}
		_, err = t.ExecContext(ctx, "INSERT INTO garbage (block, disk) VALUES (?, ?)", b.id, b.disk)
		if err != nil {
			return err
		}
		t.garbage = append(t.garbage, b)
	}
	return nil
}

// mustLive reports it if the writer has been taken for dead: its blocks are gone then.
func (t *transaction) mustLive(ctx context.Context, writer string) error {
	var one int
	err := t.QueryRowContext(ctx, "SELECT 1 FROM writers WHERE id = ?", writer).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return refusal{errors.New("the store was closed, or another process took this one for dead")}
	}
	return err
}

// blockRefs returns the two columns of a query's result.
func blockRefs(ctx context.Context, tx *sql.Tx, query string, args ...any) (all []blockRef, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b blockRef
		if err := rows.Scan(&b.id, &b.disk); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	return all, rows.Err()
}
