package hivetype

import "math/big"

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
//	interval_day_time                time.Duration
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
