package filestore

import (
	"fmt"
	"slices"
	"testing"

	"github.com/skepdata/skep/storage"
)

// A listing tells what it leaves out, of what it lists.
func TestIgnored(t *testing.T) {
	b := tree(t, "a", "pipe|", "d/b", "d/pipe|", "d/gone -> nowhere", "d/up -> ..", "d/.skep-1.tmp|", "e/pipe|", "d/to -> ../a")
	for _, x := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{
			"d/gone: a link that leads nowhere", "d/pipe: a named pipe", "d/up: a link to a directory that it is in",
			"e/pipe: a named pipe", "pipe: a named pipe",
		}},
		{"d/", []string{"d/gone: a link that leads nowhere", "d/pipe: a named pipe", "d/up: a link to a directory that it is in"}},
		{"d/g", []string{"d/gone: a link that leads nowhere"}},
		{"a", nil},
	} {
		var got []string
		ctx := storage.WithIgnored(t.Context(), func(i storage.Ignored) {
			if i.ModTime.IsZero() {
				t.Errorf("%s has no time", i.Key)
			}
			got = append(got, fmt.Sprintf("%s: %s", i.Key, i.What))
		})
		for _, err := range b.List(ctx, x.prefix) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if slices.Sort(got); !slices.Equal(got, x.want) {
			t.Errorf("%q: got %q, want %q", x.prefix, got, x.want)
		}
	}
}
