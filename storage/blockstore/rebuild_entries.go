package blockstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/skepdata/skep/storage"
)

// load makes what an image has.
func (r *rebuilder) load(ctx context.Context, image string) error {
	return r.inTransactions(ctx, func(do func(entry) error) error { return eachEntry(image, do) }, r.loadEntry)
}

// replay makes the changes that came after it again, in their order.
func (r *rebuilder) replay(ctx context.Context) error {
	return r.inTransactions(ctx, func(do func(entry) error) error {
		var after struct {
			n, seq int64
			writer string
		}
		after.n = -1
		for {
			var frame []byte
			err := r.tx.QueryRowContext(ctx, `SELECT n, writer, seq, frame FROM staging
				WHERE (n, writer, seq) > (?, ?, ?) ORDER BY n, writer, seq LIMIT 1`,
				after.n, after.writer, after.seq).Scan(&after.n, &after.writer, &after.seq, &frame)
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			if err != nil {
				return err
			}
			e, _, err := readFrame(bytes.NewReader(frame))
			if err == nil {
				err = do(e)
			}
			if err != nil {
				return err
			}
		}
	}, r.replayEntry)
}

// perTransaction is how many entries share a transaction.
const perTransaction = 2000

// inTransactions calls do for the entries of source, in one transaction after the other.
func (r *rebuilder) inTransactions(
	ctx context.Context, source func(func(entry) error) error, do func(context.Context, entry) error,
) error {
	begin := func() error {
		if err := r.ns.getReady(ctx); err != nil {
			return err
		}
		tx, err := r.ns.writes.BeginTx(ctx, nil)
		r.tx = &transaction{Tx: tx, s: &r.store}
		return err
	}
	end := func() error {
		if err := r.tx.flush(ctx); err != nil {
			return err
		}
		return r.tx.Commit()
	}
	if err := begin(); err != nil {
		return err
	}
	n := 0
	err := source(func(e entry) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		r.report.Entries++
		if err := do(ctx, e); err != nil {
			return fmt.Errorf("entry %d, %s %s: %w", e.N, e.Op, e.Key, err)
		}
		if n++; n%perTransaction != 0 {
			return nil
		}
		if err := end(); err != nil {
			return err
		}
		return begin()
	})
	if err != nil {
		return errors.Join(err, r.tx.Rollback())
	}
	return end()
}

