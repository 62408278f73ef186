package formats

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/skepdata/skep/hivetype"
)

// lazyFormat writes the rows of LazySimpleSerDe.
type lazyFormat struct {
	lazyOptions
	needsEscape [256]bool
}

func newLazyFormat(options lazyOptions) *lazyFormat {
	f := &lazyFormat{lazyOptions: options}
	if f.escaped {
		f.needsEscape[f.escape] = true
		for _, b := range f.separators {
			f.needsEscape[b] = true
		}
		f.needsEscape['\r'], f.needsEscape['\n'] = f.escapeCRLF, f.escapeCRLF
	}
	return f
}

func (f *lazyFormat) write(dst []byte, fields []Field, row []hivetype.Value) ([]byte, error) {
	for i, v := range row {
		if i > 0 {
			dst = append(dst, f.delim...)
		}
		var err error
		if dst, err = f.value(dst, v, fields[i].Type, 1); err != nil {
			return dst, fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
	}
	return dst, nil
}

func (f *lazyFormat) value(dst []byte, v hivetype.Value, t hivetype.Type, level int) ([]byte, error) {
	if v == nil {
		return append(dst, f.nullText...), nil
	}
	if !t.Primitive() && level >= len(f.separators) {
		return dst, fmt.Errorf("%s nests deeper than LazySimpleSerDe has separators for", t)
	}
	var err error
	switch t.Kind {
	case hivetype.Array:
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, f.separator(level))
			}
			if dst, err = f.value(dst, e, *t.Elem, level+1); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case hivetype.Struct:
		for i, e := range v.([]any) {
			if i > 0 {
				dst = append(dst, f.separator(level))
			}
			if dst, err = f.value(dst, e, t.Fields[i].Type, level+1); err != nil {
				return dst, err
			}
		}
		return dst, nil
	case hivetype.Map:
		return f.dict(dst, v.([]hivetype.Entry), t, level)
	case hivetype.Union:
		u := v.(hivetype.Variant)
		dst = append(strconv.AppendInt(dst, int64(u.Tag), 10), f.separator(level))
		return f.value(dst, u.Value, t.Fields[u.Tag].Type, level+1)
	}
	return f.primitive(dst, v, t), nil
}

func (f *lazyFormat) dict(dst []byte, entries []hivetype.Entry, t hivetype.Type, level int) ([]byte, error) {
	for i, e := range entries {
		if i > 0 {
			dst = append(dst, f.separator(level))
		}
		var err error
		if dst, err = f.value(dst, e.Key, *t.Key, level+2); err != nil {
			return dst, err
		}
		dst = append(dst, f.separator(level+1))
		if dst, err = f.value(dst, e.Value, *t.Elem, level+2); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (f *lazyFormat) primitive(dst []byte, v hivetype.Value, t hivetype.Type) []byte {
	switch t.Kind {
	case hivetype.Binary:
		return base64.RawStdEncoding.AppendEncode(dst, v.([]byte))
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		if f.escaped {
			return f.escapeText(dst, v.(string))
		}
	}
	return hivetype.AppendText(dst, v, t)
}

func (f *lazyFormat) escapeText(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if f.needsEscape[c] {
			dst = append(dst, f.escape)
			switch c {
			case '\r':
				c = 'r'
			case '\n':
				c = 'n'
			}
		}
		dst = append(dst, c)
	}
	return dst
}
