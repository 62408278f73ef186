package filestore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/storage"
)

var (
	_ storage.PartResumer = (*Bucket)(nil)
	_ storage.Named       = (*upload)(nil)
)

// uploads are those that this process has begun, or gone on with, and the directories in which it has
// looked for those of dead ones.
type uploads struct {
	mu   sync.Mutex
	live map[string]*upload
	dead map[string]map[string][]string // by directory: paths of the files, by key
}

// graceOfUploads is how long an upload of a process that has died is kept for the next to go on
// with.
const graceOfUploads = 7 * 24 * time.Hour

// ID is the upload's, in its hidden name. See storage.Named.
func (u *upload) ID() string { return u.id }

// persist gives an upload its record and a hidden name.
func (b *Bucket) persist(d *draft, r uploadRecord) (id string, err error) {
	if err := r.write(d.file.File); err != nil {
		return "", err
	}
	dir := filepath.Dir(d.path)
	if dir, err = existing(dir); err != nil {
		return "", err
	}
	b.forgetDead(dir, r.key)
	random := make([]byte, 8)
	rand.Read(random)
	id = hex.EncodeToString(random)
	return id, d.file.keep(dir, id)
}

func (b *Bucket) adopt(u *upload) *upload {
	b.uploads.mu.Lock()
	defer b.uploads.mu.Unlock()
	if b.uploads.live == nil {
		b.uploads.live = map[string]*upload{}
	}
	b.uploads.live[u.id] = u
	return u
}

// release forgets an upload that has ended.
func (b *Bucket) release(u *upload) {
	b.uploads.mu.Lock()
	defer b.uploads.mu.Unlock()
	if b.uploads.live[u.id] == u {
		delete(b.uploads.live, u.id)
	}
}

func (b *Bucket) liveUpload(id string) *upload {
	b.uploads.mu.Lock()
	defer b.uploads.mu.Unlock()
	return b.uploads.live[id]
}

// ResumeParts reads the parts that are there, and leaves out those that are not what they were. An
// upload of this process ends where it was begun, and goes on in what is returned; one that another
// process has is an error. See storage.PartResumer.
func (b *Bucket) ResumeParts(ctx context.Context, key string, opts storage.CreateOptions, id string,
) (storage.Upload, []storage.PartDone, error) {
	u, err := b.resumeParts(ctx, key, opts, id)
	if err != nil {
		return nil, nil, b.fail("create", key, err)
	}
	var done []storage.PartDone
	for _, n := range slices.Sorted(maps.Keys(u.sums)) {
		size := min(u.partSize, u.size-int64(n)*u.partSize)
		done = append(done, storage.PartDone{N: n, Size: size, CRC32C: u.sums[n]})
	}
	return b.adopt(u), done, nil
}

func (b *Bucket) resumeParts(ctx context.Context, key string, opts storage.CreateOptions, id string) (*upload, error) {
	if err := opts.Demands(); err != nil {
		return nil, err
	}
	path, err := b.begin(ctx, "create", key)
	if err != nil {
		return nil, err
	}
	want := uploadRecord{key: key, size: opts.Size, partSize: opts.PartSize}
	if want.partSize <= 0 {
		want.partSize = b.PartSize(opts.Size, 0)
	}
	d := &draft{b: b, key: key, path: path, durable: opts.Durable}
	if old := b.liveUpload(id); old != nil {
		if err := old.record.fits(want); err != nil {
			return nil, err
		}
		old.end()
		d.file, old.file = old.file, nil
		return &upload{draft: d, id: id, record: old.record, size: old.size, partSize: old.partSize, sums: old.sums}, nil
	}
	if d.file, err = b.findUpload(path, id); err != nil {
		return nil, err
	}
	record, sums, err := want.readFrom(d.file)
	if err != nil {
		return nil, errors.Join(err, d.file.Close())
	}
	return &upload{draft: d, id: id, record: record, size: record.size, partSize: record.partSize, sums: sums}, nil
}

// fits reports an upload that is not of the same object in the same parts.
func (r uploadRecord) fits(want uploadRecord) error {
	if r.key == want.key && r.size == want.size && r.partSize == want.partSize {
		return nil
	}
	return fmt.Errorf("the upload is of %q with %d bytes in parts of %d, not of %q with %d in parts of %d",
		r.key, r.size, r.partSize, want.key, want.size, want.partSize)
}

// readFrom reads a file that is to have an upload like r. Without a record it is one that was cut off
// by a Commit that came no further; then all parts are there, whatever they are.
func (r uploadRecord) readFrom(f *tempFile) (uploadRecord, map[int]storage.Checksum, error) {
	there, err := readRecord(f.File)
	if err == nil {
		if err := there.fits(r); err != nil {
			return r, nil, err
		}
		sums, err := there.readParts(f.File)
		return there, sums, err
	}
	info, statErr := f.Stat()
	if !errors.Is(err, errNoRecord) || statErr != nil || info.Size() != r.size {
		return r, nil, errors.Join(err, statErr)
	}
	r.started = info.ModTime()
	if err := r.write(f.File); err != nil {
		return r, nil, err
	}
	sums := map[int]storage.Checksum{}
	buf := make([]byte, pieceSize)
	for n := range r.parts() {
		if sums[int(n)], err = r.sumPart(f.File, n, buf); err != nil {
			return r, nil, err
		}
		if err := r.note(f.File, int(n), sums[int(n)]); err != nil {
			return r, nil, err
		}
	}
	return r, sums, nil
}

