package orc

import (
	"math/bits"

	"github.com/skepdata/skep/internal/orcfile"
)

// byteRuns decodes run lengths of bytes.
type byteRuns struct {
	in      *stream
	left    int  // bytes of the run
	literal bool // that follow, instead of one that is repeated
	value   byte
}

func (r *byteRuns) next() (byte, error) {
	if r.left == 0 {
		h, err := r.in.ReadByte()
		if err != nil {
			return 0, err
		}
		if r.literal = h >= 0x80; r.literal {
			r.left = 256 - int(h)
		} else {
			r.left = int(h) + 3
			if r.value, err = r.in.ReadByte(); err != nil {
				return 0, err
			}
		}
	}
	r.left--
	if r.literal {
		return r.in.ReadByte()
	}
	return r.value, nil
}

// bitRuns decodes booleans: runs of bytes, of eight each, the first in the highest bit.
type bitRuns struct {
	runs byteRuns
	now  byte
	left int
}

// fill reads as many as dst has room for, and counts those that are true.
func (b *bitRuns) fill(dst []bool) (trues int, err error) {
	for i := 0; i < len(dst); {
		if b.left == 0 {
			if b.now, err = b.runs.next(); err != nil {
				return 0, err
			}
			b.left = 8
		}
		n := min(b.left, len(dst)-i)
		for k := range n {
			dst[i+k] = b.now>>(b.left-1-k)&1 == 1
		}
		b.left -= n
		trues += bits.OnesCount8(b.now >> b.left & (1<<n - 1))
		i += n
	}
	return trues, nil
}

// integers decodes run lengths of integers, of either version.
type integers interface {
	// next fills dst.
	next(dst []int64) error
}

func newIntegers(in *stream, e encoding, signed bool) integers {
	if e.kind == encodingDirectV2 || e.kind == encodingDictionaryV2 {
		return &runsV2{in: in, signed: signed}
	}
	return &runsV1{in: in, signed: signed}
}

// runsV1 decodes version 1: numbers as varints, and runs that grow by a delta.
type runsV1 struct {
	in      *stream
	signed  bool
	left    int
	literal bool
	value   int64
	delta   int64
}

func (r *runsV1) next(dst []int64) (err error) {
	for i := range dst {
		if r.left == 0 {
			if err := r.header(); err != nil {
				return err
			}
		}
		r.left--
		if r.literal {
			if dst[i], err = r.in.integer(r.signed); err != nil {
				return err
			}
			continue
		}
		dst[i] = r.value
		r.value += r.delta
	}
	return nil
}

func (r *runsV1) header() error {
	h, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	if r.literal = h >= 0x80; r.literal {
		r.left = 256 - int(h)
		return nil
	}
	r.left = int(h) + 3
	delta, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	r.delta = int64(int8(delta))
	r.value, err = r.in.integer(r.signed)
	return err
}

// maxRun is the longest run of version 2.
const maxRun = 512

// runsV2 decodes version 2: four kinds of runs of up to maxRun numbers.
type runsV2 struct {
	in     *stream
	signed bool
	run    [maxRun]int64
	rest   []int64
	packed []byte
}

func (r *runsV2) next(dst []int64) error {
	for len(dst) > 0 {
		if len(r.rest) == 0 {
			if err := r.read(); err != nil {
				return err
			}
		}
		n := copy(dst, r.rest)
		dst, r.rest = dst[n:], r.rest[n:]
	}
	return nil
}

func (r *runsV2) read() error {
	h, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	if h>>6 == 0 {
		return r.repeat(h)
	}
	second, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	width, n := int(h>>1&31), int(h&1)<<8|int(second)
	switch h >> 6 {
	case 1:
		return r.direct(widthOf(width), n+1)
	case 2:
		return r.patched(widthOf(width), n+1)
	}
	return r.delta(width, n+1)
}

// widthOf is the number of bits that a code of five bits stands for.
func widthOf(code int) int {
	if code < 24 {
		return code + 1
	}
	return [...]int{26, 28, 30, 32, 40, 48, 56, 64}[code-24]
}

// codeOf is the code of the least width that has room for n bits.
func codeOf(n int) int {
	for code := max(min(n, 24), 1) - 1; ; code++ {
		if widthOf(code) >= n {
			return code
		}
	}
}

func (r *runsV2) signedValue(v uint64) int64 {
	if r.signed {
		return unzigzag(v)
	}
	return int64(v)
}

