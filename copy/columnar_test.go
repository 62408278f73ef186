package copier_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/internal/orcmerge"
	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/storage"
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

// orcFile is one of three files of ORC's C++ library, of 1000, no, and 500 rows.
func orcFile(t *testing.T, n int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("../internal/orcmerge/testdata/pyorc-%d.orc", n))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// orcRows is how many rows an ORC file has. It reads all of it.
func orcRows(t *testing.T, content string) int64 {
	t.Helper()
	in := orcmerge.Input{Name: "file", Size: int64(len(content)), ReaderAt: strings.NewReader(content)}
	stats, err := orcmerge.Merge(t.Context(), io.Discard, []orcmerge.Input{in})
	if err != nil {
		t.Fatal(err)
	}
	return stats.Rows
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

func TestGroupsOfORCFilesAreMerged(t *testing.T) {
	g := newGrouping(t, "block://out/", copier.Options{AppendToLastFile: true, OutputManifest: "m.gz"})
	for i := range 3 {
		g.src.Put(fmt.Sprintf("h/day-%d.orc", i+1), orcFile(t, i+1))
	}
	g.opts.GroupBy = `.*/(day)-\d\.orc`
	g.run(3, 0)
	content, _ := g.dest.Content("out/h/day.orc")
	if got := orcRows(t, content); got != 1500 {
		t.Errorf("%d rows", got)
	}

	// New files go into the same output, which stays an ORC file, and into no output of other files.
	g.src.Put("h/day-4.orc", orcFile(t, 3))
	g.run(1, 3)
	content, _ = g.dest.Content("out/h/day.orc")
	if got := orcRows(t, content); got != 2000 {
		t.Errorf("%d rows", got)
	}

	// Outputs are closed as soon as they have the target size.
	g.opts.TargetSize, g.opts.AppendToLastFile = 50_000, false
	for i := range 4 {
		g.src.Put(fmt.Sprintf("h/day-%d.orc", i+5), orcFile(t, 1))
	}
	g.run(4, 4)
	for _, key := range []string{"out/h/day1.orc", "out/h/day2.orc"} {
		content, _ = g.dest.Content(key)
		if got := orcRows(t, content); got != 2000 {
			t.Errorf("%s: %d rows", key, got)
		}
	}
}

func TestColumnarErrors(t *testing.T) {
	for name, test := range map[string]struct {
		other, content, want string
		codec                copier.Codec
	}{
		"mixed":       {"h/day-2.csv", "a,b", "h/day-1.parquet is a Parquet file and h/day-2.csv is none", ""},
		"codec":       {"h/day-2.parquet", "", "h/day-2.parquet is a Parquet file, which is compressed inside: outputCodec gzip is not for it", copier.CodecGzip},
		"not Parquet": {"h/day-2.parquet", "a,b but longer than that", "s3://lake/h/day-2.parquet", ""},
		"cut":         {"h/day-2.parquet", parquetFile(t, 2)[:900], "s3://lake/h/day-2.parquet", ""},
		"other":       {"h/day-2.orc", orcFile(t, 1), "h/day-1.parquet is a Parquet file and h/day-2.orc is none", ""},
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

func TestORCErrors(t *testing.T) {
	for name, test := range map[string]struct {
		other, content, want string
		codec                copier.Codec
	}{
		"mixed":   {"h/day-2.csv", "a,b", "h/day-1.orc is an ORC file and h/day-2.csv is none", ""},
		"codec":   {"h/day-2.orc", "", "h/day-2.orc is an ORC file, which is compressed inside: outputCodec gzip is not for it", copier.CodecGzip},
		"not ORC": {"h/day-2.orc", "a,b but longer than that", "merge s3://lake/h/day-2.orc: ", ""},
		"cut":     {"h/day-2.orc", orcFile(t, 1)[:9000], "merge s3://lake/h/day-2.orc: ", ""},
		"schema": {"h/day-2.orc", otherORC(t),
			"the schemas differ: column i is number 1 in s3://lake/h/day-1.orc and number 4 in s3://lake/h/day-2.orc", ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGrouping(t, "s3://out/", copier.Options{OutputCodec: test.codec, GroupBy: `.*/(day)-.*`})
			g.src.Put("h/day-1.orc", orcFile(t, 1))
			g.src.Put(test.other, test.content)
			_, err := copier.Run(t.Context(), at(g.src, ""), at(g.dest, "out"), g.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			g.want(nil)
		})
	}
}

// otherORC is an ORC file of other columns.
func otherORC(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../hiveql/orc/testdata/pyorc_none.orc")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// damages are pairs of files to be merged.
func damages(t *testing.T) map[string][2]string {
	return map[string][2]string{".parquet": {parquetFile(t, 2), parquetFile(t, 4)}, ".orc": {orcFile(t, 1), orcFile(t, 3)}}
}

// Bytes that are damaged on the way are found though row groups and stripes are copied as they are.
func TestDamagedColumnsAreFound(t *testing.T) {
	for suffix, files := range damages(t) {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		src.Put("h/day-1"+suffix, files[0])
		src.Put("h/day-2"+suffix, files[1])
		opts := quick(copier.Options{GroupBy: `.*/(day)-.*`, Retries: -1})
		if _, err := copier.Run(t.Context(), at(damaging{src, "h/day-1" + suffix}, ""), at(dest, ""), opts); err == nil {
			t.Error("the damage was not found")
		}
		wantContents(t, dest, nil)
	}
}

// A bit of what is read by ranges, of which no store keeps a sum, may change on the way: it does not get into an output.
func TestRangesThatChangeOnTheWay(t *testing.T) {
	for suffix, files := range damages(t) {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		src.Put("h/day-1"+suffix, files[0])
		src.Put("h/day-2"+suffix, files[1])
		opts := copier.Options{GroupBy: `.*/(day)-.*`, Restart: true}
		run := func(from storage.Bucket, key string) string {
			t.Helper()
			if _, err := copier.Run(t.Context(), at(from, ""), at(dest, ""), quick(opts)); err != nil {
				t.Fatal(err)
			}
			content, ok := dest.Content(key)
			if !ok {
				t.Fatalf("there is no %s", key)
			}
			if err := dest.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			return content
		}
		want := run(src, "h/day"+suffix)
		size := len(files[1])
		for off := max(size-2000, 0); off < size; off += 7 {
			for _, bit := range []byte{1, 0x40} {
				if got := run(&flipping{Mem: src, key: "h/day-2" + suffix, at: int64(off), bit: bit}, "h/day"+suffix); got != want {
					t.Fatalf("%s: the output is another after a bit of byte %d", suffix, off)
				}
			}
		}
	}
}

// flipping flips a bit of an object the first time a range that has it is read, as long as that is not all.
type flipping struct {
	*storagetest.Mem
	key  string
	at   int64
	bit  byte
	done bool
}

func (f *flipping) Open(ctx context.Context, key string, opts storage.ReadOptions) (storage.Reader, error) {
	r, err := f.Mem.Open(ctx, key, opts)
	if err != nil || key != f.key || f.done || opts.Length == 0 || f.at < opts.Offset || f.at >= opts.Offset+opts.Length {
		return r, err
	}
	f.done = true
	return &flippedReader{Reader: r, left: f.at - opts.Offset, bit: f.bit}, nil
}

type flippedReader struct {
	storage.Reader
	left int64 // bytes before it
	bit  byte
}

func (f *flippedReader) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if f.left >= 0 && f.left < int64(n) {
		p[f.left] ^= f.bit
	}
	f.left -= int64(n)
	return n, err
}
