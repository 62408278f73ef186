package footer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
)

// Distinct is how many different values but NULL a column has in a row group, as the writer has
// counted them; -1 if it does not say. DuckDB says it of the columns all of whose values are in a dictionary.
func (c *Column) Distinct(g *Group) int64 {
	if c.nested || c.Leaf >= len(g.Chunks) {
		return -1
	}
	s := g.Chunks[c.Leaf].stats
	if s == nil || s.Distinct == nil || *s.Distinct < 0 || *s.Distinct > g.Rows {
		return -1
	}
	return *s.Distinct
}

// Values takes different values of a column, as Hive's statistics count them: whole numbers and the
// days of dates as numbers, decimals as the nearest doubles.
type Values interface {
	AddLong(n int64)
	AddDouble(f float64)
	AddText(p []byte) // which is valid during the call
}

// Pages reads the values of columns, one column after the other. The zero value is ready. It is for one
// goroutine at a time, and closed when it is no longer needed.
type Pages struct {
	raw, plain []byte
	gzip       *gzip.Reader
	zstd       *zstd.Decoder
}

const (
	// mostDictionary and mostPlain are the sizes, in bytes, above which a dictionary and a column of a row
	// group are not read.
	mostDictionary = 4 << 20
	mostPlain      = 64 << 20
)

type (
	pageHeader struct {
		Type       int32       `thrift:"1"`
		Plain      int32       `thrift:"2"`
		Compressed int32       `thrift:"3"`
		Data       *dataHeader `thrift:"5"`
		Dictionary *dataHeader `thrift:"7"`
	}
	// dataHeader is the beginning of DataPageHeader and of DictionaryPageHeader.
	dataHeader struct {
		Values   int32 `thrift:"1"`
		Encoding int32 `thrift:"2"`
	}
)

const (
	dataPage       = 0
	dictionaryPage = 2
	encodedPlain   = 0
)

// Close gives back what decoding needed.
func (d *Pages) Close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
}

// Dictionary gives the values of a column in a row group, of which Distinct is known, to to, each once.
// ok is false where it cannot: where there is no dictionary of exactly so many values, it is very long or
// compressed by a codec that is not known, or where the type of the column is binary, a timestamp,
// or not the one that the table gives it.
func (d *Pages) Dictionary(r io.ReaderAt, c *Column, g *Group, as hivetype.Type, to Values) (ok bool, err error) {
	add, ok := c.adder(as, to)
	count := c.Distinct(g)
	if !ok || count < 0 {
		return false, nil
	}
	chunk := &g.Chunks[c.Leaf]
	if chunk.data <= chunk.Offset || chunk.data-chunk.Offset > min(chunk.Size, mostDictionary) {
		return false, nil
	}
	p, err := d.read(r, chunk.Offset, chunk.data-chunk.Offset)
	if err != nil {
		return false, err
	}
	h, p, _, known, err := d.page(p, chunk.codec, mostDictionary)
	switch {
	case err != nil:
	case !known || h.Type != dictionaryPage || h.Dictionary == nil || int64(h.Dictionary.Values) != count:
		return false, nil
	default:
		var n int64
		if n, err = c.eachPlain(p, add); err == nil && n != count {
			err = errLength
		}
	}
	if err != nil {
		return false, fmt.Errorf("the dictionary of column %s is damaged: %w", c.Name, err)
	}
	return true, nil
}

// Plain gives all values of a column in a row group but NULL to to. ok is false where it cannot, for one of
// the reasons of Dictionary or because they are not plainly encoded; to may have some of them then.
func (d *Pages) Plain(r io.ReaderAt, c *Column, g *Group, as hivetype.Type, to Values) (ok bool, err error) {
	add, ok := c.adder(as, to)
	if !ok || c.Leaf >= len(g.Chunks) {
		return false, nil
	}
	chunk := &g.Chunks[c.Leaf]
	nulls := c.Bounds(g, as).Nulls
	if nulls < 0 || chunk.data != chunk.Offset || chunk.Size > mostPlain {
		return false, nil
	}
	p, err := d.read(r, chunk.Offset, chunk.Size)
	if err != nil {
		return false, err
	}
	left := chunk.values - nulls
	for len(p) > 0 {
		h, page, rest, known, err := d.page(p, chunk.codec, mostPlain)
		if err == nil && (!known || h.Type != dataPage || h.Data == nil || h.Data.Encoding != encodedPlain) {
			return false, nil
		}
		if err == nil && c.optional {
			page, err = behindLevels(page)
		}
		var n int64
		if err == nil {
			n, err = c.eachPlain(page, add)
		}
		if err != nil {
			return false, fmt.Errorf("a page of column %s is damaged: %w", c.Name, err)
		}
		left, p = left-n, rest
	}
	if left != 0 {
		return false, fmt.Errorf("the pages of column %s are damaged: %w", c.Name, errLength)
	}
	return true, nil
}

// behindLevels is a page without what says which of its values are NULL.
func behindLevels(p []byte) ([]byte, error) {
	if len(p) < 4 {
		return nil, errLength
	}
	n := int64(binary.LittleEndian.Uint32(p))
	if n > int64(len(p)-4) {
		return nil, errLength
	}
	return p[4+n:], nil
}

