package blockstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// Options are how a store is used. The zero value is usable.
type Options struct {
	// BlockSize is the size in bytes of the blocks of a volume that the first write
	// creates: a multiple of 64 KiB, at most 1 GiB. 0 stands for 128 MiB. Volumes that
	// exist keep theirs.
	BlockSize int64
	// VerifyReads says which chunks are verified when they are read.
	VerifyReads Verification
}

const (
	defaultBlockSize = 128 << 20
	maxBlockSize     = 1 << 30
)

// Bucket is one volume of a store. It is safe for concurrent use, by several processes too.
type Bucket struct {
	roots    []string
	volume   string
	snapshot string // name of the snapshot of the volume; empty for what it has now
	opts     Options
	uploads  liveUploads

	mu       sync.Mutex
	open     *store      // nil before the first use
	writable bool        // open was made ready for writing
	earlier  []*store    // those that open replaced, which readers may still use
	found    volumeState // of id 0 until the volume was found
	number   int64       // of the snapshot
	closed   bool
}

var (
	_ storage.Bucket          = (*Bucket)(nil)
	_ storage.PartUploader    = (*Bucket)(nil)
	_ storage.OptionCopier    = (*Bucket)(nil)
	_ storage.AttributeReader = (*Bucket)(nil)
	_ storage.LocalPather     = (*Bucket)(nil)
)

// Open returns a volume of the store on the directories roots, the disks. Neither store nor
// volume need exist: the first write creates what is missing, and takes directories that are
// new into the store. Reading what does not exist reports ErrNotExist.
//
// A volume called "volume@name" is a [Snapshot] of it, which cannot be changed.
func Open(roots []string, volume string, opts Options) (*Bucket, error) {
	volume, snapshot, err := cutSnapshot(volume)
	if err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		return nil, errors.New("a block store needs at least one directory")
	}
	if opts.BlockSize == 0 {
		opts.BlockSize = defaultBlockSize
	}
	if opts.BlockSize < chunkSize || opts.BlockSize > maxBlockSize || opts.BlockSize%chunkSize != 0 {
		return nil, fmt.Errorf("block size %d: want a multiple of %d, at most %d",
			opts.BlockSize, chunkSize, maxBlockSize)
	}
	b := &Bucket{volume: volume, snapshot: snapshot, opts: opts}
	for _, root := range roots {
		abs, err := filepath.Abs(root)
		if err != nil {
			return nil, fmt.Errorf("block store directory %s: %w", root, err)
		}
		b.roots = append(b.roots, abs)
	}
	return b, nil
}

// URL implements storage.Bucket.
func (b *Bucket) URL() string {
	if b.snapshot != "" {
		return "block://" + b.volume + "@" + b.snapshot + "/"
	}
	return "block://" + b.volume + "/"
}

// volumeRef is a volume of an open store.
type volumeRef struct {
	*store
	id int64
	settings
	snapshot int64 // its number; 0 is what the volume has now
}

// forReading returns the volume, which must exist.
func (b *Bucket) forReading(ctx context.Context) (volumeRef, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return volumeRef{}, errClosed
	}
	if b.open == nil {
		s, err := openStore(ctx, b.roots)
		if errors.Is(err, errNoStore) {
			return volumeRef{}, fmt.Errorf("%w: no block store in %s; the first write creates it",
				storage.ErrNotExist, strings.Join(b.roots, ", "))
		}
		if err != nil {
			return volumeRef{}, err
		}
		b.open = s
	}
	if b.found.id == 0 {
		v, ok, err := b.open.ns.volume(ctx, b.volume)
		if err != nil {
			return volumeRef{}, err
		}
		if !ok {
			return volumeRef{}, fmt.Errorf("%w: no volume %q in the block store; the first write creates it",
				storage.ErrNotExist, b.volume)
		}
		if b.snapshot != "" {
			if b.number, err = b.open.ns.snapshotNumber(ctx, v.id, b.snapshot); err != nil {
				return volumeRef{}, err
			}
		}
		b.found = v
	}
	return volumeRef{b.open, b.found.id, b.found.settings, b.number}, nil
}

// forChanging is forReading for what is to be changed.
func (b *Bucket) forChanging(ctx context.Context) (volumeRef, error) {
	if err := b.mutable(); err != nil {
		return volumeRef{}, err
	}
	return b.forReading(ctx)
}

func (b *Bucket) mutable() error {
	if b.snapshot != "" {
		return fmt.Errorf("%w: it is a snapshot, and snapshots do not change", storage.ErrPermission)
	}
	return nil
}

