package footer

import (
	"encoding/binary"
	"math/big"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
)

// The numbers of physical types, converted types and repetitions.
const (
	typeBoolean   = 0
	typeInt32     = 1
	typeInt64     = 2
	typeInt96     = 3
	typeFloat     = 4
	typeDouble    = 5
	typeByteArray = 6
	typeFixed     = 7

	convertedUTF8    = 0
	convertedDecimal = 5
	convertedDate    = 6
	convertedInt8    = 15
	convertedInt16   = 16
	convertedInt32   = 17
	convertedInt64   = 18

	required = 0
	repeated = 2
)

// Type is Hive's type for the column, if it is of a plain one that every reader takes for the
// same: boolean, integers with signs, float, double, decimal, date, string, and timestamp where
// the file says that no zone is meant. Binary, nested and all other columns have none.
func (c *Column) Type() (hivetype.Type, bool) { return c.own, c.plain }

// ownType is what Type says, as the schema has it.
func (e *element) ownType() (hivetype.Type, bool) {
	none := hivetype.Type{}
	if e.Type == nil {
		return none, false
	}
	if d, ok := e.decimal(); ok {
		return d, d.Precision > 0 && d.Precision <= hivetype.MaxPrecision && d.Scale >= 0 && d.Scale <= d.Precision
	}
	converted := int32(-1)
	if e.Converted != nil {
		converted = *e.Converted
	}
	kind := map[[2]int32]hivetype.Kind{
		{typeBoolean, -1}: hivetype.Boolean, {typeFloat, -1}: hivetype.Float, {typeDouble, -1}: hivetype.Double,
		{typeInt32, -1}: hivetype.Int, {typeInt32, convertedInt8}: hivetype.TinyInt,
		{typeInt32, convertedInt16}: hivetype.SmallInt, {typeInt32, convertedInt32}: hivetype.Int,
		{typeInt32, convertedDate}: hivetype.Date, {typeInt64, -1}: hivetype.BigInt,
		{typeInt64, convertedInt64}: hivetype.BigInt, {typeByteArray, convertedUTF8}: hivetype.String,
	}
	switch l := e.Logical; {
	case l == nil:
	case l.Timestamp != nil:
		return hivetype.Of(hivetype.Timestamp), *e.Type == typeInt64 && !l.Timestamp.UTC && l.Timestamp.Unit.Nanos == nil
	case l.String != nil:
		return hivetype.Of(hivetype.String), *e.Type == typeByteArray
	case l.Date != nil:
		return hivetype.Of(hivetype.Date), *e.Type == typeInt32
	case l.Integer != nil && l.Integer.Signed && (*e.Type == typeInt32 || *e.Type == typeInt64):
		width := map[int8]hivetype.Kind{8: hivetype.TinyInt, 16: hivetype.SmallInt, 32: hivetype.Int, 64: hivetype.BigInt}
		k, ok := width[l.Integer.Bits]
		return hivetype.Of(k), ok
	default:
		return none, false
	}
	k, ok := kind[[2]int32{*e.Type, converted}]
	return hivetype.Of(k), ok
}

func (e *element) decimal() (hivetype.Type, bool) {
	switch {
	case e.Logical != nil && e.Logical.Decimal != nil:
		return hivetype.DecimalOf(int(e.Logical.Decimal.Precision), int(e.Logical.Decimal.Scale)), true
	case e.Logical == nil && e.Converted != nil && *e.Converted == convertedDecimal:
		return hivetype.DecimalOf(int(e.Precision), int(e.Scale)), true
	}
	return hivetype.Type{}, false
}

// Bounds are what is known of the values that a column has in a row group.
type Bounds struct {
	// Min and Max are nil if they are not known. All values but NULL are between them.
	Min, Max hivetype.Value
	// Exact says that Min and Max, where known, are values of the column.
	Exact bool
	// Nulls is how many values are NULL, of all the Rows; -1 if it is not known.
	Nulls, Rows int64
}

