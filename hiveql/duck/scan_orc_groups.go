package duck

import (
	"context"
	"maps"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/orc"
)

// orcPart is rows of a stripe, from the first of a group on, without to; to of 0 is all.
type orcPart struct {
	stripe   int
	from, to int64
}

// nearGroups is how many groups without a row to find are read all the same between two that may have one: each part that is
// read apart looks for its beginning and reads dictionaries anew.
const nearGroups = 2

// partsOf are the parts of a stripe in which there may be rows to find. Where its bounds do not decide, the groups of its
// index are looked at.
func (o *orcFile) partsOf(ctx context.Context, s *analysis.Scan, stripe int) ([]orcPart, error) {
	all := []orcPart{{stripe: stripe}}
	if len(s.Known) == 0 {
		return all, nil
	}
	known, err := o.ranges(ctx, s, stripe)
	if err != nil {
		return nil, err
	}
	if !analysis.MayHold(s.Known, known) {
		return nil, nil
	}
	if !analysis.MayFail(s.Known, known) {
		return all, nil
	}
	index, err := o.orc.Index(ctx, stripe, o.asked(s), func(ctx context.Context, off, n int64) error { return o.confirm(ctx, off, off+n) })
	if err != nil || index == nil {
		return all, err
	}
	var parts []orcPart
	left := 0 // groups behind the last part
	for g := range index.Groups() {
		inside, err := o.groupRanges(s, index, g, known)
		if err != nil {
			return nil, err
		}
		if !analysis.MayHold(s.Known, inside) {
			left++
			continue
		}
		first, n := index.Rows(g)
		if len(parts) > 0 && left <= nearGroups {
			parts[len(parts)-1].to = first + n
		} else {
			parts = append(parts, orcPart{stripe: stripe, from: first, to: first + n})
		}
		left = 0
	}
	return parts, nil
}

// asked are the columns of the file that the conditions name.
func (o *orcFile) asked(s *analysis.Scan) []int {
	var list []int
	for i, c := range s.Cols {
		if at := o.columns[i]; at >= 0 && o.orc.Type(at).Equal(c.Type) && analysis.Mentioned(s.Known, c.ID) {
			list = append(list, at)
		}
	}
	return list
}

// groupRanges are what is known of the scan's columns in a group of a stripe.
func (o *orcFile) groupRanges(s *analysis.Scan, index *orc.Index, group int, stripe map[int]analysis.Range) (map[int]analysis.Range, error) {
	known := maps.Clone(stripe)
	_, n := index.Rows(group)
	for i, c := range s.Cols {
		at := o.columns[i]
		if at < 0 || !index.Has(at) {
			continue
		}
		b, err := index.Bounds(group, at)
		if err != nil {
			return nil, err
		}
		r := known[c.ID]
		if b = o.asRead(b, at); b.Min != nil {
			r.Min, r.Max = b.Min, b.Max
		}
		r.NoNulls, r.OnlyNulls = r.NoNulls || b.Nulls == 0, r.OnlyNulls || b.Nulls == n
		r.Lacks = index.Lacks(group, at)
		known[c.ID] = r
	}
	return known, nil
}

// whole reports whether all of the file's rows are read.
func (o *orcFile) whole() bool {
	for _, p := range o.parts {
		if p.from > 0 || p.to > 0 && p.to < o.orc.StripeRows(p.stripe) {
			return false
		}
	}
	return o.stripes == o.orc.Stripes()
}