func (d *Pages) read(r io.ReaderAt, off, n int64) ([]byte, error) {
	d.raw = sized(d.raw, int(n))
	if _, err := r.ReadAt(d.raw, off); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return d.raw, nil
}

// page decodes the first page of p, and says what is behind it. known is false where it does not know
// how to, or the page is longer than most.
func (d *Pages) page(p []byte, codec int32, most int32) (h pageHeader, plain, rest []byte, known bool, err error) {
	n, err := thrift.UnmarshalFront(p, &h, thrift.Compact, thrift.Limits{})
	if err != nil {
		return h, nil, nil, false, err
	}
	if h.Compressed < 0 || int(h.Compressed) > len(p)-n || h.Plain < 0 {
		return h, nil, nil, false, errLength
	}
	if h.Plain > most {
		return h, nil, nil, false, nil
	}
	end := n + int(h.Compressed)
	plain, known, err = d.decompress(codec, p[n:end], int(h.Plain))
	return h, plain, p[end:], known, err
}

func sized(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

var errLength = errors.New("it has other bytes than it should have")

// The codecs of parquet.thrift.
const (
	codecNone   = 0
	codecSnappy = 1
	codecGzip   = 2
	codecZstd   = 6
	codecLZ4    = 7
)

// decompress makes the size bytes of a page of what they were compressed to.
func (d *Pages) decompress(codec int32, p []byte, size int) (plain []byte, known bool, err error) {
	d.plain = sized(d.plain, size)
	switch codec {
	case codecNone:
		return p, true, nil
	case codecSnappy:
		if n, err := snappy.DecodedLen(p); err != nil || n != size {
			return nil, true, errors.Join(errLength, err)
		}
		plain, err = snappy.Decode(d.plain, p)
	case codecGzip:
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		if err = d.gzip.Reset(bytes.NewReader(p)); err == nil {
			_, err = io.ReadFull(d.gzip, d.plain)
		}
		plain = d.plain
	case codecZstd:
		if d.zstd == nil {
			if d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(mostPlain)); err != nil {
				return nil, true, err
			}
		}
		plain, err = d.zstd.DecodeAll(p, d.plain[:0])
	case codecLZ4:
		var n int
		n, err = lz4.UncompressBlock(p, d.plain)
		plain = d.plain[:max(n, 0)]
	default:
		return nil, false, nil
	}
	if err == nil && len(plain) != size {
		err = errLength
	}
	return plain, true, err
}

// eachPlain passes on values that are encoded one behind the other, and counts them.
func (c *Column) eachPlain(p []byte, add func([]byte)) (count int64, err error) {
	width := 0
	switch *c.element.Type {
	case typeInt32, typeFloat:
		width = 4
	case typeInt64, typeDouble:
		width = 8
	case typeFixed:
		width = int(c.element.Length)
	}
	for ; len(p) > 0; count++ {
		n := width
		if *c.element.Type == typeByteArray {
			if len(p) < 4 {
				return count, errLength
			}
			n, p = int(binary.LittleEndian.Uint32(p)), p[4:]
		}
		if n < 0 || n > len(p) || n == 0 && *c.element.Type != typeByteArray {
			return count, errLength
		}
		add(p[:n])
		p = p[n:]
	}
	return count, nil
}

// adder is how an encoded value of the column is given to to, where the table gives the column the
// same type.
func (c *Column) adder(as hivetype.Type, to Values) (func([]byte), bool) {
	own, ok := c.Type()
	switch {
	case !ok:
	case own.Kind == hivetype.String && (as.Kind == hivetype.String || as.Kind == hivetype.Varchar || as.Kind == hivetype.Char):
		return to.AddText, true
	case own.Integer() && as.Integer(), own.Kind == hivetype.Date && as.Kind == own.Kind:
		return func(p []byte) { n, _ := c.integer(p); to.AddLong(n) }, true
	case own.Kind == hivetype.Float && as.Kind == own.Kind:
		return func(p []byte) { to.AddDouble(float64(math.Float32frombits(binary.LittleEndian.Uint32(p)))) }, true
	case own.Kind == hivetype.Double && as.Kind == own.Kind:
		return func(p []byte) { to.AddDouble(math.Float64frombits(binary.LittleEndian.Uint64(p))) }, true
	case own.Kind == hivetype.Decimal && as.Kind == own.Kind && *c.element.Type != typeByteArray:
		return func(p []byte) { to.AddDouble(c.double(p, own)) }, true
	}
	return nil, false
}

// double is the double that is nearest to an encoded decimal.
func (c *Column) double(p []byte, own hivetype.Type) float64 {
	const exact, exactScale = 1 << 53, 22 // up to which the division below is of exact numbers
	n, ok := c.integer(p)
	if ok && -exact <= n && n <= exact && own.Scale <= exactScale {
		return float64(n) / math.Pow10(own.Scale)
	}
	d, ok := c.decimalValue(p, own, own).(hivetype.Dec)
	if !ok {
		return 0
	}
	f, _ := strconv.ParseFloat((&big.Int{}).Set(d.Unscaled).String()+"e-"+strconv.Itoa(d.Scale), 64)
	return f
}
