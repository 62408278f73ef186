package main

import (
	"runtime/debug"

	copier "github.com/skepdata/skep/copy"
)

// How much the heap may grow until garbage is collected, in percent of what is in use, where outputs are
// compressed.
const (
	garbageOfCodecs = 50
	garbageOfHeavy  = 15
)

// keepLittleGarbage makes the runtime collect garbage more often while outputs are compressed by a codec.
// What is in use then are some buffers of a megabyte, which have no pointers and cost next to nothing to
// look at, beside what compressing costs; with as much garbage as there are of them, which is what the
// runtime allows, a run takes twice the memory. Heavy codecs have the most of them and take the most time. The
// setting is the process's; restore ends it. Where the user has set GOGC, that stays.
func keepLittleGarbage(codec copier.Codec, getenv func(string) string) (restore func()) {
	if codec == copier.CodecKeep || codec == copier.CodecNone || getenv("GOGC") != "" {
		return func() {}
	}
	percent := garbageOfCodecs
	if codec.Heavy() {
		percent = garbageOfHeavy
	}
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}
