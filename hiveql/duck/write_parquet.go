package duck

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/internal/parquetmerge"
)

// parquet writes by one COPY, files of about MaxFileBytes.
func (w *writer) parquet(ctx context.Context) error {
	for _, c := range w.out.Table.Storage.Columns {
		if err := noUnion(c.Type, "in Parquet files"); err != nil {
			return err
		}
	}
	options, err := w.copyOptions()
	if err != nil {
		return err
	}
	defer w.watchStamps()()
	f := w.watchFiles(ctx)
	unhook := hooks.write(w.out.Dir, &output{grow: f.grow, ended: f.closed})
	j, err := w.exec.lowered(f.ctx, w.src, func(l *lowerer) string {
		return "COPY (" + w.sql(l, true) + ") TO " + quote(w.out.Dir) + " (" + strings.Join(options, ", ") + ")"
	})
	if err == nil {
		err = f.rest(j)
		if closing := j.close(); err == nil {
			err = closing
		}
	}
	unhook()
	return w.decideStamps(f.end(err))
}

// copyOptions are how COPY writes. The note says that dates are in today's calendar: without it Hive takes those before
// 1582-10-15 for days of the Julian one.
func (w *writer) copyOptions() ([]string, error) {
	compression, err := w.compression()
	if err != nil {
		return nil, err
	}
	options := []string{"FORMAT parquet", "RETURN_STATS true", "COMPRESSION " + quote(compression),
		"FILENAME_PATTERN '{i}'", "OVERWRITE_OR_IGNORE true", "KV_METADATA {'writer.date.proleptic': 'true'}"}
	if w.out.MaxFileBytes < smallGroups {
		rows := groupRows * w.out.MaxFileBytes / smallGroups / vectorRows * vectorRows
		options = append(options, fmt.Sprintf("ROW_GROUP_SIZE %d", max(rows, vectorRows)))
	}
	if w.out.Dynamic > 0 {
		return append(options, "PARTITION_BY ("+fileNumber+")"), nil
	}
	return append(options, fmt.Sprintf("FILE_SIZE_BYTES %d", w.out.MaxFileBytes)), nil
}

// smallGroups is the size of files below which their row groups have fewer rows than DuckDB's
// groupRows, so that there are some to divide them at.
const (
	smallGroups = 16 << 20
	groupRows   = 122880
	vectorRows  = 2048
)

// divided is a file, or its parts where it became much too large, divided at its row groups: when DuckDB
// has begun to write a file of wide rows it may have collected many more for it.
func (w *writer) divided(ctx context.Context, f hiveql.Written) ([]hiveql.Written, error) {
	if f.Bytes < w.out.MaxFileBytes/2*3 {
		return []hiveql.Written{f}, nil
	}
	parts, err := divide(ctx, f, w.out.MaxFileBytes)
	if err != nil {
		return nil, &Error{Op: "write", Msg: err.Error(), Err: err}
	}
	for i := range parts {
		if len(parts) == 1 {
			break
		}
		parts[i].Raw = parts[i].Rows * int64(w.columns)
		if err := w.out.Sink.Grow(parts[i].Bytes); err != nil {
			return nil, err
		}
		if !w.out.Measure {
			continue
		}
		var err error
		if _, _, parts[i].Columns, err = w.look(parts[i].Path); err != nil {
			return nil, &Error{Op: "write", Msg: err.Error(), Err: err}
		}
	}
	if len(parts) > 1 {
		return parts, w.out.Sink.Grow(-f.Bytes)
	}
	return parts, nil
}

func divide(ctx context.Context, f hiveql.Written, size int64) (parts []hiveql.Written, err error) {
	in, err := os.Open(f.Path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	ranges, err := parquetmerge.Parts(parquetmerge.Input{Name: f.Path, Size: f.Bytes, ReaderAt: in}, size)
	if err != nil || len(ranges) < 2 {
		return []hiveql.Written{f}, err
	}
	for i, part := range ranges {
		one := f
		one.Path = fmt.Sprintf("%s-%04d.parquet", strings.TrimSuffix(f.Path, ".parquet"), i)
		if one.Rows, one.Bytes, err = copyPart(ctx, one.Path, part); err != nil {
			return nil, err
		}
		parts = append(parts, one)
	}
	return parts, os.Remove(f.Path)
}

func copyPart(ctx context.Context, path string, part parquetmerge.Input) (rows, bytes int64, err error) {
	out, err := os.Create(path)
	if err != nil {
		return 0, 0, err
	}
	buffered := bufio.NewWriterSize(out, 1<<18)
	stats, err := parquetmerge.Merge(ctx, buffered, []parquetmerge.Input{part})
	return stats.Rows, stats.Bytes, errors.Join(err, buffered.Flush(), out.Close())
}

// rest reads what RETURN_STATS tells of the files, of which the first column is the path, and hands
// over those that were not seen.
func (f *files) rest(j *job) error {
	var all []string
	for {
		chunk, ok, err := j.fetch()
		if err != nil {
			return j.explain(err)
		}
		if !ok {
			break
		}
		paths := newVector(duckdb.DataChunkGetVector(chunk, 0))
		for i := range int(duckdb.DataChunkGetSize(chunk)) {
			all = append(all, strings.Clone(paths.text(i)))
		}
		duckdb.DestroyDataChunk(&chunk)
	}
	slices.SortFunc(all, func(a, b string) int { // by their numbers
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	for _, path := range all {
		f.add(path)
	}
	return nil
}

// fileNumberIn reads the number of a file from the directory that DuckDB made for it; -1 where there is none.
func fileNumberIn(path string) int64 {
	text, ok := strings.CutPrefix(filepath.Base(filepath.Dir(path)), fileNumber+"=")
	if !ok {
		return -1
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// compression is the table's parquet.compression, in DuckDB's words.
func (w *writer) compression() (string, error) {
	text := "SNAPPY"
	for key, value := range w.out.Table.Parameters {
		if strings.EqualFold(key, "parquet.compression") {
			text = value
		}
	}
	switch c := strings.ToLower(strings.TrimSpace(text)); c {
	case "snappy", "gzip", "zstd", "uncompressed", "brotli":
		return c, nil
	case "none":
		return "uncompressed", nil
	case "lz4_raw", "lz4":
		return "lz4_raw", nil
	}
	return "", unsupported("the table property parquet.compression = %s", text)
}
