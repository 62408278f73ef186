package main

import (
	"runtime/debug"

	copier "github.com/skepdata/skep/copy"
)

// How much the heap may grow until garbage is collected, in percent of what is in use, where outputs are
// compressed.
const (
	garbageOfCodecs = 50
	garbageOfBzip2  = 15
)

// keepLittleGarbage makes the runtime collect garbage more often while outputs are compressed by a codec.
// What is in use then are some buffers of a megabyte, which have no pointers and cost next to nothing to
// look at, beside what compressing costs; with as much garbage as there are of them, which is what the
// runtime allows, a run takes twice the memory. bzip2 has the most of them and takes the most time. The
// setting is the process's; restore ends it. Where the user has set GOGC, that stays.
func keepLittleGarbage(codec copier.Codec, getenv func(string) string) (restore func()) {
	percent := garbageOfCodecs
	switch codec {
	case copier.CodecKeep, copier.CodecNone:
		return func() {}
	case "bzip2":
		percent = garbageOfBzip2
	}
	if getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}
