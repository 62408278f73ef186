package copier

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// Of a Source that is grouped nothing is lost that a listing, a list or a manifest has told.
func TestMembers(t *testing.T) {
	at := time.Date(2600, 2, 3, 4, 5, 6, 789, time.UTC) // beyond what 64 bits of nanoseconds hold
	classes := classes{}
	for _, s := range []Source{
		{},
		{Object: storage.Object{Key: "logs/a/b", Size: 7, ETag: "e", ModTime: at, CRC32C: storage.CRC32C([]byte("x"))}, Base: "a/b"},
		{Object: storage.Object{Key: "logs/a/b", StorageClass: "STANDARD"}, Base: ""},
		{Object: storage.Object{Key: "logs/a/c", StorageClass: "STANDARD"}, Base: "logs/a/c"},
		{Object: storage.Object{Key: "logs/a/c", StorageClass: "GLACIER", VersionID: "v"}, Base: "c"},
		{Object: storage.Object{Key: "logs/a/c"}, Base: "elsewhere"},
		{Object: storage.Object{Key: "logs/a/c", StorageClass: "STANDARD"}, Base: "elsewhere", lost: errors.New("gone")},
	} {
		m := classes.member(s, 3)
		if got := m.source(); !reflect.DeepEqual(got, s) || m.number != 3 {
			t.Errorf("%+v has become %+v, number %d", s, got, m.number)
		}
	}
	if a, b := classes["STANDARD"], classes["GLACIER"]; a == nil || b != nil || *a != (besides{storageClass: "STANDARD"}) {
		t.Errorf("common are %+v and %+v", a, b)
	}
}
