package duck

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// scanFile is one file of a scan, with the values that its rows share.
type scanFile struct {
	file   hiveql.File
	values []hivetype.Value // of the scanned partition keys and INPUT__FILE__NAME, see constantColumns
	orc    *orcFile         // of ORC files that are not empty

	// Of Parquet files:
	local  string
	parts  hiveql.Parts // nil if it is there as a whole
	came   hiveql.Parts // nil if it is not far
	paged  *pagedParts  // nil unless its pages are looked at
	footer *footer.File // nil if it is not understood
	groups []int        // row groups in which there may be rows to find
	touch  *touched
	end    func() // gives it back
	digits []int  // columns of the scan, timestamps of 96 bits with digits behind the microseconds
}

// scanGroup is a part of a scan whose files are read alike.
type scanGroup struct {
	as      *metastore.StorageDescriptor // of the first of them
	parquet bool
	orc     bool
	spec    formats.Spec
	fields  []formats.Field // the columns of the files, of text formats
	files   []scanFile
	clocks  *clocks // of Parquet files; nil until it is known
	// before is how many rows the files had that narrow has left out row groups of, and those that it has left out.
	before int64
	// sameUnits says that the timestamps of Parquet files have equal units, column by column.
	sameUnits bool
}

// scan is the relation of a table's files. Where partitions differ in format, it is the union of
// what each format makes.
func (l *lowerer) scan(s *analysis.Scan) string {
	groups, ok := l.prepared[s]
	if !ok {
		return l.fail(&Error{Op: "plan", Msg: "a table is read that is not in the plan"})
	}
	var branches []string
	for _, g := range groups {
		switch {
		case len(g.files) == 0:
		case g.parquet:
			branches = append(branches, l.scanParquet(s, g))
		case g.orc:
			branches = append(branches, l.scanORC(s, g))
		default:
			branches = append(branches, l.scanText(s, g))
		}
	}
	if len(branches) == 0 {
		return l.noRows(s.Columns())
	}
	return strings.Join(branches, " UNION ALL ")
}

func (l *lowerer) noRows(cols []analysis.Column) string {
	list := []string{}
	for _, c := range cols {
		list = append(list, "NULL::"+l.sqlType(c.Type)+" AS "+column(c.ID))
	}
	if len(list) == 0 {
		list = []string{"1 AS one"}
	}
	return "SELECT " + strings.Join(list, ", ") + " WHERE FALSE"
}

// constantColumns are the columns of a scan that have one value for a whole file.
func constantColumns(s *analysis.Scan) []analysis.ScanColumn {
	var list []analysis.ScanColumn
	for _, c := range s.Cols {
		if c.Source == analysis.PartitionKey || c.Source == analysis.InputFile {
			list = append(list, c)
		}
	}
	return list
}

// groups lists the files of a scan and sorts them by how they are read.
func (l *lowerer) groups(s *analysis.Scan) ([]*scanGroup, error) {
	var groups []*scanGroup
	constants := constantColumns(s)
	for p, err := range l.src.Files(l.ctx, s) {
		if err != nil {
			return nil, fmt.Errorf("list the files of table %s: %w", s.Table.TableName, err)
		}
		at := slices.IndexFunc(groups, func(g *scanGroup) bool { return sameFormat(g.as, p.Storage) })
		if at < 0 {
			g, err := newGroup(s, p.Storage)
			if err != nil {
				return nil, fmt.Errorf("read table %s: %w", s.Table.TableName, err)
			}
			at = len(groups)
			groups = append(groups, g)
		}
		g := groups[at]
		for _, f := range p.Files {
			values, err := constantValues(s.Table, constants, p.Partition, f)
			if err != nil {
				return nil, err
			}
			g.files = append(g.files, scanFile{file: f, values: values})
		}
	}
	return groups, nil
}

// sameFormat reports whether files of two storage descriptors can be read together.
func sameFormat(a, b *metastore.StorageDescriptor) bool {
	if a == b {
		return true
	}
	return a.InputFormat == b.InputFormat && a.SerDe.Library == b.SerDe.Library &&
		maps.Equal(a.SerDe.Parameters, b.SerDe.Parameters) && sameColumns(a.Columns, b.Columns)
}

