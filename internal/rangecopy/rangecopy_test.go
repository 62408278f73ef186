package rangecopy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/skepdata/skep/internal/rangecopy"
)

// requested is a file that counts the requests to it, and has fewer bytes than it says.
type requested struct {
	*strings.Reader
	opened []int64
	broken error
}

func (r *requested) OpenRange(_ context.Context, offset, length int64) (io.ReadCloser, error) {
	r.opened = append(r.opened, offset, length)
	return io.NopCloser(io.NewSectionReader(r.Reader, offset, length)), r.broken
}

func TestCopy(t *testing.T) {
	text := strings.Repeat("0123456789", 250_000) // more than two buffers
	broken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name        string
		ctx         context.Context
		file        io.ReaderAt
		start, stop int64
		want        string
		err         error
	}{
		{"reads", t.Context(), strings.NewReader(text), 3, 2_400_001, text[3:2_400_001], nil},
		{"a stream", t.Context(), &requested{Reader: strings.NewReader(text)}, 3, 2_400_001, text[3:2_400_001], nil},
		{"nothing", t.Context(), &requested{Reader: strings.NewReader(text), broken: broken}, 5, 5, "", nil},
		{"a short file", t.Context(), strings.NewReader("abc"), 1, 4, "", io.ErrUnexpectedEOF},
		{"a file that ends where it begins", t.Context(), strings.NewReader("abc"), 3, 4, "", io.ErrUnexpectedEOF},
		{"a stream that does not open", t.Context(), &requested{Reader: strings.NewReader(text), broken: broken}, 0, 1, "", broken},
		{"cancelled", cancelled, strings.NewReader(text), 0, 1, "", context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out bytes.Buffer
			copier := rangecopy.Copier{Write: func(b []byte) error { _, err := out.Write(b); return err }}
			if err := copier.Copy(c.ctx, c.file, c.start, c.stop); !errors.Is(err, c.err) {
				t.Fatalf("error %v, not %v", err, c.err)
			}
			if out.String() != c.want {
				t.Errorf("%d bytes, not the %d expected", out.Len(), len(c.want))
			}
			if f, ok := c.file.(*requested); ok && c.stop > c.start && len(f.opened) != 2 {
				t.Errorf("opened %v, not one range", f.opened)
			}
		})
	}
}
