package orc

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/orcfile"
)

// timestamps are seconds since epoch, and nanoseconds without the zeros at their end.
type timestamps struct {
	common
	seconds, fractions integers
	base               int64              // epoch by that clock, in seconds since 1970
	zone               *time.Location     // of the writer's clock; UTC if instants were written
	java               *hivetype.JavaZone // the same, where the writer was Java's
	hybrid             bool               // whether days before 1582-10-15 are of the Julian calendar
	nanos              bool
	cut                *atomic.Int64
	whole, parts       []int64
}

func (o *opening) timestamps(c common, id uint32, kind uint64) column {
	t := &timestamps{
		common: c, seconds: o.integers(streamData, id, true), fractions: o.integers(streamSecondary, id, false),
		zone: time.UTC, hybrid: o.reader.file.tail.Footer.Julian(), nanos: o.reader.options.Nanos, cut: o.reader.options.Cut,
	}
	if kind == orcfile.KindTimestamp {
		t.zone = o.zone
	}
	if o.reader.file.tail.Footer.Writer == 0 { // Java's
		t.java = hivetype.NewJavaZone(t.zone)
	}
	t.base = time.Date(2015, 1, 1, 0, 0, 0, 0, t.zone).Unix()
	return t
}

func (c *timestamps) read(n int, within []bool) (arrow.ArrayData, error) {
	valid, have, err := c.presence(n, within)
	if err != nil {
		return nil, err
	}
	if cap(c.whole) < have {
		c.whole, c.parts = make([]int64, n), make([]int64, n)
	}
	whole, parts := c.whole[:have], c.parts[:have]
	if err := c.seconds.next(whole); err != nil {
		return nil, err
	}
	if err := c.fractions.next(parts); err != nil {
		return nil, fmt.Errorf("nanoseconds: %w", err)
	}
	if c.nanos {
		out := make([]decimal128.Num, n)
		for i := range whole {
			us, rest := c.value(whole[i], parts[i])
			out[i] = decimal128.New(us, uint64(rest))
		}
		spread(out, valid, have)
		return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
	}
	out, lost := make([]int64, n), int64(0)
	for i := range whole {
		us, rest := c.value(whole[i], parts[i])
		if rest != 0 {
			lost++
		}
		out[i] = us
	}
	if c.cut != nil && lost > 0 {
		c.cut.Add(lost)
	}
	spread(out, valid, have)
	return c.array(n, valid, have, []*memory.Buffer{bufferOf(out)}), nil
}

// value is microseconds since 1970 by the writer's clock, and the nanoseconds behind them.
func (c *timestamps) value(seconds, fraction int64) (us, rest int64) {
	nanos := fraction >> 3
	if zeros := fraction & 7; zeros != 0 {
		for range zeros + 1 {
			nanos *= 10
		}
	}
	seconds += c.base
	if seconds < 0 && nanos > 999999 {
		seconds-- // writers divide milliseconds by 1000 and lose the part of a second that is before zero
	}
	switch {
	case c.zone == time.UTC:
	case c.java != nil:
		seconds += int64(c.java.Offset(seconds))
	default:
		_, offset := time.Unix(seconds, 0).In(c.zone).Zone()
		seconds += int64(offset)
	}
	if c.hybrid && seconds < gregorianBegin*daySeconds {
		day := floorDiv(seconds, daySeconds)
		seconds += (hivetype.ProlepticDay(day) - day) * daySeconds
	}
	return seconds*1e6 + nanos/1000, nanos % 1000
}

const (
	daySeconds = 86400
	// gregorianBegin is the day since 1970 from which on both calendars are the same: 1582-10-15.
	gregorianBegin = -141427
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
