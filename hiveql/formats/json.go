package formats

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// jsonRow reads the rows of JsonSerDe: an object a line, whose keys are columns in any case.
// Columns that are missing are NULL, other keys are passed over; of equal keys the last counts.
// A blank line is a row of NULLs.
type jsonRow struct {
	batch   *batch
	names   map[string]int // position in the projection
	ranges  [][2]int       // of the values of the projected columns in the line
	guesses []guess
	scratch []byte
	lenient bool
}

// guess is a key of the line before, and where its value went; -1 is nowhere. Lines mostly
// have the same keys in the same order, so that few names must be looked up.
type guess struct {
	key   string
	place int
}

func newJSONRow(spec *Spec, b *batch) *jsonRow {
	r := &jsonRow{batch: b, names: map[string]int{}, ranges: make([][2]int, len(b.projection))}
	for i, p := range b.projection {
		r.names[lower(b.fields[p].Name)] = i
	}
	r.lenient = strings.EqualFold(spec.param("ignore.malformed.json"), "true")
	return r
}

// lower is the name in lower case; names in lower case already cost nothing.
func lower(name string) string { return strings.ToLower(name) }

func (r *jsonRow) read(line []byte) error {
	clear(r.ranges)
	if err := r.locate(line); err != nil {
		if !r.lenient {
			return fmt.Errorf("%w; where the table has 'ignore.malformed.json'='true' such a line is a row of NULLs", err)
		}
		clear(r.ranges)
	}
	for i, c := range r.batch.columns {
		r.value(c, line, r.ranges[i])
	}
	return nil
}

// locate finds where the values of the columns are, and checks the whole line.
func (r *jsonRow) locate(line []byte) error {
	if len(bytes.TrimSpace(line)) == 0 {
		return nil
	}
	s := &jsonScanner{b: line}
	s.space()
	if s.peek() != '{' {
		return s.fail("expected a JSON object")
	}
	if err := r.object(s, r.column, r.ranges); err != nil {
		return err
	}
	s.space()
	if s.i < len(line) {
		return s.fail("expected the end of the line behind the object")
	}
	return nil
}

// object reads an object and notes where the values of the named keys are.
func (r *jsonRow) object(s *jsonScanner, place func(n int, key []byte) int, ranges [][2]int) error {
	n := 0
	return s.object(func(key []byte) error {
		i := place(n, key)
		n++
		s.space()
		start := s.i
		if err := s.skip(); err != nil {
			return err
		}
		if i >= 0 {
			ranges[i] = [2]int{start, s.i}
		}
		return nil
	})
}

// column is the place of the nth key of a line.
func (r *jsonRow) column(n int, key []byte) int {
	if n < len(r.guesses) && r.guesses[n].key == string(key) {
		return r.guesses[n].place
	}
	g := guess{string(key), named(r.names, key)}
	switch {
	case n < len(r.guesses):
		r.guesses[n] = g
	case n < maxGuesses:
		r.guesses = append(r.guesses, g)
	}
	return g.place
}

const maxGuesses = 1000

// named finds a key in any case, or -1.
func named(names map[string]int, key []byte) int {
	if i, ok := names[string(key)]; ok {
		return i
	}
	if i, ok := names[lower(string(key))]; ok {
		return i
	}
	return -1
}

// value appends the value at a place of the line, which locate has checked. What does not fit
// the column's type is NULL.
func (r *jsonRow) value(c *column, line []byte, at [2]int) {
	text := line[at[0]:at[1]]
	if len(text) == 0 || text[0] == 'n' {
		c.null()
		return
	}
	switch {
	case c.list != nil && text[0] == '[':
		c.list.Append(true)
		s := &jsonScanner{b: line, i: at[0]}
		_ = s.array(func() error {
			s.space()
			start := s.i
			err := s.skip()
			r.value(c.below[0], line, [2]int{start, s.i})
			return err
		})
	case c.dict != nil && text[0] == '{':
		r.dict(c, line, at)
	case c.record != nil && text[0] == '{':
		r.record(c, line, at)
	case c.text == nil:
		c.null()
	case text[0] == '"':
		r.scalar(c, r.unquote(text), true)
	default:
		r.scalar(c, text, false)
	}
}

