package storage

import (
	"errors"
	"io"
	"os"
)

// FileRanger is a [Reader] whose bytes are in a file of this machine, so that a kernel can send
// them by itself.
type FileRanger interface {
	// FileRange returns a file, to be closed by the caller, and the place in it of what has not
	// been read yet. ok is false where there is none. The file shares its position with the
	// Reader, so the two are not read at once.
	FileRange() (f *os.File, offset int64, ok bool)
}

// FileTaker is a [Writer] that takes its content from a file at Commit, rather than hold it in
// memory until then.
type FileTaker interface {
	// TakeFile stands for writing the n bytes of f from offset on, which are all of the object
	// and have the checksum that CreateOptions.Checksum tells. f is the Writer's from then on,
	// also when TakeFile fails, and is closed when it ends.
	TakeFile(f *os.File, offset, n int64) error
}

// Summed is a reader that computes the CRC32C of what is read from it.
type Summed interface {
	io.Reader
	// CRC32C is the checksum of all that has been read.
	CRC32C() Checksum
}

// ReadSum reads n bytes of r, and returns their checksum. What they are is of no interest.
func ReadSum(r io.Reader, n int64, buf []byte) (Checksum, error) {
	summed := AsSummed(r)
	for n > 0 {
		m, err := summed.Read(buf[:min(n, int64(len(buf)))])
		n -= int64(m)
		if err != nil && n > 0 {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return Checksum{}, err
		}
	}
	return summed.CRC32C(), nil
}

// summing makes any reader a Summed one.
type summing struct {
	r   io.Reader
	sum Checksum
}

func (s *summing) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum = UpdateCRC32C(s.sum, p[:n])
	return n, err
}

func (s *summing) CRC32C() Checksum { return UpdateCRC32C(s.sum, nil) }

// AsSummed is r, which computes a checksum if it did not already.
func AsSummed(r io.Reader) Summed {
	if s, ok := r.(Summed); ok {
		return s
	}
	return &summing{r: r}
}
