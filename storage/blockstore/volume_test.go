package blockstore

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
)

func TestVolumes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "disk")
	ctx := t.Context()
	s, err := CreateStore(ctx, []string{root})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := VolumeSettings{BlockSize: 1 << 20, Replication: 2, QuotaBytes: 100_000, QuotaFiles: 3}
	if err := s.CreateVolume(ctx, "v", want); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateVolume(ctx, "v", want); !errors.Is(err, storage.ErrExist) {
		t.Errorf("create again: %v, want ErrExist", err)
	}
	for _, bad := range []VolumeSettings{{BlockSize: 7}, {BlockSize: 2 << 30}, {Replication: 4}, {QuotaFiles: -1}} {
		if err := s.CreateVolume(ctx, "bad", bad); err == nil {
			t.Errorf("%+v makes a volume", bad)
		}
	}
	for _, bad := range []string{"", "a/b", "a@b", "@"} {
		if err := s.CreateVolume(ctx, bad, VolumeSettings{}); err == nil {
			t.Errorf("%q is a volume", bad)
		}
	}
	b := openAt(t, "v", 0, root)
	defer b.Close()
	put(t, b, "a", strings.Repeat("x", 50_000))
	all, err := s.Volumes(ctx)
	if err != nil || len(all) != 1 || all[0].Name != "v" || all[0].Bytes != 50_000 || all[0].Files != 1 || all[0].VolumeSettings != want {
		t.Errorf("volumes: %+v, %v", all, err)
	}
	if err := s.RemoveVolume(ctx, "v", false); err == nil || !strings.Contains(err.Error(), "not empty: it has 1 objects") {
		t.Errorf("remove a volume that is not empty: %v", err)
	}
	if err := s.CreateSnapshot(ctx, "v", "s"); err != nil {
		t.Error(err)
	}
	if err := s.RemoveVolume(ctx, "v", true); err != nil {
		t.Error(err)
	}
	if files := blockFiles(t, b); len(files) > 0 {
		t.Errorf("left behind: %q", files)
	}
	// A volume of that name is another one, for who has the old one open too.
	if err := s.CreateVolume(ctx, "v", VolumeSettings{}); err != nil {
		t.Error(err)
	}
	w, err := b.Create(ctx, "late", storage.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("commit into a volume that was removed: %v, want ErrNotExist", err)
	}
	if err := s.RemoveVolume(ctx, "none", true); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("remove a missing volume: %v", err)
	}
}

func TestQuota(t *testing.T) {
	b := newBucket(t, testBlock, 1)
	ctx := t.Context()
	s, err := OpenStore(ctx, b.roots)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.ChangeVolume(ctx, "test", func(v *VolumeSettings) { v.QuotaBytes, v.QuotaFiles = 100_000, 2 }); err != nil {
		t.Fatal(err)
	}
	fresh := openAt(t, "test", 0, b.roots...)
	defer fresh.Close()
	put(t, b, "a", strings.Repeat("x", 60_000))
	try := func(b *Bucket, key string, size int, known bool) (created bool, err error) {
		opts := storage.CreateOptions{}
		if known {
			opts.Size = int64(size)
		}
		w, err := b.Create(ctx, key, opts)
		if err != nil {
			return false, err
		}
		defer w.Abort() // committed, or failed
		if _, err := w.Write(make([]byte, size)); err != nil {
			return true, err
		}
		_, err = w.Commit()
		return true, err
	}
	for _, test := range []struct {
		key     string
		size    int
		known   bool
		created bool
		want    error
	}{
		{"b", 40_001, true, false, storage.ErrQuota}, // before the first byte
		{"b", 40_001, false, true, storage.ErrQuota}, // when it is to become visible
		{"a", 100_000, true, true, nil},              // what it replaces makes room
		{"a", 100_001, true, false, storage.ErrQuota},
		{"a", 60_000, true, true, nil},
		{"b", 40_000, true, true, nil},
		{"c", 0, true, false, storage.ErrQuota}, // the third object
		{"b", 0, true, true, nil},
	} {
		created, err := try(fresh, test.key, test.size, test.known)
		if created != test.created || !errors.Is(err, test.want) {
			t.Errorf("%d bytes as %q (known %v): begun %v, %v; want %v, %v", test.size, test.key, test.known, created, err, test.created, test.want)
		}
	}
	if _, err := try(b, "c", 0, true); !errors.Is(err, storage.ErrQuota) { // opened before there was a quota
		t.Errorf("by an older bucket: %v, want ErrQuota", err)
	}
	if _, err := b.CopyFrom(ctx, "copy", b, storage.Object{Key: "a"}); !errors.Is(err, storage.ErrQuota) {
		t.Errorf("copy: %v, want ErrQuota", err)
	}
	if got := list(t, b); len(got) != 2 {
		t.Errorf("there are %q", got)
	}
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	// A volume that is over its quota takes what makes it smaller.
	if err := s.ChangeVolume(ctx, "test", func(v *VolumeSettings) { v.QuotaBytes, v.QuotaFiles = 10, 1 }); err != nil {
		t.Fatal(err)
	}
	if _, err := try(b, "a", 50_000, false); err != nil {
		t.Errorf("a smaller object in an overfull volume: %v", err)
	}
}
