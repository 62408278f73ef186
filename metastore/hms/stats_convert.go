package hms

import (
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
)

// Low and high values are texts in a metastore and typed on the wire.

func wireStatistics(c *metastore.ColumnStatistics) *columnStatisticsObj {
	nulls, distinct, bits := max(c.Nulls, 0), max(c.Distinct, 0), c.BitVector
	if len(bits) == 0 {
		bits = nil
	}
	d := &columnStatisticsData{}
	switch c.Kind {
	case "boolean":
		d.BooleanStats = &booleanColumnStatsData{max(c.Trues, 0), max(c.Falses, 0), nulls, bits}
	case "long":
		d.LongStats = &rangeStats[int64]{number(c.Low), number(c.High), nulls, distinct, bits}
	case "double":
		d.DoubleStats = &rangeStats[float64]{float(c.Low), float(c.High), nulls, distinct, bits}
	case "string":
		d.StringStats = &stringColumnStatsData{max(c.MaxLength, 0), max(c.AvgLength, 0), nulls, distinct, bits}
	case "binary":
		d.BinaryStats = &binaryColumnStatsData{max(c.MaxLength, 0), max(c.AvgLength, 0), nulls, bits}
	case "decimal":
		d.DecimalStats = &rangeStats[decimal]{wireDecimal(c.Low), wireDecimal(c.High), nulls, distinct, bits}
	case "date":
		d.DateStats = &rangeStats[date]{wireDate(c.Low), wireDate(c.High), nulls, distinct, bits}
	case "timestamp":
		d.TimestampStats = &rangeStats[timestamp]{wireTimestamp(c.Low), wireTimestamp(c.High), nulls, distinct, bits}
	}
	return &columnStatisticsObj{c.Column, c.Type, d}
}

func storeStatistics(o *columnStatisticsObj, analyzed time.Time, engine string) (metastore.ColumnStatistics, error) {
	c := metastore.ColumnStatistics{
		Column: strings.ToLower(o.ColName), Type: o.ColType, Engine: engine, Analyzed: analyzed,
		Nulls: -1, Distinct: -1, AvgLength: -1, MaxLength: -1, Trues: -1, Falses: -1,
	}
	data := o.StatsData
	if data == nil {
		data = &columnStatisticsData{}
	}
	switch {
	case data.BooleanStats != nil:
		d := data.BooleanStats
		c.Kind, c.Trues, c.Falses, c.Nulls, c.BitVector = "boolean", d.NumTrues, d.NumFalses, d.NumNulls, d.BitVectors
	case data.LongStats != nil:
		d := data.LongStats
		c.Kind, c.Nulls, c.Distinct, c.BitVector = "long", d.NumNulls, d.NumDVs, d.BitVectors
		c.Low, c.High = numberText(d.LowValue), numberText(d.HighValue)
	case data.DoubleStats != nil:
		d := data.DoubleStats
		c.Kind, c.Nulls, c.Distinct, c.BitVector = "double", d.NumNulls, d.NumDVs, d.BitVectors
		c.Low, c.High = floatText(d.LowValue), floatText(d.HighValue)
	case data.StringStats != nil:
		d := data.StringStats
		c.Kind, c.Nulls, c.Distinct, c.BitVector = "string", d.NumNulls, d.NumDVs, d.BitVectors
		c.MaxLength, c.AvgLength = d.MaxColLen, d.AvgColLen
	case data.BinaryStats != nil:
		d := data.BinaryStats
		c.Kind, c.Nulls, c.MaxLength, c.AvgLength, c.BitVector = "binary", d.NumNulls, d.MaxColLen, d.AvgColLen, d.BitVectors
	case data.DecimalStats != nil:
		d := data.DecimalStats
		c.Kind, c.Nulls, c.Distinct, c.BitVector = "decimal", d.NumNulls, d.NumDVs, d.BitVectors
		c.Low, c.High = d.LowValue.text(), d.HighValue.text()
	case data.DateStats != nil:
		d := data.DateStats
		c.Kind, c.Nulls, c.Distinct, c.BitVector = "date", d.NumNulls, d.NumDVs, d.BitVectors
		c.Low, c.High = d.LowValue.text(), d.HighValue.text()
	case data.TimestampStats != nil:
		d := data.TimestampStats
		c.Kind, c.Nulls, c.Distinct, c.BitVector = "timestamp", d.NumNulls, d.NumDVs, d.BitVectors
		c.Low, c.High = d.LowValue.text(), d.HighValue.text()
	default:
		return c, &invalidObject{"the statistics of the column " + o.ColName + " are of no known kind"}
	}
	return c, nil
}

func number(text string) *int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &n
	}
	return nil
}

func numberText(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func float(text string) *float64 {
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return &f
	}
	return nil
}

func floatText(f *float64) string {
	if f == nil {
		return ""
	}
	return strconv.FormatFloat(*f, 'g', -1, 64)
}

// wireDecimal makes the unscaled number, in two's complement with the highest byte first, and the
// scale.
func wireDecimal(text string) *decimal {
	whole, fraction, _ := strings.Cut(text, ".")
	n, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok {
		return nil
	}
	bits := n.BitLen()
	if n.Sign() < 0 {
		bits = new(big.Int).Not(n).BitLen()
	}
	size := bits/8 + 1
	out := make([]byte, size)
	if n.Sign() < 0 {
		n.Add(n, new(big.Int).Lsh(big.NewInt(1), uint(size*8)))
	}
	return &decimal{Scale: int16(len(fraction)), Unscaled: n.FillBytes(out)}
}

func (d *decimal) text() string {
	if d == nil || len(d.Unscaled) == 0 || d.Scale < 0 {
		return ""
	}
	n := new(big.Int).SetBytes(d.Unscaled)
	if d.Unscaled[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(len(d.Unscaled)*8)))
	}
	digits := n.String()
	if positive, ok := strings.CutPrefix(digits, "-"); ok {
		return "-" + point(positive, int(d.Scale))
	}
	return point(digits, int(d.Scale))
}

// point puts the point into the digits of a decimal.
func point(digits string, scale int) string {
	if scale == 0 {
		return digits
	}
	if len(digits) <= scale {
		digits = strings.Repeat("0", scale-len(digits)+1) + digits
	}
	return digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

const secondsOfDay = 24 * 60 * 60

func wireDate(text string) *date {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return &date{t.Unix() / secondsOfDay}
	}
	return nil
}

func (d *date) text() string {
	if d == nil {
		return ""
	}
	return time.Unix(d.DaysSinceEpoch*secondsOfDay, 0).UTC().Format(time.DateOnly)
}

func wireTimestamp(text string) *timestamp {
	if t, err := time.Parse("2006-01-02 15:04:05", text); err == nil { // with a fraction, too
		return &timestamp{t.Unix()}
	}
	return nil
}

func (t *timestamp) text() string {
	if t == nil {
		return ""
	}
	return time.Unix(t.SecondsSinceEpoch, 0).UTC().Format(time.DateTime)
}
