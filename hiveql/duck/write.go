package duck

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/footer"
	"github.com/skepdata/skep/partitions"
)

// defaultFileBytes is where files end when the caller does not say.
const defaultFileBytes = 256 << 20

// Write runs a query and writes its rows below out.Dir: as Parquet through DuckDB's COPY, as text
// or ORC through packages formats and orc. With dynamic partitions every distinct combination of their values
// gets a number as it turns up; rows are sorted by it, so that few files are open at a time and
// memory stays bounded, and no value ever becomes a local path.
func (e *Executor) Write(ctx context.Context, q *analysis.Query, src hiveql.Source, out hiveql.Output) error {
	w := &writer{exec: e, query: q, src: src, out: out, data: len(q.Output) - out.Dynamic}
	if w.columns = min(w.data, len(out.Table.Storage.Columns)); w.columns < 1 {
		return &Error{Op: "write", Msg: fmt.Sprintf("table %s has no data columns", out.Table.TableName)}
	}
	if w.out.MaxFileBytes <= 0 {
		w.out.MaxFileBytes = defaultFileBytes
	}
	if out.Dynamic > 0 {
		w.ordinals = newOrdinals(w.out.MaxFileBytes)
		defer w.ordinals.free()
	}
	if isParquet(&out.Table.Storage) {
		defer w.pages.Close()
		return w.parquet(ctx)
	}
	return w.text(ctx)
}

// writer is one call of Write.
type writer struct {
	exec     *Executor
	query    *analysis.Query
	src      hiveql.Source
	out      hiveql.Output
	data     int            // data columns of the query
	columns  int            // those that are written: a partition may have fewer than its table
	ordinals *ordinals      // of the partitions; nil without
	expected int64          // partitions that the sink was told of
	scratch  []byte         // into which Parquet files are read to be summed
	stamps   []*stampColumn // of the columns of Parquet files; nil of those without timestamps

	// For the goroutine that hands files over:
	pages footer.Pages
	plain int64 // how many values it has read that were not in dictionaries
}

// sql is the SQL of the rows, named by the table's columns where named is set, and, with
// dynamic partitions, sorted by the number of the partition, which is the last column; where named is
// set that is the number of the file.
func (w *writer) sql(l *lowerer, named bool) string {
	inner := l.query(w.query)
	list := make([]string, w.columns)
	for i := range list {
		list[i] = fmt.Sprintf("o%d", i)
		if named {
			list[i] = w.parquetValue(l, i) + " AS " + name(w.out.Table.Storage.Columns[i].Name)
		}
	}
	switch {
	case w.out.Dynamic > 0:
	case named && sorted(w.query.Root):
		// DuckDB numbers rows on one thread, in their order, and so writes them: several threads would
		// write several files at once. It does not know that all numbers are above 0.
		return "SELECT " + strings.Join(list, ", ") + " FROM (SELECT *, row_number() OVER () AS " + rowNumber +
			" FROM (" + inner + ") AS w) AS n WHERE " + rowNumber + " > 0"
	default:
		return "SELECT " + strings.Join(list, ", ") + " FROM (" + inner + ") AS w"
	}
	keys := make([]string, w.out.Dynamic)
	for i := range keys {
		k := fmt.Sprintf("nullif(o%d, '')", w.data+i)
		keys[i] = "coalesce(strlen(" + k + ")::VARCHAR || ':' || " + k + ", '-')"
	}
	if len(keys) == 1 { // nothing to tell apart
		keys[0] = fmt.Sprintf("coalesce(o%d, '')", w.data)
	}
	// DuckDB sorts by keys of 32 bits faster than by wider ones.
	ordinal := fmt.Sprintf("skep_ordinal((%d)::BIGINT, %s)::INTEGER", w.ordinals.address(), strings.Join(keys, " || "))
	rows := "SELECT " + strings.Join(list, ", ") + ", " + ordinalColumn + " FROM (SELECT *, " + ordinal + " AS " +
		ordinalColumn + " FROM (" + inner + ") AS w) AS n ORDER BY " + ordinalColumn
	if !named {
		return rows
	}
	return fmt.Sprintf("SELECT * EXCLUDE (%s), skep_file((%d)::BIGINT, %s::BIGINT) AS %s FROM (%s) AS s",
		ordinalColumn, w.ordinals.address(), ordinalColumn, fileNumber, rows)
}

const (
	ordinalColumn = "skep__p" // the number of a row's partition
	fileNumber    = "skep__f" // the number of the Parquet file that it goes to
	rowNumber     = "skep__n" // of a row in an order
)

// values are those of the partition with a number.
func (w *writer) values(ordinal int64) (partitions.Values, error) {
	if w.out.Dynamic == 0 {
		return nil, nil
	}
	key, ok := w.ordinals.key(ordinal)
	if !ok {
		return nil, fmt.Errorf("partition number %d was never given out", ordinal)
	}
	return parseKey(key, w.out.Dynamic)
}

// expect tells the sink of the partitions that have turned up since it was told last. Rows are sorted by
// them, so that all are known before the first file is written.
func (w *writer) expect() error {
	if w.ordinals == nil {
		return nil
	}
	var fresh []partitions.Values
	for n := w.ordinals.count(); w.expected < n; w.expected++ {
		values, err := w.values(w.expected)
		if err != nil {
			return &Error{Op: "write", Msg: err.Error(), Err: err}
		}
		fresh = append(fresh, values)
	}
	if fresh == nil {
		return nil
	}
	return w.out.Sink.Expect(fresh)
}

// parseKey splits what sql put together: length:value, or - for NULL; of one key, the value.
func parseKey(key string, count int) (partitions.Values, error) {
	if count == 1 {
		return partitions.Values{cmp.Or(key, partitions.DefaultName)}, nil
	}
	values := make(partitions.Values, 0, count)
	for range count {
		if rest, ok := strings.CutPrefix(key, "-"); ok {
			values, key = append(values, partitions.DefaultName), rest
			continue
		}
		digits, rest, _ := strings.Cut(key, ":")
		n, err := strconv.Atoi(digits)
		if err != nil || n > len(rest) {
			return nil, errors.New("the values of a partition cannot be told apart")
		}
		values, key = append(values, rest[:n]), rest[n:]
	}
	return values, nil
}
