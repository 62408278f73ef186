package copier_test

import (
	"errors"
	"strings"
	"testing"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/copy/internal/codec"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

func encoded(t *testing.T, name, content string) string {
	t.Helper()
	c, err := codec.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	w, err := c.NewWriter(&b, codec.Options{})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Files of all formats become one of each format, and files of one format are joined; decoded,
// the output is the text of the sources.
func TestEveryFormatIntoEveryOther(t *testing.T) {
	formats := map[string]string{
		"gzip": ".gz", "bzip2": ".bz2", "zstd": ".zst", "lz4": ".lz4", "lzo": ".lzo", "snappy": ".snappy", "deflate": ".deflate",
	}
	for to, suffix := range formats {
		t.Run(to, func(t *testing.T) {
			src, mixed, joined, plain := storagetest.NewMem("s3://lake/"), storagetest.NewMem("file:///"), storagetest.NewMem("file:///"), storagetest.NewMem("s3://plain/")
			run := func(from *storagetest.Mem, pattern string, dest *storagetest.Mem, opts copier.Options) {
				t.Helper()
				opts.SrcPattern = pattern
				if _, err := copier.Run(t.Context(), at(from, ""), at(dest, ""), quick(opts)); err != nil {
					t.Fatal(err)
				}
			}
			want := ""
			for i, from := range []string{"bzip2", "deflate", "gzip", "lz4", "lzo", "snappy", "zstd"} {
				content := text(uint64(i), 20_000*i)
				src.Put("m/"+from+formats[from], encoded(t, from, content))
				want += content
			}
			src.Put("m/~1", "plain")
			src.Put("m/~2", "")
			want += "plain"
			run(src, "", mixed, copier.Options{GroupBy: ".*/(m)/.*", OutputCodec: copier.Codec(to)})

			// Appended to, it is still of that format, and without a codec, too.
			src.Put("m/more", "more")
			run(src, "", mixed, copier.Options{GroupBy: ".*/(m)/.*", OutputCodec: copier.Codec(to), AppendToLastFile: true})
			src.Put("j/1"+suffix, encoded(t, to, "one "))
			src.Put("j/2"+suffix, encoded(t, to, "two "))
			keep := copier.Options{GroupBy: ".*/(j)/.*", AppendToLastFile: true}
			run(src, "", joined, keep)
			src.Put("j/3"+suffix, encoded(t, to, "three "))
			run(src, "", joined, keep)

			run(mixed, "", plain, copier.Options{OutputCodec: copier.CodecNone})
			run(joined, "", plain, copier.Options{OutputCodec: copier.CodecNone})
			wantContents(t, plain, map[string]string{"m/m": want + "more", "j/j": "one two three "})
		})
	}
}

func TestParseCodec(t *testing.T) {
	for name, want := range map[string]copier.Codec{
		"keep": copier.CodecKeep, "NONE": copier.CodecNone, "gz": copier.CodecGzip, "Gzip": copier.CodecGzip, "lzop": "lzo", "zst": "zstd",
	} {
		if got, err := copier.ParseCodec(name); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := copier.ParseCodec("xz"); err == nil || !strings.HasPrefix(err.Error(), `"xz" is not a codec; use keep, or one of gzip, gz, `) {
		t.Errorf("got %v", err)
	}
}

// Where the destination takes no more while an output is being encoded, its reason is told once.
func TestFullWhileEncoding(t *testing.T) {
	full := errors.New("no space left on device")
	for codecName := range map[copier.Codec]bool{"gzip": true, "bzip2": true, "zstd": true, "lz4": true, "lzo": true, "snappy": true, "deflate": true} {
		src, mem := storagetest.NewMem("s3://lake/"), storagetest.NewMem("file:///")
		src.Put("a", text(1, 3<<20))
		dest := storagetest.Faulty(mem, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpWrite {
				return full
			}
			return nil
		})
		_, err := copier.Run(t.Context(), at(src, ""), storage.Location{Bucket: dest}, quick(copier.Options{OutputCodec: codecName}))
		if err == nil || strings.Count(err.Error(), full.Error()) != 1 {
			t.Errorf("%s: %v", codecName, err)
		}
		if keys := mem.Keys(); len(keys) != 0 {
			t.Errorf("%s: %q are left", codecName, keys)
		}
	}
}

func TestCodecs(t *testing.T) {
	a, b, c := text(1, 30_000), text(2, 10), text(3, 40_000)
	run := func(t *testing.T, codec copier.Codec, group string) *storagetest.Mem {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		src.Put("x/1.log.gz", gzipped(t, a))
		src.Put("x/2.log.gz", gzipped(t, b)+gzipped(t, ""))
		src.Put("x/3.log.gz", gzipped(t, c))
		if codec != copier.CodecKeep {
			src.Put("x/4.log", c)
		}
		if _, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{GroupBy: group, OutputCodec: codec})); err != nil {
			t.Fatal(err)
		}
		return dest
	}
	t.Run("gzip files are put together without decoding", func(t *testing.T) {
		got, _ := run(t, copier.CodecKeep, ".*/(x)/.*").Content("x/x.gz")
		if want := gzipped(t, a) + gzipped(t, b) + gzipped(t, "") + gzipped(t, c); got != want {
			t.Error("not the bytes of the sources")
		}
		if gunzipped(t, got) != a+b+c {
			t.Error("the output is not the text of the sources")
		}
	})
	t.Run("gzip compresses the others", func(t *testing.T) {
		got, _ := run(t, copier.CodecGzip, ".*/(x)/.*").Content("x/x.gz")
		if gunzipped(t, got) != a+b+c+c {
			t.Error("the output is not the text of the sources")
		}
	})
	t.Run("none decodes", func(t *testing.T) {
		wantContents(t, run(t, copier.CodecNone, ".*/(x)/.*"), map[string]string{"x/x.log": a + b + c + c})
		wantContents(t, run(t, copier.CodecNone, ""), map[string]string{"x/1.log": a, "x/2.log": b, "x/3.log": c, "x/4.log": c})
	})
	t.Run("what is not gzip is an error that names it", func(t *testing.T) {
		src, dest := storagetest.NewMem("s3://lake/"), storagetest.NewMem("s3://out/")
		src.Put("bad.gz", text(1, 1000))
		src.Put("good.gz", gzipped(t, a))
		sum, err := copier.Run(t.Context(), at(src, ""), at(dest, ""), quick(copier.Options{OutputCodec: copier.CodecNone}))
		if err == nil || !strings.Contains(err.Error(), "s3://lake/bad.gz: decode gzip") || sum.Failed != 1 {
			t.Errorf("%+v, %v", sum, err)
		}
		wantContents(t, dest, map[string]string{"good": a})
	})
}
