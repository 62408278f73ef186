package duck

/*
#include <stdint.h>
#include <stdlib.h>

void *skep_ordinals_new(void);
void skep_ordinals_free(void *ordinals);
int64_t skep_ordinals_count(void *ordinals);
const char *skep_ordinals_key(void *ordinals, int64_t index, uint64_t *length);
*/
import "C"

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/partitions"
)

// defaultFileBytes is where files end when the caller does not say.
const defaultFileBytes = 256 << 20

// Write runs a query and writes its rows below out.Dir: as Parquet through DuckDB's COPY, as text
// through package formats. With dynamic partitions every distinct combination of their values
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
		w.ordinals = C.skep_ordinals_new()
		defer C.skep_ordinals_free(w.ordinals)
	}
	if isParquet(&out.Table.Storage) {
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
	ordinals unsafe.Pointer // numbers of the partitions
	stamps   []*stampColumn // of the columns of Parquet files; nil of those without timestamps
}

// sql is the SQL of the rows, named by the table's columns where named is set, and, with
// dynamic partitions, of the number of the partition as the last column, sorted by it.
func (w *writer) sql(l *lowerer, named bool) string {
	inner := l.query(w.query)
	list := make([]string, w.columns)
	for i := range list {
		list[i] = fmt.Sprintf("o%d", i)
		if named {
			list[i] = w.parquetValue(l, i) + " AS " + name(w.out.Table.Storage.Columns[i].Name)
		}
	}
	if w.out.Dynamic == 0 {
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
	ordinal := fmt.Sprintf("skep_ordinal((%d)::BIGINT, %s)", int64(uintptr(w.ordinals)), strings.Join(keys, " || "))
	return "SELECT " + strings.Join(list, ", ") + ", " + ordinalColumn + " FROM (SELECT *, " + ordinal + " AS " +
		ordinalColumn + " FROM (" + inner + ") AS w) AS n ORDER BY " + ordinalColumn
}

// ordinalColumn is the number of a row's partition.
const ordinalColumn = "skep__p"

// values are those of the partition with a number.
func (w *writer) values(ordinal int64) (partitions.Values, error) {
	if w.out.Dynamic == 0 {
		return nil, nil
	}
	if ordinal < 0 || ordinal >= int64(C.skep_ordinals_count(w.ordinals)) {
		return nil, fmt.Errorf("partition number %d was never given out", ordinal)
	}
	var n C.uint64_t
	p := C.skep_ordinals_key(w.ordinals, C.int64_t(ordinal), &n)
	return parseKey(C.GoStringN(p, C.int(n)), w.out.Dynamic)
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
