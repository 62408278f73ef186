package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/skepdata/skep/storage"
)

// transaction is what changes are made in.
type transaction struct {
	*sql.Tx
	s       *store
	now     time.Time
	garbage []blockRef // replicas of blocks that lost their last reference

	numbers int64 // the next one; 0 before the first was taken
	volumes map[int64]*volumeState
	entries []*entry // for the journal
}

// note puts a change into the journal.
func (t *transaction) note(e *entry) { t.entries = append(t.entries, e) }

// The queries that most transactions make.
const (
	nextNumber    = "SELECT next FROM counters WHERE name = 'version'"
	setNumber     = "UPDATE counters SET next = ? WHERE name = 'version'"
	noteCommitted = "UPDATE writers SET committed = max(committed, ?) WHERE id = ?"
	volumeQuery   = "SELECT " + volumeColumns + " FROM volumes WHERE id = ?"
	setTotals     = "UPDATE volumes SET bytes = ?, files = ? WHERE id = ?"
	insertFile    = `INSERT INTO files (volume, key, version, size, crc32c, mtime, content_type, metadata, more)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`
	deleteFile       = "DELETE FROM files WHERE volume = ? AND key = ? RETURNING version, size"
	insertInline     = "INSERT INTO inline (version, content) VALUES (?, ?)"
	deleteInline     = "DELETE FROM inline WHERE version = ?"
	blocksOfVersion  = "SELECT DISTINCT block FROM file_blocks WHERE version = ?"
	insertBlock      = "INSERT INTO blocks (id, size, crc32c, chunks, copies, hash) VALUES (?, ?, ?, ?, ?, ?)"
	insertReplica    = "INSERT INTO replicas (block, disk) SELECT ?, id FROM disks WHERE id = ? AND state <> 'removed'"
	insertFileBlock  = "INSERT INTO file_blocks (version, seq, block) VALUES (?, ?, ?)"
	deleteFileBlocks = "DELETE FROM file_blocks WHERE version = ?"
)

// ExecContext is that of sql.Tx, with queries that are compiled already.
func (t *transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt, ok := t.s.ns.hot[query]; ok {
		stmt = t.StmtContext(ctx, stmt)
		defer stmt.Close()
		return stmt.ExecContext(ctx, args...)
	}
	return t.Tx.ExecContext(ctx, query, args...)
}

// QueryContext is that of sql.Tx, with queries that are compiled already.
func (t *transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt, ok := t.s.ns.hot[query]; ok {
		stmt = t.StmtContext(ctx, stmt)
		defer stmt.Close()                     // the rows keep what they need of it
		return stmt.QueryContext(ctx, args...) //nolint:sqlclosecheck // the caller closes them
	}
	return t.Tx.QueryContext(ctx, query, args...) //nolint:sqlclosecheck // the caller closes them
}

// QueryRowContext is that of sql.Tx, with queries that are compiled already.
func (t *transaction) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt, ok := t.s.ns.hot[query]; ok {
		return t.StmtContext(ctx, stmt).QueryRowContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	}
	return t.Tx.QueryRowContext(ctx, query, args...)
}

// number returns a number that is greater than all that any transaction took before. Whatever
// changes what is visible takes one, so numbers tell in what order changes were made.
func (t *transaction) number(ctx context.Context) (int64, error) {
	if t.numbers == 0 {
		err := t.QueryRowContext(ctx, nextNumber).Scan(&t.numbers)
		if err != nil {
			return 0, err
		}
	}
	t.numbers++
	return t.numbers - 1, nil
}

