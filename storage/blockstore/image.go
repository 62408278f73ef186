package blockstore

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// opBlock describes a block, in images, before the objects that have it.
const opBlock = "block"

// A new image is written when journals have grown so large , in bytes beyond twice the
// last image, or so many.
const (
	imageAfterBytes = 64 << 20
	imageAfterFiles = 1000
)

// journals are the files of the journal directory of a disk.
type journals struct {
	logs, images         []string // paths
	logBytes, imageBytes int64
}

func (d *disk) journals() (j journals, err error) {
	entries, err := os.ReadDir(filepath.Join(d.root, journalDir))
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err != nil {
		return j, err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue // it went meanwhile
		}
		path := filepath.Join(d.root, journalDir, e.Name())
		switch filepath.Ext(e.Name()) {
		case journalSuffix:
			j.logs = append(j.logs, path)
			j.logBytes += info.Size()
		case imageSuffix:
			j.images = append(j.images, path)
			j.imageBytes += info.Size()
		}
	}
	return j, nil
}

// imageIfDue writes an image if the journals alone do not tell the whole namespace, or if they have
// grown much longer than what they tell. It is called by a writer that has just begun.
func (s *store) imageIfDue(ctx context.Context) error {
	j, err := (&disk{root: s.home}).journals()
	if err != nil {
		return err
	}
	if len(j.images) == 0 && len(j.logs) <= 1 { // that of this writer
		some, err := column[int64](ctx, s.ns.reads, "SELECT 1 FROM volumes LIMIT 1")
		if err != nil || len(some) == 0 {
			return err
		}
	} else if j.logBytes < 2*j.imageBytes+imageAfterBytes && len(j.logs) < imageAfterFiles {
		return nil
	}
	return s.writeImage(ctx)
}

