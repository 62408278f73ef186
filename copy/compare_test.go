package copier_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func TestCompare(t *testing.T) {
	a, b := storagetest.NewMem("s3://a/"), storagetest.NewMem("file:///")
	for i := range 50 {
		key := fmt.Sprintf("x-%d/%d", i%3, i)
		a.Put("in/"+key, text(uint64(i), 100))
		b.Put("out/"+key, text(uint64(i), 100))
	}
	compare := func(from, to storage.Bucket, opts copier.Options) (copier.Comparison, string) {
		t.Helper()
		var lines []string
		result, err := copier.Compare(t.Context(), at(from, "in/"), at(to, "out"), opts, func(d copier.Difference) {
			lines = append(lines, strings.TrimSpace(d.Key+" "+d.Reason+" "+d.Detail))
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		return result, strings.Join(lines, "\n")
	}
	for name, bucket := range map[string]storage.Bucket{"checksums listed": a, "checksums stated": unlisted{a, false}, "checksums unknown": unlisted{a, true}} {
		result, found := compare(bucket, b, copier.Options{})
		if result.Same != 50 || result.Bytes != 5000 || result.Different != 0 || found != "" {
			t.Errorf("%s: %+v\n%s", name, result, found)
		}
		if (result.Read == 5000) != (name == "checksums unknown") {
			t.Errorf("%s: %d bytes read", name, result.Read)
		}
	}
	b.Put("out/x-0/0", text(77, 100))
	b.Put("out/x-1/1", "shorter")
	b.Put("out/a", "more")
	b.Put("out/z", "more")
	if err := b.Delete(t.Context(), "out/x-2/2"); err != nil {
		t.Fatal(err)
	}
	want := []string{"a unexpected", "x-0/0 checksum crc32c ", "x-1/1 size 100 bytes and 7 bytes", "x-2/2 missing", "z unexpected"}
	for _, bucket := range []storage.Bucket{a, unlisted{a, true}} {
		result, found := compare(bucket, b, copier.Options{Workers: 3})
		lines := strings.Split(found, "\n")
		if result.Same != 47 || result.Different != 5 || len(lines) != 5 {
			t.Fatalf("%+v\n%s", result, found)
		}
		for i, line := range lines {
			if !strings.HasPrefix(line, want[i]) {
				t.Errorf("got %q, want %q", line, want[i])
			}
		}
	}
	result, found := compare(a, b, copier.Options{SrcPattern: `s3://a/in/x-1/.*`})
	if result.Same != 16 || found != want[2] {
		t.Errorf("with a pattern: %+v\n%s", result, found)
	}
}

// S3 can have an object and a directory of one name. A copy writes into the directory.
func TestCompareWithDirectoryNamedLikeObject(t *testing.T) {
	a, b := storagetest.NewMem("s3://a/"), storagetest.NewMem("s3://b/")
	a.Put("log/x", "x")
	b.Put("to/log", "another")
	b.Put("to/log/x", "x")
	for _, from := range []string{"log", "log/", "log/x"} {
		result, err := copier.Compare(t.Context(), at(a, from), at(b, "to/log"), copier.Options{}, func(d copier.Difference) {
			t.Errorf("%s: %+v", from, d)
		})
		if err != nil || result.Same != 1 {
			t.Errorf("%s: %+v, %v", from, result, err)
		}
	}
}

// unlisted is a bucket whose listings have no checksums, or that has none at all.
type unlisted struct {
	*storagetest.Mem
	none bool
}

func (u unlisted) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		for o, err := range u.Mem.List(ctx, prefix) {
			o.CRC32C = storage.Checksum{}
			if !yield(o, err) {
				return
			}
		}
	}
}

func (u unlisted) Stat(ctx context.Context, key string) (storage.Object, error) {
	o, err := u.Mem.Stat(ctx, key)
	if u.none {
		o.CRC32C = storage.Checksum{}
	}
	return o, err
}