// volume returns the volume of that number, which must exist.
func (t *transaction) volume(ctx context.Context, id int64) (*volumeState, error) {
	if v, ok := t.volumes[id]; ok {
		return v, nil
	}
	v := &volumeState{}
	err := v.scan(t.QueryRowContext(ctx, volumeQuery, id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, refusal{fmt.Errorf("%w: the volume was removed meanwhile", storage.ErrNotExist)}
	}
	if err != nil {
		return nil, err
	}
	if t.volumes == nil {
		t.volumes = map[int64]*volumeState{}
	}
	t.volumes[id] = v
	return v, nil
}

// finish writes what the changes have left in memory.
func (t *transaction) finish(ctx context.Context, w *writerLease) error {
	if t.numbers == 0 { // by its number it can be told later whether the transaction was committed
		if _, err := t.number(ctx); err != nil {
			return err
		}
	}
	if err := t.mustLive(ctx, w.id); err != nil {
		return err
	}
	return t.flush(ctx)
}

// flush writes the next number, and the sums of the volumes, which are read anew when they are needed.
func (t *transaction) flush(ctx context.Context) error {
	if t.numbers != 0 {
		_, err := t.ExecContext(ctx, setNumber, t.numbers)
		if err != nil {
			return err
		}
	}
	for _, v := range t.volumes {
		if !v.changed {
			continue
		}
		_, err := t.ExecContext(ctx, setTotals, v.bytes, v.files, v.id)
		if err != nil {
			return err
		}
	}
	t.volumes = nil
	return nil
}

// fileRow is an object as the namespace holds it.
type fileRow struct {
	storage.Object
	version int64
	tags    map[string]string
}

const (
	fileColumns = "f.key, f.version, f.size, f.crc32c, f.mtime, f.content_type, f.metadata, f.more"
	fileQuery   = "SELECT " + fileColumns + " FROM files f WHERE f.volume = ? AND f.key = ?"
)

// scan reads fileColumns, and then more.
func (r *fileRow) scan(scan func(...any) error, more ...any) error {
	var key []byte
	var mtime int64
	var metadata, rare string
	err := scan(append([]any{
		&key, &r.version, &r.Size, &r.CRC32C.Sum, &mtime, &r.ContentType, &metadata, &rare,
	}, more...)...)
	if err != nil {
		return err
	}
	r.Key, r.ModTime, r.CRC32C.Known = string(key), time.Unix(0, mtime), true
	r.ETag = etag(r.version, r.CRC32C)
	return r.parse(metadata, rare)
}

// etag is the version and the checksum, as in "1f-e3069283".
func etag(version int64, sum storage.Checksum) string {
	text := strconv.AppendInt(make([]byte, 0, 25), version, 16)
	text = append(text, '-')
	for shift := 28; shift >= 0; shift -= 4 {
		text = append(text, "0123456789abcdef"[sum.Sum>>shift&0xf])
	}
	return string(text)
}

// file returns the object of that key; there may be none.
func (t *transaction) file(ctx context.Context, volume int64, key string) (r fileRow, ok bool, err error) {
	err = r.scan(t.QueryRowContext(ctx, fileQuery, volume, []byte(key)).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	return r, err == nil, err
}

// put makes o, with content that is not in the namespace yet, an object of the volume, and
// completes o.
func (t *transaction) put(ctx context.Context, volume int64, o *fileRow, c content) error {
	if c.onto != "" {
		row, ok, err := t.file(ctx, volume, o.Key)
		switch {
		case err != nil:
			return err
		case !ok || row.ETag != c.onto:
			return refusal{storage.ErrChanged}
		}
	}
	return t.replace(ctx, volume, o, func(version int64, e *entry) error {
		if len(c.inline) > 0 {
			e.content = c.inline
			_, err := t.ExecContext(ctx, insertInline, version, c.inline)
			return err
		}
		for seq, b := range c.kept {
			e.Blocks = append(e.Blocks, entryBlock{ID: b.id})
			if _, err := t.ExecContext(ctx, insertFileBlock, version, seq, b.id); err != nil {
				return err
			}
		}
		for i, b := range c.blocks {
			id, known, err := t.known(ctx, b)
			if err != nil {
				return err
			}
			described := entryBlock{ID: id} // by an earlier entry
			if !known {
				id, described = b.id, b.describe()
				err = t.addBlock(ctx, b)
			}
			if err != nil {
				return err
			}
			e.Blocks = append(e.Blocks, described)
			_, err = t.ExecContext(ctx, insertFileBlock, version, len(c.kept)+i, id)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// describe is the block in a journal.
func (b block) describe() entryBlock {
	return entryBlock{ID: b.id, Size: b.size, CRC32C: b.sum.Sum, Chunks: b.chunks, Copies: b.copies, Hash: b.hash}
}

// addBlock makes a block known.
func (t *transaction) addBlock(ctx context.Context, b block) error {
	var hash any // NULL, unless it may be found by its content
	if len(b.hash) > 0 {
		hash = b.hash
	}
	_, err := t.ExecContext(ctx, insertBlock, b.id, b.size, int64(b.sum.Sum), []byte(b.chunks), max(b.copies, 1), hash)
	if err != nil {
		return err
	}
	for _, disk := range b.disks {
		result, err := t.ExecContext(ctx, insertReplica, b.id, disk)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("disk %d was taken out of the store while block %x was written to it", disk, b.id))
		}
	}
	if len(b.disks) < b.copies {
		return t.wantRepair(ctx, b.id, fmt.Sprintf("written to %d of %d disks", len(b.disks), b.copies))
	}
	return nil
}

// wantRepair queues a block that has too few good replicas.
func (t *transaction) wantRepair(ctx context.Context, id int64, reason string) error {
	_, err := t.ExecContext(ctx,
		"INSERT INTO repairs (block, since, reason) VALUES (?, ?, ?) ON CONFLICT (block) DO NOTHING",
		id, t.now.UnixNano(), reason)
	return err
}

// share makes o an object with the content of the version that from describes.
func (t *transaction) share(ctx context.Context, volume int64, o *fileRow, from fileRow) error {
	return t.replace(ctx, volume, o, func(version int64, e *entry) error {
		if err := t.shareContent(ctx, version, from.version); err != nil {
			return err
		}
		return t.describeContent(ctx, version, e)
	})
}

// describeContent completes an entry with the content of a version, whose blocks are known already.
func (t *transaction) describeContent(ctx context.Context, version int64, e *entry) error {
	blocks, err := idsOf(ctx, t, "SELECT block FROM file_blocks WHERE version = ? ORDER BY seq", version)
	if err != nil {
		return err
	}
	for _, id := range blocks {
		e.Blocks = append(e.Blocks, entryBlock{ID: id})
	}
	if len(blocks) > 0 {
		return nil
	}
	err = t.QueryRowContext(ctx, "SELECT content FROM inline WHERE version = ?", version).Scan(&e.content)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // an empty object
	}
	return err
}

// shareContent gives a new version the content of another one.
func (t *transaction) shareContent(ctx context.Context, version, from int64) error {
	for _, query := range []string{
		"INSERT INTO file_blocks (version, seq, block) SELECT ?, seq, block FROM file_blocks WHERE version = ?",
		"INSERT INTO inline (version, content) SELECT ?, content FROM inline WHERE version = ?",
	} {
		if _, err := t.ExecContext(ctx, query, version, from); err != nil {
			return err
		}
	}
	return nil
}

// replace makes o the object of its key, with the content that addContent gives to its version.
func (t *transaction) replace(
	ctx context.Context, volume int64, o *fileRow, addContent func(version int64, e *entry) error,
) error {
	v, err := t.volume(ctx, volume)
	if err != nil {
		return err
	}
	if err := t.checkQuota(ctx, v, o.Key, o.Size); err != nil {
		return err
	}
	metadata, more, err := o.attributes()
	if err != nil {
		return refusal{err}
	}
	version, err := t.number(ctx)
	if err != nil {
		return err
	}
	o.ModTime = t.now
	e := &entry{
		N: version, Op: opPut, Volume: v.name, Key: []byte(o.Key), Size: o.Size, CRC32C: o.CRC32C.Sum,
		MTime: o.ModTime.UnixNano(), ContentType: o.ContentType, Metadata: metadata, More: more,
	}
	if err := addContent(version, e); err != nil {
		return err
	}
	if err := t.retire(ctx, v, o.Key, version); err != nil {
		return err
	}
	t.note(e)
	o.ETag = etag(version, o.CRC32C)
	_, err = t.ExecContext(ctx, insertFile, volume, []byte(o.Key), version, o.Size, int64(o.CRC32C.Sum),
		o.ModTime.UnixNano(), o.ContentType, metadata, more)
	v.grow(o.Size, 1)
	return err
}

// remove removes an object, if there is one.
func (t *transaction) remove(ctx context.Context, volume int64, key string) error {
	v, err := t.volume(ctx, volume)
	if err != nil {
		return err
	}
	died, err := t.number(ctx)
	if err != nil {
		return err
	}
	t.note(&entry{N: died, Op: opDelete, Volume: v.name, Key: []byte(key)})
	return t.retire(ctx, v, key, died)
}

// retire makes an object, if there is one, invisible from the number died on. Snapshots keep it;
// where none does, its content is released.
func (t *transaction) retire(ctx context.Context, v *volumeState, key string, died int64) error {
	if v.lastSnapshot > 0 {
		_, err := t.ExecContext(ctx, `
			INSERT INTO old_files (volume, key, version, size, crc32c, mtime, content_type, metadata, more, died)
			SELECT volume, key, version, size, crc32c, mtime, content_type, metadata, more, ?
			FROM files WHERE volume = ? AND key = ? AND version < ?`, died, v.id, []byte(key), v.lastSnapshot)
		if err != nil {
			return err
		}
	}
	var version, size int64
	err := t.QueryRowContext(ctx, deleteFile, v.id, []byte(key)).Scan(&version, &size)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	v.grow(-size, -1)
	if version < v.lastSnapshot || size == 0 {
		return nil
	}
	return t.release(ctx, version)
}

// release drops the content of a version that no row has any more, and makes garbage of the
// blocks that nothing else refers to.
func (t *transaction) release(ctx context.Context, version int64) error {
	if _, err := t.ExecContext(ctx, deleteInline, version); err != nil {
		return err
	}
	blocks, err := idsOf(ctx, t, blocksOfVersion, version)
	if err != nil || len(blocks) == 0 {
		return err
	}
	if _, err := t.ExecContext(ctx, deleteFileBlocks, version); err != nil {
		return err
	}
	for _, id := range blocks {
		if err := t.dropIfUnused(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// dropIfUnused makes garbage of a block that no version has.
func (t *transaction) dropIfUnused(ctx context.Context, id int64) error {
	var used bool
	err := t.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM file_blocks WHERE block = ?)", id).Scan(&used)
	if err != nil || used {
		return err
	}
	replicas, err := blockRefs(ctx, t, "DELETE FROM replicas WHERE block = ? RETURNING block, disk", id)
	if err != nil {
		return err
	}
	for _, query := range []string{"DELETE FROM repairs WHERE block = ?", "DELETE FROM blocks WHERE id = ?"} {
		if _, err := t.ExecContext(ctx, query, id); err != nil {
			return err
		}
	}
	return t.addGarbage(ctx, replicas...)
}

// addGarbage lists replicas whose files are to be removed once the transaction is durable.
func (t *transaction) addGarbage(ctx context.Context, replicas ...blockRef) error {
	for _, b := range replicas {
		_, err := t.ExecContext(ctx, "INSERT OR IGNORE INTO garbage (block, disk) VALUES (?, ?)", b.id, b.disk)
		if err != nil {
			return err
		}
	}
	t.garbage = append(t.garbage, replicas...)
	return nil
}

// mustLive reports it if the writer has been taken for dead: its blocks are gone then. Otherwise it
// notes the numbers that are the writer's.
func (t *transaction) mustLive(ctx context.Context, writer string) error {
	result, err := t.ExecContext(ctx, noteCommitted, t.numbers, writer)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return errors.New("another process took this one for dead, as the file of its lock was removed: open the store again")
}

// querier is a transaction, or what is as good.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// blockRefs returns the two columns of a query's result.
func blockRefs(ctx context.Context, tx querier, query string, args ...any) (all []blockRef, err error) {
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

// idsOf returns the only column of a query's result.
func idsOf(ctx context.Context, tx querier, query string, args ...any) (all []int64, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, rows.Err()
}
