package codec

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Codec is a compression format.
type Codec struct {
	// Name is how --outputCodec calls the format, such as "gzip". It is "none" for the codec
	// that leaves bytes as they are.
	Name string
	// Suffix is what names of files in this format end with, such as ".gz". It is empty for
	// "none".
	Suffix string
	// Concatenates tells whether files of this format, joined byte by byte, are one file of
	// it that every decoder reads as the joined contents.
	Concatenates bool
	// Reading and Writing are about how many bytes a reader of usual files and a writer take, besides
	// what the writer's crew has for all. A file can have a window, or blocks, for which a reader
	// takes more.
	Reading, Writing int64
	// Heavy tells whether compressing a block takes several times the memory, and the time, that it
	// takes in the other formats.
	Heavy bool

	open   func(*source) (io.ReadCloser, error)
	create func(io.Writer, Options) (io.WriteCloser, error)
}

// Options tune a writer. The zero value is a good choice.
type Options struct {
	// Level is the effort, in the numbers of the format's own command (gzip and bzip2: 1 to 9,
	// zstd: 1 to 22, lz4: 1 to 9). 0 is the default of the format. Formats that have no levels
	// ignore it, and one out of range means the nearest that exists.
	Level int
	// Crew compresses the blocks, several at once, and is shared with the writers of other outputs.
	// nil is one for this writer that compresses a block at a time.
	Crew *Crew
}

// codecs lists the formats, "none" last, with the names and suffixes, without their dots, that stand for them.
var codecs = []entry{
	{Codec{Name: "gzip", Suffix: ".gz", Concatenates: true, Reading: 64 << 10, Writing: 2 * deflateBlock, open: openGzip, create: createGzip},
		[]string{"gzip", "gz"}},
	{Codec{Name: "deflate", Suffix: ".deflate", Reading: 64 << 10, Writing: 2 << 20, open: openDeflate, create: createDeflate},
		[]string{"deflate"}},
	{Codec{Name: "bzip2", Suffix: ".bz2", Concatenates: true, Reading: 4 << 20, Writing: 2 << 20, Heavy: true, open: openBzip2, create: createBzip2},
		[]string{"bzip2", "bz2"}},
	{Codec{Name: "zstd", Suffix: ".zst", Concatenates: true, Reading: 10 << 20, Writing: 2 * zstdBlock, open: openZstd, create: createZstd},
		[]string{"zstd", "zst"}},
	{Codec{Name: "lz4", Suffix: ".lz4", Concatenates: true, Reading: 8 << 20, Writing: 2 * lz4Block, open: openLZ4, create: createLZ4},
		[]string{"lz4"}},
	{Codec{Name: "lzo", Suffix: ".lzo", Reading: 2 * lzopBlock, Writing: 2 * lzopBlock, open: openLzop, create: createLzop},
		[]string{"lzo", "lzop"}},
	{Codec{Name: "snappy", Suffix: ".snappy", Reading: 2 * snappyBlock, Writing: 2 * snappyBlock, open: openSnappy, create: createSnappy},
		[]string{"snappy"}},
	{Codec{Name: "none", Concatenates: true, open: openNone, create: createNone},
		[]string{"none"}},
}

type entry struct {
	codec Codec
	words []string
}

// Names lists the names that [ByName] knows.
func Names() []string {
	var names []string
	for _, e := range codecs {
		names = append(names, e.words...)
	}
	return names
}

// ByName finds the codec of the name, whatever its case.
func ByName(name string) (Codec, error) {
	if c, ok := find(name); ok {
		return c, nil
	}
	return Codec{}, fmt.Errorf("codec %q is not known; choose one of %s", name, strings.Join(Names(), ", "))
}

func find(name string) (c Codec, ok bool) {
	for i := range codecs {
		for _, word := range codecs[i].words {
			if strings.EqualFold(word, name) {
				return codecs[i].codec, true
			}
		}
	}
	return Codec{}, false
}

// BySuffix finds the codec that the last suffix of a key stands for, whatever its case, and
// returns the key without that suffix. Without such a suffix ok is false, the codec is "none"
// and base is the key. A name that is nothing but a suffix, as in "logs/.gz", has none.
func BySuffix(key string) (c Codec, base string, ok bool) {
	suffix := path.Ext(key)
	base = strings.TrimSuffix(key, suffix)
	if suffix != "" && base != "" && !strings.HasSuffix(base, "/") && !strings.EqualFold(suffix, ".none") {
		if c, ok := find(suffix[1:]); ok {
			return c, base, true
		}
	}
	return codecs[len(codecs)-1].codec, key, false
}

// NewReader decodes what it reads from r. It reads ahead of what it decodes, and does not close
// r. Closing the reader releases its memory; what remains to be read is then lost.
func (c Codec) NewReader(r io.Reader) (io.ReadCloser, error) {
	src := newSource(r)
	if c.Name != "none" {
		if _, err := src.Peek(1); errors.Is(err, io.EOF) {
			return io.NopCloser(strings.NewReader("")), nil
		} else if err != nil {
			return nil, src.fail(c.Name, err)
		}
	}
	d, err := c.open(src)
	if err != nil {
		return nil, src.fail(c.Name, err)
	}
	return &reader{name: c.Name, src: src, d: d}, nil
}

// NewWriter encodes what is written to it into w. Close completes the output, and must be called
// even after an error, for the goroutines that it waits for; it does not close w.
func (c Codec) NewWriter(w io.Writer, opts Options) (io.WriteCloser, error) {
	if opts.Crew == nil {
		opts.Crew = NewCrew(1)
	}
	return c.create(w, opts)
}

func openNone(src *source) (io.ReadCloser, error) { return io.NopCloser(src), nil }

func createNone(w io.Writer, _ Options) (io.WriteCloser, error) { return plain{w}, nil }

// plain is a writer that has nothing to complete.
type plain struct{ io.Writer }

func (plain) Close() error { return nil }
