package copier_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/storage/storagetest"
)

func TestGroupsAreConcatenatedInKeyOrder(t *testing.T) {
	for _, partSize := range []int64{1, 7, 1000, 100_000} {
		t.Run(fmt.Sprint(partSize), func(t *testing.T) {
			src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
			want := ""
			for i, size := range []int{0, 3, 0, 1200, 1, 0, 900, 0} {
				key := fmt.Sprintf("d/2024-01-%02d", i)
				want += text(uint64(i), size)
				src.Put(key, text(uint64(i), size))
			}
			src.Put("e/2024-02-01", "")
			sum, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{
				GroupBy: `.*/(\d+-\d+)-\d+`, PartSize: partSize,
			}))
			if err != nil || sum.Objects != 9 || sum.Outputs != 2 {
				t.Fatalf("%+v, %v", sum, err)
			}
			wantContents(t, dest, map[string]string{"d/2024-01": want, "e/2024-02": ""})
		})
	}
}

func gzipped(t *testing.T, s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gunzipped(t *testing.T, s string) string {
	r, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCompactionInPlace(t *testing.T) {
	b := storagetest.NewMem("s3://lake/")
	for i := range 5 {
		b.Put(fmt.Sprintf("d/2024-01-%02d", i), fmt.Sprint(i))
	}
	b.Put("d/2024-01", "a source of that name")
	opts := quick(copier.Options{GroupBy: `.*/(\d+-\d+)(?:-\d+)?`, DeleteOnSuccess: true})
	if _, err := copier.Run(t.Context(), at(b, "d/"), at(b, "d/"), opts); err != nil {
		t.Fatal(err)
	}
	wantContents(t, b, map[string]string{"d/2024-011": "a source of that name01234"})
}

// A group has more files than are looked at together.
func TestLargeGroups(t *testing.T) {
	const files, target = 25_003, 7_000
	for name, sources := range map[string]int{"new": 0, "some are in an output": 12_345} {
		t.Run(name, func(t *testing.T) {
			g := newGrouping(t, "s3://out/", copier.Options{GroupBy: `.*/(day)-\d+`, TargetSize: target})
			all := text(1, files)
			put := func(from, to int) {
				for i := from; i < to; i++ {
					g.src.Put(fmt.Sprintf("h/day-%05d", i), all[i:i+1])
				}
			}
			want := map[string]string{}
			expect := func(from, to int) {
				for ; from < to; from += target {
					name := "out/h/day"
					if n := len(want); n > 0 {
						name += fmt.Sprint(n)
					}
					want[name] = all[from:min(from+target, to)]
				}
			}
			if sources > 0 {
				put(0, sources)
				g.run(int64(sources), 0)
				expect(0, sources)
			}
			put(sources, files)
			g.run(int64(files-sources), int64(sources))
			expect(sources, files)
			g.want(want)
			g.run(0, files)
		})
	}
}
