package orcfile

import "fmt"

// ahead is how much of a file's end is read at once, in the hope that it has all of the footer.
const ahead = 64 << 10

// Tail is what a file says at its end.
type Tail struct {
	Postscript
	Footer *Footer
	// MetadataStart is where the statistics of the stripes begin, and Start where the footer does.
	MetadataStart, Start int64
}

// ReadAt reads all of p from a file, beginning with the byte numbered off; less is an error.
type ReadAt func(p []byte, off int64) error

// Read reads postscript and footer of a file of size bytes.
func Read(read ReadAt, size int64) (*Tail, error) {
	if size < int64(len(Magic))+1 {
		return nil, Malformed("it has %d bytes", size)
	}
	end := make([]byte, min(size, ahead))
	if err := read(end, size-int64(len(end))); err != nil {
		return nil, err
	}
	n := int(end[len(end)-1])
	if n+1 > len(end) {
		return nil, Malformed("its postscript is longer than the file")
	}
	t := &Tail{}
	var err error
	if t.Postscript, err = parsePostscript(end[len(end)-1-n : len(end)-1]); err != nil {
		return nil, fmt.Errorf("postscript: %w", err)
	}
	length := t.FooterSize
	whole := length + int64(n) + 1
	if whole+t.MetadataSize > size {
		return nil, Malformed("its footer is longer than the file")
	}
	t.Start = size - whole
	t.MetadataStart = t.Start - t.MetadataSize
	if whole > int64(len(end)) {
		end = make([]byte, whole)
		if err := read(end, t.Start); err != nil {
			return nil, err
		}
	}
	end = end[int64(len(end))-whole:]
	plain, err := Unpack(end[:length], t.Codec, t.Block)
	if err != nil {
		return nil, fmt.Errorf("footer: %w", err)
	}
	if t.Footer, err = parseFooter(plain); err != nil {
		return nil, err
	}
	for i, s := range t.Footer.Stripes {
		if s.Size() > size || s.Offset > size-s.Size() {
			return nil, Malformed("stripe %d lies behind the end of the file", i)
		}
	}
	return t, nil
}

// StripeStatistics reads the statistics of the stripes: of each a message for every column. They may be fewer than the
// stripes.
func (t *Tail) StripeStatistics(read ReadAt) ([][][]byte, error) {
	all, err := t.EncodedStatistics(read)
	if err != nil {
		return nil, err
	}
	list := make([][][]byte, len(all))
	for i, m := range all {
		err := Fields(m, func(c Field) error {
			if c.Number == 1 && len(list[i]) < len(t.Footer.Types) {
				list[i] = append(list[i], c.Bytes)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("statistics: %w", err)
		}
	}
	return list, nil
}

// EncodedStatistics reads the same, of each stripe as one message.
func (t *Tail) EncodedStatistics(read ReadAt) ([][]byte, error) {
	if t.MetadataSize == 0 {
		return nil, nil
	}
	packed := make([]byte, t.MetadataSize)
	if err := read(packed, t.MetadataStart); err != nil {
		return nil, err
	}
	plain, err := Unpack(packed, t.Codec, t.Block)
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	var all [][]byte
	err = Fields(plain, func(m Field) error {
		if m.Number == 1 && len(all) < len(t.Footer.Stripes) {
			all = append(all, m.Bytes)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("statistics: %w", err)
	}
	return all, nil
}

// AppendEnd appends to b what follows the stripes of a file, which end at a byte: their statistics, which Chunks have packed,
// the footer, and the postscript, whose lengths are set here.
func AppendEnd(b []byte, at int64, p Postscript, f *Footer, statistics []byte, encode *Encoder) ([]byte, error) {
	c := &Chunks{Encode: encode, Size: p.Block}
	c.Append(f.encoded(at))
	footer, err := c.Take()
	if err != nil {
		return nil, err
	}
	if n := max(len(footer), len(statistics)); n > MaxTail {
		return nil, fmt.Errorf("the footer, or the statistics, have %d bytes, more than readers take", n)
	}
	b = append(append(b, statistics...), footer...)
	p.FooterSize, p.MetadataSize = int64(len(footer)), int64(len(statistics))
	post := p.encoded()
	return append(append(b, post...), byte(len(post))), nil
}

func (p Postscript) encoded() Message {
	version := make([]uint64, len(p.Version))
	for i, v := range p.Version {
		version[i] = uint64(v)
	}
	return Message(nil).Number(1, uint64(p.FooterSize)).Number(2, uint64(p.Codec)).Number(3, uint64(p.Block)).
		Packed(4, version...).Number(5, uint64(p.MetadataSize)).Number(6, p.WriterVersion).Bytes(8000, []byte(Magic))
}

// encoded is the message of a footer of a file whose stripes end at a byte.
func (f *Footer) encoded(at int64) Message {
	m := Message(nil).Number(1, uint64(len(Magic))).Number(2, uint64(at))
	for i := range f.Stripes {
		m = m.Bytes(3, f.Stripes[i].encoded())
	}
	for i := range f.Types {
		m = m.Bytes(4, f.Types[i].encoded())
	}
	for _, p := range f.Metadata {
		m = m.Bytes(5, p.encoded())
	}
	m = m.Number(6, uint64(f.Rows))
	for _, s := range f.Statistics {
		m = m.Bytes(7, s)
	}
	m = m.Number(8, f.Stride)
	if f.Writer != 0 {
		m = m.Number(9, f.Writer)
	}
	if f.Calendar != 0 {
		m = m.Number(11, f.Calendar)
	}
	if f.Software != "" {
		m = m.Bytes(12, []byte(f.Software))
	}
	return append(m, f.Others...)
}
