package formats_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

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
		r, err := formats.Decompress("dir.gz/part-0"+suffix, bytes.NewReader(data))
		if err != nil {
			t.Fatal(suffix, err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != plainText {
			t.Errorf("%s: %q, %v", suffix, got, err)
		}
		if err := r.Close(); err != nil {
			t.Errorf("%s: close: %v", suffix, err)
		}
	}
}

// TestTruncated: a file that ends too early is an error, never a shorter file.
func TestTruncated(t *testing.T) {
	for suffix, data := range compressed(t) {
		if suffix == "" || suffix == ".csv" {
			continue
		}
		r, err := formats.Decompress("x"+suffix, bytes.NewReader(data[:len(data)-1]))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Errorf("%s: no error", suffix)
		}
	}
}

func TestDecompressEmptyAndUnsupported(t *testing.T) {
	for _, suffix := range []string{".gz", ".bz2", ".zst", ".deflate", ".snappy", ".lz4", ".txt"} {
		r, err := formats.Decompress("x"+suffix, strings.NewReader(""))
		if err != nil {
			t.Errorf("%s: %v", suffix, err)
			continue
		}
		if got, err := io.ReadAll(r); len(got) > 0 || err != nil {
			t.Errorf("%s: %q, %v", suffix, got, err)
		}
	}
	for _, suffix := range []string{".lzo", ".lzo_deflate", ".xz"} {
		if _, err := formats.Decompress("dir/x"+suffix, nil); !errors.Is(err, formats.ErrUnsupported) || !strings.Contains(err.Error(), "dir/x"+suffix) {
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
			r, err := formats.Decompress("x"+c.Suffix, bytes.NewReader(out.Bytes()[:out.Len()-cut]))
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
