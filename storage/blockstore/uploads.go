package blockstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// uploadsDir has the locks of uploads that outlive their process: who writes one holds its lock, and
// makes the file young with each part.
const uploadsDir = "uploads"

// graceOfUploads is how long an upload that nobody writes is kept for somebody to go on with.
const graceOfUploads = 7 * 24 * time.Hour

var (
	_ storage.PartResumer = (*Bucket)(nil)
	_ storage.Named       = (*upload)(nil)
)

// keptUpload is the hold on an upload whose blocks and parts the namespace knows.
type keptUpload struct {
	s    *store
	id   string
	lock *os.File
}

// newUploadID names an upload. The size of its blocks is the beginning of the name.
func newUploadID(blockSize int64) string { return strconv.FormatInt(blockSize, 16) + "-" + rand.Text() }

func blockSizeOf(id string) (int64, error) {
	text, _, _ := strings.Cut(id, "-")
	size, err := strconv.ParseInt(text, 16, 64)
	if err != nil || size <= 0 || size > maxBlockSize || size%chunkSize != 0 {
		return 0, fmt.Errorf("upload %s: its name does not tell the size of its blocks", id)
	}
	return size, nil
}

// keepUpload makes an upload one that outlives this process. It is in no hurry to be durable: what a
// power failure takes of it is written again.
func (s *store) keepUpload(ctx context.Context, u *upload) (*keptUpload, error) {
	if _, err := s.asWriter(ctx); err != nil {
		return nil, err
	}
	k := &keptUpload{s: s, id: newUploadID(u.blockSize)}
	path := s.lockOfUpload(k.id)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, err
	}
	var err error
	if k.lock, err = lockPath(path); err != nil {
		return nil, err
	}
	err = s.changeUnsynced(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO uploads (id, volume, key, size, part_size, started) VALUES (?, ?, ?, ?, ?, ?)",
			k.id, u.v.id, []byte(u.o.Key), u.size, u.partSize, time.Now().UnixNano())
		return err
	})
	if err != nil {
		return nil, errors.Join(err, k.end())
	}
	return k, nil
}

func (s *store) lockOfUpload(id string) string { return filepath.Join(s.home, uploadsDir, id) }

// holdUpload takes hold of an upload. It reports ErrNotExist if there is none of that name, and
// errUploadInUse if somebody has it.
func (s *store) holdUpload(ctx context.Context, id string) (*keptUpload, error) {
	if err := s.knowsUpload(ctx, id); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(s.lockOfUpload(id), os.O_CREATE|os.O_RDWR, 0o666)
	if errors.Is(err, fs.ErrNotExist) { // the directory
		if err = os.MkdirAll(filepath.Join(s.home, uploadsDir), 0o777); err == nil {
			lock, err = os.OpenFile(s.lockOfUpload(id), os.O_CREATE|os.O_RDWR, 0o666)
		}
	}
	if err != nil {
		return nil, err
	}
	if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return nil, errors.Join(fmt.Errorf("upload %s: %w", id, errUploadInUse), lock.Close())
	}
	k := &keptUpload{s, id, lock}
	if err := s.knowsUpload(ctx, id); err != nil { // it may have ended before it was ours
		return nil, errors.Join(err, k.end())
	}
	return k, nil
}

var errUploadInUse = errors.New("another process is writing it")

func (s *store) knowsUpload(ctx context.Context, id string) error {
	ids, err := column[string](ctx, s.ns.reads, "SELECT id FROM uploads WHERE id = ?", id)
	if err == nil && len(ids) == 0 {
		err = noUpload(id)
	}
	return err
}

func noUpload(id string) error {
	return fmt.Errorf("upload %s %w: it was committed or aborted", id, storage.ErrNotExist)
}

// leave lets others go on with the upload.
func (k *keptUpload) leave() error { return k.lock.Close() }

// end removes the lock of an upload that the namespace does not know any more.
func (k *keptUpload) end() error {
	err := os.Remove(k.lock.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, k.lock.Close())
}

// noteBlock writes down on which disks a block of the upload is, which nobody reclaims from then on.
func (k *keptUpload) noteBlock(ctx context.Context, seq int, id int64, disks []int64) error {
	return k.s.changeUnsynced(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM upload_blocks WHERE upload = ? AND seq = ?", k.id, seq); err != nil {
			return err
		}
		for _, disk := range disks {
			result, err := tx.ExecContext(ctx, `INSERT INTO upload_blocks (upload, seq, block, disk)
				SELECT id, ?2, ?3, ?4 FROM uploads WHERE id = ?1`, k.id, seq, id, disk)
			if err != nil {
				return err
			}
			if n, err := result.RowsAffected(); err != nil || n == 0 {
				return errors.Join(err, noUpload(k.id))
			}
		}
		return nil
	})
}

