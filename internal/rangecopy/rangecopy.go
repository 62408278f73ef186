// Package rangecopy copies ranges of files whose every read may be a request: as a stream where the file offers one.
//
//	c := &rangecopy.Copier{Write: write}
//	err := c.Copy(ctx, file, 4, 1<<20) // all but the first 4 bytes of a MiB
//
// It knows nothing of what is in the files, nor where they are.
package rangecopy

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Opener is a better way to read a file of which every read is a request: the bytes from offset on, length of them, as a
// stream.
type Opener interface {
	OpenRange(ctx context.Context, offset, length int64) (io.ReadCloser, error)
}

// bufferSize is how much is read at a time.
const bufferSize = 1 << 20 // bytes

// Copier copies one range after another, with one buffer. It is for one goroutine.
type Copier struct {
	// Write takes the bytes, which it does not keep.
	Write func([]byte) error
	buf   []byte
}

// Copy copies the bytes of a file from start to stop. If the file is an [Opener], too, they come as a stream. One that
// ends before is io.ErrUnexpectedEOF.
func (c *Copier) Copy(ctx context.Context, file io.ReaderAt, start, stop int64) error {
	if c.buf == nil {
		c.buf = make([]byte, bufferSize)
	}
	var r io.Reader = io.NewSectionReader(file, start, stop-start)
	if opener, ok := file.(Opener); ok && stop > start {
		stream, err := opener.OpenRange(ctx, start, stop-start)
		if err != nil {
			return err
		}
		defer stream.Close()
		r = io.LimitReader(stream, stop-start)
	}
	for at := start; at < stop; {
		if err := ctx.Err(); err != nil {
			return err
		}
		b := c.buf[:min(int64(len(c.buf)), stop-at)]
		if _, err := io.ReadFull(r, b); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("read %d bytes at %d: %w", len(b), at, err)
		}
		if err := c.Write(b); err != nil {
			return err
		}
		at += int64(len(b))
	}
	return nil
}
