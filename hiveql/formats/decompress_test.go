package formats_test

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/skepdata/skep/hiveql/formats"
)

const plainText = "a line\nand another\n"

// bzip2Text is plainText as bzip2 writes it; Go has no writer of its own.
const bzip2Text = "QlpoOTFBWSZTWQZn2G0AAAJRgAAQQAAmZZQAIAAxA0DQIBoNBAEoNS+M0Wre8XckU4UJAGZ9htA="

// compressed is plainText by suffix, each in two pieces where the format allows that.
func compressed(t testing.TB) map[string][]byte {
	t.Helper()
	pieces := []string{plainText[:5], plainText[5:]}
	files := map[string][]byte{"": []byte(plainText), ".csv": []byte(plainText)}
	var gz, zst, deflate, snap bytes.Buffer
	for _, piece := range pieces {
		g := gzip.NewWriter(&gz)
		_, err1 := g.Write([]byte(piece))
		z, err2 := zstd.NewWriter(&zst)
		if err := errors.Join(err1, err2, g.Close()); err != nil {
			t.Fatal(err)
		}
		_, err := z.Write([]byte(piece))
		if err := errors.Join(err, z.Close()); err != nil {
			t.Fatal(err)
		}
	}
	d := zlib.NewWriter(&deflate)
	_, err := d.Write([]byte(plainText))
	if err := errors.Join(err, d.Close()); err != nil {
		t.Fatal(err)
	}
	writeLength := func(n int) { snap.Write(binary.BigEndian.AppendUint32(nil, uint32(n))) }
	writeLength(len(plainText))
	for _, piece := range pieces {
		chunk := snappy.Encode(nil, []byte(piece))
		writeLength(len(chunk))
		snap.Write(chunk)
	}
	bz, err := base64.StdEncoding.DecodeString(bzip2Text)
	if err != nil {
		t.Fatal(err)
	}
	files[".gz"], files[".zst"], files[".deflate"], files[".snappy"], files[".bz2"] =
		gz.Bytes(), zst.Bytes(), deflate.Bytes(), snap.Bytes(), bz
	return files
}

