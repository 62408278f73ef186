package parquetpages_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/internal/parquetpages"
)

// column is a chunk of a file, and its bytes.
type column struct {
	*parquetpages.Chunk
	bytes []byte
}

func (c *column) walk(step int) error {
	w := parquetpages.Walk(c.Chunk)
	for p := c.bytes; len(p) > 0; {
		n := min(step, len(p))
		if _, err := w.Write(p[:n]); err != nil {
			break
		}
		p = p[n:]
	}
	return w.Close()
}

// columnsOf are all chunks of a file that another program wrote.
func columnsOf(t testing.TB, path string) []column {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := footer.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var list []column
	for _, g := range f.Groups {
		for i := range g.Chunks {
			c := &g.Chunks[i]
			list = append(list, column{c.Pages(), b[c.Offset : c.Offset+c.Size]})
		}
	}
	return list
}

func files(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/*.parquet")
	if err != nil || len(all) < 6 {
		t.Fatalf("%v, %v", all, err)
	}
	return all
}

// TestWrittenPages: what writers write is right, in whatever pieces it comes.
func TestWrittenPages(t *testing.T) {
	for _, path := range files(t) {
		for i, c := range columnsOf(t, path) {
			for _, step := range []int{1, 7, 100, 1 << 20} {
				if err := c.walk(step); err != nil {
					t.Errorf("%s, chunk %d, %d bytes at a time: %v", path, i, step, err)
				}
			}
		}
	}
}

// TestFlippedPages: a bit that has changed is seen wherever pages have a CRC, and in headers, but for what only
// readers of statistics and of levels look at.
func TestFlippedPages(t *testing.T) {
	for path, most := range map[string]float64{ // the share of bits of which nothing is seen
		"arrow-v1-snappy": 0.02, "arrow-v2-plain": 0.02, "spark4-v1-snappy": 0.003, "spark4-v2-zstd": 0.01,
		"spark35-v2-snappy": 0.9, "arrow-unsummed": 0.97, // which have no CRC, or only of dictionaries
	} {
		unseen, all := 0, 0
		for _, c := range columnsOf(t, "testdata/"+path+".parquet") {
			for i := range c.bytes {
				bit := byte(1) << (i * 5 % 8)
				c.bytes[i] ^= bit
				err := c.walk(1 << 20)
				c.bytes[i] ^= bit
				all++
				var e *parquetpages.Error
				switch {
				case err == nil:
					unseen++
				case !errors.As(err, &e) || e.At < 0 || e.At > c.Size:
					t.Errorf("%s: %v", path, err)
				}
			}
		}
		if share := float64(unseen) / float64(all); share > most {
			t.Errorf("%s: of %d in %d bits nothing is seen", path, unseen, all)
		}
	}
}

// TestMissingPages: a chunk that ends early, or goes on, is not right.
func TestMissingPages(t *testing.T) {
	c := columnsOf(t, "testdata/arrow-v1-snappy.parquet")[0]
	all := c.bytes
	for n := range all {
		if c.bytes = all[:n]; c.walk(100) == nil {
			t.Errorf("the first %d bytes are taken for all %d", n, len(all))
		}
	}
	if c.bytes = append(slices.Clone(all), 0); c.walk(100) == nil {
		t.Error("nothing is seen of a byte too many")
	}
}

// FuzzPages: no bytes make the walk fail otherwise than by an error, in whatever pieces they come.
func FuzzPages(f *testing.F) {
	for _, path := range files(f) {
		for i, c := range columnsOf(f, path) {
			if i < 5 {
				f.Add(c.bytes, c.Size, c.Plain, c.Values, c.Codec, uint8(7))
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, size, plain, values int64, codec int32, step uint8) {
		c := column{&parquetpages.Chunk{Size: size, Plain: plain, Values: values, Rows: values, Codec: codec}, b}
		whole, pieces := c.walk(len(b)+1), c.walk(int(step)+1)
		if (whole == nil) != (pieces == nil) {
			t.Errorf("at once: %v; %d bytes at a time: %v", whole, int(step)+1, pieces)
		}
	})
}
