package main

import (
	"io"
	"os"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	copier "github.com/skepdata/skep/copy"
)

// bar is the progress bar of a copy. Its total grows while the source is being listed.
type bar struct {
	out      io.Writer
	progress *mpb.Progress
	bar      *mpb.Bar
	total    int64
}

func newBar(terminal *os.File) *bar {
	b := &bar{out: terminal, progress: mpb.New(mpb.WithOutput(terminal), mpb.WithWidth(60))}
	b.bar = b.progress.AddBar(0,
		mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.CountersKibiByte("% .1f / % .1f")),
		mpb.AppendDecorators(decor.AverageSpeed(decor.SizeB1024(0), "% .1f"), decor.Name("  "), decor.AverageETA(decor.ET_STYLE_MMSS)),
	)
	return b
}

// above is where lines go so that they do not disturb the bar.
func (b *bar) above() io.Writer { return b.progress }

func (b *bar) report(e copier.Event) {
	switch e.Kind {
	case copier.Begun:
		b.total += e.Bytes
		b.bar.SetTotal(b.total, false)
	case copier.Progress:
		b.bar.IncrInt64(e.Bytes)
	}
}

// end removes the bar.
func (b *bar) end() {
	b.bar.Abort(true)
	b.progress.Wait()
}
