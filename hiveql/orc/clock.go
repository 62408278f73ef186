package orc

import (
	"fmt"
	"time"

	"github.com/skepdata/skep/hivetype"
)

// epoch is where the seconds of timestamps are counted from, in UTC: 2015-01-01, 00:00:00, in seconds since 1970.
const epoch = 1420070400

// lateSeconds is how far behind UTC the other clock of writers is.
const lateSeconds = 3600

// clock is that by which timestamps of a stripe are written. Writers round seconds towards zero, so of a timestamp within
// the last second before 1970 readers do not see that it was before; and which second that is depends on the clock. So
// a stripe that has such a time is written by another one.
type clock struct{ late bool }

func (c *clock) zone() string {
	if c.late {
		return "Etc/GMT+1"
	}
	return "UTC"
}

// lost reports whether a time cannot be said by the clock.
func (c *clock) lost(t time.Time) bool {
	seconds := t.Unix()
	if c.late {
		seconds += lateSeconds
	}
	return seconds == -1 && t.Nanosecond() > 999999
}

// setClock chooses a clock that can say all times of a row, and ends the stripe if that is another one.
func (w *Writer) setClock(row []hivetype.Value) error {
	lost := func() (t time.Time, found bool) {
		for _, i := range w.timed {
			if t, found = w.clock.lostIn(row[i], w.root.t.Fields[i].Type); found {
				return t, true
			}
		}
		return t, false
	}
	if _, found := lost(); !found {
		return nil
	}
	if w.rows > 0 {
		w.stripe()
	}
	w.clock.late = !w.clock.late
	if t, found := lost(); found {
		return fmt.Errorf("ORC cannot hold %s beside the other times of its row: those within the last second before "+
			"1970 are rounded away by one clock or the other", t.UTC().Format("2006-01-02 15:04:05.999999999"))
	}
	return w.err
}

// lostIn finds a time that the clock cannot say in a value. Instants are always in UTC.
func (c *clock) lostIn(v hivetype.Value, t hivetype.Type) (lost time.Time, found bool) {
	switch v := v.(type) {
	case time.Time:
		switch t.Kind {
		case hivetype.Timestamp:
			return v, c.lost(v)
		case hivetype.TimestampLocalTZ:
			return v, (&clock{}).lost(v)
		}
	case []hivetype.Entry:
		for _, e := range v {
			if lost, found = c.lostIn(e.Key, *t.Key); found {
				return lost, true
			}
			if lost, found = c.lostIn(e.Value, *t.Elem); found {
				return lost, true
			}
		}
	case []any:
		for i, x := range v {
			of := t.Elem
			if t.Kind == hivetype.Struct {
				of = &t.Fields[i].Type
			}
			if lost, found = c.lostIn(x, *of); found {
				return lost, true
			}
		}
	case hivetype.Variant:
		return c.lostIn(v.Value, t.Fields[v.Tag].Type)
	}
	return lost, false
}

// rawSize is how many bytes a value has in the memory of Java, as Hive's writer of ORC counts them.
func rawSize(v hivetype.Value, t hivetype.Type) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case []byte:
		return int64(len(v))
	case bool, float32:
		return 4
	case int64:
		if t.Kind == hivetype.BigInt {
			return 8
		}
		return 4
	case float64:
		return 8
	case time.Time:
		return 40
	case hivetype.Dec:
		return 112
	}
	return 0
}
