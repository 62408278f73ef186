package orc

import (
	"encoding/binary"
	"math/bits"

	"github.com/skepdata/skep/internal/orcfile"
)

// byteRunWriter encodes run lengths of bytes.
type byteRunWriter struct {
	out     *orcfile.Chunks
	pending []byte // literals, the last of which may begin a run
	repeats int    // how many of the last are the same
}

const (
	fewestRepeats = 3
	longestRun    = 127 + fewestRepeats
	mostLiterals  = 128
)

func (w *byteRunWriter) add(b byte) {
	n := len(w.pending)
	if n > 0 && w.pending[n-1] == b {
		w.repeats++
	} else {
		if w.repeats >= fewestRepeats {
			w.flush()
		}
		w.repeats = 1
	}
	w.pending = append(w.pending, b)
	if w.repeats == fewestRepeats && len(w.pending) > fewestRepeats {
		literals := len(w.pending) - fewestRepeats
		w.literals(w.pending[:literals])
		w.pending = append(w.pending[:0], b, b, b)
	}
	if len(w.pending) == longestRun && w.repeats == longestRun || len(w.pending) == mostLiterals && w.repeats < fewestRepeats {
		w.flush()
	}
}

func (w *byteRunWriter) literals(b []byte) {
	w.out.Byte(byte(256 - len(b)))
	w.out.Append(b)
}

// flush writes what is pending: a run, or literals.
func (w *byteRunWriter) flush() {
	switch n := len(w.pending); {
	case n == 0:
	case w.repeats >= fewestRepeats:
		w.out.Byte(byte(n - fewestRepeats))
		w.out.Byte(w.pending[0])
	default:
		w.literals(w.pending)
	}
	w.pending, w.repeats = w.pending[:0], 0
}

// bitWriter encodes booleans.
type bitWriter struct {
	runs byteRunWriter
	now  byte
	n    int
}

func (w *bitWriter) add(v bool) {
	w.now <<= 1
	if v {
		w.now |= 1
	}
	if w.n++; w.n == 8 {
		w.runs.add(w.now)
		w.now, w.n = 0, 0
	}
}

func (w *bitWriter) flush() {
	for w.n > 0 {
		w.add(false)
	}
	w.runs.flush()
}

// integerWriter encodes run lengths of integers, version 2: repeated numbers, numbers that grow or fall, and others as
// they are. Patched runs are never worth their time to us.
type integerWriter struct {
	out     *orcfile.Chunks
	signed  bool
	pending []int64
	packed  []byte
}

func (w *integerWriter) add(v int64) {
	if w.pending = append(w.pending, v); len(w.pending) == maxRun {
		w.flush()
	}
}

// worthRepeating is how many numbers have to be the same to end a run of others.
const worthRepeating = 8

// flush writes what is pending.
func (w *integerWriter) flush() {
	list := w.pending
	for len(list) > 0 {
		n := same(list)
		if n >= worthRepeating || n == len(list) && n >= fewestRepeats {
			w.repeat(list[0], n)
			list = list[n:]
			continue
		}
		end := n
		for end < len(list) {
			k := same(list[end:])
			if k >= worthRepeating {
				break
			}
			end += k
		}
		w.others(list[:end])
		list = list[end:]
	}
	w.pending = w.pending[:0]
}

// same is how many numbers at the beginning are the same.
func same(list []int64) int {
	n := 1
	for n < len(list) && list[n] == list[0] {
		n++
	}
	return n
}

func (w *integerWriter) plain(v int64) uint64 {
	if w.signed {
		return zigzag(v)
	}
	return uint64(v)
}

// repeat writes one number n times.
func (w *integerWriter) repeat(v int64, n int) {
	if n > 10 {
		w.header(3, 0, n)
		w.varint(w.plain(v))
		w.out.Byte(0)
		return
	}
	u := w.plain(v)
	size := max((bits.Len64(u)+7)/8, 1)
	w.out.Byte(byte((size-1)<<3 | (n - 3)))
	for size--; size >= 0; size-- {
		w.out.Byte(byte(u >> (8 * size)))
	}
}

// header writes the two bytes of all runs but short repeats.
func (w *integerWriter) header(kind, code, n int) {
	w.out.Byte(byte(kind<<6 | code<<1 | (n-1)>>8))
	w.out.Byte(byte(n - 1))
}

func (w *integerWriter) varint(v uint64) {
	var b [binary.MaxVarintLen64]byte
	w.out.Append(b[:binary.PutUvarint(b[:], v)])
}

// others writes numbers by their differences where these have one sign and are smaller, and otherwise as they are.
func (w *integerWriter) others(list []int64) {
	width := 0
	for _, v := range list {
		width = max(width, bits.Len64(w.plain(v)))
	}
	if step, widest, ok := differences(list); ok && (widest < width || widest == 0) {
		w.deltas(list, step, widest)
		return
	}
	code := codeOf(width)
	w.header(1, code, len(list))
	w.pack(list, widthOf(code), w.signed)
}

// differences are the first difference of numbers and the bits that the further ones need, 0 if they are all the same;
// not ok are those of several signs, or of more than 62 bits.
func differences(list []int64) (first int64, widest int, ok bool) {
	if len(list) < 3 {
		return 0, 0, false
	}
	first, equal := list[1]-list[0], true
	for i := 1; i < len(list); i++ {
		a, b := list[i-1], list[i]
		d := b - a
		if (d < 0) != (b < a) || d>>62 != 0 && d>>62 != -1 || d < 0 && first >= 0 || d > 0 && first < 0 {
			return 0, 0, false
		}
		equal = equal && d == first
		if i > 1 {
			widest = max(widest, bits.Len64(uint64(max(d, -d))))
		}
	}
	if equal {
		return first, 0, true
	}
	return first, max(widest, 2), true // 1 bit cannot be said: its code says that all are the same
}

func (w *integerWriter) deltas(list []int64, first int64, widest int) {
	if widest == 0 {
		w.header(3, 0, len(list))
		w.varint(w.plain(list[0]))
		w.varint(zigzag(first))
		return
	}
	code := codeOf(widest)
	w.header(3, code, len(list))
	w.varint(w.plain(list[0]))
	w.varint(zigzag(first))
	sizes := make([]int64, 0, maxRun)
	for i := 2; i < len(list); i++ {
		d := list[i] - list[i-1]
		sizes = append(sizes, max(d, -d))
	}
	w.pack(sizes, widthOf(code), false)
}

// pack writes numbers of width bits, those with a sign by zigzag, the highest bit first, to whole bytes.
func (w *integerWriter) pack(list []int64, width int, signed bool) {
	b, bits, n := w.packed[:0], uint64(0), 0 // the last n of bits, fewer than 8, are not in b
	low := min(width, 32)
	for _, v := range list {
		u := uint64(v)
		if signed {
			u = zigzag(v)
		}
		if width > 32 {
			bits, n = bits<<(width-32)|u>>32&(1<<(width-32)-1), n+width-32
			for ; n >= 8; n -= 8 {
				b = append(b, byte(bits>>(n-8)))
			}
		}
		bits, n = bits<<low|u&(1<<low-1), n+low
		for ; n >= 8; n -= 8 {
			b = append(b, byte(bits>>(n-8)))
		}
	}
	if n > 0 {
		b = append(b, byte(bits<<(8-n)))
	}
	w.out.Append(b)
	w.packed = b
}
