package orc

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hiveql/formats"

	"github.com/skepdata/skep/internal/orcfile"
)

// texts are strings and bytes: their lengths and their bytes, or numbers of a dictionary.
type texts struct {
	common
	data       *stream  // direct
	lengths    integers // of the values, or of the dictionary
	numbers    integers // of the dictionary; nil if there is none
	dictionary *stream
	entries    uint64
	words      [][]byte
	binary     bool // no text
	width      int  // of a char, in characters, which blanks fill up; 0 for others
	before     int  // bytes of the last batch, and some more
}

func (o *opening) texts(c common, id uint32, info orcfile.Type) column {
	e := o.encoding(id)
	t := &texts{common: c, lengths: o.integers(streamLength, id, false), binary: info.Kind == orcfile.KindBinary}
	if info.Kind == orcfile.KindChar {
		t.width = int(info.Length)
	}
	if e.kind == encodingDictionary || e.kind == encodingDictionaryV2 {
		t.numbers = o.integers(streamData, id, false)
		t.dictionary, t.entries = o.stream(streamDictionary, id), e.dictionary
	} else {
		t.data = o.stream(streamData, id)
	}
	return t
}

func (c *texts) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	offsets, bytes := make([]int32, n+1), make([]byte, 0, c.before)
	add, from := c.append, c.lengths
	if c.numbers != nil {
		if err := c.readDictionary(); err != nil {
			return nil, fmt.Errorf("dictionary: %w", err)
		}
		add, from = c.appendWord, c.numbers
	}
	list, err := c.next(have, from)
	if err != nil {
		return nil, err
	}
	at := 0
	for i := range n {
		if valid == nil || valid[i] {
			if bytes, err = add(bytes, list[at]); err != nil {
				return nil, err
			}
			at++
		}
		if len(bytes) > math.MaxInt32 {
			return nil, fmt.Errorf("%d values of more than 2 GiB are %w", n, orcfile.ErrUnsupported)
		}
		offsets[i+1] = int32(len(bytes))
	}
	c.before = len(bytes) + len(bytes)/8
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(offsets), memory.NewBufferBytes(bytes)}), nil
}

// append appends a value of so many bytes.
func (c *texts) append(dst []byte, length int64) ([]byte, error) {
	if length < 0 {
		return dst, orcfile.Malformed("a value of %d bytes", length)
	}
	if length <= int64(len(c.data.rest)) {
		b := c.data.rest[:length]
		c.data.rest = c.data.rest[length:]
		if !c.binary {
			b = c.text(b)
		}
		return append(dst, b...), nil
	}
	from := len(dst)
	dst, err := c.data.appended(dst, length)
	if err != nil || c.binary {
		return dst, err
	}
	return append(dst[:from], c.text(dst[from:])...), nil
}

// text is what bytes are as text: UTF-8, and of a char as many characters as it has, however the writer kept it.
func (c *texts) text(b []byte) []byte {
	b = formats.ValidUTF8(b)
	if c.width == 0 {
		return b
	}
	if missing := c.width - utf8.RuneCount(b); missing > 0 {
		b = append(b[:len(b):len(b)], strings.Repeat(" ", missing)...)
	}
	return b
}

// appendWord appends an entry of the dictionary.
func (c *texts) appendWord(dst []byte, number int64) ([]byte, error) {
	if number < 0 || number >= int64(len(c.words)) {
		return dst, orcfile.Malformed("entry %d of a dictionary that has %d", number, len(c.words))
	}
	return append(dst, c.words[number]...), nil
}

// readDictionary reads all of the dictionary, the first time.
func (c *texts) readDictionary() error {
	if c.words != nil || c.entries == 0 {
		return nil
	}
	words := make([][]byte, 0, min(c.entries, 1<<16))
	var chunk [1024]int64
	for uint64(len(words)) < c.entries {
		lengths := chunk[:min(c.entries-uint64(len(words)), uint64(len(chunk)))]
		if err := c.lengths.next(lengths); err != nil {
			return err
		}
		for _, n := range lengths {
			if n < 0 {
				return orcfile.Malformed("an entry of %d bytes", n)
			}
			word, err := c.dictionary.appended(nil, n)
			if err != nil {
				return err
			}
			if !c.binary {
				word = c.text(word)
			}
			words = append(words, word)
		}
	}
	c.words = words
	return nil
}