func TestDecompress(t *testing.T) {
	for suffix, data := range compressed(t) {
		for _, threads := range []int{1, 4} {
			r, err := formats.Decompress(t.Context(), "dir.gz/part-0"+suffix, bytes.NewReader(data), threads)
			if err != nil {
				t.Fatal(suffix, err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != plainText {
				t.Errorf("%s by %d threads: %q, %v", suffix, threads, got, err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("%s: close: %v", suffix, err)
			}
		}
	}
}

// manyBlocks is a file of 30,000 lines that bzip2 -1 compressed by blocks.
//
//go:embed testdata/lines.bz2
var manyBlocks []byte

func lines() string {
	var b strings.Builder
	for i := range 30000 {
		fmt.Fprintf(&b, "line %d of a file of many blocks\n", i)
	}
	return b.String()
}

// TestBlocks: the blocks of bzip2 come in order, also of several streams in one file, and a
// damaged one is an error, unless the damage changes nothing.
func TestBlocks(t *testing.T) {
	text := lines()
	read := func(data []byte) (string, error) {
		r, err := formats.Decompress(t.Context(), "x.bz2", bytes.NewReader(data), 4)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		return string(got), errors.Join(err, r.Close())
	}
	twice := append(bytes.Clone(manyBlocks), manyBlocks...)
	if got, err := read(twice); err != nil || got != text+text {
		t.Errorf("two streams: %d bytes of %d, %v", len(got), 2*len(text), err)
	}
	for _, at := range []int{4, 100, len(twice) / 4, len(twice) - 6} {
		damaged := bytes.Clone(twice)
		damaged[at] ^= 4
		if got, err := read(damaged); err == nil && got != text+text {
			t.Errorf("a bit of byte %d is wrong: %d bytes of %d, no error", at, len(got), 2*len(text))
		}
		if got, err := read(twice[:at]); err == nil {
			t.Errorf("cut off at %d: %d bytes, no error", at, len(got))
		}
	}
}

// TestClosedEarly: who closes a file that has not been read to its end has it for himself again.
func TestClosedEarly(t *testing.T) {
	files := map[string][]byte{".bz2": manyBlocks}
	for _, class := range []string{"GzipCodec", "ZStandardCodec", "SnappyCodec"} {
		c, err := formats.CodecOf(class)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, err := c.Compress(&out)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, lines())
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		files[c.Suffix] = out.Bytes()
	}
	for suffix, data := range files {
		for _, n := range []int{0, 1, 100_000} {
			in := bytes.NewReader(data) // the race detector sees who reads it later
			r, err := formats.Decompress(t.Context(), "x"+suffix, iotest.OneByteReader(in), 4)
			if err != nil {
				t.Fatal(suffix, err)
			}
			if _, err := io.ReadFull(r, make([]byte, n)); err != nil {
				t.Errorf("%s: %v", suffix, err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("%s: close: %v", suffix, err)
			}
			in.Reset(nil)
		}
	}
}

// TestTruncated: a file that ends too early is an error, never a shorter file.
func TestTruncated(t *testing.T) {
	for suffix, data := range compressed(t) {
		if suffix == "" || suffix == ".csv" {
			continue
		}
		for _, threads := range []int{1, 4} {
			r, err := formats.Decompress(t.Context(), "x"+suffix, bytes.NewReader(data[:len(data)-1]), threads)
			if err == nil {
				_, err = io.ReadAll(r)
				err = errors.Join(err, r.Close())
			}
			if err == nil {
				t.Errorf("%s by %d threads: no error", suffix, threads)
			}
		}
	}
}

func TestDecompressEmptyAndUnsupported(t *testing.T) {
	for _, suffix := range []string{".gz", ".bz2", ".zst", ".deflate", ".snappy", ".lz4", ".txt"} {
		r, err := formats.Decompress(t.Context(), "x"+suffix, strings.NewReader(""), 4)
		if err != nil {
			t.Errorf("%s: %v", suffix, err)
			continue
		}
		if got, err := io.ReadAll(r); len(got) > 0 || err != nil {
			t.Errorf("%s: %q, %v", suffix, got, err)
		}
	}
	for _, suffix := range []string{".lzo", ".lzo_deflate", ".xz"} {
		if _, err := formats.Decompress(t.Context(), "dir/x"+suffix, nil, 1); !errors.Is(err, formats.ErrUnsupported) || !strings.Contains(err.Error(), "dir/x"+suffix) {
			t.Errorf("%s: error %v", suffix, err)
		}
	}
}

// What a codec writes is read again, and a file that ends too early is an error.
func TestCodecs(t *testing.T) {
	text := strings.Repeat("a line and another\n", 40000) + "the end"
	for _, class := range []string{"", "GzipCodec", "DefaultCodec", "ZStandardCodec", "SnappyCodec", "Lz4Codec"} {
		c, err := formats.CodecOf("org.apache.hadoop.io.compress." + class)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		w, err := c.Compress(&out)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(w, text)
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(class, err)
		}
		for cut, want := range map[int]string{0: text, 1: ""} {
			r, err := formats.Decompress(t.Context(), "x"+c.Suffix, bytes.NewReader(out.Bytes()[:out.Len()-cut]), 1)
			if err != nil {
				t.Fatal(class, err)
			}
			if got, err := io.ReadAll(r); cut == 0 && string(got) != want || (err != nil) != (cut > 0) {
				t.Errorf("%s without the last %d bytes: %d bytes, %v", class, cut, len(got), err)
			}
		}
	}
	if _, err := formats.CodecOf("org.apache.hadoop.io.compress.BZip2Codec"); !errors.Is(err, formats.ErrUnsupported) {
		t.Errorf("bzip2: error %v", err)
	}
}
