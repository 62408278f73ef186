package duck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/orc"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

func isORC(d *metastore.StorageDescriptor) bool {
	return strings.HasSuffix(d.SerDe.Library, "OrcSerde") || strings.HasSuffix(d.InputFormat, "OrcInputFormat")
}

// orcFile is a file of a scan in ORC.
type orcFile struct {
	file    hiveql.File
	local   hiveql.Local
	orc     *orc.File
	columns []int     // of the file, by the scan's; -1 where the file has none
	parts   []orcPart // in which there may be rows to find
	stripes int       // of which they are
	cut     bool      // timestamps are read without what is behind their microseconds
}

// openORC reads the footers of a group's files, several at a time.
func (l *lowerer) openORC(ctx context.Context, s *analysis.Scan, g *scanGroup) error {
	return g.each(ctx, func(ctx context.Context, f *scanFile) error {
		return hiveql.Guard(func() error { return l.openORCFile(ctx, s, f) })
	})
}

func (l *lowerer) openORCFile(ctx context.Context, s *analysis.Scan, f *scanFile) error {
	local, err := l.src.Local(ctx, f.file)
	if err != nil {
		return &Error{Op: "read", Msg: err.Error(), Err: err}
	}
	o := &orcFile{file: f.file, local: local, cut: !l.src.Nanos()}
	f.orc, f.local, f.end, f.came = o, local.Path, local.Release, local.Parts
	if local.Parts != nil {
		if local.Whole && !local.Parts.Sure() {
			if err := local.Parts.Prove(ctx); err != nil {
				return o.describe(ctx, err)
			}
		}
		if f.file.Object.Size <= wholeBytes {
			local.Parts.Prefetch(0, f.file.Object.Size)
		}
	}
	if err := o.open(ctx); err != nil {
		return o.describe(ctx, err)
	}
	o.columns = orcColumns(s, o.orc)
	for i := range o.orc.Stripes() {
		parts, err := o.partsOf(ctx, s, i)
		if err != nil {
			return o.describe(ctx, err)
		}
		if len(parts) > 0 {
			o.parts, o.stripes = append(o.parts, parts...), o.stripes+1
		}
	}
	return nil
}

// stamped reports whether there are timestamps in a file's column for one of the scan's.
func (o *orcFile) stamped(i int) bool {
	return o.columns[i] >= 0 && hasStamp(o.orc.Type(o.columns[i]))
}

// ranges are what is known of the scan's columns in a stripe. Of columns that are converted nothing is.
func (o *orcFile) ranges(ctx context.Context, s *analysis.Scan, stripe int) (map[int]analysis.Range, error) {
	known := map[int]analysis.Range{}
	for i, c := range s.Cols {
		at := o.columns[i]
		switch {
		case c.Source != analysis.DataColumn:
		case at < 0:
			known[c.ID] = analysis.Range{OnlyNulls: true}
		case o.orc.Type(at).Equal(c.Type):
			b, err := o.bounds(ctx, stripe, at)
			if err != nil {
				return nil, err
			}
			known[c.ID] = analysis.Range{Min: b.Min, Max: b.Max, NoNulls: b.Nulls == 0, OnlyNulls: b.Nulls >= 0 && b.Nulls == o.orc.StripeRows(stripe)}
		}
	}
	return known, nil
}

// bounds are those of a column of the file in a stripe.
func (o *orcFile) bounds(ctx context.Context, stripe, column int) (orc.Bounds, error) {
	b, err := o.orc.Bounds(ctx, stripe, column)
	return o.asRead(b, column), err
}

// asRead makes bounds of values those of what is read of them: where timestamps, and constants, lose what is behind their
// microseconds nothing is known.
func (o *orcFile) asRead(b orc.Bounds, column int) orc.Bounds {
	if o.cut && hasStamp(o.orc.Type(column)) {
		b.Min, b.Max = nil, nil
	}
	return b
}

// orcEnd is how much of the end of a file is made sure of before its footer is read.
const orcEnd = 64 << 10

// open reads the footer. What it and the statistics say, which decide what is read, is made sure of.
func (o *orcFile) open(ctx context.Context) (err error) {
	size := o.file.Object.Size
	sure := max(0, size-orcEnd)
	if err := o.confirm(ctx, sure, size); err != nil {
		return err
	}
	if o.orc, err = orc.Open(ctx, o.read, size); err != nil {
		return err
	}
	return o.confirm(ctx, o.orc.Tail(), sure)
}

// confirm makes sure of what lies from a byte on and before another.
func (o *orcFile) confirm(ctx context.Context, from, to int64) error {
	if o.local.Parts == nil || from >= to {
		return nil
	}
	return o.local.Parts.Confirm(ctx, from, to-from)
}

// prefetch asks for what will be read, for both copies of what comes twice.
func (o *orcFile) prefetch(off, n int64) {
	if o.local.Ranges {
		o.local.Parts.ConfirmAhead(off, n)
	} else {
		o.local.Parts.Prefetch(off, n)
	}
}

