package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/storage"
)

// liveUploads are the uploads of this process that others could go on with if it died.
type liveUploads struct {
	mu   sync.Mutex
	byID map[string]*upload
}

func (l *liveUploads) add(u *upload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID == nil {
		l.byID = map[string]*upload{}
	}
	l.byID[u.kept.id] = u
}

func (l *liveUploads) get(id string) *upload {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byID[id]
}

func (l *liveUploads) remove(u *upload) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byID[u.kept.id] == u {
		delete(l.byID, u.kept.id)
	}
}

// leaveAll lets go of all uploads, for others to go on with.
func (l *liveUploads) leaveAll() error {
	l.mu.Lock()
	all := slices.Collect(maps.Values(l.byID))
	l.byID = nil
	l.mu.Unlock()
	var errs []error
	for _, u := range all {
		u.mu.Lock()
		if !u.ended {
			u.ended = true
			errs = append(errs, u.kept.leave())
		}
		u.mu.Unlock()
	}
	return errors.Join(errs...)
}

// ResumeParts implements storage.PartResumer. It reads the parts that are there, and leaves out those
// that are not what they were. An upload of this Bucket ends where it was begun, and goes on in what is
// returned; one that another process is writing is an error.
func (b *Bucket) ResumeParts(
	ctx context.Context, key string, opts storage.CreateOptions, id string,
) (storage.Upload, []storage.PartDone, error) {
	u, err := b.newUpload(ctx, key, opts)
	if err != nil {
		return nil, nil, err
	}
	if live := b.uploads.get(id); live != nil {
		err = u.takeOver(live)
	} else {
		err = u.resume(ctx, id)
	}
	if err != nil {
		return nil, nil, b.fail(ctx, "create", key, err)
	}
	b.uploads.add(u)
	var done []storage.PartDone
	for _, n := range slices.Sorted(maps.Keys(u.done)) {
		size := u.sizeOf(n)
		done = append(done, storage.PartDone{N: n, Size: size, CRC32C: u.sums.block(u.sumsOf(n), size)})
	}
	return u, done, nil
}

// fits reports that an upload is not of this object in these parts.
func (u *upload) fits(id, key string, size, partSize int64) error {
	if key == u.o.Key && size == u.size && partSize == u.partSize {
		return nil
	}
	return fmt.Errorf("upload %s is of %q with %d bytes in parts of %d, not of %q with %d in parts of %d",
		id, key, size, partSize, u.o.Key, u.size, u.partSize)
}

// takeOver goes on with an upload of this process, of which no part is being written.
func (u *upload) takeOver(old *upload) error {
	old.mu.Lock()
	defer old.mu.Unlock()
	if old.ended {
		return noUpload(old.kept.id)
	}
	if err := u.fits(old.kept.id, old.o.Key, old.size, old.partSize); err != nil {
		return err
	}
	old.ended = true
	u.blockSize, u.parts, u.done, u.kept = old.blockSize, old.parts, maps.Clone(old.done), old.kept
	return nil
}

// resume goes on with an upload that no process has.
func (u *upload) resume(ctx context.Context, id string) (err error) {
	if u.kept, err = u.v.holdUpload(ctx, id); err != nil {
		return err
	}
	if u.blockSize, err = blockSizeOf(id); err == nil {
		u.layOut()
		err = u.load(ctx)
	}
	if err != nil {
		return errors.Join(err, u.kept.leave())
	}
	return nil
}

