package footer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
)

// Bloom is a filter of the values that a column has in a row group: the split block Bloom filter of
// BloomFilter.md of the Parquet format, with xxHash64. It errs only by taking values for present.
type Bloom struct {
	column *Column
	blocks []byte
}

const (
	blockBytes = 32
	// mostBloom is the size of a filter above which it is not read.
	mostBloom = 4 << 20
)

// BloomAt is where the filter of a column in a row group is; false if there is none, or none that
// Lacks could use.
func (c *Column) BloomAt(g *Group) (Span, bool) {
	if c.nested || !c.plain || c.Leaf >= len(g.Chunks) {
		return Span{}, false
	}
	at := g.Chunks[c.Leaf].bloom
	return at, at.Size > 0 && at.Size <= mostBloom
}

type (
	bloomHeader struct {
		Bytes       int32      `thrift:"1"`
		Algorithm   *bloomKind `thrift:"2"`
		Hash        *bloomKind `thrift:"3"`
		Compression *bloomKind `thrift:"4"`
	}
	// bloomKind is a union of which there is one alternative: split blocks, xxHash, uncompressed.
	bloomKind struct {
		Known *empty `thrift:"1"`
	}
)

var errBloom = errors.New("its Bloom filter is of a kind that is not known")

// Bloom decodes the filter of a column from its Span.
func (c *Column) Bloom(b []byte) (*Bloom, error) {
	var h bloomHeader
	n, err := thrift.UnmarshalFront(b, &h, thrift.Compact, thrift.Limits{})
	if err != nil {
		return nil, fmt.Errorf("its Bloom filter is damaged: %w", err)
	}
	for _, k := range []*bloomKind{h.Algorithm, h.Hash, h.Compression} {
		if k == nil || k.Known == nil {
			return nil, errBloom
		}
	}
	if h.Bytes <= 0 || h.Bytes%blockBytes != 0 || int(h.Bytes) > len(b)-n {
		return nil, fmt.Errorf("its Bloom filter is damaged: %d bytes of %d", h.Bytes, len(b)-n)
	}
	return &Bloom{c, b[n : n+int(h.Bytes)]}, nil
}

// Lacks reports whether the column has no such value in the row group, for a value of the type that
// a table gives the column. It says no where it cannot know.
func (f *Bloom) Lacks(v hivetype.Value, as hivetype.Type) bool {
	p, ok := f.column.encode(v, as)
	return ok && !f.mayHave(xxhash.Sum64(p))
}

// mayHave looks for the eight bits of a hash in its block.
func (f *Bloom) mayHave(hash uint64) bool {
	blocks := uint64(len(f.blocks) / blockBytes)
	block := f.blocks[(hash>>32)*blocks>>32*blockBytes:]
	for i, salt := range [...]uint32{
		0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
	} {
		if binary.LittleEndian.Uint32(block[4*i:])>>(uint32(hash)*salt>>27)&1 == 0 {
			return false
		}
	}
	return true
}

// encode is a value as the file's pages have it, without a length before it; the reverse of value.
// Only conversions that lose nothing are undone.
func (c *Column) encode(v hivetype.Value, as hivetype.Type) ([]byte, bool) {
	own, ok := c.Type()
	if !ok {
		return nil, false
	}
	switch v := v.(type) {
	case string:
		return []byte(v), own.Kind == hivetype.String && as.Kind == own.Kind // of others values may be cut off
	case int64:
		return c.encodeInteger(v, own.Integer() && as.Integer() && own.Kind <= as.Kind)
	case hivetype.Dec:
		return c.encodeDecimal(v, own, as)
	case time.Time:
		switch {
		case own.Kind == hivetype.Date && as.Kind == own.Kind && !c.julian:
			return c.encodeInteger(v.Unix()/(24*60*60), v.Unix()%(24*60*60) == 0)
		case own.Kind == hivetype.Timestamp && as.Kind == own.Kind && c.element.Logical.Timestamp.Unit.Micros != nil:
			return c.encodeInteger(v.UnixMicro(), v.Nanosecond()%1000 == 0)
		}
	}
	return nil, false
}

func (c *Column) encodeInteger(n int64, ok bool) ([]byte, bool) {
	switch *c.element.Type {
	case typeInt32:
		return binary.LittleEndian.AppendUint32(nil, uint32(n)), ok && int64(int32(n)) == n
	case typeInt64:
		return binary.LittleEndian.AppendUint64(nil, uint64(n)), ok
	}
	return nil, false
}

func (c *Column) encodeDecimal(v hivetype.Dec, own, as hivetype.Type) ([]byte, bool) {
	if as.Kind != hivetype.Decimal || own.Kind != hivetype.Decimal || as.Scale < own.Scale {
		return nil, false
	}
	r, ok := v.Round(own.Precision, own.Scale)
	if !ok || r.Cmp(v) != 0 {
		return nil, false
	}
	if *c.element.Type != typeFixed {
		return c.encodeInteger(r.Unscaled.Int64(), r.Unscaled.IsInt64())
	}
	width := int(c.element.Length)
	n := r.Unscaled
	if n.BitLen() >= 8*width {
		return nil, false
	}
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
	}
	return n.FillBytes(make([]byte, width)), true
}
