package blockstore

import (
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// testBlock is small, so that small objects have several blocks.
const testBlock = 128 << 10

func openAt(t testing.TB, volume string, blockSize int64, roots ...string) *Bucket {
	t.Helper()
	b, err := Open(roots, volume, Options{BlockSize: blockSize})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newBucket returns an empty volume on so many disks.
func newBucket(t testing.TB, blockSize int64, disks int) *Bucket {
	t.Helper()
	var roots []string
	for i := range disks {
		roots = append(roots, filepath.Join(t.TempDir(), fmt.Sprintf("disk%d", i+1)))
	}
	b := openAt(t, "test", blockSize, roots...)
	if _, err := b.forWriting(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

func config(blockSize int64, disks int) storagetest.Config {
	small := min(blockSize, 1<<20) // a block, or what has to do for one
	return storagetest.Config{
		New: func(t testing.TB) storage.Bucket { return newBucket(t, blockSize, disks) },
		Missing: func(t testing.TB) storage.Bucket {
			return openAt(t, "missing", 0, filepath.Join(t.TempDir(), "nowhere"))
		},
		Corrupt:   func(t testing.TB, b storage.Bucket, key string) { corrupt(t, b.(*Bucket), key) },
		Leftovers: func(t testing.TB, b storage.Bucket) []string { return leftovers(t, b.(*Bucket)) },
		Many:      600,
		Sizes:     []int64{small - 1, small, small + 1, 2*small + 70_000},
	}
}

func TestBucket(t *testing.T) {
	t.Parallel() // it waits for the disk
	storagetest.Run(t, config(testBlock, 1))
}

func TestBucketOnThreeDisks(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, config(chunkSize, 3))
}

func TestBucketOfOneBlockObjects(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, config(defaultBlockSize, 1))
}

func BenchmarkBucket(b *testing.B) { storagetest.RunBenchmarks(b, config(defaultBlockSize, 1)) }

// blockFiles are the files of blocks on the disks of a bucket.
func blockFiles(t testing.TB, b *Bucket) []string {
	t.Helper()
	var paths []string
	for _, root := range b.roots {
		blocks := filepath.Join(root, blocksDir)
		err := filepath.WalkDir(blocks, func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err == nil && !d.IsDir() {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// leftovers are files of blocks that the namespace does not know, and blocks that no object
// refers to.
func leftovers(t testing.TB, b *Bucket) []string {
	t.Helper()
	v, err := b.forReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	wanted := map[string]bool{}
	err = v.ns.view(t.Context(), func(tx *sql.Tx) error {
		blocks, err := blockRefs(t.Context(), tx, "SELECT block, disk FROM replicas")
		for _, ref := range blocks {
			d, err := v.disk(t.Context(), ref.disk)
			if err != nil {
				return err
			}
			wanted[d.path(ref.id)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range blockFiles(t, b) {
		if !wanted[path] {
			left = append(left, path)
		}
		delete(wanted, path)
	}
	for path := range wanted {
		left = append(left, "missing "+path)
	}
	unreferenced, err := column[int64](t.Context(), v.ns.reads,
		"SELECT id FROM blocks WHERE id NOT IN (SELECT block FROM file_blocks)")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range unreferenced {
		left = append(left, fmt.Sprintf("unreferenced block %x", id))
	}
	loose, err := column[int64](t.Context(), v.ns.reads,
		"SELECT version FROM inline WHERE version NOT IN (SELECT version FROM files UNION SELECT version FROM old_files)")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range loose {
		left = append(left, fmt.Sprintf("content of the missing version %x", version))
	}
	uploads, err := column[string](t.Context(), v.ns.reads, "SELECT id FROM uploads UNION SELECT upload FROM upload_blocks UNION SELECT upload FROM upload_parts")
	if err != nil {
		t.Fatal(err)
	}
	locks, err := filepath.Glob(filepath.Join(v.home, uploadsDir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, upload := range append(uploads, locks...) {
		left = append(left, "upload "+upload)
	}
	orphans, err := column[int64](t.Context(), v.ns.reads,
		"SELECT version FROM file_blocks WHERE version NOT IN (SELECT version FROM files UNION SELECT version FROM old_files)")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range orphans {
		left = append(left, fmt.Sprintf("blocks of the missing version %x", version))
	}
	return left
}

// corrupt flips a bit in the last block of an object, or in the namespace if it is there.
func corrupt(t testing.TB, b *Bucket, key string) {
	t.Helper()
	paths := pathsOf(t, b, key)
	if len(paths) == 0 {
		corruptInline(t, b, key)
		return
	}
	content, err := os.ReadFile(paths[len(paths)-1])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 4
	if err := os.WriteFile(paths[len(paths)-1], content, 0o666); err != nil {
		t.Fatal(err)
	}
}

func corruptInline(t testing.TB, b *Bucket, key string) {
	t.Helper()
	v, err := b.forReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := v.first(t.Context(), key)
	if err != nil || len(first.inline) == 0 {
		t.Fatalf("%q has no content in the namespace: %v", key, err)
	}
	first.inline[len(first.inline)/2] ^= 4
	_, err = v.ns.writes.ExecContext(t.Context(), "UPDATE inline SET content = ? WHERE version = ?", first.inline, first.version)
	if err != nil {
		t.Fatal(err)
	}
}

// pathsOf are the files of an object's blocks, in order.
func pathsOf(t testing.TB, b *Bucket, key string) []string {
	t.Helper()
	v, err := b.forReading(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, err := v.first(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := v.blocks(t.Context(), first.version)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, block := range blocks {
		d, err := v.disk(t.Context(), block.first().disk)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, d.path(block.id))
	}
	return paths
}

func put(t testing.TB, b *Bucket, key, content string) storage.Object {
	t.Helper()
	w, err := b.Create(t.Context(), key, storage.CreateOptions{})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err != nil {
		t.Fatal(err)
	}
	o, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func list(t testing.TB, b *Bucket) []string {
	t.Helper()
	var keys []string
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}
