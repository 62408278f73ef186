package blockstore

import (
	"strings"
	"testing"
)

// TestDedup writes equal content in several ways into volumes that keep equal blocks once, and into
// one that does not.
func TestDedup(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	ctx := t.Context()
	s, err := OpenStore(ctx, b.roots)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for name, dedup := range map[string]bool{"one": true, "two": true, "plain": false} {
		if err := s.CreateVolume(ctx, name, VolumeSettings{BlockSize: testBlock, Dedup: dedup}); err != nil {
			t.Fatal(err)
		}
	}
	content := strings.Repeat("0123456789abcdef", testBlock/16) + strings.Repeat("other", 20_000)
	files := func() int { return len(blockFiles(t, b)) }
	wantFiles := func(what string, want int) {
		t.Helper()
		if got := files(); got != want {
			t.Errorf("%s: %d files of blocks, want %d", what, got, want)
		}
	}
	one, two, plain := openAt(t, "one", 0, b.roots...), openAt(t, "two", 0, b.roots...), openAt(t, "plain", 0, b.roots...)
	for _, other := range []*Bucket{one, two, plain} {
		defer other.Close()
	}
	put(t, one, "a", content)
	wantFiles("the first", 2)
	put(t, one, "b", content)
	wantFiles("the same again", 2)
	putInParts(t, one, "parts", content)
	wantFiles("in parts", 2)
	put(t, one, "twice", content[:testBlock]+content[:testBlock])
	wantFiles("a block twice in one object", 2)
	put(t, two, "a", content)
	wantFiles("in another volume", 2)
	put(t, plain, "a", content)
	wantFiles("in a volume without", 4)
	for _, at := range []struct {
		b    *Bucket
		key  string
		want string
	}{
		{one, "a", content}, {one, "b", content}, {one, "parts", content}, {two, "a", content}, {plain, "a", content},
		{one, "twice", content[:testBlock] + content[:testBlock]},
	} {
		wantContent(t, at.b, at.key, at.want)
	}
	u, err := one.Measure(ctx, "")
	if stored := int64(len(content)); err != nil || u.StoredBytes != stored {
		t.Errorf("measure: %+v, %v; want %d bytes stored", u, err, stored)
	}
	if err := one.DeleteTree(ctx, ""); err != nil {
		t.Error(err)
	}
	wantContent(t, two, "a", content)
	if err := two.Delete(ctx, "a"); err != nil {
		t.Error(err)
	}
	wantFiles("all deleted but those without", 2)
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}
