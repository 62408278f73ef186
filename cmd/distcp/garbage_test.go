package main

import (
	"runtime/debug"
	"testing"

	copier "github.com/skepdata/skep/copy"
)

func TestKeepLittleGarbage(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	for _, x := range []struct {
		codec copier.Codec
		group string
		gogc  string
		want  int
	}{
		{copier.CodecKeep, "", "", 100}, {copier.CodecNone, "", "", 100}, {copier.CodecGzip, "", "", 50}, {"zstd", "", "", 50},
		{"bzip2", "", "", 15}, {"bzip2", "", "200", 100}, {copier.CodecKeep, "(a)", "", 50}, {copier.CodecKeep, "(a)", "200", 100},
		{"zstd", "(a)", "", 50}, {"bzip2", "(a)", "", 15},
	} {
		restore := keepLittleGarbage(copier.Options{OutputCodec: x.codec, GroupBy: x.group}, func(string) string { return x.gogc })
		meanwhile := debug.SetGCPercent(1)
		debug.SetGCPercent(meanwhile)
		restore()
		after := debug.SetGCPercent(100)
		if meanwhile != x.want || after != 100 {
			t.Errorf("%q with GOGC=%q: %d percent meanwhile and %d afterwards, want %d and 100", x.codec, x.gogc, meanwhile, after, x.want)
		}
	}
}
