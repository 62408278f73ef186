package hiveql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/internal/orcmerge"
	"github.com/skepdata/skep/internal/parquetmerge"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

const (
	joinsAtOnce = 8 // files that are made at the same time
	joinTries   = 3 // of each, where the store fails for a passing reason
)

// recognise finds out what a file can be joined with.
func (c *compaction) recognise(ctx context.Context, p *compactPlace, f *compactFile) error {
	format, _ := formatOf(p.Storage)
	switch name := format.names[0]; name {
	case "PARQUET", "ORC":
		f.in = &columnarFile{file: f.File}
		schema, err := f.look(ctx, name)
		f.in.keep(&c.tails)
		f.kind = name + schema
		return err
	case "TEXTFILE", "JSONFILE":
		if plainText(f.Object.Key) && p.Storage.SerDe.Parameters["serialization.encoding"] == "" {
			f.kind = "lines"
		}
	}
	return nil
}

// emptyORC is the kind of a file of no bytes, which is an ORC file without rows.
const emptyORC = "ORC"

// kindOf is what files have in common that can be joined as they are; it is empty if they cannot be.
func kindOf(group []*compactFile) (kind string) {
	for _, f := range group {
		switch {
		case f.kind == emptyORC:
		case f.kind == "" || kind != "" && f.kind != kind:
			return ""
		default:
			kind = f.kind
		}
	}
	return kind
}

// plainText reports whether the name of a text file does not say that it is compressed.
func plainText(name string) bool { return codecClass(name) == "" }

// codecClass is the class of the codec in which a text file is compressed, or can be instead; "" if
// it is not.
func codecClass(name string) string {
	switch path.Ext(name) {
	case ".gz", ".bz2", ".lzo", ".lzo_deflate", ".xz":
		return "GzipCodec"
	case ".zst", ".zstd":
		return "ZStandardCodec"
	case ".deflate":
		return "DeflateCodec"
	case ".snappy":
		return "SnappyCodec"
	case ".lz4":
		return "Lz4Codec"
	}
	return ""
}