// dict reads an object as a map. Of equal keys the last counts, at the place of the first.
func (r *jsonRow) dict(c *column, line []byte, at [2]int) {
	c.dict.Append(true)
	s := &jsonScanner{b: line, i: at[0]}
	var set keySet
	var keys [][]byte
	var values [][2]int
	_ = s.object(func(key []byte) error {
		if bytes.Equal(key, s.key) { // it lies in the scanner's buffer
			key = bytes.Clone(key)
		}
		s.space()
		start := s.i
		err := s.skip()
		i, fresh := set.add(key)
		if fresh {
			keys, values = append(keys, key), append(values, [2]int{})
		}
		values[i] = [2]int{start, s.i}
		return err
	})
	for i, key := range keys {
		if c.below[0].text != nil && c.below[0].text(key) {
			r.value(c.below[1], line, values[i])
		}
	}
}

func (r *jsonRow) record(c *column, line []byte, at [2]int) {
	c.record.Append(true)
	ranges := make([][2]int, len(c.below))
	_ = r.object(&jsonScanner{b: line, i: at[0]}, func(_ int, key []byte) int { return named(c.names, key) }, ranges)
	for i, f := range c.below {
		r.value(f, line, ranges[i])
	}
}

// unquote is the value of a JSON string that the scanner has checked.
func (r *jsonRow) unquote(text []byte) []byte {
	body := text[1 : len(text)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return body
	}
	r.scratch = appendUnescaped(r.scratch[:0], body)
	return r.scratch
}

// jsonFormat writes the rows of JsonSerDe.
type jsonFormat struct{}

func (f jsonFormat) write(dst []byte, fields []Field, row []hivetype.Value) ([]byte, error) {
	dst = append(dst, '{')
	for i, v := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(hivetype.AppendQuoted(dst, fields[i].Name), ':')
		var err error
		if dst, err = f.value(dst, v, fields[i].Type); err != nil {
			return dst, fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
	}
	return append(dst, '}'), nil
}

func (f jsonFormat) value(dst []byte, v hivetype.Value, t hivetype.Type) ([]byte, error) {
	if v == nil {
		return append(dst, "null"...), nil
	}
	var err error
	switch t.Kind {
	case hivetype.Array:
		dst = append(dst, '[')
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			if dst, err = f.value(dst, e, *t.Elem); err != nil {
				return dst, err
			}
		}
		return append(dst, ']'), nil
	case hivetype.Struct:
		dst = append(dst, '{')
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(hivetype.AppendQuoted(dst, t.Fields[i].Name), ':')
			if dst, err = f.value(dst, e, t.Fields[i].Type); err != nil {
				return dst, err
			}
		}
		return append(dst, '}'), nil
	case hivetype.Map:
		return f.dict(dst, v.([]hivetype.Entry), t)
	}
	return f.primitive(dst, v, t), nil
}

func (f jsonFormat) dict(dst []byte, entries []hivetype.Entry, t hivetype.Type) ([]byte, error) {
	if !t.Key.Primitive() {
		return dst, fmt.Errorf("a map with keys of type %s cannot be written as JSON", t.Key)
	}
	dst = append(dst, '{')
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(hivetype.AppendQuoted(dst, string(hivetype.AppendText(nil, e.Key, *t.Key))), ':')
		var err error
		if dst, err = f.value(dst, e.Value, *t.Elem); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}

func (f jsonFormat) primitive(dst []byte, v hivetype.Value, t hivetype.Type) []byte {
	switch t.Kind {
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return hivetype.AppendQuoted(dst, v.(string))
	case hivetype.Binary:
		dst = append(dst, '"')
		return append(base64.StdEncoding.AppendEncode(dst, v.([]byte)), '"')
	case hivetype.Boolean, hivetype.TinyInt, hivetype.SmallInt, hivetype.Int, hivetype.BigInt:
		return hivetype.AppendText(dst, v, t)
	case hivetype.Decimal:
		text := hivetype.AppendText(nil, v, t)
		if bytes.IndexByte(text, '.') >= 0 {
			text = bytes.TrimRight(bytes.TrimRight(text, "0"), ".")
		}
		return append(dst, text...)
	case hivetype.Float, hivetype.Double:
		text := hivetype.AppendText(nil, v, t)
		if c := text[len(text)-1]; c >= '0' && c <= '9' {
			return append(dst, text...)
		}
		return hivetype.AppendQuoted(dst, string(text)) // NaN and Infinity are no numbers in JSON
	}
	return hivetype.AppendQuoted(dst, string(hivetype.AppendText(nil, v, t)))
}
