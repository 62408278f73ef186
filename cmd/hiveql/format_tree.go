package main

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// jsonFormat prints one object a row: alone on its line, or all of them in an array.
type jsonFormat struct {
	texts
	w     *bufio.Writer
	array bool
	n     int
	keys  [][]byte
	buf   []byte
}

func newJSON(w *bufio.Writer, t texts, array bool) *jsonFormat {
	f := &jsonFormat{w: w, texts: t, array: array}
	for _, n := range t.names() {
		f.keys = append(f.keys, appendJSONString(nil, n))
	}
	return f
}

func (f *jsonFormat) begin() {
	if f.array && f.n == 0 {
		_, _ = f.w.WriteString(`{"resultset":[`)
	}
}

func (f *jsonFormat) row(values []hivetype.Value) error {
	f.begin()
	if f.array && f.n > 0 {
		_ = f.w.WriteByte(',')
	}
	f.n++
	f.buf = append(f.buf[:0], '{')
	for i, v := range values {
		if i > 0 {
			f.buf = append(f.buf, ',')
		}
		f.buf = append(append(f.buf, f.keys[i]...), ':')
		f.buf = f.value(f.buf, i, v)
	}
	f.buf = append(f.buf, '}')
	if !f.array {
		f.buf = append(f.buf, '\n')
	}
	_, err := f.w.Write(f.buf)
	return err
}

// value keeps numbers, booleans and nested values as what they are, where JSON has them.
func (f *jsonFormat) value(dst []byte, i int, v hivetype.Value) []byte {
	if v == nil {
		return append(dst, "null"...)
	}
	text := f.texts.append(nil, i, v)
	t := f.columns[i].Type
	if (t.Numeric() || t.Kind == hivetype.Boolean || !t.Primitive()) && json.Valid(text) {
		return append(dst, text...)
	}
	return appendJSONString(dst, string(text))
}

func appendJSONString(dst []byte, s string) []byte {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil { // a string is always encodable
		return append(dst, '"', '"')
	}
	return append(dst, strings.TrimSuffix(b.String(), "\n")...)
}

func (f *jsonFormat) end(whole bool) error {
	if !f.array || !whole && f.n == 0 {
		return nil
	}
	f.begin()
	_, err := f.w.WriteString("]}\n")
	return err
}

// xmlFormat prints <result> elements with the values as attributes, or as elements.
type xmlFormat struct {
	texts
	w        *bufio.Writer
	elements bool
	begun    bool
}

func (f *xmlFormat) begin() {
	if !f.begun {
		f.begun = true
		_, _ = f.w.WriteString("<resultset>\n")
	}
}

func (f *xmlFormat) row(values []hivetype.Value) error {
	f.begin()
	cells := f.strings(values)
	if !f.elements {
		_, _ = f.w.WriteString("  <result")
		for i, c := range cells {
			_, _ = f.w.WriteString(" " + xmlName(f.columns[i].Name) + `="` + escapeXML(c) + `"`)
		}
		_, err := f.w.WriteString("/>\n")
		return err
	}
	_, _ = f.w.WriteString("  <result>\n")
	for i, c := range cells {
		n := xmlName(f.columns[i].Name)
		_, _ = f.w.WriteString("    <" + n + ">" + escapeXML(c) + "</" + n + ">\n")
	}
	_, err := f.w.WriteString("  </result>\n")
	return err
}

func escapeXML(s string) string {
	var b strings.Builder
	if xml.EscapeText(&b, []byte(s)) != nil { // writing to a Builder does not fail
		return ""
	}
	return b.String()
}

// xmlName makes a column's name a name in XML: other characters become _.
func xmlName(s string) string {
	var b strings.Builder
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r > 0x7f
		other := r >= '0' && r <= '9' || r == '-' || r == '.'
		switch {
		case letter, other && i > 0:
			b.WriteRune(r)
		case other:
			b.WriteString("_" + string(r))
		default:
			b.WriteByte('_')
		}
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}

func (f *xmlFormat) end(whole bool) error {
	if !whole && !f.begun {
		return nil
	}
	f.begin()
	_, err := f.w.WriteString("</resultset>\n")
	return err
}