// writeImage writes the whole namespace as entries, to the disks that have journals, and removes the
// journals and images that it stands for.
func (s *store) writeImage(ctx context.Context) error {
	lock, err := lockPath(filepath.Join(s.home, journalDir, "image.lock"))
	if err != nil {
		return err
	}
	defer lock.Close()
	old := map[string]bool{} // whole journals of writers that had ended before the image was begun
	for _, d := range s.disks() {
		j, err := d.journals()
		if err != nil {
			continue // that disk has trouble of its own
		}
		for _, path := range append(j.logs, j.images...) {
			old[path] = true
		}
	}
	var writers []string
	var written []string
	var last int64
	err = s.ns.view(ctx, func(tx *sql.Tx) (err error) {
		if writers, err = texts(ctx, tx, "SELECT id FROM writers"); err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, "SELECT next - 1 FROM counters WHERE name = 'version'").Scan(&last); err != nil {
			return err
		}
		for i, d := range s.journalDisks() {
			path, err := s.imageOn(ctx, tx, d, last)
			if err != nil && i == 0 {
				return err
			}
			if err == nil {
				written = append(written, path)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write an image of the namespace: %w", err)
	}
	for _, path := range written {
		delete(old, path)
	}
	for path := range old {
		writer := strings.TrimSuffix(filepath.Base(path), journalSuffix)
		if !slices.Contains(writers, writer) {
			_ = os.Remove(path) // one that stays is older than the image, and so does no harm
		}
	}
	return nil
}

// imageOn writes an image to a disk, whole or not at all.
func (s *store) imageOn(ctx context.Context, tx *sql.Tx, d *disk, last int64) (path string, err error) {
	dir := filepath.Join(d.root, journalDir)
	if err := s.files.mkdirAll(dir); err != nil {
		return "", err
	}
	path = filepath.Join(dir, fmt.Sprintf("%016x%s", last, imageSuffix))
	f, err := s.files.open(path+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR)
	if err != nil {
		return "", err
	}
	w := &imageWriter{w: bufio.NewWriterSize(io.NewOffsetWriter(f, 0), 1<<20), tx: tx}
	err = w.all(ctx, s.id, last)
	err = errors.Join(err, w.w.Flush())
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = s.files.rename(f.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, s.files.remove(f.Name()))
	}
	return path, s.files.syncDir(dir)
}

type imageWriter struct {
	w     *bufio.Writer
	tx    *sql.Tx
	frame []byte
}

func (w *imageWriter) write(e *entry) (err error) {
	if w.frame, err = appendFrame(w.frame[:0], e); err != nil {
		return err
	}
	_, err = w.w.Write(w.frame)
	return err
}

// all writes what is needed first, first.
func (w *imageWriter) all(ctx context.Context, store string, last int64) error {
	if err := w.write(&entry{Op: opBegin, Format: journalFormat, Store: store, N: last}); err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{w.volumes, w.blocks, w.oldFiles, w.files, w.snapshots} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return w.write(&entry{Op: opEnd, N: last})
}

// each calls do for each row of a query.
func (w *imageWriter) each(ctx context.Context, query string, do func(scan func(...any) error) error) error {
	rows, err := w.tx.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := do(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (w *imageWriter) volumes(ctx context.Context) error {
	return w.each(ctx, "SELECT name, created, block_size, replication, dedup, quota_bytes, quota_files FROM volumes",
		func(scan func(...any) error) error {
			e := entry{Op: opVolume, Settings: &entrySettings{}}
			set := e.Settings
			err := scan(&e.Volume, &e.MTime, &set.BlockSize, &set.Replication, &set.Dedup, &set.QuotaBytes, &set.QuotaFiles)
			if err != nil {
				return err
			}
			return w.write(&e)
		})
}

func (w *imageWriter) blocks(ctx context.Context) error {
	return w.each(ctx, "SELECT id, size, crc32c, chunks, copies, hash FROM blocks ORDER BY id",
		func(scan func(...any) error) error {
			var b entryBlock
			if err := scan(&b.ID, &b.Size, &b.CRC32C, (*[]byte)(&b.Chunks), &b.Copies, &b.Hash); err != nil {
				return err
			}
			return w.write(&entry{Op: opBlock, Blocks: []entryBlock{b}})
		})
}

// fileEntries are the columns of files and old_files as entries, with their blocks as a list of numbers.
const fileEntries = `SELECT v.name, f.key, f.version, f.size, f.crc32c, f.mtime, f.content_type, f.metadata, f.more,
	(SELECT content FROM inline WHERE version = f.version),
	(SELECT group_concat(block) FROM (SELECT block FROM file_blocks WHERE version = f.version ORDER BY seq)), `

func (w *imageWriter) files(ctx context.Context) error {
	return w.objects(ctx, opPut, fileEntries+"0 FROM files f JOIN volumes v ON v.id = f.volume")
}

func (w *imageWriter) oldFiles(ctx context.Context) error {
	return w.objects(ctx, opOld, fileEntries+"f.died FROM old_files f JOIN volumes v ON v.id = f.volume")
}

func (w *imageWriter) objects(ctx context.Context, op, query string) error {
	return w.each(ctx, query, func(scan func(...any) error) error {
		e := entry{Op: op}
		var blocks sql.NullString
		err := scan(&e.Volume, &e.Key, &e.N, &e.Size, &e.CRC32C, &e.MTime, &e.ContentType, &e.Metadata, &e.More,
			&e.content, &blocks, &e.Died)
		if err != nil {
			return err
		}
		ids, err := parseReplicas(blocks.String) // numbers as well
		if err != nil {
			return err
		}
		for _, id := range ids {
			e.Blocks = append(e.Blocks, entryBlock{ID: id})
		}
		return w.write(&e)
	})
}

func (w *imageWriter) snapshots(ctx context.Context) error {
	return w.each(ctx, "SELECT v.name, s.name, s.number, s.created FROM snapshots s JOIN volumes v ON v.id = s.volume ORDER BY s.number",
		func(scan func(...any) error) error {
			e := entry{Op: opSnapshot}
			if err := scan(&e.Volume, &e.Name, &e.N, &e.MTime); err != nil {
				return err
			}
			return w.write(&e)
		})
}

// texts returns the only column of a query's result.
func texts(ctx context.Context, tx *sql.Tx, query string) (all []string, err error) {
	w := imageWriter{tx: tx}
	err = w.each(ctx, query, func(scan func(...any) error) error {
		var text string
		err := scan(&text)
		all = append(all, text)
		return err
	})
	return all, err
}

// eachEntry calls do for each entry of a journal or image. It reports errTorn when the last one is not
// whole.
func eachEntry(path string, do func(entry) error) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // nothing was written
	r := bufio.NewReaderSize(f, 1<<18)
	for {
		e, _, err := readFrame(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = do(e)
		}
		if err != nil {
			return err
		}
	}
}
