package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func formats() []Codec {
	var all []Codec
	for _, e := range codecs {
		all = append(all, e.codec)
	}
	return all
}

func encode(tb testing.TB, c Codec, opts Options, data []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := c.NewWriter(&out, opts)
	if err != nil {
		tb.Fatal(err)
	}
	for rest := data; len(rest) > 0; { // in uneven pieces
		n := min(len(rest), 70_001)
		if _, err := w.Write(rest[:n]); err != nil {
			tb.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func decode(c Codec, data []byte) ([]byte, error) {
	r, err := c.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// logs is text as servers write it.
func logs(n int) []byte {
	rnd := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "10.%d.%d.%d - - [23/Nov/2026:%02d:%02d:%02d] \"GET /item/%d HTTP/1.1\" %d %d\n", rnd.IntN(4), rnd.IntN(256),
			rnd.IntN(256), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), rnd.IntN(1e6), 200+rnd.IntN(3)*100, rnd.IntN(1e5))
	}
	return b.Bytes()[:n]
}

func noise(n int) []byte {
	b := make([]byte, n)
	rnd := rand.NewChaCha8([32]byte{7})
	rnd.Read(b)
	return b
}

func samples() map[string][]byte {
	return map[string][]byte{
		"empty": nil, "byte": {'x'}, "short": []byte("hello hello hello hello\n"), "aaa": bytes.Repeat([]byte("a"), 150_000),
		"period": bytes.Repeat([]byte("abc"), 100_000), "logs": logs(1_100_000), "noise": noise(150_000),
		"mixed":   append(append(noise(60_000), bytes.Repeat([]byte{0}, 70_000)...), logs(200_000)...),
		"far":     append(append(noise(40_000), noise(40_000)...), noise(49_151)...),
		"block":   logs(deflateBlock),
		"longlit": append(append([]byte("abcdefgh"), noise(255+18)...), "abcdefgh12345678"...),
	}
}

func TestRoundTrip(t *testing.T) {
	for _, c := range formats() {
		for name, data := range samples() {
			variants := []Options{{Crew: NewCrew(3)}}
			if name == "mixed" || len(data) < 1000 {
				variants = append(variants, Options{}, Options{Level: 1}, Options{Level: 99})
			}
			for _, opts := range variants {
				packed := encode(t, c, opts, data)
				got, err := decode(c, packed)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s %s %+v: %d bytes became %d, %v", c.Name, name, opts, len(data), len(got), err)
				}
			}
		}
	}
}

func TestConcurrencyDoesNotShow(t *testing.T) {
	data := samples()["logs"]
	for _, c := range formats() {
		if !bytes.Equal(encode(t, c, Options{}, data), encode(t, c, Options{Crew: NewCrew(5)}, data)) {
			t.Errorf("%s: the output depends on the concurrency", c.Name)
		}
	}
}

func TestConcatenation(t *testing.T) {
	a, b := logs(100_000), noise(1000)
	for _, c := range formats() {
		joined := append(encode(t, c, Options{}, a), encode(t, c, Options{}, b)...)
		got, err := decode(c, joined)
		same := err == nil && bytes.Equal(got, append(bytes.Clone(a), b...))
		if c.Concatenates && !same {
			t.Errorf("%s: two files joined: %d bytes, %v", c.Name, len(got), err)
		}
		if !same && err == nil {
			t.Errorf("%s: joined files decode to something else, without an error", c.Name)
		}
	}
}

// TestTruncation cuts a file of one member everywhere: no part of it but the empty one passes
// for a whole, and every error names where the file ends.
func TestTruncation(t *testing.T) {
	data := logs(3000)
	for _, c := range formats() {
		packed := encode(t, c, Options{}, data)
		for n := 1; n < len(packed) && c.Name != "none"; n++ {
			_, err := decode(c, packed[:n])
			var e *Error
			if !errors.As(err, &e) {
				t.Errorf("%s: cut at %d of %d: %v", c.Name, n, len(packed), err)
				break
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) || e.Offset > int64(n) {
				t.Errorf("%s: cut at %d of %d: %v", c.Name, n, len(packed), err)
				break
			}
		}
	}
}

