package blocksums

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/skepdata/skep/internal/castagnoli"
)

// Key is the name of the note, where its place has names.
const Key = "skep.crc32c.64k"

// BlockSize is the size of all blocks in bytes, but for the last.
const BlockSize = 64 << 10

const (
	prefix  = "skepsums1:"
	unbound = "00000000"
)

// Writer sums the blocks of what is written to it.
type Writer struct {
	sums []uint32
	n    int64
}

// Write implements io.Writer. It returns no error.
func (w *Writer) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		room := BlockSize - int(w.n%BlockSize)
		if room == BlockSize {
			w.sums = append(w.sums, 0)
		}
		part := p[:min(room, len(p))]
		last := &w.sums[len(w.sums)-1]
		*last = castagnoli.Update(*last, part)
		w.n += int64(len(part))
		p = p[len(part):]
	}
	return written, nil
}

// Note is the note of what has been written, not bound to an end yet.
func (w *Writer) Note() string {
	b := binary.LittleEndian.AppendUint64(nil, uint64(w.n))
	for _, s := range w.sums {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	return prefix + unbound + ":" + base64.RawStdEncoding.EncodeToString(b)
}

// Bind makes a note, which must be in the end as Note returned it, one of that end.
func Bind(end []byte, note string) error {
	at := bytes.Index(end, []byte(note))
	if at < 0 || !strings.HasPrefix(note, prefix+unbound+":") {
		return errors.New("the sums of the blocks are not in the file's end")
	}
	at += len(prefix)
	copy(end[at:], sumOf(end, at))
	return nil
}

// Read reads the note in the end of a file of some size. The sums are of all blocks of the file, those
// of the end too; the last block may be shorter. ok is false where the note is not that of this end.
func Read(end []byte, note string, size int64) (sums []uint32, ok bool) {
	rest, ok := strings.CutPrefix(note, prefix)
	if !ok || len(rest) <= len(unbound) || rest[len(unbound)] != ':' {
		return nil, false
	}
	at := bytes.Index(end, []byte(note))
	if at < 0 || sumOf(end, at+len(prefix)) != rest[:len(unbound)] {
		return nil, false
	}
	b, err := base64.RawStdEncoding.DecodeString(rest[len(unbound)+1:])
	if err != nil || len(b) < 8 {
		return nil, false
	}
	start := size - int64(len(end))
	blocks := (start + BlockSize - 1) / BlockSize
	if start < 0 || binary.LittleEndian.Uint64(b) != uint64(start) || int64(len(b)-8) != 4*blocks {
		return nil, false
	}
	w := Writer{n: start, sums: make([]uint32, blocks, (size+BlockSize-1)/BlockSize)}
	for i := range w.sums {
		w.sums[i] = binary.LittleEndian.Uint32(b[8+4*i:])
	}
	_, _ = w.Write(end) // a Writer takes everything
	return w.sums, true
}

// sumOf is the sum of an end, whose digits are at a place in it.
func sumOf(end []byte, at int) string {
	sum := castagnoli.Update(0, end[:at])
	sum = castagnoli.Update(sum, []byte(unbound))
	return fmt.Sprintf("%08x", castagnoli.Update(sum, end[at+len(unbound):]))
}

// Mentioned reports whether there is something like a note in the end of a file. Where Read does not
// take it, it is another file's, or a bit of the end is not as it was written.
func Mentioned(end []byte) bool {
	return bytes.Contains(end, []byte(Key)) || bytes.Contains(end, []byte(prefix))
}