// sameColumns compares names and types; partitions share the columns of most descriptors.
func sameColumns(a, b []metastore.Column) bool {
	if len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] {
		return true
	}
	return slices.EqualFunc(a, b, func(a, b metastore.Column) bool {
		if a.Type.Primitive() {
			return a.Name == b.Name && a.Type.Equal(b.Type)
		}
		return a.Name == b.Name && a.Type.String() == b.Type.String() // names of fields with their case
	})
}

func isParquet(d *metastore.StorageDescriptor) bool {
	return strings.HasSuffix(d.SerDe.Library, "ParquetHiveSerDe") ||
		strings.HasSuffix(d.InputFormat, "MapredParquetInputFormat")
}

func newGroup(s *analysis.Scan, d *metastore.StorageDescriptor) (*scanGroup, error) {
	if isParquet(d) {
		return &scanGroup{as: d, parquet: true}, nil
	}
	if isORC(d) {
		return &scanGroup{as: d, orc: true}, nil
	}
	spec, err := formats.SpecOf(d.InputFormat, d.SerDe.Library, d.SerDe.Parameters, s.Table.Parameters)
	if err != nil {
		return nil, err
	}
	spec.ShortBooleans, spec.AvroClocks, spec.AvroProleptic = s.ShortBooleans, s.AvroClocks, s.AvroProleptic
	if spec.Zone, err = time.LoadLocation(s.Zone); err != nil { // that of "" is UTC
		return nil, &Error{Op: "plan", Msg: "unknown time zone " + s.Zone, Err: err}
	}
	g := &scanGroup{as: d, spec: spec}
	columns := d.Columns
	if len(columns) == 0 || spec.Kind == formats.Avro { // whose fields are found by the names that the table has
		columns = s.Table.Storage.Columns
	}
	for _, c := range columns {
		g.fields = append(g.fields, formats.Field{Name: c.Name, Type: c.Type})
	}
	return g, nil
}

func constantValues(t *metastore.Table, cols []analysis.ScanColumn, p *metastore.Partition, f hiveql.File) ([]hivetype.Value, error) {
	values := make([]hivetype.Value, len(cols))
	for i, c := range cols {
		if c.Source == analysis.InputFile {
			values[i] = f.URL()
			continue
		}
		text := p.Values[c.Index]
		if text == partitions.DefaultName {
			continue
		}
		key := t.PartitionKeys[c.Index]
		v, ok := hivetype.ParseValue(text, key.Type)
		if !ok {
			return nil, &Error{Op: "read", Msg: fmt.Sprintf("the partition %s=%s of table %s is no value of type %s", key.Name, text, t.TableName, key.Type)}
		}
		values[i] = v
	}
	return values, nil
}