// loadEntry makes the row of an entry of an image.
func (r *rebuilder) loadEntry(ctx context.Context, e entry) error {
	switch e.Op {
	case opBegin, opEnd:
		return nil
	case opVolume:
		return r.setVolume(ctx, e)
	case opBlock:
		return r.describe(ctx, e)
	}
	v, err := r.tx.volumeNamed(ctx, e.Volume)
	if err != nil {
		return err
	}
	switch e.Op {
	case opSnapshot:
		v.lastSnapshot = max(v.lastSnapshot, e.N)
		_, err := r.tx.ExecContext(ctx, "INSERT INTO snapshots (volume, name, number, created) VALUES (?, ?, ?, ?)",
			v.id, e.Name, e.N, e.MTime)
		if err == nil {
			_, err = r.tx.ExecContext(ctx, "UPDATE volumes SET last_snapshot = ? WHERE id = ?", v.lastSnapshot, v.id)
		}
		return err
	case opOld:
		_, err := r.tx.ExecContext(ctx, `
			INSERT INTO old_files (volume, key, version, size, crc32c, mtime, content_type, metadata, more, died)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, v.id, e.Key, e.N, e.Size, int64(e.CRC32C), e.MTime,
			e.ContentType, e.Metadata, e.More, e.Died)
		if err != nil {
			return err
		}
		return r.addContent(ctx, e)
	case opPut:
		return r.put(ctx, v, e)
	}
	return fmt.Errorf("an image has no entry %q", e.Op)
}

// replayEntry makes a change again.
func (r *rebuilder) replayEntry(ctx context.Context, e entry) error {
	if e.Op == opVolume {
		return r.setVolume(ctx, e)
	}
	t := r.tx
	v, err := t.volumeNamed(ctx, e.Volume)
	if errors.Is(err, storage.ErrNotExist) && e.Op != opPut {
		return nil // what made the volume is lost, and so is what was in it
	}
	if err != nil {
		return err
	}
	t.numbers, t.now = e.N, time.Unix(0, e.MTime)
	switch e.Op {
	case opPut:
		err = r.put(ctx, v, e)
	case opDelete:
		err = t.remove(ctx, v.id, string(e.Key))
	case opDeletePrefix:
		err = t.deletePrefix(ctx, v, string(e.Key))
	case opMove:
		err = t.move(ctx, v, string(e.Key), string(e.To))
	case opMovePrefix:
		err = t.movePrefix(ctx, v, string(e.Key), string(e.To))
	case opSnapshot:
		err = t.createSnapshot(ctx, v, e.Name)
	case opRemoveSnapshot:
		err = t.removeSnapshot(ctx, v, e.Name)
	case opRemoveVolume:
		err = t.removeVolume(ctx, v)
	case opReplication:
		_, err = t.setReplication(ctx, v, string(e.Key), e.Copies)
	default:
		return fmt.Errorf("this program does not know the entry %q", e.Op)
	}
	t.entries, t.garbage = nil, nil
	var refused refusal
	if errors.As(err, &refused) { // something that it needs is lost
		r.report.lose(Finding{Kind: ContentDamaged, Volume: e.Volume, Key: string(e.Key), Detail: e.Op + ": " + err.Error()})
		return nil
	}
	return err
}

// setVolume makes a volume, or gives it other settings.
func (r *rebuilder) setVolume(ctx context.Context, e entry) error {
	set := e.Settings
	if set == nil {
		return errors.New("it has no settings")
	}
	if err := r.tx.flush(ctx); err != nil { // the volume is read anew after it
		return err
	}
	_, err := r.tx.ExecContext(ctx, `
		INSERT INTO volumes (name, created, block_size, replication, dedup, quota_bytes, quota_files)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name) DO UPDATE SET
			block_size = ?3, replication = ?4, dedup = ?5, quota_bytes = ?6, quota_files = ?7`,
		e.Volume, e.MTime, set.BlockSize, set.Replication, set.Dedup, set.QuotaBytes, set.QuotaFiles)
	return err
}

// describe makes blocks known that an entry describes.
func (r *rebuilder) describe(ctx context.Context, e entry) error {
	for _, b := range e.Blocks {
		if b.Size == 0 {
			continue // described earlier
		}
		var hash any
		if len(b.Hash) > 0 {
			hash = b.Hash
		}
		_, err := r.tx.ExecContext(ctx,
			"INSERT OR IGNORE INTO blocks (id, size, crc32c, chunks, copies, hash) VALUES (?, ?, ?, ?, ?, ?)",
			b.ID, b.Size, int64(b.CRC32C), []byte(b.Chunks), max(b.Copies, 1), hash)
		if err != nil {
			return err
		}
	}
	return nil
}

// addContent gives the version of an entry its content.
func (r *rebuilder) addContent(ctx context.Context, e entry) error {
	if len(e.content) > 0 {
		_, err := r.tx.ExecContext(ctx, insertInline, e.N, e.content)
		return err
	}
	if err := r.describe(ctx, e); err != nil {
		return err
	}
	for seq, b := range e.Blocks {
		var known bool
		err := r.tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM blocks WHERE id = ?)", b.ID).Scan(&known)
		if err != nil {
			return err
		}
		if !known {
			r.report.lose(Finding{Kind: BlockMissing, Volume: e.Volume, Key: string(e.Key), Block: b.ID,
				Detail: "no journal describes it"})
			continue // the check tells that the object is not whole
		}
		if _, err := r.tx.ExecContext(ctx, insertFileBlock, e.N, seq, b.ID); err != nil {
			return err
		}
	}
	return nil
}

// put makes the object of an entry visible.
func (r *rebuilder) put(ctx context.Context, v *volumeState, e entry) error {
	if err := r.addContent(ctx, e); err != nil {
		return err
	}
	if err := r.tx.retire(ctx, v, string(e.Key), e.N); err != nil {
		return err
	}
	if e.Metadata != "" && !json.Valid([]byte(e.Metadata)) {
		return errors.New("its metadata are not JSON")
	}
	_, err := r.tx.ExecContext(ctx, insertFile, v.id, append([]byte{}, e.Key...), e.N, e.Size, int64(e.CRC32C), e.MTime,
		e.ContentType, e.Metadata, e.More)
	v.grow(e.Size, 1)
	return err
}