// asWhole reports whether all of the file is wanted, which is to be compared as a whole then instead of coming twice.
func (o *orcFile) asWhole(s *analysis.Scan) bool {
	wanted := map[int]bool{}
	for i, c := range s.Cols {
		if c.Source == analysis.DataColumn && o.columns[i] >= 0 {
			wanted[o.columns[i]] = true
		}
	}
	return o.local.Ranges && len(wanted) == o.orc.Columns() && o.whole() && o.file.Object.Size <= comparedBytes
}

// read reads from where the file is. It has no file open in between, so that a scan may have any number of them.
func (o *orcFile) read(ctx context.Context, p []byte, off int64) error {
	if parts := o.local.Parts; parts != nil {
		read := parts.ReadAt
		if o.local.Ranges {
			read = parts.ReadConfirmed
		}
		n, err := read(ctx, p, off)
		if n == len(p) {
			return nil
		}
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(o.local.Path)
	if err != nil {
		return err
	}
	_, err = f.ReadAt(p, off)
	return errors.Join(err, f.Close())
}

// describe is the error for a person. Where a file makes no sense, what has come of it is looked at once more.
func (o *orcFile) describe(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, io.EOF) || ctx.Err() != nil {
		return err
	}
	if errors.Is(err, orc.ErrFormat) && o.local.Parts != nil {
		if changed := o.local.Parts.Recheck(ctx, 0, o.file.Object.Size); changed != nil {
			err = changed
		}
	}
	var located *storage.Error
	if errors.As(err, &located) {
		return &Error{Op: "read", Msg: err.Error(), Err: err}
	}
	return &Error{Op: "read", Msg: o.file.URL() + ": " + err.Error(), Err: err}
}

// orcColumns finds the scan's columns in a file: by their places, or, where the scan says so and the file has names, by
// these, whatever the case.
func orcColumns(s *analysis.Scan, f *orc.File) []int {
	list := make([]int, len(s.Cols))
	byPlace := !s.ORCByName || f.Nameless()
	for i, c := range s.Cols {
		list[i] = -1
		switch {
		case c.Source != analysis.DataColumn:
		case !byPlace:
			list[i] = f.Column(s.Table.Storage.Columns[c.Index].Name)
		case c.Index < f.Columns():
			list[i] = c.Index
		}
	}
	return list
}

// scanORC feeds files that package orc decodes. Those that have other types are read apart, since what is fed is of one
// type.
func (l *lowerer) scanORC(s *analysis.Scan, g *scanGroup) string {
	var order []string
	groups := map[string][]scanFile{}
	for _, f := range g.files {
		shape := f.orc.shape()
		if groups[shape] == nil {
			order = append(order, shape)
		}
		groups[shape] = append(groups[shape], f)
	}
	branches := make([]string, len(order))
	for i, shape := range order {
		branches[i] = l.scanORCFiles(s, groups[shape])
	}
	return strings.Join(branches, " UNION ALL ")
}

// shape tells types of the columns that are read apart.
func (o *orcFile) shape() string {
	var b strings.Builder
	for _, c := range o.columns {
		if c >= 0 {
			b.WriteString(o.orc.Type(c).String())
		}
		b.WriteByte(0)
	}
	return b.String()
}

