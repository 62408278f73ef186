package filestore

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func newBucket(t testing.TB) storage.Bucket {
	b, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// newNamed is a bucket that does as on a file system without anonymous files.
func newNamed(t testing.TB) storage.Bucket {
	b := newBucket(t).(*Bucket)
	b.namedFiles = true
	return b
}

func config(open func(testing.TB) storage.Bucket) storagetest.Config {
	return storagetest.Config{
		New:               open,
		Tree:              true,
		NoMetadata:        true,
		NoStoredChecksums: true,
		Missing: func(t testing.TB) storage.Bucket {
			b, err := New(filepath.Join(t.TempDir(), "missing"))
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
		Leftovers: func(t testing.TB, b storage.Bucket) []string { return leftovers(t, b.(*Bucket)) },
	}
}

// leftovers are the hidden files in a bucket, and the directories that hold nothing at all.
func leftovers(t testing.TB, b *Bucket) []string {
	var left []string
	err := filepath.WalkDir(b.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && isHidden(d.Name()) {
			left = append(left, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestBucket(t *testing.T) { storagetest.Run(t, config(newBucket)) }

func TestBucketWithNamedFiles(t *testing.T) { storagetest.Run(t, config(newNamed)) }

func BenchmarkBucket(b *testing.B) { storagetest.RunBenchmarks(b, config(newBucket)) }
