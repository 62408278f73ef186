package copier_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/storage/storagetest"
)

func parquetFile(t *testing.T, n int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("../internal/parquetmerge/testdata/duckdb-%d.parquet", n))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// parquetRows is how many rows a Parquet file has. It reads all of it.
func parquetRows(t *testing.T, content string) int64 {
	t.Helper()
	in := parquetmerge.Input{Name: "file", Size: int64(len(content)), ReaderAt: strings.NewReader(content)}
	stats, err := parquetmerge.Merge(t.Context(), io.Discard, []parquetmerge.Input{in})
	if err != nil {
		t.Fatal(err)
	}
	return stats.Rows
}

func TestGroupsOfParquetFilesAreMerged(t *testing.T) {
	g := newGrouping(t, "block://out/", copier.Options{AppendToLastFile: true, OutputManifest: "m.gz"})
	g.src.Put("h/day-1.parquet", parquetFile(t, 1))
	g.src.Put("h/day-2.parquet", parquetFile(t, 2))
	g.src.Put("h/day-3.parquet", parquetFile(t, 3))
	g.opts.GroupBy = `.*/(day)-\d\.parquet`
	g.run(3, 0)
	rows := parquetRows(t, parquetFile(t, 1)) + parquetRows(t, parquetFile(t, 2))
	content, _ := g.dest.Content("out/h/day.parquet")
	if got := parquetRows(t, content); got != rows {
		t.Errorf("%d rows, want %d", got, rows)
	}
	for _, line := range manifestLines(t, g.dest, "out/m.gz") {
		if !strings.Contains(line, `"crc32c":"`) {
			t.Errorf("no checksum: %s", line)
		}
	}

	// New files go into the same output, which stays a Parquet file.
	g.src.Put("h/day-4.parquet", parquetFile(t, 4))
	g.run(1, 3)
	content, _ = g.dest.Content("out/h/day.parquet")
	if got, want := parquetRows(t, content), rows+parquetRows(t, parquetFile(t, 4)); got != want {
		t.Errorf("%d rows, want %d", got, want)
	}
}

func TestParquetErrors(t *testing.T) {
	for name, test := range map[string]struct {
		other, content, want string
		codec                copier.Codec
	}{
		"mixed":       {"h/day-2.csv", "a,b", "h/day-1.parquet is a Parquet file and h/day-2.csv is none", ""},
		"codec":       {"h/day-2.parquet", "", "h/day-2.parquet is a Parquet file, which is compressed inside: outputCodec gzip is not for it", copier.CodecGzip},
		"not Parquet": {"h/day-2.parquet", "a,b but longer than that", "s3://lake/h/day-2.parquet", ""},
		"cut":         {"h/day-2.parquet", parquetFile(t, 2)[:900], "s3://lake/h/day-2.parquet", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrouping(t, "s3://out/", copier.Options{OutputCodec: test.codec, GroupBy: `.*/(day)-.*`})
			g.src.Put("h/day-1.parquet", parquetFile(t, 1))
			g.src.Put(test.other, test.content)
			_, err := copier.Run(t.Context(), at(g.src, ""), at(g.dest, "out"), g.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			g.want(nil)
		})
	}
}

// Bytes that are damaged on the way are found though row groups are copied as they are.
func TestDamagedParquetIsFound(t *testing.T) {
	src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
	src.Put("h/day-1.parquet", parquetFile(t, 1))
	src.Put("h/day-2.parquet", parquetFile(t, 2))
	opts := quick(copier.Options{GroupBy: `.*/(day)-.*`, Retries: -1})
	if _, err := copier.Run(t.Context(), at(damaging{src, "h/day-1.parquet"}, ""), at(dest, ""), opts); err == nil {
		t.Error("the damage was not found")
	}
	wantContents(t, dest, nil)
}