// TestDamage flips every bit of a small file: formats with checksums find it, or decode the
// same.
func TestDamage(t *testing.T) {
	data := logs(400)
	for _, c := range formats() {
		if c.Name == "none" || c.Name == "snappy" { // no checksums
			continue
		}
		packed := encode(t, c, Options{}, data)
		for i := range packed {
			damaged := bytes.Clone(packed)
			damaged[i] ^= 1 << (i % 8)
			if got, err := decode(c, damaged); err == nil && !bytes.Equal(got, data) {
				t.Errorf("%s: byte %d: wrong data without an error", c.Name, i)
			}
		}
	}
}

// TestFailingSource keeps the errors of what is read apart from damage, and does not hide them.
func TestFailingSource(t *testing.T) {
	broken := errors.New("connection reset")
	for _, c := range formats() {
		packed := encode(t, c, Options{}, logs(3000))
		r, err := c.NewReader(io.MultiReader(bytes.NewReader(packed[:len(packed)/2]), iotest.ErrReader(broken)))
		if err == nil {
			_, err = io.ReadAll(r)
		}
		var damage *Error
		if !errors.Is(err, broken) || errors.As(err, &damage) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestFailingDestination(t *testing.T) {
	for _, c := range formats() {
		w, err := c.NewWriter(&failingWriter{100_000}, Options{Crew: NewCrew(3)})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Write(noise(1_500_000))
		if closed := w.Close(); err == nil {
			err = closed
		}
		if err == nil || !strings.Contains(err.Error(), "disk full") {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

// TestForeignFiles decodes files that the formats' own commands made, see testdata/README.md.
func TestForeignFiles(t *testing.T) {
	want, err := os.ReadFile("testdata/text.txt")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/text*.*")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, file := range files {
		c, _, ok := BySuffix(file)
		if !ok {
			continue
		}
		tried++
		packed, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		whole := want
		if strings.Contains(file, "twice") {
			whole = append(bytes.Clone(want), want...)
		}
		if got, err := decode(c, packed); err != nil || !bytes.Equal(got, whole) {
			t.Errorf("%s: %d bytes, %v", file, len(got), err)
		}
	}
	if tried < 15 {
		t.Errorf("only %d files in testdata", tried)
	}
}

func TestNames(t *testing.T) {
	for key, want := range map[string]string{
		"a/b.GZ": "gzip a/b", "x.tar.gzip": "gzip x.tar", "x.lzo": "lzo x", "x.LZOP": "lzo x", "x.snappy": "snappy x", "x.zst": "zstd x",
		"x.zstd": "zstd x", "x.lz4": "lz4 x", "x.bz2": "bzip2 x", "x.bzip2": "bzip2 x", "x.deflate": "deflate x",
		"x.txt": "none x.txt -", "gz": "none gz -", "a.gz/b": "none a.gz/b -", "a/.gz": "none a/.gz -", "x.none": "none x.none -", "": "none  -",
	} {
		c, base, ok := BySuffix(key)
		got := c.Name + " " + base
		if !ok {
			got += " -"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
	for _, name := range Names() {
		if c, err := ByName(strings.ToUpper(name)); err != nil || c.Name == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ByName("rar"); err == nil || !strings.Contains(err.Error(), "zstd") {
		t.Errorf("rar: %v", err)
	}
}

func BenchmarkCodec(b *testing.B) {
	data := logs(16 << 20)
	for _, c := range formats() {
		packed := encode(b, c, Options{}, data)
		for _, n := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/write-%d", c.Name, n), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportMetric(float64(len(packed))/float64(len(data))*100, "%size")
				for b.Loop() {
					encode(b, c, Options{Crew: NewCrew(n)}, data)
				}
			})
		}
		b.Run(c.Name+"/read", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := decode(c, packed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A plan asks for the codec of each name.
func BenchmarkBySuffix(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := BySuffix("logs/2024/01/02/part-00000.parquet"); ok {
			b.Fatal("Parquet is no codec")
		}
	}
}