// scanText feeds files that package formats decodes.
func (l *lowerer) scanText(s *analysis.Scan, g *scanGroup) string {
	f := &feed{ordered: l.ordered}
	var list []string
	constants := 0
	for i, c := range s.Cols {
		out := feedColumn{name: fmt.Sprintf("d%d", i), t: c.Type}
		expr := out.name
		switch {
		case c.Source == analysis.RowOffset:
			out.index = formats.Offset
		case c.Source != analysis.DataColumn:
			out.constant, out.index = true, constants
			constants++
		case c.Index >= len(g.fields):
			list = append(list, "NULL::"+l.sqlType(c.Type)+" AS "+column(c.ID))
			continue
		default:
			out.index, out.t = c.Index, g.fields[c.Index].Type
			expr = l.cast(expr, out.t, c.Type)
		}
		if err := checkType(out.t); err != nil {
			return l.fail(err)
		}
		f.columns = append(f.columns, out)
		list = append(list, expr+" AS "+column(c.ID))
	}
	if len(f.columns) == 0 {
		f.columns = []feedColumn{{name: "nothing", constant: true, t: hivetype.Of(hivetype.Int), index: -1}}
	}
	if len(list) == 0 {
		list = []string{"1 AS one"}
	}
	for _, file := range g.files {
		f.rows += file.file.Object.Size / int64(8+8*len(g.fields))
		for _, split := range splits(g, file.file) {
			t := &splitSource{src: l.src, file: file.file, split: split, few: l.ordered}
			l.release = append(l.release, t.end)
			f.files = append(f.files, feedFile{open: l.textSource(g, t), ahead: t.ahead, constants: file.values})
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + l.feeds.add(f)
}

// batchRows is a multiple of DuckDB's vectors, large enough to hide the handing over.
const batchRows = 8192

// splitBytes is about how much of a large text file one thread reads at a time.
const splitBytes = 32 << 20

func splits(g *scanGroup, f hiveql.File) []formats.Split {
	size := f.Object.Size
	if !g.spec.Splittable() {
		size = 0
	}
	return formats.Splits(path.Base(f.Object.Key), size, splitBytes)
}

// textSource opens a split of one file, takes compression off and decodes it.
func (l *lowerer) textSource(g *scanGroup, t *splitSource) batchSource {
	f := t.file
	return func(ctx context.Context, projection []int) (func() (arrow.RecordBatch, error), func() error, error) {
		describe := func(err error) error {
			if err == nil || errors.Is(err, io.EOF) {
				return err
			}
			err = t.explain(ctx, err)
			var located *storage.Error
			if errors.As(err, &located) {
				return &Error{Op: "read", Msg: err.Error(), Err: err}
			}
			return &Error{Op: "read", Msg: f.URL() + ": " + err.Error(), Err: err}
		}
		raw, err := t.open(ctx)
		if err != nil {
			return nil, nil, describe(err)
		}
		plain, err := formats.Decompress(ctx, path.Base(f.Object.Key), raw, l.exec.threadsFor(len(g.files)))
		if err != nil {
			return nil, nil, errors.Join(describe(err), raw.Close())
		}
		spec := g.spec
		spec.Cut, spec.Nanos = t.src.Cut(), bool(l.resolution)
		r, err := formats.NewSplitReader(spec, g.fields, projection, plain, batchRows, t.split)
		if err != nil {
			return nil, nil, errors.Join(describe(err), plain.Close(), raw.Close())
		}
		next := func() (arrow.RecordBatch, error) {
			b, err := r.Next()
			return b, describe(err)
		}
		done := func() error { return describe(errors.Join(r.Close(), plain.Close(), raw.Close())) }
		return next, done, nil
	}
}

// prepare lists the files of all scans of a query, and brings the footers of the Parquet files, of
// all scans at once: far away, it is the number of turns that counts.
func (l *lowerer) prepare(q *analysis.Query) error {
	scans := q.Scans(func(r analysis.Rel) bool {
		_, program := r.(*analysis.Transform) // which has a query of its own
		return !program
	})
	groups := make([][]*scanGroup, len(scans))
	work, ctx := errgroup.WithContext(l.ctx)
	for i, s := range scans {
		work.Go(func() error {
			return hiveql.Guard(func() (err error) {
				groups[i], err = l.lookedAt(ctx, s)
				return err
			})
		})
	}
	err := work.Wait()
	for i, s := range scans {
		l.prepared[s] = groups[i]
		for _, g := range groups[i] {
			l.keep(s, g)
		}
	}
	if err == nil {
		err = l.narrow(q)
	}
	if err != nil {
		return err
	}
	for _, groups := range l.prepared {
		for _, g := range groups {
			g.leaveOut(l.src)
		}
	}
	return nil
}

// lookedAt lists the files of a scan and makes those in Parquet readable.
func (l *lowerer) lookedAt(ctx context.Context, s *analysis.Scan) ([]*scanGroup, error) {
	groups, err := l.groups(s)
	if err != nil {
		return groups, err
	}
	for _, g := range groups { // what was opened of them is given back, whatever the error
		switch {
		case g.parquet:
			err = l.localFiles(ctx, s, g)
		case g.orc:
			err = l.openORC(ctx, s, g)
		}
		if err != nil {
			return groups, err
		}
	}
	return groups, nil
}

// keep notes what is to be given back of a group, and which files came by parts.
func (l *lowerer) keep(s *analysis.Scan, g *scanGroup) {
	for _, f := range g.files {
		if f.end != nil {
			l.urls[f.local] = f.file.URL()
			l.release = append(l.release, f.end)
		}
		if f.came != nil {
			l.came = append(l.came, came{file: f, parts: f.came, scan: s})
		}
	}
}

// leaveOut leaves out files that hold no rows to find, and counts row groups.
func (g *scanGroup) leaveOut(src hiveql.Source) {
	if g.parquet {
		for _, f := range g.files {
			if f.footer != nil {
				src.RowGroups(len(f.footer.Groups), len(f.footer.Groups)-len(f.groups))
			}
		}
		g.files = slices.DeleteFunc(g.files, func(f scanFile) bool {
			return f.file.Object.Size == 0 || f.footer != nil && len(f.groups) == 0
		})
	}
	if g.orc {
		for _, f := range g.files {
			if f.orc != nil {
				src.RowGroups(f.orc.orc.Stripes(), f.orc.orc.Stripes()-f.orc.stripes)
			}
		}
		g.files = slices.DeleteFunc(g.files, func(f scanFile) bool { return f.orc == nil || len(f.orc.parts) == 0 })
	}
}

// filesAtOnce is how many files are looked at at once before a query begins.
const filesAtOnce = 16

// each looks at the files of a group, several at a time. Those without a byte, which hold no rows, it passes over.
func (g *scanGroup) each(ctx context.Context, look func(ctx context.Context, f *scanFile) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(filesAtOnce)
	for i := range g.files {
		if f := &g.files[i]; f.file.Object.Size > 0 {
			group.Go(func() error { return look(ctx, f) })
		}
	}
	return group.Wait()
}

// localFiles makes the files of a group readable in place.
func (l *lowerer) localFiles(ctx context.Context, s *analysis.Scan, g *scanGroup) error {
	return g.each(ctx, func(ctx context.Context, f *scanFile) error {
		if err := hiveql.Guard(func() error { return l.localFile(ctx, s, f) }); err != nil {
			return &Error{Op: "read", Msg: err.Error(), Err: err}
		}
		return nil
	})
}

// localFile makes a file's bytes come when DuckDB reads them, or, without the hook, all at once.
func (l *lowerer) localFile(ctx context.Context, s *analysis.Scan, f *scanFile) error {
	local, err := l.src.Local(ctx, f.file)
	if err != nil {
		return err
	}
	size := f.file.Object.Size
	var paged *pagedParts
	if local.Parts != nil && l.exec.hooked() {
		local, paged = l.exec.pages.of(f.file, local)
	}
	f.local, f.end, f.came = local.Path, local.Release, local.Parts
	switch {
	case local.Parts == nil:
	case !l.exec.hooked():
		of, err := l.exec.provenFooter(ctx, f.file, local) // for its sums
		if err == nil && of != nil {
			err = local.Parts.Confirm(ctx, size-of.End(), of.End())
		}
		if err != nil {
			return err
		}
		if local.Ranges {
			local.Parts.ConfirmWhole()
			if err := local.Parts.Confirm(ctx, 0, size); err != nil {
				return err
			}
		}
		held, err := local.Parts.Hold(ctx, 0, size)
		if err != nil {
			return err
		}
		local.Parts = nil
		f.end = func() {
			held()
			local.Release()
		}
	default:
		f.parts, f.touch = local.Parts, &touched{}
		f.end = hooks.read(l.ctx, local, &reading{fail: l.giveUp, touch: f.touch.read})
		if size <= wholeBytes && len(s.Cols) > len(constantColumns(s)) {
			f.parts.Prefetch(0, size)
		}
	}
	if f.footer, err = l.exec.provenFooter(ctx, f.file, local); err != nil || f.footer == nil {
		return err
	}
	if paged != nil {
		paged.know(f.footer, f.reads(s), local.Ranges)
		f.paged = paged
	}
	f.groups = survivors(s, f.footer)
	if err := f.sift(ctx, s, s.Known); err != nil {
		return err
	}
	return l.findDigits(ctx, s, f)
}
