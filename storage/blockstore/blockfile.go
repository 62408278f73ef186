package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/skepdata/skep/storage"
)

// blockFile is a block being written: a file on each disk that is to have it. Pieces may be
// written at the same time if they do not overlap. A disk that fails is replaced by another one; the
// block is lost only when there is none.
type blockFile struct {
	s     *store
	need  int64 // bytes that a disk should have room for
	dedup bool  // it is to be looked for among blocks that are there

	mu sync.RWMutex // held alone while a replica moves to another disk, or the files are opened
	block
	have  []bool // chunks that were written
	files []replicaFile
	users int     // of the files, where several write
	bad   []int64 // disks that failed, which are not tried again
}

// replicaFile is one replica being written.
type replicaFile struct {
	*disk
	f file // nil while it is closed
}

// createBlock makes the files of a new block of at most size bytes, of which need are expected, on as
// many disks as the settings say or, where there are fewer, on all.
func (s *store) createBlock(ctx context.Context, size, need int64, with settings) (*blockFile, error) {
	id, err := s.blockNumber(ctx)
	if err != nil {
		return nil, err
	}
	b := s.newBlockFile(id, size, with)
	b.need = need
	for range with.replication {
		if err := b.addReplica(ctx); err != nil {
			if len(b.files) > 0 {
				break // it is repaired when there are more disks
			}
			return nil, err
		}
	}
	return b, nil
}

// newBlockFile is a block of at most size bytes that has no files yet.
func (s *store) newBlockFile(id, size int64, with settings) *blockFile {
	return &blockFile{
		s: s, need: size, dedup: with.dedup, have: make([]bool, chunksIn(size)),
		block: block{id: id, size: size, copies: with.replication, chunks: make(chunkSums, 4*chunksIn(size))},
	}
}

// addReplica makes a file on a disk that has none, the one with the most room of those that let it
// be made.
func (b *blockFile) addReplica(ctx context.Context) error {
	candidates, err := b.s.roomy(ctx, b.need, slices.Concat(b.disks, b.bad))
	if err != nil {
		return err
	}
	var errs []error
	for _, d := range candidates {
		f, err := b.s.createFile(d.path(b.id))
		if err == nil {
			b.disks = append(b.disks, d.id)
			b.files = append(b.files, replicaFile{d, f})
			return nil
		}
		errs = append(errs, d.wrap(err))
		if !ofDisk(err) {
			break
		}
		d.shun()
		b.bad = append(b.bad, d.id)
	}
	return errors.Join(errs...)
}

// createFile makes a new file, and the directory for it.
func (s *store) createFile(path string) (file, error) {
	const flags = os.O_CREATE | os.O_EXCL | os.O_RDWR
	f, err := s.files.open(path, flags)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	dir := filepath.Dir(path)
	root := filepath.Dir(filepath.Dir(dir))
	if _, err := os.Stat(filepath.Join(root, identityFile)); err != nil {
		return nil, err // the disk is not there any more, and its directory is not to be made
	}
	if err := s.files.mkdirAll(dir); err != nil {
		return nil, err
	}
	for _, above := range []string{filepath.Dir(dir), root} {
		if err := s.files.syncDir(above); err != nil {
			return nil, err
		}
	}
	return s.files.open(path, flags)
}

// write writes p, which begins with a chunk, and ends with one or with the block.
func (b *blockFile) write(ctx context.Context, p []byte, offset int64) error {
	b.mu.RLock()
	defer func() { b.mu.RUnlock() }()
	for rest, chunk := p, offset/chunkSize; len(rest) > 0; chunk++ {
		piece := rest[:min(len(rest), chunkSize)]
		b.chunks.set(chunk, storage.CRC32C(piece).Sum)
		rest = rest[len(piece):]
	}
	for i := 0; i < len(b.files); i++ {
		r := b.files[i]
		_, err := r.f.WriteAt(p, offset)
		if err == nil {
			continue
		}
		if !ofDisk(err) {
			return r.wrap(err)
		}
		b.mu.RUnlock()
		err = b.replaceReplica(ctx, r, err)
		b.mu.RLock()
		if err != nil {
			return err
		}
		i = -1 // the files are others now, and those that have p already do not mind it
	}
	for chunk := offset / chunkSize; chunk*chunkSize < offset+int64(len(p)); chunk++ {
		b.have[chunk] = true
	}
	return nil
}