// load takes in what the namespace knows of an upload, as far as it is still so on the disks.
func (u *upload) load(ctx context.Context) error {
	var key []byte
	var volume, size, partSize int64
	var refs map[int][]blockRef
	var parts map[int]chunkSums
	err := u.v.ns.view(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, "SELECT volume, key, size, part_size FROM uploads WHERE id = ?", u.kept.id).
			Scan(&volume, &key, &size, &partSize)
		if err != nil {
			return err
		}
		if refs, err = uploadBlocks(ctx, tx, u.kept.id); err == nil {
			parts, err = uploadParts(ctx, tx, u.kept.id)
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := u.fits(u.kept.id, string(key), size, partSize); err != nil {
		return err
	}
	if volume != u.v.id {
		return fmt.Errorf("upload %s is to another volume", u.kept.id)
	}
	for seq, of := range refs {
		if err := u.find(ctx, seq, of); err != nil {
			return err
		}
	}
	return u.verify(ctx, parts)
}

func uploadBlocks(ctx context.Context, tx *sql.Tx, id string) (map[int][]blockRef, error) {
	rows, err := tx.QueryContext(ctx, "SELECT seq, block, disk FROM upload_blocks WHERE upload = ? ORDER BY seq, disk", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int][]blockRef{}
	for rows.Next() {
		var seq int
		var ref blockRef
		if err := rows.Scan(&seq, &ref.id, &ref.disk); err != nil {
			return nil, err
		}
		all[seq] = append(all[seq], ref)
	}
	return all, rows.Err()
}

func uploadParts(ctx context.Context, tx *sql.Tx, id string) (map[int]chunkSums, error) {
	rows, err := tx.QueryContext(ctx, "SELECT n, chunks FROM upload_parts WHERE upload = ?", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int]chunkSums{}
	for rows.Next() {
		var n int
		var chunks []byte
		if err := rows.Scan(&n, &chunks); err != nil {
			return nil, err
		}
		all[n] = chunks
	}
	return all, rows.Err()
}

// find finds the files of a block of the upload. One of which there is none is as if it had never been.
func (u *upload) find(ctx context.Context, seq int, refs []blockRef) error {
	if seq < 0 || seq >= len(u.parts) {
		return fmt.Errorf("upload %s has a block %d, and should have %d", u.kept.id, seq, len(u.parts))
	}
	p := u.parts[seq]
	found := u.v.newBlockFile(refs[0].id, p.size, u.v.settings)
	for _, ref := range refs {
		d, err := u.v.disk(ctx, ref.disk)
		if err == nil {
			_, err = os.Stat(d.path(ref.id))
		}
		if err != nil {
			u.v.waste.add(ref)
			continue
		}
		found.disks = append(found.disks, d.id)
		found.files = append(found.files, replicaFile{disk: d})
	}
	if len(found.disks) < len(refs) {
		if err := u.kept.noteBlock(ctx, seq, found.id, found.disks); err != nil {
			return err
		}
	}
	if len(found.disks) > 0 {
		p.blockFile, p.noted = found, slices.Clone(found.disks)
	}
	return nil
}

// verifiers is how many parts are read at the same time.
const verifiers = 4

// verify reads the parts that were written, and takes in those of which every replica is what it was.
func (u *upload) verify(ctx context.Context, parts map[int]chunkSums) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(verifiers)
	for n, chunks := range parts {
		if size := u.sizeOf(n); size <= 0 || int64(len(chunks)) != 4*chunksIn(size) {
			continue
		}
		group.Go(func() error {
			good, err := u.isGood(ctx, n, chunks)
			if err == nil && good {
				u.adopt(n, chunks)
			}
			return err
		})
	}
	return group.Wait()
}

// isGood tells whether all replicas have a part. An error is that of ctx: what cannot be read is not
// good.
func (u *upload) isGood(ctx context.Context, n int, chunks chunkSums) (bool, error) {
	at := int64(n) * u.partSize
	for end := at + u.sizeOf(n); at < end; {
		p := u.parts[at/u.blockSize]
		within := at % u.blockSize
		length := min(end-at, p.size-within)
		if p.blockFile == nil || !p.has(ctx, within, length, chunks) {
			return false, context.Cause(ctx)
		}
		chunks = chunks[4*chunksIn(length):]
		at += length
	}
	return true, nil
}

// has tells whether all replicas have the chunks from offset on, which have these checksums.
func (p *partBlock) has(ctx context.Context, offset, length int64, chunks chunkSums) bool {
	if err := p.use(); err != nil {
		return false
	}
	defer func() { _ = p.leave() }() // nothing was written
	buf := make([]byte, min(length, pieceSize))
	for at := int64(0); at < length; at += pieceSize {
		piece := buf[:min(length-at, pieceSize)]
		for _, r := range p.files {
			if ctx.Err() != nil {
				return false
			}
			if _, err := r.f.ReadAt(piece, offset+at); err != nil {
				return false
			}
			for i := int64(0); i < int64(len(piece)); i += chunkSize {
				if storage.CRC32C(piece[i:min(i+chunkSize, int64(len(piece)))]).Sum != chunks.at((at+i)/chunkSize) {
					return false
				}
			}
		}
	}
	return true
}

// adopt takes in a part that is there.
func (u *upload) adopt(n int, chunks chunkSums) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range int64(len(chunks) / 4) {
		offset := int64(n)*u.partSize + i*chunkSize
		p := u.parts[offset/u.blockSize]
		chunk := offset % u.blockSize / chunkSize
		p.chunks.set(chunk, chunks.at(i))
		p.have[chunk] = true
	}
	u.done[n] = true
}
