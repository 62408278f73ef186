package duck

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// formatNumber takes places, or a pattern of Java's DecimalFormat.
func formatNumber(l *lowerer, x *analysis.Call, args []string) string {
	f := computedCall(x, nil)
	t := f.args[0]
	if t.Kind == hivetype.Double && f.args[1].Integer() {
		return l.fill("skep_format_number($1, $2)", x, args)
	}
	f.start = func() compute {
		return func(args []hivetype.Value) (hivetype.Value, error) {
			d, ok := exactBinary(args[0], t)
			if !ok {
				return string(hivetype.AppendText(nil, args[0], t)), nil
			}
			if places, ok := args[1].(int64); ok {
				if places < 0 || places > 300 {
					return nil, &Error{Op: "run", Msg: "format_number takes a number of places from 0 to 300"}
				}
				return decimalPattern{grouping: 3, least: 1, fewest: int(places), most: int(places)}.format(d), nil
			}
			p, err := parseDecimalPattern(args[1].(string))
			if err != nil {
				return nil, err
			}
			return p.format(d), nil
		}
	}
	return l.compute(f, args)
}

// exactBinary is the number with all the digits of its binary form, which is what DecimalFormat
// rounds.
func exactBinary(v hivetype.Value, t hivetype.Type) (hivetype.Dec, bool) {
	f, ok := v.(float64)
	if !ok {
		return exactOf(v, t)
	}
	return hivetype.ParseDec(strconv.FormatFloat(f, 'f', 1100, 64))
}

// decimalPattern is what a pattern of DecimalFormat says; grouping is 0 for none.
type decimalPattern struct {
	prefix, suffix string
	grouping       int
	least          int // digits before the point
	fewest, most   int // digits behind it
}

func parseDecimalPattern(s string) (decimalPattern, error) {
	var p decimalPattern
	s, _, _ = strings.Cut(s, ";")
	start, stop := strings.IndexAny(s, "#0,."), strings.LastIndexAny(s, "#0,.")
	if start < 0 || strings.ContainsAny(s, "%E'\u2030\u00a4") {
		return p, unsupported("the number pattern '%s' in format_number", s)
	}
	p.prefix, p.suffix = s[:start], s[stop+1:]
	whole, fraction, _ := strings.Cut(s[start:stop+1], ".")
	if i := strings.LastIndexByte(whole, ','); i >= 0 {
		p.grouping = len(whole) - i - 1
	}
	p.least = strings.Count(whole, "0")
	p.fewest, p.most = strings.Count(fraction, "0"), len(fraction)
	return p, nil
}

// format rounds halves to the even neighbour.
func (p decimalPattern) format(d hivetype.Dec) string {
	negative := d.Unscaled.Sign() < 0
	s := strings.TrimPrefix(halfEven(d, p.most), "-")
	whole, fraction, _ := strings.Cut(s, ".")
	for len(fraction) > p.fewest && strings.HasSuffix(fraction, "0") {
		fraction = fraction[:len(fraction)-1]
	}
	whole = strings.TrimLeft(whole, "0")
	if missing := p.least - len(whole); missing > 0 {
		whole = strings.Repeat("0", missing) + whole
	}
	if whole == "" && fraction == "" {
		whole = "0"
	}
	if p.grouping > 0 {
		for i := len(whole) - p.grouping; i > 0; i -= p.grouping {
			whole = whole[:i] + "," + whole[i:]
		}
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if negative {
		return "-" + p.prefix + whole + p.suffix
	}
	return p.prefix + whole + p.suffix
}

func halfEven(d hivetype.Dec, places int) string {
	if places >= d.Scale {
		return fixed(d, places)
	}
	unit := tenTo(d.Scale - places)
	q, rest := new(big.Int).QuoRem(new(big.Int).Abs(d.Unscaled), unit, new(big.Int))
	if half := rest.Lsh(rest, 1).Cmp(unit); half > 0 || half == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return fixed(hivetype.Dec{Unscaled: q, Scale: places}, places)
}
