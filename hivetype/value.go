package hivetype

import (
	"cmp"
	"math/big"
)

// A value of a Hive type is held in Go as follows; NULL is nil everywhere.
//
//	boolean                          bool
//	tinyint smallint int bigint      int64
//	float                            float32
//	double                           float64
//	decimal                          Dec
//	string varchar char              string
//	binary                           []byte
//	date                             time.Time, midnight UTC
//	timestamp                        time.Time, whose UTC clock reads the local time meant
//	timestamp with local time zone   time.Time, an instant
//	interval_year_month              int64, months
//	interval_day_time                Interval
//	array                            []any
//	map                              []Entry, in the order the engine gave
//	struct                           []any, one for each field
//	uniontype                        Variant
type Value = any

// Dec is a decimal number: Unscaled / 10^Scale. Unscaled is never nil.
type Dec struct {
	Unscaled *big.Int
	Scale    int
}

// Interval is a length of time: so many seconds, which may be negative, and Nanos, 0 to 999,999,999,
// more.
type Interval struct {
	Seconds int64
	Nanos   int32
}

// IntervalOf is an interval of seconds and any number of nanoseconds, both of any sign.
func IntervalOf(seconds, nanos int64) Interval {
	seconds, nanos = seconds+nanos/1e9, nanos%1e9
	if nanos < 0 {
		seconds, nanos = seconds-1, nanos+1e9
	}
	return Interval{Seconds: seconds, Nanos: int32(nanos)}
}

// Neg is -i.
func (i Interval) Neg() Interval { return IntervalOf(-i.Seconds, -int64(i.Nanos)) }

// Cmp is negative where i is shorter than j, 0 where they are equal, and positive otherwise.
func (i Interval) Cmp(j Interval) int {
	return cmp.Or(cmp.Compare(i.Seconds, j.Seconds), cmp.Compare(i.Nanos, j.Nanos))
}

// Variant is the value of a uniontype: which of its types it has, counted from 0, and a value of
// that type.
type Variant struct {
	Tag   int
	Value Value
}

// Entry is one key and value of a map.
type Entry struct {
	Key, Value Value
}
