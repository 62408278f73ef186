package copier

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// Of a Source that is grouped nothing is lost that a listing, a list or a manifest has told.
func TestGroupedFiles(t *testing.T) {
	at := time.Date(2600, 2, 3, 4, 5, 6, 789, time.UTC) // beyond what 64 bits of nanoseconds hold
	all := []Source{
		{},
		{Object: storage.Object{Key: "logs/a/b", Size: 7, ETag: "e", ModTime: at, CRC32C: storage.CRC32C([]byte("x"))}, Base: "a/b"},
		{Object: storage.Object{Key: "logs/a/b", StorageClass: "STANDARD"}, Base: ""},
		{Object: storage.Object{Key: "logs/a/c", StorageClass: "STANDARD", Size: unknownSize}, Base: "logs/a/c"},
		{Object: storage.Object{Key: "logs/a/c", StorageClass: "GLACIER", VersionID: "v", CRC32C: storage.Checksum{Known: true}}, Base: "c"},
		{Object: storage.Object{Key: "logs/a/c"}, Base: "elsewhere"},
		{Object: storage.Object{Key: "logs/a/c", StorageClass: "STANDARD"}, Base: "elsewhere", lost: errors.New("gone")},
	}
	g := newGroupedFiles()
	defer func() { _ = g.close() }() // nothing is on disk
	clusters := []*cluster{{order: 0}, {order: 1}}
	for i, s := range all {
		for _, c := range clusters {
			if err := g.add(c, s, int64(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range clusters {
		for c.left > 0 {
			if err := g.read(c, 3); err != nil {
				t.Fatal(err)
			}
		}
		for i, s := range all {
			if !reflect.DeepEqual(c.files[i], s) || c.numbers[i] != int64(i) {
				t.Errorf("%+v has become %+v, number %d", s, c.files[i], c.numbers[i])
			}
		}
	}
}
