package formats

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// hadoopFile reads what SequenceFile and RCFile have in common: numbers as Java writes them, and a
// mark between groups of records, which begin by -1 in the place of a length.
type hadoopFile struct {
	r      *bufio.Reader
	at     int64  // the byte of the file that comes next
	suffix string // of files that are compressed as the records are; "" if they are not
	mark   [16]byte
	buf    []byte
	plain  bytes.Buffer
}

// take returns the next n bytes, good until the next call.
func (f *hadoopFile) take(n int64) ([]byte, error) {
	if n < 0 || n > maxLine {
		return nil, fmt.Errorf("at byte %d: a record of %d bytes: the file is damaged, or of another format", f.at, n)
	}
	f.buf = f.buf[:0]
	for have := int64(0); have < n; have = int64(len(f.buf)) { // what a damaged length says is not there
		more := min(n-have, max(have, atOnce))
		f.buf = slices.Grow(f.buf, int(more))[:have+more]
		read, err := io.ReadFull(f.r, f.buf[have:])
		f.at += int64(read)
		if err != nil {
			return nil, noEOF(err)
		}
	}
	return f.buf, nil
}

// atOnce is how much room is made for bytes that may not come.
const atOnce = 1 << 20

func (f *hadoopFile) skip(n int64) error {
	if n < 0 || n > maxLine {
		return fmt.Errorf("at byte %d: a record of %d bytes: the file is damaged, or of another format", f.at, n)
	}
	skipped, err := f.r.Discard(int(n))
	f.at += int64(skipped)
	return noEOF(err)
}

func (f *hadoopFile) number() (int32, error) {
	b, err := f.take(4)
	if err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(b)), nil
}

func (f *hadoopFile) varint() (int64, error) {
	first, err := f.r.Peek(1)
	if err != nil {
		return 0, noEOF(err)
	}
	n := int64(1)
	if c := int8(first[0]); c < -120 {
		n -= int64(c) + 120
	} else if c < -112 {
		n -= int64(c) + 112
	}
	b, err := f.take(n)
	if err != nil {
		return 0, err
	}
	in := binaryInput{b: b}
	return in.varint(), nil
}

func (f *hadoopFile) text() (string, error) {
	n, err := f.varint()
	if err != nil {
		return "", err
	}
	b, err := f.take(n)
	return string(b), err
}

func (f *hadoopFile) flag() (bool, error) {
	b, err := f.take(1)
	return err == nil && b[0] != 0, err
}

// codec reads the name of the class that has compressed the records.
func (f *hadoopFile) codec() error {
	class, err := f.text()
	if err != nil {
		return err
	}
	suffixes := map[string]string{"DefaultCodec": ".deflate", "DeflateCodec": ".deflate", "GzipCodec": ".gz", "BZip2Codec": ".bz2",
		"SnappyCodec": ".snappy", "Lz4Codec": ".lz4", "ZStandardCodec": ".zst"}
	if f.suffix = suffixes[className(class)]; f.suffix == "" {
		return fmt.Errorf("the compression of %s is %w yet", class, ErrUnsupported)
	}
	return nil
}

// notes reads names and values that the writer has left, and the mark behind them.
func (f *hadoopFile) notes() (map[string]string, error) {
	n, err := f.number()
	if err != nil {
		return nil, err
	}
	notes := map[string]string{}
	for range n {
		name, err := f.text()
		if err != nil {
			return nil, err
		}
		if notes[name], err = f.text(); err != nil {
			return nil, err
		}
	}
	mark, err := f.take(int64(len(f.mark)))
	copy(f.mark[:], mark)
	return notes, err
}

// length reads the length of the next record, behind the mark if there is one. The error behind the
// last record is io.EOF.
func (f *hadoopFile) length() (n int32, marked bool, err error) {
	if _, err := f.r.Peek(1); errors.Is(err, io.EOF) {
		return 0, false, io.EOF
	}
	if n, err = f.number(); err != nil || n != -1 {
		return n, false, err
	}
	mark, err := f.take(int64(len(f.mark)))
	if err != nil {
		return 0, true, err
	}
	if !bytes.Equal(mark, f.mark[:]) {
		return 0, true, fmt.Errorf("at byte %d: the mark between records is not that of the file: it is damaged", f.at)
	}
	return 0, true, nil
}

// decompressed takes the compression off b. The result is good until the next call.
func (f *hadoopFile) decompressed(b []byte) ([]byte, error) {
	if f.suffix == "" || len(b) == 0 {
		return b, nil
	}
	z, err := decompressor(context.Background(), f.suffix, bufio.NewReader(bytes.NewReader(b)), 1)
	if err != nil {
		return nil, err
	}
	f.plain.Reset()
	n, err := f.plain.ReadFrom(io.LimitReader(z, maxLine+1))
	if err = errors.Join(err, z.Close()); err == nil && n > maxLine {
		err = fmt.Errorf("at byte %d: more than %d bytes in one record", f.at, maxLine)
	}
	return f.plain.Bytes(), err
}

// hadoopHead is the beginning of a file that hadoopFile reads, without compression.
func hadoopHead(dst []byte, notes [][2]string, mark []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(notes)))
	for _, n := range notes {
		dst = appendText(appendText(dst, n[0]), n[1])
	}
	return append(dst, mark...)
}

func appendText(dst []byte, s string) []byte {
	return append(appendVarint(dst, int64(len(s))), s...)
}

// newMark is what no record of the file has in it.
func newMark() ([]byte, error) {
	mark := make([]byte, 16)
	_, err := rand.Read(mark)
	return mark, err
}

// markEvery is how many bytes there are at most, about, without a mark.
const markEvery = 2000
