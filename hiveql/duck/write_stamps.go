package duck

/*
#include <stdint.h>

void *skep_written_new(int stops);
void skep_written_free(void *written);
int64_t skep_written_misfits(void *written);
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hivetype"
)

// Nobody knows before whether the timestamps that a query puts into Parquet files have digits behind
// the microseconds. A column begins in microseconds. The first digit ends the write, which begins
// anew with the column in nanoseconds. These reach, in 64 bits, from 1677 to 2262: the first value
// outside ends the write too, and the column goes back to microseconds, without its digits.

const (
	unitNanos  = "nanos"
	unitMicros = "micros"
)

// stampColumn is a column of Parquet files with timestamps.
type stampColumn struct {
	unit     string // in which it is written
	misfits  unsafe.Pointer
	finished bool // misfits are counted and do not end the write
}

// watchStamps begins to count timestamps that do not fit. What it returns ends that.
func (w *writer) watchStamps() func() {
	w.stamps = make([]*stampColumn, w.columns)
	for i := range w.stamps {
		if !hasStamp(w.query.Output[i].Type) || w.out.TimestampUnit != "" {
			continue
		}
		c := &stampColumn{unit: unitMicros, finished: w.out.Units == nil}
		if w.out.Units != nil {
			if unit := w.out.Units.Columns[i]; unit != "" {
				c.unit, c.finished = unit, unit == unitMicros
			}
		}
		stops := 1
		if c.finished {
			stops = 0
		}
		c.misfits = C.skep_written_new(C.int(stops))
		w.stamps[i] = c
	}
	return func() {
		for _, c := range w.stamps {
			if c != nil {
				C.skep_written_free(c.misfits)
			}
		}
	}
}

// decideStamps is the error of a write that has ended: hiveql.ErrAgain if a column needs another unit.
func (w *writer) decideStamps(err error) error {
	for i, c := range w.stamps {
		if c == nil {
			continue
		}
		switch n := int64(C.skep_written_misfits(c.misfits)); {
		case n == 0:
		case c.finished:
			if err == nil {
				w.src.Cut().Add(n)
			}
		default:
			err = hiveql.ErrAgain
			if w.out.Units.Columns == nil {
				w.out.Units.Columns = map[int]string{}
			}
			if w.out.Units.Columns[i] = unitNanos; c.unit == unitNanos {
				w.out.Units.Columns[i] = unitMicros
			}
		}
	}
	return err
}

// parquetValue is column i as it goes into the file.
func (w *writer) parquetValue(l *lowerer, i int) string {
	x, t := fmt.Sprintf("o%d", i), w.query.Output[i].Type
	return l.eachTime(x, t, func(x string, _ hivetype.Type) string { return w.parquetStamp(l, x, w.stamps[i]) })
}

// parquetStamp is a timestamp as it goes into the file.
func (w *writer) parquetStamp(l *lowerer, x string, c *stampColumn) string {
	const from, to = "TIMESTAMP '1677-09-21 00:12:43.145225'", "TIMESTAMP '2262-04-11 23:47:16.854775'"
	switch {
	case l.resolution == micros && w.out.TimestampUnit == unitNanos:
		return strings.ReplaceAll("CASE WHEN $1 BETWEEN "+from+" AND "+to+" THEN $1::TIMESTAMP_NS END", "$1", x)
	case l.resolution == micros:
	case w.out.TimestampUnit == unitNanos:
		return "make_timestamp_ns(skep_stamp_nanos(" + x + "))"
	case c == nil:
		x = "skep_clock(" + x + ")"
	case c.unit == unitNanos:
		return fmt.Sprintf("make_timestamp_ns(skep_written_nanos((%d)::BIGINT, %s))", int64(uintptr(c.misfits)), x)
	default:
		x = fmt.Sprintf("skep_written_micros((%d)::BIGINT, %s)", int64(uintptr(c.misfits)), x)
	}
	if w.out.TimestampUnit == "millis" {
		return "date_trunc('milliseconds', " + x + ")::TIMESTAMP_MS"
	}
	return x
}
