package blockstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// plainSize is that of the object, and of the plain file, that are written and read.
const plainSize = 256 << 20

// way is one of several ways to do the same.
type way struct {
	name   string
	before func() error // not timed; may be nil
	do     func() error
}

// compare has the ways take turns, so that what disturbs one disturbs all, and reports the median of each in
// MB/s, and in percent of that of the first.
func compare(b *testing.B, ways ...way) {
	b.Helper()
	times := make([][]time.Duration, len(ways))
	for b.Loop() {
		for i, w := range ways {
			if w.before != nil {
				if err := w.before(); err != nil {
					b.Fatal(err)
				}
			}
			begin := time.Now()
			if err := w.do(); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(begin))
		}
	}
	median := func(i int) float64 {
		slices.Sort(times[i])
		return times[i][len(times[i])/2].Seconds()
	}
	for i, w := range ways {
		b.ReportMetric(plainSize/1e6/median(i), w.name+"-MB/s")
		if i > 0 {
			b.ReportMetric(100*median(0)/median(i), w.name+"-%")
		}
	}
	b.ReportMetric(0, "ns/op") // of all ways together, which says nothing
}

// fillPlain writes plainSize bytes, a MiB at a time.
func fillPlain(w io.Writer) error { return fillWith(w, 0) }

// fillWith is fillPlain with content that is another for another seed, in every block.
func fillWith(w io.Writer, seed uint64) error {
	piece := make([]byte, 1<<20)
	for i := range piece {
		piece[i] = byte(i * 7)
	}
	binary.BigEndian.PutUint64(piece, seed)
	for range plainSize / len(piece) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// writePlain writes as the block store does, which keeps the old version until the new one is whole.
func writePlain(path string) error {
	f, err := os.Create(path + ".new")
	if err == nil {
		err = fillPlain(f)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Rename(path+".new", path))
}

func writeObject(b *testing.B, bucket *Bucket, seed uint64) error {
	w, err := bucket.Create(b.Context(), "a", storage.CreateOptions{Size: plainSize})
	if err == nil {
		err = fillWith(w, seed)
	}
	if err == nil {
		_, err = w.Commit()
	}
	return err
}

// BenchmarkWriteAgainstPlain writes 256 MiB as a plain file, to a store of one disk and to one of two.
func BenchmarkWriteAgainstPlain(b *testing.B) {
	path := filepath.Join(b.TempDir(), "plain")
	one, two := newBucket(b, 0, 1), newBucket(b, 0, 2)
	compare(b,
		way{"plain", nil, func() error { return writePlain(path) }},
		way{"one-disk", nil, func() error { return writeObject(b, one, 0) }},
		way{"two-disks", nil, func() error { return writeObject(b, two, 0) }})
}

// BenchmarkDedup writes 256 MiB to a volume that does not look for equal blocks, and to one that does: when there is
// none, and when all are there.
func BenchmarkDedup(b *testing.B) {
	plain := newBucket(b, 0, 1)
	store, err := OpenStore(b.Context(), plain.roots)
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	if err := store.CreateVolume(b.Context(), "shared", VolumeSettings{Dedup: true}); err != nil {
		b.Fatal(err)
	}
	shared := openAt(b, "shared", 0, plain.roots...)
	seed := uint64(0)
	compare(b,
		way{"off", nil, func() error { seed++; return writeObject(b, plain, seed) }},
		way{"new", nil, func() error { return writeObject(b, shared, seed) }},
		way{"known", nil, func() error { return writeObject(b, shared, seed) }})
}

// BenchmarkReadAgainstPlain reads 256 MiB: with cat, as a plain file with buffers of a MiB, and from the block store
// with such buffers, with small ones, and with its own.
func BenchmarkReadAgainstPlain(b *testing.B) {
	path := filepath.Join(b.TempDir(), "plain")
	bucket := newBucket(b, 0, 1)
	if err := errors.Join(writePlain(path), writeObject(b, bucket, 0)); err != nil {
		b.Fatal(err)
	}
	drain := func(r io.ReadCloser, err error, size int) error {
		if err != nil {
			return err
		}
		defer r.Close()
		piece := make([]byte, size)
		for n := 0; ; {
			m, err := r.Read(piece)
			n += m
			if errors.Is(err, io.EOF) && n == plainSize {
				return nil
			}
			if err != nil {
				return fmt.Errorf("after %d bytes: %w", n, err)
			}
		}
	}
	object := func(size int) func() error {
		return func() error {
			r, err := bucket.Open(b.Context(), "a", storage.ReadOptions{})
			return drain(r, err, size)
		}
	}
	ways := []way{
		{name: "cat", do: func() error { return exec.CommandContext(b.Context(), "cat", path).Run() }},
		{name: "plain", do: func() error { f, err := os.Open(path); return drain(f, err, 1<<20) }},
		{name: "blocks", do: object(1 << 20)},
		{name: "blocks-32k", do: object(32 << 10)},
		{name: "blocks-copy", do: func() error {
			r, err := bucket.Open(b.Context(), "a", storage.ReadOptions{})
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = r.(io.WriterTo).WriteTo(io.Discard)
			return err
		}},
	}
	b.Run("Warm", func(b *testing.B) { compare(b, ways...) })
	b.Run("Cold", func(b *testing.B) {
		files := append(pathsOf(b, bucket, "a"), path)
		for i := range ways {
			ways[i].before = func() error { return evict(files) }
		}
		compare(b, ways...)
	})
}
