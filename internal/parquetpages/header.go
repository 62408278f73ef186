package parquetpages

import (
	"errors"
	"io"
	"slices"

	"github.com/skepdata/skep/internal/thrift"
)

// The types of pages and the encodings of parquet.thrift that mean something here.
const (
	dataPage       = 0
	indexPage      = 1
	dictionaryPage = 2
	dataPageV2     = 3

	plain           = 0
	plainDictionary = 2
	rle             = 3
	bitPacked       = 4
	rleDictionary   = 8

	uncompressed = 0 // the codec
)

type (
	header struct {
		Type       *int32            `thrift:"1"`
		Plain      *int32            `thrift:"2"`
		Size       *int32            `thrift:"3"`
		CRC        *int32            `thrift:"4"`
		Data       *dataHeader       `thrift:"5"`
		Dictionary *dictionaryHeader `thrift:"7"`
		DataV2     *dataHeaderV2     `thrift:"8"`
	}
	dataHeader struct {
		Values      *int32 `thrift:"1"`
		Encoding    *int32 `thrift:"2"`
		Definitions *int32 `thrift:"3"`
		Repetitions *int32 `thrift:"4"`
	}
	dictionaryHeader struct {
		Values   *int32 `thrift:"1"`
		Encoding *int32 `thrift:"2"`
	}
	dataHeaderV2 struct {
		Values      *int32 `thrift:"1"`
		Nulls       *int32 `thrift:"2"`
		Rows        *int32 `thrift:"3"`
		Encoding    *int32 `thrift:"4"`
		Definitions *int32 `thrift:"5"` // bytes
		Repetitions *int32 `thrift:"6"`
		Compressed  *bool  `thrift:"7"` // by default
	}
)

// mostHeader is the most bytes that a header may have: statistics within may be long.
const mostHeader = 16 << 20

// readHeader decodes the header at the beginning of b, and says how long it is: 0 if b has too little of it.
func readHeader(b []byte) (h header, n int, err error) {
	n, err = thrift.UnmarshalFront(b, &h, thrift.Compact, thrift.Limits{Message: mostHeader})
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return h, 0, nil
	}
	return h, n, err
}

// check compares a header with itself, with the chunk, and with what has been of it.
func (w *Walker) check(h *header) error {
	if h.Type == nil || h.Plain == nil || h.Size == nil {
		return errors.New("a page's header lacks its type or its sizes")
	}
	size, full := int64(*h.Size), int64(*h.Plain)
	switch {
	case size < 0 || full < 0:
		return errors.New("a page has less than no bytes")
	case size > w.chunk.Size-w.at:
		return errors.New("a page ends behind its column")
	case full > w.chunk.Plain-w.full:
		return errors.New("the pages are longer than the footer says when they are not compressed")
	case w.chunk.Codec == uncompressed && size != full:
		return errors.New("a page has two sizes, and is not compressed")
	}
	switch *h.Type {
	case dataPage:
		return w.checkData(h)
	case dataPageV2:
		return w.checkDataV2(h)
	case dictionaryPage:
		return w.checkDictionary(h)
	case indexPage:
		return nil
	}
	return errors.New("a page is of an unknown type")
}

func (w *Walker) checkData(h *header) error {
	d := h.Data
	if d == nil || d.Values == nil || d.Encoding == nil || d.Definitions == nil || d.Repetitions == nil {
		return errors.New("a page of data does not say what is in it")
	}
	for _, e := range []int32{*d.Definitions, *d.Repetitions} {
		if e != rle && e != bitPacked {
			return errors.New("the levels of a page are in an encoding that is none of levels")
		}
	}
	return w.checkValues(h, *d.Values, *d.Encoding)
}

func (w *Walker) checkDataV2(h *header) error {
	d := h.DataV2
	if d == nil || d.Values == nil || d.Nulls == nil || d.Rows == nil || d.Encoding == nil || d.Definitions == nil || d.Repetitions == nil {
		return errors.New("a page of data does not say what is in it")
	}
	levels := int64(*d.Definitions) + int64(*d.Repetitions)
	switch {
	case *d.Nulls < 0 || *d.Nulls > *d.Values || *d.Rows < 0 || *d.Rows > *d.Values:
		return errors.New("a page has more rows or NULLs than values")
	case *d.Definitions < 0 || *d.Repetitions < 0 || levels > int64(*h.Size) || levels > int64(*h.Plain):
		return errors.New("the levels of a page are longer than it")
	case d.Compressed != nil && !*d.Compressed && *h.Size != *h.Plain:
		return errors.New("a page has two sizes, and is not compressed")
	}
	w.rows, w.said = w.rows+int64(*d.Rows), true
	return w.checkValues(h, *d.Values, *d.Encoding)
}

func (w *Walker) checkValues(h *header, values, encoding int32) error {
	switch {
	case w.summed != nil && *w.summed != (h.CRC != nil), w.bare && h.CRC != nil:
		return errors.New("some pages have a CRC, and this has none, or the other way round")
	case values < 0 || int64(values) > w.chunk.Values-w.values:
		return errors.New("the pages have more values than the footer says")
	case !w.chunk.allows(encoding):
		return errors.New("a page is in an encoding that the footer does not name")
	case fromDictionary(encoding) && !w.dictionary:
		return errors.New("a page needs a dictionary, and there is none")
	}
	has := h.CRC != nil
	w.values, w.summed = w.values+int64(values), &has
	return nil
}

func (w *Walker) checkDictionary(h *header) error {
	d := h.Dictionary
	if d == nil || d.Values == nil || d.Encoding == nil {
		return errors.New("a dictionary does not say what is in it")
	}
	n, full := int64(*d.Values), int64(*h.Plain)
	switch {
	case w.pages > 0:
		return errors.New("a dictionary comes behind other pages")
	case *d.Encoding != plain && *d.Encoding != plainDictionary:
		return errors.New("a dictionary is in an encoding that is none of dictionaries")
	case n < 0, w.chunk.Width > 0 && n*w.chunk.Width != full, w.chunk.Width == 0 && n*lengthBytes > full:
		return errors.New("a dictionary has other values than it has room for")
	}
	w.dictionary, w.bare = true, h.CRC == nil
	return nil
}

// lengthBytes are before each text in a dictionary.
const lengthBytes = 4

// fromDictionary tells whether an encoding is of numbers of the dictionary's values; it has two names.
func fromDictionary(encoding int32) bool {
	return encoding == plainDictionary || encoding == rleDictionary
}

func same(a, b int32) bool { return a == b || fromDictionary(a) && fromDictionary(b) }

// allows reports whether the footer names an encoding of pages of data. Of which of the two types of those it
// names it, writers do not agree.
func (c *Chunk) allows(encoding int32) bool {
	if len(c.Pages) > 0 {
		return slices.ContainsFunc(c.Pages, func(p Kind) bool {
			return (p.Type == dataPage || p.Type == dataPageV2) && same(p.Encoding, encoding)
		})
	}
	return len(c.Encodings) == 0 || slices.ContainsFunc(c.Encodings, func(e int32) bool { return same(e, encoding) })
}
