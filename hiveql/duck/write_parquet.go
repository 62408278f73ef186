package duck

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/parquetmerge"
)

// parquet writes by one COPY. A query that asks for an order gets one file a partition; other
// queries, files of about MaxFileBytes.
func (w *writer) parquet(ctx context.Context) ([]hiveql.Written, error) {
	compression, err := w.compression()
	if err != nil {
		return nil, err
	}
	to, options := w.out.Dir, []string{"FORMAT parquet", "RETURN_STATS true", "COMPRESSION " + quote(compression)}
	if w.out.MaxFileBytes < smallGroups {
		rows := groupRows * w.out.MaxFileBytes / smallGroups / vectorRows * vectorRows
		options = append(options, fmt.Sprintf("ROW_GROUP_SIZE %d", max(rows, vectorRows)))
	}
	switch {
	case w.out.Dynamic > 0:
		options = append(options, "PARTITION_BY ("+ordinalColumn+")", "FILENAME_PATTERN '{i}'", "OVERWRITE_OR_IGNORE true")
	case sorted(w.query.Root):
		to = filepath.Join(to, "0.parquet")
	default:
		options = append(options, fmt.Sprintf("FILE_SIZE_BYTES %d", w.out.MaxFileBytes), "FILENAME_PATTERN '{i}'",
			"OVERWRITE_OR_IGNORE true")
	}
	j, err := w.exec.lowered(ctx, w.src, func(l *lowerer) string {
		return "COPY (" + w.sql(l, true) + ") TO " + quote(to) + " (" + strings.Join(options, ", ") + ")"
	})
	if err != nil {
		return nil, err
	}
	files, err := w.written(j)
	if closing := j.close(); err == nil {
		err = closing
	}
	if err == nil {
		files, err = w.divided(ctx, files)
	}
	if err == nil && w.out.Measure {
		if err = w.measure(files); err != nil {
			err = &Error{Op: "write", Msg: err.Error(), Err: err}
		}
	}
	return sortWritten(files), err
}

// smallGroups is the size of files below which their row groups have fewer rows than DuckDB's
// groupRows, so that there are some to divide them at.
const (
	smallGroups = 16 << 20
	groupRows   = 122880
	vectorRows  = 2048
)

// divided are the files, those that became much too large divided at their row groups: DuckDB
// does not end a partition's file, or one in an order, by its size.
func (w *writer) divided(ctx context.Context, files []hiveql.Written) ([]hiveql.Written, error) {
	var all []hiveql.Written
	for _, f := range files {
		if f.Bytes < w.out.MaxFileBytes/2*3 {
			all = append(all, f)
			continue
		}
		parts, err := divide(ctx, f, w.out.MaxFileBytes)
		if err != nil {
			return nil, &Error{Op: "write", Msg: err.Error(), Err: err}
		}
		all = append(all, parts...)
	}
	return all, nil
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

// parquetValue is column i as it goes into the file.
func (w *writer) parquetValue(i int) string {
	x := fmt.Sprintf("o%d", i)
	if w.query.Output[i].Type.Kind != hivetype.Timestamp {
		return x
	}
	switch w.out.TimestampUnit {
	case "millis":
		return "date_trunc('milliseconds', " + x + ")::TIMESTAMP_MS"
	case "nanos":
		return "CASE WHEN " + x + " BETWEEN TIMESTAMP '1677-09-21 00:12:43.145225' AND TIMESTAMP '2262-04-11 23:47:16.854775' THEN " +
			x + "::TIMESTAMP_NS END"
	}
	return x
}

// written reads what RETURN_STATS tells: path, rows, bytes. Files without rows do not count.
func (w *writer) written(j *job) ([]hiveql.Written, error) {
	var files []hiveql.Written
	for {
		chunk, ok, err := j.fetch()
		if err != nil || !ok {
			return files, j.explain(err)
		}
		paths := newVector(duckdb.DataChunkGetVector(chunk, 0))
		rows := newVector(duckdb.DataChunkGetVector(chunk, 1))
		sizes := newVector(duckdb.DataChunkGetVector(chunk, 2))
		for i := range int(duckdb.DataChunkGetSize(chunk)) {
			f := hiveql.Written{Path: strings.Clone(paths.text(i)), Rows: cell[int64](rows, i), Bytes: cell[int64](sizes, i)}
			if f.Rows == 0 {
				continue
			}
			if f.Values, err = w.values(ordinalIn(f.Path)); err != nil {
				break
			}
			files = append(files, f)
		}
		duckdb.DestroyDataChunk(&chunk)
		if err != nil {
			return nil, &Error{Op: "write", Msg: err.Error(), Err: err}
		}
	}
}

// ordinalIn reads the number of a partition from the directory that DuckDB made for it.
func ordinalIn(path string) int64 {
	text, ok := strings.CutPrefix(filepath.Base(filepath.Dir(path)), ordinalColumn+"=")
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