// forWriting returns the volume, and creates what of store and volume does not exist.
func (b *Bucket) forWriting(ctx context.Context) (volumeRef, error) {
	if err := b.mutable(); err != nil {
		return volumeRef{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return volumeRef{}, errClosed
	}
	if !b.writable {
		s, err := createStore(ctx, b.roots)
		if err != nil {
			return volumeRef{}, err
		}
		if b.open != nil {
			b.earlier = append(b.earlier, b.open)
		}
		b.open, b.writable = s, true
	}
	if b.found.id == 0 {
		v, err := b.open.createVolume(ctx, b.volume, settings{blockSize: b.opts.BlockSize, replication: 1})
		if err != nil {
			return volumeRef{}, err
		}
		b.found = v
	}
	return volumeRef{b.open, b.found.id, b.found.settings, 0}, nil
}

var errClosed = errors.New("the bucket is closed")

// Close implements storage.Bucket. Writers that were neither committed nor aborted cannot be
// committed afterwards; uploads that were begun as resumable are left to be gone on with.
func (b *Bucket) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	errs := []error{b.uploads.leaveAll()}
	for _, s := range append(b.earlier, b.open) {
		if s != nil {
			errs = append(errs, s.close(context.Background()))
		}
	}
	b.open, b.earlier = nil, nil
	if err := errors.Join(errs...); err != nil {
		return &storage.Error{Op: "close", URL: b.URL(), Err: err}
	}
	return nil
}

// check checks the context and the key of an operation.
func (b *Bucket) check(ctx context.Context, op, key string) error {
	if ctx.Err() != nil {
		return b.fail(ctx, op, key, context.Cause(ctx))
	}
	if key == "" {
		return b.fail(ctx, op, key, fmt.Errorf("%w: it is empty", storage.ErrInvalidKey))
	}
	return nil
}

// fail makes err the error of op on key.
func (b *Bucket) fail(ctx context.Context, op, key string, err error) error {
	var e *storage.Error
	if errors.As(err, &e) {
		return err
	}
	var refused refusal
	if errors.As(err, &refused) {
		err = refused.error
	}
	if ctx.Err() != nil && !errors.Is(err, context.Cause(ctx)) {
		err = context.Cause(ctx) // what stopped the database, which says no more than "interrupted"
	}
	e = &storage.Error{Op: op, URL: b.URL() + key, Err: err}
	switch {
	case errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT):
		e.Hint = "free some space, or give the store another directory"
	case errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) || errors.Is(err, unix.EROFS):
		e.Err = denied{err}
	case isBusy(err):
		e.Temporary = true
		e.Hint = "another process holds the namespace"
	}
	return e
}

// denied is an error of the operating system that is ErrPermission too.
type denied struct{ error }

func (d denied) Unwrap() []error { return []error{d.error, storage.ErrPermission} }

// Stat implements storage.Bucket.
func (b *Bucket) Stat(ctx context.Context, key string) (storage.Object, error) {
	row, err := b.stat(ctx, key)
	return row.Object, err
}

func (b *Bucket) stat(ctx context.Context, key string) (row fileRow, err error) {
	if err := b.check(ctx, "stat", key); err != nil {
		return row, err
	}
	v, err := b.forReading(ctx)
	if err != nil {
		return row, b.fail(ctx, "stat", key, err)
	}
	err = v.lookUp(ctx, v.ns.stat, fileColumns, "", key, func(scan func(...any) error) error { return row.scan(scan) })
	if errors.Is(err, sql.ErrNoRows) {
		err = storage.ErrNotExist
	}
	if err != nil {
		return fileRow{}, b.fail(ctx, "stat", key, err)
	}
	return row, nil
}

// deleteBatch is how many keys Delete removes in one transaction.
const deleteBatch = 1000

// Delete implements storage.Bucket. Up to 1000 keys go together or, after a failure of the
// namespace, not at all.
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	if ctx.Err() != nil {
		return b.fail(ctx, "delete", "", context.Cause(ctx))
	}
	if len(keys) == 0 {
		return nil
	}
	v, err := b.forChanging(ctx)
	if errors.Is(err, storage.ErrNotExist) {
		return nil // nor do the keys
	}
	if err != nil {
		return b.fail(ctx, "delete", keys[0], err)
	}
	var errs []error
	for len(keys) > 0 {
		batch := keys[:min(len(keys), deleteBatch)]
		keys = keys[len(batch):]
		err := v.commit(ctx, func(ctx context.Context, t *transaction) error {
			for _, key := range batch {
				if err := t.remove(ctx, v.id, key); err != nil {
					return err
				}
			}
			return nil
		})
		for _, key := range batch {
			if err != nil {
				errs = append(errs, b.fail(ctx, "delete", key, err))
			} else if key == "" {
				errs = append(errs, b.check(ctx, "delete", key))
			}
		}
	}
	return errors.Join(errs...)
}

// LocalPath implements storage.LocalPather: objects of one block are in a file by themselves.
// Who reads that file gets bytes whose checksums nobody compared, and loses it when the object is
// replaced or deleted before it is opened.
func (b *Bucket) LocalPath(ctx context.Context, key string) (path string, ok bool, err error) {
	if err := b.check(ctx, "stat", key); err != nil {
		return "", false, err
	}
	v, err := b.forReading(ctx)
	if errors.Is(err, storage.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, b.fail(ctx, "stat", key, err)
	}
	first, err := v.first(ctx, key)
	if errors.Is(err, storage.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, b.fail(ctx, "stat", key, err)
	}
	if first.Size == 0 || first.block.size != first.Size {
		return "", false, nil
	}
	for _, id := range first.block.disks {
		var d *disk
		if d, err = v.disk(ctx, id); err == nil {
			return d.path(first.block.id), true, nil
		}
	}
	return "", false, b.fail(ctx, "stat", key, err)
}
