package codec

import (
	"io"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow is the largest window that is decoded: what the zstd command allows by default.
const zstdWindow = 128 << 20

func openZstd(src *source) (io.ReadCloser, error) {
	d, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(1<<63-1))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

func createZstd(w io.Writer, opts Options) (io.WriteCloser, error) {
	level := zstd.SpeedDefault
	if opts.Level > 0 {
		level = zstd.EncoderLevelFromZstd(opts.Level)
	}
	e, err := zstd.NewWriter(w, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(opts.Crew.Size()),
		zstd.WithZeroFrames(true))
	if err != nil {
		return nil, err
	}
	return e, nil
}
