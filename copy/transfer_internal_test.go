package copier

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// Buffers are full but for the last, however little each read returns.
func TestFill(t *testing.T) {
	broken := errors.New("broken")
	for _, x := range []struct {
		from io.Reader
		want []int // bytes
		end  error
	}{
		{iotest.OneByteReader(strings.NewReader("12345678")), []int{4, 4, 0}, io.EOF},
		{iotest.DataErrReader(strings.NewReader("12345678")), []int{4, 4}, io.EOF},
		{iotest.OneByteReader(strings.NewReader("123456")), []int{4, 2}, io.EOF},
		{io.MultiReader(strings.NewReader("12345"), iotest.ErrReader(broken)), []int{4, 1}, broken},
		{strings.NewReader(""), []int{0}, io.EOF},
	} {
		for i, want := range x.want {
			n, err := fill(x.from, make([]byte, 4))
			if last := i == len(x.want)-1; n != want || last != (err != nil) || last && !errors.Is(err, x.end) {
				t.Errorf("buffer %d of %v: %d bytes, %v", i, x.want, n, err)
			}
		}
	}
}
