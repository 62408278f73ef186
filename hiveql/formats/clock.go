package formats

import (
	"math/big"

	"github.com/skepdata/skep/hivetype"
)

// The forms of dates and times that files are full of are read here without making a string;
// every other form is left to hivetype.ParseValue.

// isoDate reads the ten characters 2006-01-02 as days since 1970.
func isoDate(b []byte) (days int64, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return 0, false
	}
	y, ok1 := twoDigits(b[0:])
	z, ok2 := twoDigits(b[2:])
	m, ok3 := twoDigits(b[5:])
	d, ok4 := twoDigits(b[8:])
	y = y*100 + z
	if !(ok1 && ok2 && ok3 && ok4) || m < 1 || m > 12 || d < 1 || d > 28 && d > daysIn(y, m) {
		return 0, false
	}
	return daysSinceEpoch(y, m, d), true
}

func twoDigits(b []byte) (int64, bool) {
	hi, lo := b[0]-'0', b[1]-'0'
	return int64(hi)*10 + int64(lo), hi <= 9 && lo <= 9
}

func daysIn(y, m int64) int64 {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts with years that begin in March, so that the leap day is their last.
func daysSinceEpoch(y, m, d int64) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	const march1970 = 719468 // days from the first of March of the year 0 to the epoch
	return 365*y + floorDiv(y, 4) - floorDiv(y, 100) + floorDiv(y, 400) + (153*(m-3)+2)/5 + d - 1 - march1970
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// isoTimestamp reads 2006-01-02 15:04:05[.999999999] as microseconds since 1970, and the nanoseconds
// behind them.
func isoTimestamp(b []byte) (us, rest int64, ok bool) {
	if len(b) < 19 || b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return 0, 0, false
	}
	days, ok0 := isoDate(b)
	h, ok1 := twoDigits(b[11:])
	m, ok2 := twoDigits(b[14:])
	s, ok3 := twoDigits(b[17:])
	if !(ok0 && ok1 && ok2 && ok3) || h > 23 || m > 59 || s > 59 {
		return 0, 0, false
	}
	us = ((days*24+h)*60+m)*60 + s
	us *= 1e6
	if len(b) == 19 {
		return us, 0, true
	}
	if b[19] != '.' || len(b) == 20 || len(b) > 29 {
		return 0, 0, false
	}
	nanos, unit := int64(0), int64(100_000_000)
	for _, c := range b[20:] {
		if c -= '0'; c > 9 {
			return 0, 0, false
		}
		nanos += int64(c) * unit
		unit /= 10
	}
	return us + nanos/1000, nanos % 1000, true
}

// rescaled is the unscaled value that d has with another, larger scale.
func rescaled(d hivetype.Dec, scale int) *big.Int {
	if d.Scale >= scale {
		return d.Unscaled
	}
	ten := big.NewInt(10)
	return new(big.Int).Mul(d.Unscaled, ten.Exp(ten, big.NewInt(int64(scale-d.Scale)), nil))
}