// repeat is one number several times.
func (r *runsV2) repeat(h byte) error {
	v, err := r.bigEndian(int(h>>3&7) + 1)
	if err != nil {
		return err
	}
	n := int(h&7) + 3
	for i := range n {
		r.run[i] = r.signedValue(v)
	}
	r.rest = r.run[:n]
	return nil
}

func (r *runsV2) bigEndian(bytes int) (v uint64, err error) {
	for range bytes {
		b, err := r.in.ReadByte()
		if err != nil {
			return 0, err
		}
		v = v<<8 | uint64(b)
	}
	return v, nil
}

// direct is n numbers of width bits.
func (r *runsV2) direct(width, n int) error {
	if err := r.unpack(r.run[:n], width); err != nil {
		return err
	}
	if r.signed {
		for i, v := range r.run[:n] {
			r.run[i] = unzigzag(uint64(v))
		}
	}
	r.rest = r.run[:n]
	return nil
}

// unpack reads numbers of width bits, the highest bit first; they begin and end at whole bytes.
func (r *runsV2) unpack(dst []int64, width int) error {
	size := (len(dst)*width + 7) / 8
	if cap(r.packed) < size {
		r.packed = make([]byte, max(size, maxRun*8))
	}
	b := r.packed[:size]
	if err := r.in.full(b); err != nil {
		return err
	}
	if width%8 == 0 {
		for i := range dst {
			var v uint64
			for _, c := range b[:width/8] {
				v = v<<8 | uint64(c)
			}
			dst[i], b = int64(v), b[width/8:]
		}
		return nil
	}
	var have uint64 // bits that are read and not used yet, of which there are left; fewer than 8
	left := 0
	for i := range dst {
		v, want := have, width-left
		for want > 8 {
			v, b = v<<8|uint64(b[0]), b[1:]
			want -= 8
		}
		if want <= 0 {
			left = -want
			dst[i] = int64(v >> left)
		} else {
			left = 8 - want
			dst[i] = int64(v<<want | uint64(b[0])>>left)
			v, b = uint64(b[0]), b[1:]
		}
		have = v & (1<<left - 1)
	}
	return nil
}

// patched is n numbers of few bits above a base, and a list of the higher bits of those that need more.
func (r *runsV2) patched(width, n int) error {
	third, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	fourth, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	baseBytes, patchWidth := int(third>>5)+1, widthOf(int(third&31))
	gapWidth, patches := int(fourth>>5)+1, int(fourth&31)
	v, err := r.bigEndian(baseBytes)
	if err != nil {
		return err
	}
	base, sign := int64(v), uint64(1)<<(8*baseBytes-1)
	if v&sign != 0 {
		base = -int64(v &^ sign)
	}
	if err := r.unpack(r.run[:n], width); err != nil {
		return err
	}
	var list [32]int64
	if patchWidth+gapWidth > 64 {
		return orcfile.Malformed("a patch of %d bits", patchWidth+gapWidth)
	}
	if err := r.unpack(list[:patches], widthOf(codeOf(patchWidth+gapWidth))); err != nil {
		return err
	}
	at := 0
	for _, p := range list[:patches] {
		at += int(uint64(p) >> patchWidth)
		if at >= n {
			return orcfile.Malformed("a patch for number %d of %d", at, n)
		}
		r.run[at] |= (p & (1<<patchWidth - 1)) << width
	}
	for i := range n {
		r.run[i] += base
	}
	r.rest = r.run[:n]
	return nil
}

// delta is a number, the difference to the next, and how large the further ones are, which have the sign of the first.
func (r *runsV2) delta(code, n int) error {
	base, err := r.in.integer(r.signed)
	if err != nil {
		return err
	}
	first, err := r.in.integer(true)
	if err != nil {
		return err
	}
	r.run[0] = base
	if code == 0 {
		for i := 1; i < n; i++ {
			base += first
			r.run[i] = base
		}
		r.rest = r.run[:n]
		return nil
	}
	if n > 1 {
		base += first
		r.run[1] = base
	}
	if n > 2 {
		if err := r.unpack(r.run[2:n], widthOf(code)); err != nil {
			return err
		}
	}
	for i := 2; i < n; i++ {
		if first < 0 {
			base -= r.run[i]
		} else {
			base += r.run[i]
		}
		r.run[i] = base
	}
	r.rest = r.run[:n]
	return nil
}
