package formats

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// lazyOptions are what the parameters of LazySimpleSerDe and MultiDelimitSerDe mean.
type lazyOptions struct {
	delim      []byte // between fields; more than one byte only for MultiDelimitSerDe
	separators []byte // by level: fields, elements, keys of maps, and so on inwards
	nullText   []byte
	escaped    bool
	escape     byte
	escapeCRLF bool
	takesRest  bool // whether the last column has all separators that are left
}

func newLazyOptions(spec *Spec) (lazyOptions, error) {
	o := lazyOptions{nullText: []byte(`\N`)}
	if text, ok := spec.lookUp("serialization.null.format"); ok {
		o.nullText = []byte(text)
	}
	o.separators = append(o.separators,
		spec.byteOf("field.delim", spec.byteOf("serialization.format", 1)),
		spec.byteOf("collection.delim", spec.byteOf("colelction.delim", 2)), // Hive 2 misspelt it
		spec.byteOf("mapkey.delim", 3))
	o.separators = append(o.separators, 4, 5, 6, 7, 8)
	all := strings.EqualFold(spec.param("hive.serialization.extend.additional.nesting.levels"), "true")
	if all || strings.EqualFold(spec.param("hive.serialization.extend.nesting.levels"), "true") {
		o.separators = append(o.separators, 11, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29)
	}
	if all {
		o.separators = append(o.separators, 30, 31)
		for b := 128; b <= 255; b++ {
			o.separators = append(o.separators, byte(b))
		}
	}
	if _, ok := spec.lookUp("escape.delim"); ok {
		o.escaped, o.escape = true, spec.byteOf("escape.delim", '\\')
	}
	o.escapeCRLF = strings.EqualFold(spec.param("serialization.escape.crlf"), "true")
	o.takesRest = strings.EqualFold(spec.param("serialization.last.column.takes.rest"), "true")
	o.delim = o.separators[:1]
	if spec.Kind == MultiDelimit {
		o.delim = []byte(spec.param("field.delim"))
		if len(o.delim) == 0 {
			return o, errors.New("a table of MultiDelimitSerDe needs the SerDe property field.delim")
		}
	}
	return o, nil
}

// separator is the separator of a level. Hive has no more than these.
func (o *lazyOptions) separator(level int) byte {
	return o.separators[min(level, len(o.separators)-1)]
}

// lazyRow reads the rows of LazySimpleSerDe.
type lazyRow struct {
	lazyOptions
	batch   *batch
	needed  int      // fields to look at: up to the last one in the projection
	fields  [][]byte // of the current line; nil where the line has ended
	scratch []byte
}

func newLazyRow(options lazyOptions, b *batch) *lazyRow {
	r := &lazyRow{lazyOptions: options, batch: b}
	for _, p := range b.projection {
		r.needed = max(r.needed, p+1)
	}
	r.fields = make([][]byte, r.needed)
	return r
}

func (r *lazyRow) read(line []byte) error {
	r.split(line)
	for i, p := range r.batch.projection {
		c := r.batch.columns[i]
		if field := r.fields[p]; field == nil || bytes.Equal(field, r.nullText) {
			c.null()
		} else {
			r.value(c, field, 1)
		}
	}
	return nil
}

// split finds the fields of the line as far as they are needed.
func (r *lazyRow) split(line []byte) {
	rest, more := line, true
	for i := range r.fields {
		if !more {
			r.fields[i] = nil
			continue
		}
		if r.takesRest && i == len(r.batch.fields)-1 {
			r.fields[i] = rest
			continue
		}
		if len(r.delim) == 1 {
			r.fields[i], rest, more = r.cut(rest, r.delim[0])
		} else {
			r.fields[i], rest, more = bytes.Cut(rest, r.delim) // escapes do not matter here
		}
	}
}

// cut is bytes.Cut at a separator that is not escaped. What is before is never nil.
func (r *lazyRow) cut(b []byte, sep byte) (before, after []byte, found bool) {
	if b == nil {
		b = []byte{}
	}
	if !r.escaped {
		if i := bytes.IndexByte(b, sep); i >= 0 {
			return b[:i:i], b[i+1:], true
		}
		return b, nil, false
	}
	for i := 0; i < len(b); i++ {
		if b[i] == sep {
			return b[:i:i], b[i+1:], true
		}
		if b[i] == r.escape {
			i++
		}
	}
	return b, nil, false
}

