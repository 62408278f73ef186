package duck

import (
	"context"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hivetype"
)

// bloomShare is how much larger the parts of a row group must be that its Bloom filters may save
// than these.
const bloomShare = 4

// sift takes those row groups from a far file that Bloom filters say not to hold rows that meet the
// conditions, where the filters are small beside what they may save. Filters are read only where
// the bounds of a column do not decide.
func (f *scanFile) sift(ctx context.Context, s *analysis.Scan, conds []analysis.Expr) error {
	if len(conds) == 0 || f.parts == nil || f.footer == nil || f.file.Object.Size <= wholeBytes {
		return nil
	}
	wanted := map[int][]*footer.Column{} // by row group
	for _, n := range f.groups {
		for _, c := range f.asked(s, conds, n) {
			at, _ := c.BloomAt(&f.footer.Groups[n])
			f.parts.Prefetch(at.Offset, at.Size)
			wanted[n] = append(wanted[n], c)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if err := f.confirmBlooms(ctx, wanted); err != nil {
		return err
	}
	local, err := os.Open(f.local)
	if err != nil {
		return err
	}
	defer local.Close()
	r := &filled{ctx: ctx, f: local, parts: f.parts}
	kept := f.groups[:0:0]
	for _, n := range f.groups {
		known := ranges(s, f.footer, &f.footer.Groups[n])
		for _, c := range wanted[n] {
			b := readBloom(r, c, &f.footer.Groups[n])
			if r.err != nil {
				return r.err
			}
			f.addLacks(s, known, c, b)
		}
		if len(wanted[n]) == 0 || analysis.MayHold(conds, known) {
			kept = append(kept, n)
		}
	}
	f.groups = kept
	return nil
}

// confirmBlooms makes sure of filters, of all at once: a changed bit would leave out rows.
func (f *scanFile) confirmBlooms(ctx context.Context, wanted map[int][]*footer.Column) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(filesAtOnce)
	for n, cols := range wanted {
		for _, c := range cols {
			at, _ := c.BloomAt(&f.footer.Groups[n])
			g.Go(func() error { return f.parts.Confirm(ctx, at.Offset, at.Size) })
		}
	}
	return g.Wait()
}

// asked are the columns whose filters could rule out a row group, and are worth their bytes.
func (f *scanFile) asked(s *analysis.Scan, conds []analysis.Expr, group int) []*footer.Column {
	g := &f.footer.Groups[group]
	known := ranges(s, f.footer, g)
	var cols []*footer.Column
	size := int64(0)
	for _, c := range s.Cols {
		if c.Source != analysis.DataColumn {
			continue
		}
		col := dataColumn(s, c, f.footer)
		if col == nil {
			continue
		}
		at, ok := col.BloomAt(g)
		r, bounded := known[c.ID]
		if !ok || !bounded {
			continue
		}
		r.Lacks = func(hivetype.Value) bool {
			if len(cols) == 0 || cols[len(cols)-1] != col {
				cols, size = append(cols, col), size+f.parts.Missing(at.Offset, at.Size)
			}
			return true // so that all that have one are found
		}
		known[c.ID] = r
	}
	if analysis.MayHold(conds, known) {
		return nil // even if no filter had any of the values
	}
	var a ahead
	a.add(f, f.reads(s), group)
	missing := int64(0)
	for _, r := range a.ranges {
		missing += r.parts.Missing(r.off, r.n)
	}
	if size*bloomShare > missing {
		return nil
	}
	return cols
}

// readBloom reads the filter of a column in a row group; nil if it is not understood.
func readBloom(r io.ReaderAt, c *footer.Column, g *footer.Group) *footer.Bloom {
	at, ok := c.BloomAt(g)
	if !ok {
		return nil
	}
	p := make([]byte, at.Size)
	if _, err := r.ReadAt(p, at.Offset); err != nil {
		return nil
	}
	b, err := c.Bloom(p)
	if err != nil {
		return nil
	}
	return b
}

// addLacks lets the ranges know what a filter says of a column.
func (f *scanFile) addLacks(s *analysis.Scan, known map[int]analysis.Range, col *footer.Column, b *footer.Bloom) {
	if b == nil {
		return
	}
	for _, c := range s.Cols {
		if c.Source != analysis.DataColumn || dataColumn(s, c, f.footer) != col {
			continue
		}
		r := known[c.ID]
		r.Lacks = func(v hivetype.Value) bool { return b.Lacks(v, c.Type) }
		known[c.ID] = r
	}
}
