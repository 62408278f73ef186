package main

import (
	"runtime/debug"

	copier "github.com/skepdata/skep/copy"
)

// How much the heap may grow until garbage is collected, in percent of what is in use, where files are
// grouped and where outputs are compressed.
const (
	garbageOfMost  = 50
	garbageOfHeavy = 15
)

// keepLittleGarbage makes the runtime collect garbage more often while outputs are compressed by a codec, or
// files are grouped. What is in use with a codec are some buffers of a megabyte, which have no pointers and
// cost next to nothing to look at, beside what compressing costs; with as much garbage as there are of them,
// which is what the runtime allows, a run takes twice the memory. Heavy codecs have the most of them and take
// the most time. Of groups the plan makes much garbage as it reads their files from disk. The setting is the
// process's; restore ends it. Where the user has set GOGC, that stays.
func keepLittleGarbage(opts copier.Options, getenv func(string) string) (restore func()) {
	percent := 100
	codec := opts.OutputCodec
	switch compresses := codec != copier.CodecKeep && codec != copier.CodecNone; {
	case compresses && codec.Heavy():
		percent = garbageOfHeavy
	case compresses || opts.GroupBy != "":
		percent = garbageOfMost
	}
	if percent == 100 || getenv("GOGC") != "" {
		return func() {}
	}
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}
