package s3store_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/s3store"
	"github.com/skepdata/skep/testenv"
)

// TestLevels compares listings of one level, and of what comes after a key, with what a whole listing
// makes of them, for pages of several sizes.
func TestLevels(t *testing.T) {
	client := newClient(t, testenv.MinIO(t), s3store.Config{})
	b := client.Bucket(testenv.MinIO(t).Bucket)
	keys := []string{"levels/a", "levels/a.b", "levels/b-1/x", "levels/b-1/y", "levels/b/x/1", "levels/b/x/2", "levels/b/y", "levels/c0", "levels/é/1"}
	for i := range 7 {
		keys = append(keys, fmt.Sprintf("levels/flat%d", i), fmt.Sprintf("levels/wide%d/x", i))
	}
	slices.Sort(keys)
	for _, key := range keys {
		w, err := b.Create(t.Context(), key, storage.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range []int{1, 2, 3, 5, 1000} {
		client.SetPage(page)
		for _, prefix := range []string{"levels/", "levels/b", "levels/b/", "levels/none/", "levels/fl"} {
			for _, after := range append([]string{"", "levels/c", "levels/b/x/1x"}, keys...) {
				var want, level []string
				for _, key := range keys {
					if !strings.HasPrefix(key, prefix) || key <= after {
						continue
					}
					want = append(want, key)
					if slash := strings.IndexByte(key[len(prefix):], '/'); slash >= 0 {
						key = key[:len(prefix)+slash+1]
					}
					if n := len(level); n == 0 || level[n-1] != key {
						level = append(level, key)
					}
				}
				if got := names(t, b.ListAfter, prefix, after); !slices.Equal(got, want) {
					t.Errorf("pages of %d: %s after %s: %q, want %q", page, prefix, after, got, want)
				}
				got := names(t, b.ListLevel, prefix, after)
				if len(got) > 0 && got[0] <= after && strings.HasPrefix(after, got[0]) && (len(level) == 0 || level[0] != got[0]) {
					got = got[1:] // may be told, though all of it is before
				}
				if len(level) > 0 && level[0] <= after && (len(got) == 0 || got[0] != level[0]) {
					level = level[1:] // need not be told
				}
				if !slices.Equal(got, level) {
					t.Errorf("pages of %d: the level %s after %s: %q, want %q", page, prefix, after, got, level)
				}
			}
		}
	}
}

func names(
	t *testing.T, list func(ctx context.Context, prefix, after string) iter.Seq2[storage.Object, error], prefix, after string,
) (keys []string) {
	t.Helper()
	for o, err := range list(t.Context(), prefix, after) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(o.Key, "/") != o.ModTime.IsZero() {
			t.Errorf("%q has the time %v", o.Key, o.ModTime)
		}
		keys = append(keys, o.Key)
	}
	return keys
}