// findUpload opens the file of an upload to path: in its directory, or in one above, if there was
// no directory when it was begun.
func (b *Bucket) findUpload(path, id string) (*tempFile, error) {
	absent := fmt.Errorf("upload %s %w: it was committed or aborted", id, storage.ErrNotExist)
	if !isUploadID(id) {
		return nil, absent
	}
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		f, err := openUploadFile(filepath.Join(dir, uploadName(id)))
		if err == nil {
			return f, nil
		}
		if !isAbsent(err) {
			return nil, fmt.Errorf("upload %s: %w", id, err)
		}
		if b.isTop(dir) {
			return nil, absent
		}
	}
}

// isTop tells whether the directory is the root, above which nothing of the bucket is.
func (b *Bucket) isTop(dir string) bool { return dir+"/" == b.root || dir == "/" }

// AbortUpload removes the file of an upload. One that another process has is an error. See
// storage.PartResumer.
func (b *Bucket) AbortUpload(ctx context.Context, u storage.PendingUpload) error {
	path, err := b.begin(ctx, "abort", u.Key)
	if err != nil {
		return err
	}
	if live := b.liveUpload(u.ID); live != nil {
		return live.Abort(ctx)
	}
	f, err := b.findUpload(path, u.ID)
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = f.discard()
	}
	if err != nil {
		return b.fail("abort", u.Key, err)
	}
	return nil
}

// Uploads looks into all directories below prefix, and into those above, where uploads to directories
// that do not exist yet are. It does not follow links. See storage.PartResumer.
func (b *Bucket) Uploads(ctx context.Context, prefix string) iter.Seq2[storage.PendingUpload, error] {
	return func(yield func(storage.PendingUpload, error) bool) {
		dir, _ := splitPrefix(prefix)
		below := b.root
		if dir != "" {
			below += PathOf(dir[:len(dir)-1])
		}
		tell := func(path string) bool {
			u, ok := pending(path)
			return !ok || !strings.HasPrefix(u.Key, prefix) || yield(u, nil)
		}
		for at := filepath.Clean(below); at != filepath.Clean(b.root); {
			at = filepath.Dir(at)
			paths, _ := uploadsIn(at) // what cannot be read has none of ours
			for _, path := range paths {
				if !tell(path) {
					return
				}
			}
		}
		err := filepath.WalkDir(below, func(path string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case isAbsent(err):
				return nil
			case err != nil:
				return err
			case !d.Type().IsRegular() || tell(path):
				return nil
			}
			return errStop
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(storage.PendingUpload{}, b.fail("list", prefix, err))
		}
	}
}

// errStop ends a walk whose consumer has seen enough.
var errStop = errors.New("enough")

// pending describes the upload in a file. ok is false if there is none.
func pending(path string) (u storage.PendingUpload, ok bool) {
	id, ok := uploadID(filepath.Base(path))
	if !ok {
		return u, false
	}
	f, err := os.Open(path)
	if err != nil {
		return u, false
	}
	defer f.Close() // it was for reading
	r, err := readRecord(f)
	return storage.PendingUpload{Key: r.key, ID: id, Started: r.started}, err == nil
}

// uploadsIn are the files of uploads in a directory.
func uploadsIn(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close() // it was for reading
	var paths []string
	for {
		names, err := f.Readdirnames(1000)
		for _, name := range names {
			if _, ok := uploadID(name); ok {
				paths = append(paths, filepath.Join(dir, name))
			}
		}
		if err != nil || len(names) == 0 {
			return paths, nil //nolint:nilerr // io.EOF, or as far as it could be read
		}
	}
}

// maxDeadDirs is how many directories are known not to have uploads of dead processes, or which.
const maxDeadDirs = 10_000

// forgetDead removes uploads of the same key that a dead process has left in dir or above: killed
// before it could tell anybody of them, or for a job that does not know them. Each directory is read
// once, and uploads of any key that have been there for too long go then, too.
func (b *Bucket) forgetDead(dir, key string) {
	b.uploads.mu.Lock()
	defer b.uploads.mu.Unlock()
	if b.uploads.dead == nil || len(b.uploads.dead) > maxDeadDirs {
		b.uploads.dead = map[string]map[string][]string{}
	}
	for ; ; dir = filepath.Dir(dir) {
		of, ok := b.uploads.dead[dir]
		if !ok {
			of = deadUploads(dir)
			b.uploads.dead[dir] = of
		}
		for _, path := range of[key] {
			removeDead(path, 0)
		}
		delete(of, key)
		if b.isTop(dir) {
			return
		}
	}
}

// deadUploads are those in dir that nobody has, by key.
func deadUploads(dir string) map[string][]string {
	paths, err := uploadsIn(dir)
	if err != nil {
		return nil
	}
	of := map[string][]string{}
	for _, path := range paths {
		if u, ok := pending(path); !removeDead(path, graceOfUploads) && ok {
			of[u.Key] = append(of[u.Key], path)
		}
	}
	return of
}

// removeDead removes the file of an upload that nobody has and that was written last so long ago.
func removeDead(path string, age time.Duration) bool {
	f, err := openUploadFile(path)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil || time.Since(info.ModTime()) < age {
		f.Close() // nothing was written
		return false
	}
	return f.discard() == nil
}
