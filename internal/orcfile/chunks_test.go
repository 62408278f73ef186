package orcfile

import (
	"bytes"
	"errors"
	"testing"
)

// TestUnpackHasALimit: a few bytes that stand for very many are an error as soon as the limit is reached.
func TestUnpackHasALimit(t *testing.T) {
	c := &Chunks{Encode: &Encoder{Codec: CodecZstd}, Size: 1 << 16}
	c.Append(make([]byte, 10<<16))
	packed, err := c.Take()
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := unpack(packed, CodecZstd, 1<<16, 10<<16); err != nil || !bytes.Equal(plain, make([]byte, 10<<16)) {
		t.Errorf("%d bytes, %v", len(plain), err)
	}
	if plain, err := unpack(packed, CodecZstd, 1<<16, 10<<16-1); !errors.Is(err, ErrFormat) {
		t.Errorf("%d bytes, %v", len(plain), err)
	}
}