// upload makes the files of all places, under names that end in id.
func (c *compaction) upload(ctx context.Context, id string) error {
	u, err := c.s.newUploads(ctx)
	if err != nil {
		return err
	}
	defer u.close()
	c.uploads = u
	g, ctx := errgroup.WithContext(u.ctx)
	g.SetLimit(min(c.s.cfg.Parallel, joinsAtOnce))
	for _, p := range c.places {
		for k, group := range p.groups {
			g.Go(func() error {
				made, size, err := c.join(ctx, p, group, fmt.Sprintf("%06d_0_%s", k, id))
				if err != nil {
					return fmt.Errorf("join files of %s: %w", p.Storage.Location, err)
				}
				atomic.AddInt64(&p.to.files, made)
				atomic.AddInt64(&p.to.bytes, size)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return u.explain(err)
	}
	return u.wait() // for those that were made of rows
}

// join makes one file of a group as they are, or, where that cannot be, of their rows, which may
// become several.
func (c *compaction) join(ctx context.Context, p *compactPlace, group []*compactFile, name string) (files, size int64, err error) {
	kind := kindOf(group)
	if kind == "" {
		return c.rewrite(ctx, p, group, name)
	}
	loc, err := c.s.cfg.directory(ctx, p.Storage.Location)
	if err != nil {
		return 0, 0, err
	}
	join := joinLines
	switch {
	case strings.HasPrefix(kind, "PARQUET"):
		join, name = c.joinParquet, name+".parquet"
	case strings.HasPrefix(kind, "ORC"):
		join = c.joinORC
	}
	for _, f := range group {
		size += f.Object.Size
	}
	if err := c.uploads.note(loc.Bucket, loc.Prefix+name, size); err != nil {
		return 0, 0, err
	}
	for try := 1; ; try++ {
		size, err = joinInto(ctx, loc, name, group, join)
		again := storage.IsTemporary(err) || errors.Is(err, storage.ErrChecksum)
		if err == nil || try == joinTries || !again || ctx.Err() != nil {
			return 1, size, err
		}
		c.uploads.doubt(loc.Bucket.URL() + loc.Prefix + name)
	}
}

func joinInto(
	ctx context.Context, loc storage.Location, name string, group []*compactFile,
	join func(context.Context, io.Writer, []*compactFile) error,
) (int64, error) {
	opts := storage.CreateOptions{Durable: true}
	for _, f := range group {
		opts.Size += f.Object.Size
	}
	w, err := loc.Bucket.Create(ctx, loc.Prefix+name, opts)
	if err != nil {
		return 0, err
	}
	defer func() { _ = w.Abort() }()
	sum := storage.NewCRC32C()
	if err := join(ctx, io.MultiWriter(w, sum), group); err != nil {
		return 0, err
	}
	made, err := w.Commit()
	if err != nil {
		return 0, err
	}
	if written := (storage.Checksum{Sum: sum.Sum32(), Known: true}); written.Differs(made.CRC32C) {
		return 0, fmt.Errorf("%s%s: %w", loc.URL(), name, storage.ErrChecksum)
	}
	return made.Size, nil
}

func (c *compaction) joinParquet(ctx context.Context, w io.Writer, group []*compactFile) error {
	inputs := make([]parquetmerge.Input, len(group))
	for i, f := range group {
		done, err := f.prove(ctx, c.src)
		if err != nil {
			return err
		}
		defer done()
		inputs[i] = f.parquet(ctx)
	}
	_, err := parquetmerge.Merge(ctx, w, inputs)
	return err
}

func (c *compaction) joinORC(ctx context.Context, w io.Writer, group []*compactFile) error {
	inputs := make([]orcmerge.Input, len(group))
	for i, f := range group {
		done, err := f.prove(ctx, c.src)
		if err != nil {
			return err
		}
		defer done()
		inputs[i] = f.orc(ctx)
	}
	_, err := orcmerge.Merge(ctx, w, inputs)
	return err
}

// joinLines joins text. A last line that does not end is ended.
func joinLines(ctx context.Context, w io.Writer, group []*compactFile) error {
	for _, f := range group {
		last := lastByte{w: w}
		r, err := f.Bucket.Open(ctx, f.Object.Key, storage.ReadOptions{IfMatch: f.Object.ETag})
		if err != nil {
			return err
		}
		n, err := io.Copy(&last, r)
		if err = errors.Join(err, r.Close()); err != nil {
			return err
		}
		if n != f.Object.Size {
			return fmt.Errorf("read %s: %d bytes came, of %d: %w", f.URL(), n, f.Object.Size, storage.ErrChecksum)
		}
		if last.b != '\n' {
			if _, err := w.Write([]byte{'\n'}); err != nil {
				return err
			}
		}
	}
	return nil
}

type lastByte struct {
	w io.Writer
	b byte
}

func (l *lastByte) Write(p []byte) (int, error) {
	if len(p) > 0 {
		l.b = p[len(p)-1]
	}
	return l.w.Write(p)
}

// rewrite reads the rows of a group and writes them again.
func (c *compaction) rewrite(ctx context.Context, p *compactPlace, group []*compactFile, name string) (files, size int64, err error) {
	s := c.s
	exec, err := s.executor()
	if err != nil {
		return 0, 0, err
	}
	plan, err := c.rowsOf(ctx, p)
	if err != nil {
		return 0, 0, err
	}
	src := &source{cfg: s.cfg, counts: &c.r.counts, scans: map[*analysis.Scan][]PartitionFiles{}, nanos: true,
		whole: s.settings.isTrue(verifyWhole), ranges: s.settings.isTrue(verifyRanges)}
	for _, scan := range plan.Scans(nil) {
		one := p.PartitionFiles
		one.Files = nil
		for _, f := range group {
			one.Files = append(one.Files, f.File)
		}
		src.scans[scan] = []PartitionFiles{one}
	}
	output := Output{Table: c.rewritten(p, group), TimestampUnit: s.timestampUnit(), MaxFileBytes: c.target, Units: &Units{}}
	if err := c.decideUnits(ctx, exec, plan, src, output); err != nil {
		return 0, 0, err
	}
	if output.Dir, err = c.uploads.outDir(); err != nil {
		return 0, 0, err
	}
	sink := &placeSink{uploads: c.uploads, location: p.Storage.Location}
	sink.name = func(k int) string { return strings.Replace(name, "_0_", fmt.Sprintf("_%d_", k), 1) }
	output.Sink = sink
	if err = exec.Write(ctx, plan, src, output); err == nil {
		err = c.r.counts.whole(true) // what is there already is not to become less
	}
	return int64(sink.files), sink.bytes, err
}

// decideUnits writes the files once for nobody, where they have timestamps, so that their units are
// known: of a file that has been sent nobody knows afterwards.
func (c *compaction) decideUnits(ctx context.Context, exec Executor, plan *analysis.Query, src *source, output Output) error {
	if !slices.ContainsFunc(plan.Output, func(o analysis.Output) bool { return strings.Contains(o.Type.String(), "timestamp") }) {
		return nil
	}
	if format, _ := formatOf(&output.Table.Storage); format.names[0] != "PARQUET" {
		return nil
	}
	output.Sink = nowhere{}
	uncounted := *src
	uncounted.counts = &counts{}
	for {
		dir, err := c.uploads.outDir()
		if err != nil {
			return err
		}
		output.Dir = dir
		err = exec.Write(ctx, plan, &uncounted, output)
		_ = os.RemoveAll(dir)
		if !errors.Is(err, ErrAgain) {
			return err
		}
	}
}

// nowhere is a sink of files that nobody needs.
type nowhere struct{}

func (nowhere) Grow(int64) error                 { return nil }
func (nowhere) Expect([]partitions.Values) error { return nil }
func (nowhere) Take(f Written) error             { return os.Remove(f.Path) }

// rewritten is the table as the rows of a group are to be written: in the format of the place, and
// compressed as they were.
func (c *compaction) rewritten(p *compactPlace, group []*compactFile) *metastore.Table {
	t := c.s.outputTable(&analysis.Write{Table: c.table}, &staticPlace{target: target{storage: p.Storage}, exists: true})
	for _, f := range group {
		if class := codecClass(f.Object.Key); class != "" {
			t.Storage.Compressed = true
			setParam(&t.Parameters, "mapreduce.output.fileoutputformat.compress.codec", class)
		}
	}
	return t
}

// rowsOf plans a query of all rows of a place.
func (c *compaction) rowsOf(ctx context.Context, p *compactPlace) (*analysis.Query, error) {
	t := c.table
	items := make([]string, len(t.Storage.Columns))
	for i, col := range t.Storage.Columns {
		items[i] = quoted(col.Name)
	}
	sql := "SELECT " + strings.Join(items, ", ") + " FROM " + quoted(t.Database) + "." + quoted(t.Name)
	if p.Partition != nil {
		conds := make([]string, len(t.PartitionKeys))
		for i, k := range t.PartitionKeys {
			conds[i] = quoted(k.Name) + " = CAST(" + literal(p.Partition.Values[i]) + " AS " + k.Type.String() + ")"
			if p.Partition.Values[i] == partitions.DefaultName {
				conds[i] = quoted(k.Name) + " IS NULL"
			}
		}
		sql += " WHERE " + strings.Join(conds, " AND ")
	}
	stmts, err := syntax.Parse(sql)
	if err != nil {
		return nil, err
	}
	return analysis.AnalyzeQuery(ctx, c.s.cfg.Store, c.s.env(), stmts[0].(*syntax.QueryStmt).Query)
}