// replaceReplica gives up a replica whose disk failed. What was written of it goes to another
// disk; if there is none, the other replicas have to do.
func (b *blockFile) replaceReplica(ctx context.Context, failed replicaFile, cause error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.IndexFunc(b.files, func(r replicaFile) bool { return r.f == failed.f })
	if at < 0 {
		return nil // somebody else has replaced it
	}
	failed.shun()
	b.bad = append(b.bad, failed.id)
	others := slices.Delete(slices.Clone(b.files), at, at+1)
	from := failed
	if len(others) > 0 {
		from = others[0]
	}
	err := b.addReplica(ctx) // not on the one that failed, which is still among b.disks
	if err == nil {
		added := b.files[len(b.files)-1]
		if err = b.copyTo(added, from); err == nil {
			others = append(others, added)
		} else {
			b.drop(added)
		}
	}
	if len(others) == 0 {
		return errors.Join(failed.wrap(cause), err)
	}
	b.drop(failed)
	b.files = others
	b.disks = nil
	for _, r := range others {
		b.disks = append(b.disks, r.id)
	}
	return nil
}

// drop removes a replica that is not to be.
func (b *blockFile) drop(r replicaFile) {
	if r.f != nil {
		_ = r.f.Close() // what it holds does not matter
	}
	b.s.discardReplica(r.disk, b.id)
}

// copyTo copies the chunks that were written, and compares their checksums.
func (b *blockFile) copyTo(to, from replicaFile) error {
	buf := make([]byte, chunkSize)
	for chunk, have := range b.have {
		if !have {
			continue
		}
		offset := int64(chunk) * chunkSize
		piece := buf[:min(chunkSize, b.size-offset)]
		if _, err := from.f.ReadAt(piece, offset); err != nil {
			return from.wrap(err)
		}
		if got := storage.CRC32C(piece); got.Sum != b.chunks.at(int64(chunk)) {
			return from.wrap(fmt.Errorf("%w: block %x, offset %d", storage.ErrChecksum, b.id, offset))
		}
		if _, err := to.f.WriteAt(piece, offset); err != nil {
			return to.wrap(err)
		}
	}
	return nil
}

// onDisks are the disks that have the block now.
func (b *blockFile) onDisks() []int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Clone(b.disks)
}

// use opens the files, unless they are open. Each use is followed by a leave.
func (b *blockFile) use() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range b.files {
		if r.f != nil {
			continue
		}
		f, err := b.s.files.open(r.path(b.id), os.O_RDWR)
		if err != nil {
			return r.wrap(err)
		}
		b.files[i].f = f
	}
	b.users++
	return nil
}

// leave closes the files when nobody uses them.
func (b *blockFile) leave() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.users--; b.users > 0 {
		return nil
	}
	return b.close()
}

// end syncs the replicas and closes them. size is the size of the block, at most what createBlock
// was told. A disk that fails now is replaced as during a write.
func (b *blockFile) end(ctx context.Context, sums combiner, size int64) error {
	b.size = size
	b.chunks = b.chunks[:4*chunksIn(size)]
	b.have = b.have[:chunksIn(size)]
	b.sum = sums.block(b.chunks, size)
	hashed := b.beginHash()
	err := b.syncReplicas(ctx)
	if again := hashed(); err == nil && again {
		err = b.hashContent(b.files[0])
	}
	if err != nil {
		return err
	}
	return b.close()
}

// syncReplicas syncs what there is, or what takes its place.
func (b *blockFile) syncReplicas(ctx context.Context) error {
	synced := map[file]bool{}
	for i := 0; i < len(b.files); i++ {
		r := b.files[i]
		if synced[r.f] {
			continue
		}
		err := b.syncReplica(r)
		if err != nil && !ofDisk(err) {
			return r.wrap(err)
		}
		if err != nil {
			if err := b.replaceReplica(ctx, r, err); err != nil {
				return err
			}
			i = -1
			continue
		}
		synced[r.f] = true
	}
	return nil
}

// syncReplica makes a file, and its name, survive a power failure.
func (b *blockFile) syncReplica(r replicaFile) error {
	if err := r.f.Sync(); err != nil {
		return err
	}
	return b.s.files.syncDir(filepath.Dir(r.f.Name()))
}

// close closes the files, which must not be in use.
func (b *blockFile) close() error {
	var errs []error
	for i, r := range b.files {
		if r.f != nil {
			errs = append(errs, r.f.Close())
			b.files[i].f = nil
		}
	}
	return errors.Join(errs...)
}

// discard removes the files.
func (b *blockFile) discard() {
	for _, r := range b.files {
		b.drop(r)
	}
	b.files = nil
}

// discardReplica removes the file of a replica that no block has. What cannot be removed becomes
// garbage, to be removed when that is possible again.
func (s *store) discardReplica(d *disk, id int64) {
	if err := s.files.remove(d.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.waste.add(blockRef{id, d.id})
	}
}