// notePart writes down that a part is there, with the checksums of its chunks.
func (k *keptUpload) notePart(ctx context.Context, n int, chunks chunkSums) error {
	err := k.s.changeUnsynced(ctx, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO upload_parts (upload, n, chunks)
			SELECT id, ?2, ?3 FROM uploads WHERE id = ?1`, k.id, n, []byte(chunks))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, noUpload(k.id))
		}
		return nil
	})
	now := time.Now()
	return errors.Join(err, os.Chtimes(k.lock.Name(), now, now))
}

// drop removes the upload with its blocks, those at hand among them, of which the namespace may not know.
func (k *keptUpload) drop(ctx context.Context, atHand ...blockRef) error {
	var garbage []blockRef
	err := k.s.update(ctx, func(tx *sql.Tx) error {
		t := &transaction{Tx: tx, s: k.s, now: time.Now()}
		noted, err := blockRefs(ctx, t, "SELECT block, disk FROM upload_blocks WHERE upload = ?", k.id)
		if err == nil {
			err = t.addGarbage(ctx, append(noted, atHand...)...)
		}
		if err == nil {
			err = t.forgetUpload(ctx, k.id)
		}
		garbage = t.garbage
		return err
	})
	if err != nil {
		return errors.Join(err, k.leave())
	}
	k.s.removeBlocks(ctx, garbage)
	return k.end()
}

// forgetUpload takes an upload out of the namespace. Its blocks are an object's, or garbage.
func (t *transaction) forgetUpload(ctx context.Context, id string) error {
	for _, query := range []string{
		"DELETE FROM upload_parts WHERE upload = ?", "DELETE FROM upload_blocks WHERE upload = ?", "DELETE FROM uploads WHERE id = ?",
	} {
		if _, err := t.ExecContext(ctx, query, id); err != nil {
			return err
		}
	}
	return nil
}

// abandon removes the uploads that a query yields and that nobody has written for so long. It returns
// how many there were.
func (s *store) abandon(ctx context.Context, age time.Duration, query string, args ...any) (n int64, err error) {
	ids, err := column[string](ctx, s.ns.reads, query, args...)
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		k, err := s.holdUpload(ctx, id)
		if errors.Is(err, errUploadInUse) || errors.Is(err, storage.ErrNotExist) {
			continue
		}
		if err != nil {
			return n, err
		}
		if info, err := k.lock.Stat(); err != nil || time.Since(info.ModTime()) < age {
			if err := errors.Join(err, k.leave()); err != nil {
				return n, err
			}
			continue
		}
		if err := k.drop(ctx); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// reclaimUploads removes uploads that nobody has written for so long, and the locks of those of which a
// process died at once.
func (s *store) reclaimUploads(ctx context.Context, age time.Duration) (n int64, err error) {
	n, err = s.abandon(ctx, age, "SELECT id FROM uploads WHERE started <= ?", time.Now().Add(-age).UnixNano())
	if err != nil {
		return n, err
	}
	entries, err := os.ReadDir(filepath.Join(s.home, uploadsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < age || !errors.Is(s.knowsUpload(ctx, e.Name()), storage.ErrNotExist) {
			continue
		}
		f, err := os.OpenFile(s.lockOfUpload(e.Name()), os.O_RDWR, 0)
		if err != nil {
			continue // it went meanwhile
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			err = os.Remove(f.Name())
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Uploads implements storage.PartResumer.
func (b *Bucket) Uploads(ctx context.Context, prefix string) iter.Seq2[storage.PendingUpload, error] {
	return func(yield func(storage.PendingUpload, error) bool) {
		fail := func(err error) { yield(storage.PendingUpload{}, b.fail(ctx, "list", prefix, err)) }
		v, err := b.forReading(ctx)
		if errors.Is(err, storage.ErrNotExist) {
			return
		}
		if err != nil {
			fail(err)
			return
		}
		condition, keys := span(prefix)
		for last := ""; ; {
			page, err := v.uploads(ctx, last, condition, keys)
			if err != nil {
				fail(err)
				return
			}
			for _, u := range page {
				if !yield(u, nil) {
					return
				}
				last = u.ID
			}
			if len(page) == 0 {
				return
			}
		}
	}
}

// uploads returns the next uploads behind the one of that name, a page of them.
func (v volumeRef) uploads(ctx context.Context, last, condition string, keys []any) (page []storage.PendingUpload, err error) {
	err = v.ns.view(ctx, func(tx *sql.Tx) error {
		page = nil
		args := append([]any{v.id, last}, keys...)
		rows, err := tx.QueryContext(ctx, "SELECT id, key, started FROM uploads WHERE volume = ? AND id > ? AND "+
			condition+" ORDER BY id LIMIT 1000", args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var u storage.PendingUpload
			var key []byte
			var started int64
			if err := rows.Scan(&u.ID, &key, &started); err != nil {
				return err
			}
			u.Key, u.Started = string(key), time.Unix(0, started)
			page = append(page, u)
		}
		return rows.Err()
	})
	return page, err
}

// AbortUpload implements storage.PartResumer. An upload that another process is writing is an error.
func (b *Bucket) AbortUpload(ctx context.Context, u storage.PendingUpload) error {
	if ctx.Err() != nil {
		return b.fail(ctx, "abort", u.Key, context.Cause(ctx))
	}
	if live := b.uploads.get(u.ID); live != nil {
		return live.Abort(ctx)
	}
	v, err := b.forChanging(ctx)
	if err == nil {
		var k *keptUpload
		if k, err = v.holdUpload(ctx, u.ID); err == nil {
			err = k.drop(ctx)
		}
	}
	if err != nil && !errors.Is(err, storage.ErrNotExist) {
		return b.fail(ctx, "abort", u.Key, err)
	}
	return nil
}