// value appends a value that is not NULL; level is that of the separators inside it.
func (r *lazyRow) value(c *column, text []byte, level int) {
	switch {
	case c.list != nil:
		c.list.Append(true)
		if len(text) == 0 {
			return
		}
		for elem, rest, more := r.cut(text, r.separator(level)); ; elem, rest, more = r.cut(rest, r.separator(level)) {
			r.nested(c.below[0], elem, level+1)
			if !more {
				return
			}
		}
	case c.dict != nil:
		r.dict(c, text, level)
	case c.union:
		r.union(c, text, level)
	case c.record != nil:
		c.record.Append(true)
		rest, more := text, true
		for _, f := range c.below {
			if !more {
				f.null()
				continue
			}
			var field []byte
			field, rest, more = r.cut(rest, r.separator(level))
			r.nested(f, field, level+1)
		}
	case c.isText && r.escaped:
		c.set(r.unescape(text))
	default:
		c.set(text)
	}
}

// union reads a number, and behind a separator the value of the type that it stands for.
func (r *lazyRow) union(c *column, text []byte, level int) {
	number, rest, more := r.cut(text, r.separator(level))
	tag, err := strconv.Atoi(string(number))
	if err != nil || !more || tag < 0 || tag >= len(c.below)-1 {
		c.null()
		return
	}
	c.record.Append(true)
	c.below[0].set(number)
	for i, f := range c.below[1:] {
		if i == tag {
			r.nested(f, rest, level+1)
		} else {
			f.null()
		}
	}
}

func (r *lazyRow) nested(c *column, text []byte, level int) {
	if bytes.Equal(text, r.nullText) {
		c.null()
	} else {
		r.value(c, text, level)
	}
}

// dict reads a map. Entries without a key are left out, and so are later ones with a key that
// was there already.
func (r *lazyRow) dict(c *column, text []byte, level int) {
	c.dict.Append(true)
	var seen keySet
	for rest, more := text, len(text) > 0; more; {
		var entry []byte
		entry, rest, more = r.cut(rest, r.separator(level))
		key, value, assigned := r.cut(entry, r.separator(level+1))
		if bytes.Equal(key, r.nullText) {
			continue
		}
		if _, fresh := seen.add(key); !fresh || !r.key(c.below[0], key) {
			continue
		}
		if assigned {
			r.nested(c.below[1], value, level+2)
		} else {
			c.below[1].null()
		}
	}
}

// key appends the key of a map, and is false for what is none.
func (r *lazyRow) key(c *column, text []byte) bool {
	if c.text == nil {
		return false
	}
	if c.isText && r.escaped {
		text = r.unescape(text)
	}
	return c.text(text)
}

// unescape drops escape characters; \r and \n become what they stand for.
func (r *lazyRow) unescape(text []byte) []byte {
	i := bytes.IndexByte(text, r.escape)
	if i < 0 {
		return text
	}
	out := append(r.scratch[:0], text[:i]...)
	for ; i < len(text); i++ {
		b := text[i]
		if b == r.escape && i+1 < len(text) {
			i++
			switch b = text[i]; b {
			case 'r':
				b = '\r'
			case 'n':
				b = '\n'
			}
		}
		out = append(out, b)
	}
	r.scratch = out
	return out
}

// CheckNesting refuses columns of LazySimpleSerDe that are nested deeper than it has separators: their values could not be
// told apart again.
func (s *Spec) CheckNesting(fields []Field) error {
	if s.Kind != LazySimple && s.Kind != MultiDelimit {
		return nil
	}
	o, err := newLazyOptions(s)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if level := deepest(f.Type, 1); level >= len(o.separators) {
			return fmt.Errorf("column %s: Number of levels of nesting supported for LazySimpleSerde is %d Unable to work with level %d: "+ //nolint:staticcheck // the words are Hive's
				"Use hive.serialization.extend.nesting.levels serde property for tables using LazySimpleSerde.", f.Name, len(o.separators)-1, level)
		}
	}
	return nil
}

// deepest is the number of the last separator that a type on a level needs.
func deepest(t hivetype.Type, level int) int {
	last := level
	below := func(t hivetype.Type, level int) { last = max(last, deepest(t, level)) }
	switch t.Kind {
	case hivetype.Array:
		below(*t.Elem, level+1)
	case hivetype.Map:
		last = level + 1
		below(*t.Key, level+2)
		below(*t.Elem, level+2)
	case hivetype.Struct, hivetype.Union:
		for _, f := range t.Fields {
			below(f.Type, level+1)
		}
	default:
		return level - 1
	}
	return last
}