// scanORCFiles feeds files of the same types.
func (l *lowerer) scanORCFiles(s *analysis.Scan, files []scanFile) string {
	f := &feed{ordered: l.ordered}
	list := make([]string, len(s.Cols))
	constants := 0
	for i, c := range s.Cols {
		out := feedColumn{name: fmt.Sprintf("d%d", i), t: c.Type, index: i}
		expr := out.name
		switch first := files[0].orc; {
		case c.Source == analysis.RowOffset:
			return l.fail(unsupported("BLOCK__OFFSET__INSIDE__FILE of ORC files"))
		case c.Source != analysis.DataColumn:
			out.constant, out.index = true, constants
			constants++
		case first.columns[i] < 0:
			list[i] = "NULL::" + l.sqlType(c.Type) + " AS " + column(c.ID)
			continue
		default:
			if from := first.orc.Type(first.columns[i]); !sameShape(from, c.Type) {
				out.t = from
				expr = l.orcValue(expr, from, c.Type)
			}
		}
		if err := checkType(out.t); err != nil {
			return l.fail(err)
		}
		f.columns = append(f.columns, out)
		list[i] = expr + " AS " + column(c.ID)
	}
	if len(f.columns) == 0 {
		f.columns = []feedColumn{{name: "nothing", constant: true, t: hivetype.Of(hivetype.Int), index: -1}}
	}
	if len(list) == 0 {
		list = []string{"1 AS one"}
	}
	for i := range files {
		f.rows += files[i].orc.orc.Rows()
		for _, part := range files[i].orc.parts {
			f.files = append(f.files, feedFile{open: l.partSource(s, files[i].orc, part), constants: files[i].values})
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.feeds.add(f)
}

// partSource decodes a part of a file.
func (l *lowerer) partSource(s *analysis.Scan, o *orcFile, part orcPart) batchSource {
	return func(ctx context.Context, projection []int) (func() (arrow.RecordBatch, error), func() error, error) {
		options := orc.Options{
			First: part.stripe, Last: part.stripe + 1, From: part.from, To: part.to,
			Rows: batchRows, Nanos: bool(l.resolution), Cut: l.src.Cut(),
		}
		for _, i := range projection {
			options.Columns = append(options.Columns, o.columns[i])
		}
		var err error
		if options.Zone, err = time.LoadLocation(s.Zone); err != nil { // that of "" is UTC
			return nil, nil, &Error{Op: "read", Msg: "unknown time zone " + s.Zone, Err: err}
		}
		if o.local.Parts != nil {
			options.Prefetch = o.prefetch
			if o.asWhole(s) {
				o.local.Parts.ConfirmWhole()
			}
		}
		r, err := o.orc.Reader(options)
		if err != nil {
			return nil, nil, o.describe(ctx, err)
		}
		next := func() (arrow.RecordBatch, error) {
			b, err := r.Next(ctx)
			return b, o.describe(ctx, err)
		}
		done := func() error {
			r.Close()
			return nil
		}
		return next, done, nil
	}
}

// sameShape reports whether values of two types are held alike, and mean the same: names of fields may differ in
// case.
func sameShape(a, b hivetype.Type) bool {
	if a.Kind != b.Kind {
		return a.Kind == hivetype.Varchar && b.Kind == hivetype.String
	}
	switch a.Kind {
	case hivetype.Array:
		return sameShape(*a.Elem, *b.Elem)
	case hivetype.Map:
		return sameShape(*a.Key, *b.Key) && sameShape(*a.Elem, *b.Elem)
	case hivetype.Struct, hivetype.Union:
		return slices.EqualFunc(a.Fields, b.Fields, func(a, b hivetype.Field) bool {
			return strings.EqualFold(a.Name, b.Name) && sameShape(a.Type, b.Type)
		})
	}
	return a.Equal(b)
}

// orcValue is a value of a file as one of a table: as Hive converts it when it reads ORC, where what has no room in the
// other type is NULL, and fields of structs are found by their names.
func (l *lowerer) orcValue(x string, from, to hivetype.Type) string {
	switch {
	case sameShape(from, to):
		return x
	case from.Kind == hivetype.Struct && to.Kind == hivetype.Struct:
		fields := make([]string, len(to.Fields))
		for i, f := range to.Fields {
			at := slices.IndexFunc(from.Fields, func(g hivetype.Field) bool { return strings.EqualFold(f.Name, g.Name) })
			part := "NULL::" + l.sqlType(f.Type)
			if at >= 0 {
				part = l.orcValue("struct_extract("+x+", "+quote(from.Fields[at].Name)+")", from.Fields[at].Type, f.Type)
			}
			fields[i] = name(f.Name) + " := " + part
		}
		return "CASE WHEN " + x + " IS NOT NULL THEN struct_pack(" + strings.Join(fields, ", ") + ") END"
	case from.Kind == hivetype.Array && to.Kind == hivetype.Array:
		e := l.fresh("e")
		return "list_transform(" + x + ", lambda " + e + ": " + l.orcValue(e, *from.Elem, *to.Elem) + ")"
	case from.Kind == hivetype.Map && to.Kind == hivetype.Map:
		e := l.fresh("e")
		return "map_from_entries(list_transform(map_entries(" + x + "), lambda " + e + ": struct_pack(k := " +
			l.orcValue("struct_extract("+e+", 'key')", *from.Key, *to.Key) + ", v := " +
			l.orcValue("struct_extract("+e+", 'value')", *from.Elem, *to.Elem) + ")))"
	case from.Integer() && to.Integer():
		return "TRY_CAST(" + x + " AS " + l.sqlType(to) + ")"
	case from.Numeric() && to.Integer():
		return "TRY_CAST(trunc(" + x + ") AS " + l.sqlType(to) + ")"
	case from.Kind == hivetype.Boolean && to.Text():
		return l.cast("CASE WHEN "+x+" THEN 'TRUE' WHEN NOT "+x+" THEN 'FALSE' END", hivetype.Of(hivetype.String), to)
	case from.Kind == hivetype.Decimal && from.Scale > 0 && to.Text(): // without zeros at its end
		text := "rtrim(rtrim(" + l.cast(x, from, hivetype.Of(hivetype.String)) + ", '0'), '.')"
		return l.cast(text, hivetype.Of(hivetype.String), to)
	case from.Kind == hivetype.Float && to.Text(): // with all digits of a double
		return l.cast(x+"::DOUBLE", hivetype.Of(hivetype.Double), to)
	case !hivetype.Castable(from, to):
		return l.fail(unsupported("a column of type %s in an ORC file of a table that has %s", from, to))
	}
	return l.cast(x, from, to)
}
