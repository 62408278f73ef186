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

// zstdBlock is how much is compressed at a time, as a frame of its own. Logs become no larger by it than
// with a window of 8 MiB, source code by one in a hundred.
const zstdBlock = 1 << 20

// createZstd writes a frame for each block. A single one, as the library writes it, would take tens of
// megabytes for each output.
func createZstd(w io.Writer, opts Options) (io.WriteCloser, error) {
	level := zstd.SpeedDefault
	if opts.Level > 0 {
		level = zstd.EncoderLevelFromZstd(opts.Level)
	}
	kind := toolKind{"zstd", int(level)}
	c := &compressor[[]byte]{size: zstdBlock, crew: opts.Crew, endless: true}
	c.encode = func(block, _ []byte, _ bool) ([]byte, error) {
		e, err := lend(opts.Crew, kind, func() (*zstd.Encoder, error) {
			return zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
				zstd.WithWindowSize(zstdBlock), zstd.WithLowerEncoderMem(true), zstd.WithZeroFrames(true))
		})
		if err != nil {
			return nil, err
		}
		defer opts.Crew.giveBack(kind, e)
		return e.EncodeAll(block, opts.Crew.room(len(block), zstdBlock)), nil
	}
	c.emit = func(b []byte) error {
		_, err := w.Write(b)
		opts.Crew.put(b)
		return err
	}
	return c, nil
}