// Bounds are those of a column in a row group, with values of the type that a table gives the
// column. Where conversion to that type may change their order nothing is known of them; the
// same holds of floating-point numbers, whose bounds do not count NaN.
func (c *Column) Bounds(g *Group, as hivetype.Type) Bounds {
	b := Bounds{Nulls: -1, Rows: g.Rows}
	if c.nested || c.Leaf >= len(g.Chunks) {
		return b
	}
	chunk := &g.Chunks[c.Leaf]
	if !c.optional {
		b.Nulls = 0
	}
	s := chunk.stats
	if s == nil {
		return b
	}
	if s.Nulls != nil && *s.Nulls >= 0 && *s.Nulls <= g.Rows && chunk.values == g.Rows {
		b.Nulls = *s.Nulls
	}
	own, ok := c.Type()
	if !ok {
		return b
	}
	low, high := s.Min, s.Max
	if low == nil && high == nil && (own.Integer() || own.Kind == hivetype.Date) {
		low, high = s.OldMin, s.OldMax // whose order is right for numbers with signs
	}
	b.Min, b.Max = c.value(low, own, as), c.value(high, own, as)
	exact := func(said *bool) bool {
		if said != nil {
			return *said
		}
		return own.Kind != hivetype.String // which may be cut off
	}
	b.Exact = exact(s.MinExact) && exact(s.MaxExact)
	return b
}

// value is an encoded value, as one of the table's type; nil if it cannot be known.
func (c *Column) value(p []byte, own, as hivetype.Type) hivetype.Value {
	if p == nil {
		return nil
	}
	switch {
	case own.Kind == hivetype.Decimal:
		return c.decimalValue(p, own, as)
	case own.Kind == hivetype.String && (as.Kind == hivetype.String || as.Kind == hivetype.Varchar && len(p) <= as.Length):
		return string(p)
	case own.Kind == hivetype.Boolean && as.Kind == own.Kind && len(p) == 1:
		return p[0] != 0
	}
	n, ok := c.integer(p)
	switch {
	case !ok:
		return nil
	case own.Kind == hivetype.Date && as.Kind == own.Kind:
		if c.julian { // which keeps the order
			n = hivetype.ProlepticDay(n)
		}
		return time.Unix(0, 0).UTC().AddDate(0, 0, int(n))
	case own.Kind == hivetype.Timestamp && as.Kind == own.Kind:
		if c.element.Logical.Timestamp.Unit.Millis != nil {
			return time.UnixMilli(n).UTC()
		}
		return time.UnixMicro(n).UTC()
	case own.Integer() && as.Integer() && own.Kind <= as.Kind:
		return n
	}
	return nil
}

// integer is an encoded number of 32 or 64 bits.
func (c *Column) integer(p []byte) (int64, bool) {
	switch {
	case *c.element.Type == typeInt32 && len(p) == 4:
		return int64(int32(binary.LittleEndian.Uint32(p))), true
	case *c.element.Type == typeInt64 && len(p) == 8:
		return int64(binary.LittleEndian.Uint64(p)), true
	}
	return 0, false
}

func (c *Column) decimalValue(p []byte, own, as hivetype.Type) hivetype.Value {
	if as.Kind != hivetype.Decimal || as.Scale < own.Scale || as.Precision-as.Scale < own.Precision-own.Scale {
		return nil
	}
	d := hivetype.Dec{Unscaled: new(big.Int), Scale: own.Scale}
	n, ok := c.integer(p)
	switch {
	case ok:
		d.Unscaled.SetInt64(n)
	case *c.element.Type == typeFixed && len(p) == int(c.element.Length) && len(p) > 0:
		d.Unscaled.SetBytes(p) // two's complement, the highest byte first
		if p[0]&0x80 != 0 {
			d.Unscaled.Sub(d.Unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(p))))
		}
	default:
		return nil
	}
	r, ok := d.Round(as.Precision, as.Scale)
	if !ok {
		return nil
	}
	return r
}

// Leaves is how many leaves the columns have.
func (f *File) Leaves() int {
	n := 0
	for i := range f.Columns {
		n = max(n, f.Columns[i].Leaf+f.Columns[i].Leaves)
	}
	return n
}

// Find is the column of a name, whatever the case; the first of them.
func (f *File) Find(name string) *Column {
	for i := range f.Columns {
		if strings.EqualFold(f.Columns[i].Name, name) {
			return &f.Columns[i]
		}
	}
	return nil
}
