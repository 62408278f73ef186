package formats

import (
	"bytes"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// csvOptions are what the parameters of OpenCSVSerde mean.
type csvOptions struct {
	separator, quote, escape byte
}

// newCSVOptions takes the defaults of the OpenCSV library, in which the reader and the writer
// do not escape alike.
func newCSVOptions(spec *Spec, escape byte) csvOptions {
	o := csvOptions{separator: ',', quote: '"', escape: escape}
	for key, b := range map[string]*byte{"separatorChar": &o.separator, "quoteChar": &o.quote, "escapeChar": &o.escape} {
		if text := spec.param(key); text != "" {
			*b = text[0]
		}
	}
	return o
}

// csvRow reads the rows of OpenCSVSerde. A quoted field ends with its line.
type csvRow struct {
	csvOptions
	batch  *batch
	needed int
	text   []byte // of the fields, one behind the other
	ends   []int  // of the fields in text
}

func newCSVRow(spec *Spec, b *batch) *csvRow {
	r := &csvRow{csvOptions: newCSVOptions(spec, '\\'), batch: b}
	if r.escape == '"' {
		r.escape = '\\' // what OpenCSV makes of the default escape of its writer
	}
	for _, p := range b.projection {
		r.needed = max(r.needed, p+1)
	}
	return r
}

func (r *csvRow) read(line []byte) error {
	r.text, r.ends = r.text[:0], r.ends[:0]
	if len(line) > 0 && r.needed > 0 {
		r.split(line)
	}
	for i, p := range r.batch.projection {
		c := r.batch.columns[i]
		if p >= len(r.ends) || c.text == nil {
			c.null()
			continue
		}
		start := 0
		if p > 0 {
			start = r.ends[p-1]
		}
		c.set(r.text[start:r.ends[p]])
	}
	return nil
}

// split finds the fields of the line. A field whose quote is not closed is lost, and so is
// what stands behind it.
func (r *csvRow) split(line []byte) {
	inQuotes := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		next := byte(0)
		if i+1 < len(line) {
			next = line[i+1]
		}
		switch {
		case c == r.escape && c != r.quote:
			// Outside of quotes, and in front of other characters, it just vanishes.
			if inQuotes && i+1 < len(line) && (next == r.quote || next == r.escape) {
				r.text = append(r.text, next)
				i++
			}
		case c == r.quote:
			if inQuotes && i+1 < len(line) && next == r.quote {
				r.text = append(r.text, next)
				i++
				continue
			}
			r.strayQuote(line, i)
			inQuotes = !inQuotes
		case c == r.separator && !inQuotes:
			r.ends = append(r.ends, len(r.text))
			if len(r.ends) == r.needed {
				return
			}
		default:
			r.text = append(r.text, c)
		}
	}
	if !inQuotes {
		r.ends = append(r.ends, len(r.text))
	}
}

// strayQuote keeps a quote in the middle of a field as part of it, and forgets blanks in front
// of a field's quote.
func (r *csvRow) strayQuote(line []byte, i int) {
	if i <= 2 || line[i-1] == r.separator || i+1 >= len(line) || line[i+1] == r.separator {
		return
	}
	start := 0
	if n := len(r.ends); n > 0 {
		start = r.ends[n-1]
	}
	if field := r.text[start:]; len(field) > 0 && len(bytes.TrimSpace(field)) == 0 {
		r.text = r.text[:start]
		return
	}
	r.text = append(r.text, r.quote)
}

// csvFormat writes the rows of OpenCSVSerde.
type csvFormat struct {
	csvOptions
	all     bool // quote every field but NULL
	scratch []byte
}

func newCSVFormat(spec *Spec) *csvFormat {
	return &csvFormat{csvOptions: newCSVOptions(spec, '"'), all: !strings.EqualFold(spec.param("applyQuotesToAll"), "false")}
}

func (f *csvFormat) write(dst []byte, fields []Field, row []hivetype.Value) ([]byte, error) {
	for i, v := range row {
		if i > 0 {
			dst = append(dst, f.separator)
		}
		if v == nil {
			continue
		}
		f.scratch = hivetype.AppendText(f.scratch[:0], v, fields[i].Type)
		dst = f.field(dst, f.scratch)
	}
	return dst, nil
}

func (f *csvFormat) field(dst, text []byte) []byte {
	special := func(c byte) bool {
		return c == f.quote || c == f.escape || c == f.separator || c == '\n' || c == '\r'
	}
	plain := !f.all
	for _, c := range text {
		plain = plain && !special(c)
	}
	if plain {
		return append(dst, text...)
	}
	dst = append(dst, f.quote)
	for _, c := range text {
		if c == f.quote || c == f.escape {
			dst = append(dst, f.escape)
		}
		dst = append(dst, c)
	}
	return append(dst, f.quote)
}
