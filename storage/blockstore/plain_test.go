package blockstore

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/storage"
)

// BenchmarkAgainstPlain writes and reads 256 MiB in the block store, and as plain files that are
// synced, in one run.
func BenchmarkAgainstPlain(b *testing.B) {
	const size = 256 << 20
	piece := make([]byte, 1<<20)
	for i := range piece {
		piece[i] = byte(i * 7)
	}
	fill := func(b *testing.B, w io.Writer) {
		for range size / len(piece) {
			if _, err := w.Write(piece); err != nil {
				b.Fatal(err)
			}
		}
	}
	drain := func(b *testing.B, r io.Reader) {
		for {
			if _, err := r.Read(piece); err == io.EOF {
				return
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	path := filepath.Join(b.TempDir(), "plain")
	bucket, wide := newBucket(b, 0, 1), newBucket(b, 0, 2)
	b.Run("WritePlain", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := os.Create(path + ".new") // as the block store does, which keeps the old version until then
			if err != nil {
				b.Fatal(err)
			}
			fill(b, f)
			if err := f.Sync(); err != nil {
				b.Fatal(err)
			}
			f.Close()
			if err := os.Rename(path+".new", path); err != nil {
				b.Fatal(err)
			}
		}
	})
	writeBlocks := func(b *testing.B, bucket *Bucket) {
		b.SetBytes(size)
		for b.Loop() {
			w, err := bucket.Create(b.Context(), "a", storage.CreateOptions{Size: size})
			if err != nil {
				b.Fatal(err)
			}
			fill(b, w)
			if _, err := w.Commit(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("WriteBlocks", func(b *testing.B) { writeBlocks(b, bucket) })
	b.Run("WriteTwoDisks", func(b *testing.B) { writeBlocks(b, wide) })
	b.Run("ReadPlain", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			f, err := os.Open(path)
			if err != nil {
				b.Fatal(err)
			}
			drain(b, f)
			f.Close()
		}
	})
	b.Run("ReadBlocks", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			r, err := bucket.Open(b.Context(), "a", storage.ReadOptions{})
			if err != nil {
				b.Fatal(err)
			}
			drain(b, r)
			r.Close()
		}
	})
}
