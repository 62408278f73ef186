package orc

import (
	"fmt"
	"io"
	"time"
)

// File is an ORC file whose end has been read. It is for one goroutine at a time.
type File struct {
	Root    *Type // of the rows, a struct in most files
	Rows    int64
	Stripes []StripeInfo

	r     io.ReaderAt
	size  int64
	codec codec
	types int
	// Julian says that dates before 1582-10-15 are of the calendar of that time, as Java writes them
	// where the file does not say otherwise.
	Julian bool
}

// endBytes is how much of the end of a file is read at first.
const endBytes = 16 << 10

// Open reads what a file says of itself.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	tail, err := f.bytes(max(size-endBytes, 0), min(size, endBytes))
	if err != nil {
		return nil, err
	}
	if len(tail) < 4 {
		return nil, errDamaged
	}
	end := len(tail) - 1
	at := end - int(tail[end])
	if at < 0 {
		return nil, errDamaged
	}
	post, err := parsePostscript(tail[at:end])
	if err != nil {
		return nil, err
	}
	f.codec.kind = post.compression
	behind := int64(len(tail) - at)
	if post.footer > uint64(size-behind) {
		return nil, errDamaged
	}
	n := int64(post.footer)
	footer := tail[:at]
	if n > int64(at) {
		if footer, err = f.bytes(size-behind-n, n); err != nil {
			return nil, err
		}
	} else {
		footer = footer[int64(at)-n:]
	}
	if footer, err = f.codec.plain(footer); err != nil {
		return nil, err
	}
	return f, f.parse(footer)
}

func (f *File) parse(footer []byte) error {
	var flat []flatType
	calendar, writer := uint64(0), uint64(0)
	err := message(footer, func(number int, n uint64, body []byte) error {
		switch number {
		case 3:
			s, err := parseStripe(body)
			f.Stripes = append(f.Stripes, s)
			return err
		case 4:
			t, err := parseType(body)
			flat = append(flat, t)
			return err
		case 6:
			f.Rows = int64(n)
		case 9:
			writer = n
		case 10:
			return fmt.Errorf("an encrypted ORC file is %w yet", ErrUnsupported)
		case 11:
			calendar = n
		}
		return nil
	})
	if err != nil {
		return err
	}
	const fromC, proleptic = 1, 2
	f.Julian = calendar != proleptic && (calendar != 0 || writer != fromC)
	f.types = len(flat)
	f.Root, err = link(flat)
	return err
}

// bytes reads a part of the file.
func (f *File) bytes(from, n int64) ([]byte, error) {
	if from < 0 || n < 0 || from > f.size-n || n > maxBytes {
		return nil, errDamaged
	}
	b := make([]byte, n)
	_, err := io.ReadFull(io.NewSectionReader(f.r, from, n), b)
	return b, err
}

// Stripe is a stripe that is being read.
type Stripe struct {
	Rows int64
	left int64
	root *decoder
}

// Stripe begins to read a stripe: of each type that want is true for, and those above it; the bytes
// of these columns are in memory until the stripe is done with.
func (f *File) Stripe(i int, want func(*Type) bool) (*Stripe, error) {
	info := f.Stripes[i]
	b, err := f.bytes(info.Offset+info.Index+info.Data, info.Footer)
	if err != nil {
		return nil, err
	}
	if b, err = f.codec.plain(b); err != nil {
		return nil, err
	}
	footer, err := parseStripeFooter(b, info.Offset)
	if err != nil {
		return nil, err
	}
	if len(footer.encodings) < f.types {
		return nil, errDamaged
	}
	zone := time.UTC
	if footer.zone != "" {
		if zone, err = time.LoadLocation(footer.zone); err != nil {
			return nil, fmt.Errorf("the time zone %s of a stripe is not known", footer.zone)
		}
	}
	p := &stripeParts{file: f, footer: footer, streams: map[[2]int][]byte{}, zone: zone}
	if err := p.fetch(f.Root, want); err != nil {
		return nil, err
	}
	root, err := p.decoder(f.Root, want)
	return &Stripe{Rows: info.Rows, left: info.Rows, root: root}, err
}

// Read reads the next n rows, of which there have to be so many. Columns that are not wanted are nil.
func (s *Stripe) Read(n int) (*Vector, error) {
	if int64(n) > s.left {
		return nil, io.EOF
	}
	s.left -= int64(n)
	return s.root.read(n)
}

// stripeParts are the streams of a stripe.
type stripeParts struct {
	file    *File
	footer  stripeFooter
	streams map[[2]int][]byte // by column and kind, without compression
	zone    *time.Location
}

// fetch reads the streams of wanted columns, those that lie one behind the other at once.
func (p *stripeParts) fetch(root *Type, want func(*Type) bool) error {
	wanted := map[int]bool{}
	var mark func(*Type) bool
	mark = func(t *Type) bool {
		any := want(t)
		for _, b := range t.Below {
			any = mark(b) || any
		}
		wanted[t.ID] = any
		return any
	}
	mark(root)
	wanted[root.ID] = true
	var list []stream
	for _, s := range p.footer.streams {
		if s.kind <= secondaryStream && wanted[s.column] {
			list = append(list, s)
		}
	}
	for len(list) > 0 {
		n, end := 1, list[0].offset+list[0].length
		for n < len(list) && list[n].offset == end {
			end += list[n].length
			n++
		}
		b, err := p.file.bytes(list[0].offset, end-list[0].offset)
		if err != nil {
			return err
		}
		for _, s := range list[:n] {
			at := s.offset - list[0].offset
			plain, err := p.file.codec.plain(b[at : at+s.length])
			if err != nil {
				return fmt.Errorf("column %d: %w", s.column, err)
			}
			p.streams[[2]int{s.column, s.kind}] = plain
		}
		list = list[n:]
	}
	return nil
}
