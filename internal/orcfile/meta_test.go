package orcfile

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
)

// TestFootersTakeLittle: a footer that says very often nearly nothing is refused before it has taken the memory that it seems to
// be worth.
func TestFootersTakeLittle(t *testing.T) {
	const n, mostMemory = 16 << 20, 1 << 30
	for number := byte(3); number <= 7; number++ {
		if number == 6 {
			continue
		}
		footer := bytes.Repeat([]byte{number<<3 | 2, 0}, n)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := parseFooter(footer)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrFormat) {
			t.Errorf("field %d: %v", number, err)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > mostMemory {
			t.Errorf("field %d: %d MiB", number, took>>20)
		}
	}
}
