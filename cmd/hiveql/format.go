package main

import (
	"bufio"
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

// formatter prints rows.
type formatter interface {
	row(values []hivetype.Value) error
	// end prints what comes after the last row; whole is false after an error.
	end(whole bool) error
}

type formatOptions struct {
	columns   []analysis.Output
	header    bool
	delimiter byte // of dsv
	trim      bool // the blanks with which DESCRIBE and its like align their columns
	escape    bool // line feeds and carriage returns as \n and \r
	emptyNull bool // nothing for NULL
}

// formatNames are the values of --outputformat.
func formatNames() []string {
	return []string{"table", "vertical", "csv2", "tsv2", "dsv", "json", "jsonfile", "xmlattr", "xmlelements", "raw"}
}

func newFormatter(name string, w *bufio.Writer, o formatOptions) formatter {
	t := texts{columns: o.columns, trim: o.trim, escape: o.escape, emptyNull: o.emptyNull}
	switch name {
	case "table":
		return &tableFormat{w: w, texts: t, header: o.header}
	case "vertical":
		return &verticalFormat{w: w, texts: t}
	case "csv2":
		return newDelimited(w, t, o.header, ',', `,"`+"\r\n")
	case "dsv":
		return newDelimited(w, t, o.header, o.delimiter, string(o.delimiter)+"\"\r\n")
	case "json", "jsonfile":
		return newJSON(w, t, name == "json")
	case "xmlattr", "xmlelements":
		return &xmlFormat{w: w, texts: t, elements: name == "xmlelements"}
	case "raw":
		return newDelimited(w, t, o.header, '\t', "")
	}
	if o.trim { // what is laid out for people, as MSCK's lines are, is not quoted
		return newDelimited(w, t, o.header, '\t', "")
	}
	return newDelimited(w, t, o.header, '\t', "\t\r\n")
}

// texts turns values into what Hive prints for them.
type texts struct {
	columns   []analysis.Output
	trim      bool
	escape    bool // line feeds and carriage returns as \n and \r
	emptyNull bool // nothing for NULL
}

func (t texts) append(dst []byte, i int, v hivetype.Value) []byte {
	if v == nil && t.emptyNull {
		return dst
	}
	start := len(dst)
	dst = hivetype.AppendText(dst, v, t.columns[i].Type)
	if t.trim {
		for len(dst) > start && dst[len(dst)-1] == ' ' {
			dst = dst[:len(dst)-1]
		}
	}
	if text := dst[start:]; t.escape && hasAny(text, "\r\n") {
		text = bytes.ReplaceAll(dst[start:], []byte("\n"), []byte(`\n`))
		dst = append(dst[:start], bytes.ReplaceAll(text, []byte("\r"), []byte(`\r`))...)
	}
	return dst
}

// hasAny reports whether one of a few ASCII characters is in a short text: bytes.ContainsAny, which first
// makes a set of them, takes twice as long.
func hasAny(text []byte, chars string) bool {
	for i := range len(chars) {
		if bytes.IndexByte(text, chars[i]) >= 0 {
			return true
		}
	}
	return false
}

func (t texts) strings(values []hivetype.Value) []string {
	s := make([]string, len(values))
	for i, v := range values {
		s[i] = string(t.append(nil, i, v))
	}
	return s
}

func (t texts) names() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	return names
}

// delimitedFormat prints one line a row: csv2, tsv2, dsv and raw.
type delimitedFormat struct {
	texts
	w         *bufio.Writer
	delimiter byte
	special   string // a value with one of these characters is quoted
	buf       []byte
	head      bool
}

func newDelimited(w *bufio.Writer, t texts, header bool, delimiter byte, special string) *delimitedFormat {
	return &delimitedFormat{texts: t, w: w, delimiter: delimiter, special: special, head: header}
}

func (f *delimitedFormat) header() error {
	if !f.head {
		return nil
	}
	f.head = false
	for i, n := range f.names() {
		if i > 0 {
			_ = f.w.WriteByte(f.delimiter)
		}
		_, _ = f.w.WriteString(f.quote(n))
	}
	return f.w.WriteByte('\n')
}

func (f *delimitedFormat) row(values []hivetype.Value) error {
	if err := f.header(); err != nil {
		return err
	}
	f.buf = f.buf[:0]
	for i, v := range values {
		if i > 0 {
			f.buf = append(f.buf, f.delimiter)
		}
		start := len(f.buf)
		f.buf = f.texts.append(f.buf, i, v)
		if f.special != "" && hasAny(f.buf[start:], f.special) {
			quoted := f.quote(string(f.buf[start:]))
			f.buf = append(f.buf[:start], quoted...)
		}
	}
	f.buf = append(f.buf, '\n')
	_, err := f.w.Write(f.buf)
	return err
}

func (f *delimitedFormat) quote(s string) string {
	if f.special == "" || !strings.ContainsAny(s, f.special) {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

func (f *delimitedFormat) end(whole bool) error {
	if !whole {
		return nil
	}
	return f.header()
}

// tableFormat prints boxes. The first rows decide how wide they are; later rows that need more
// room stick out.
type tableFormat struct {
	texts
	w      *bufio.Writer
	header bool
	first  [][]string
	widths []int
	rows   int
}

// tableSample is how many rows are looked at for the widths.
const tableSample = 1000

func (f *tableFormat) row(values []hivetype.Value) error {
	cells := f.strings(values)
	for i, c := range cells {
		cells[i] = strings.NewReplacer("\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(c)
	}
	f.rows++
	if f.widths == nil {
		if f.first = append(f.first, cells); len(f.first) < tableSample {
			return nil
		}
		return f.begin()
	}
	return f.line(cells)
}

// begin decides the widths and prints what was held back.
func (f *tableFormat) begin() error {
	f.widths = make([]int, len(f.columns))
	rows := f.first
	if f.header {
		rows = append([][]string{f.names()}, rows...)
	}
	for _, r := range rows {
		for i, c := range r {
			f.widths[i] = max(f.widths[i], utf8.RuneCountInString(c))
		}
	}
	f.rule()
	if f.header {
		if err := f.line(f.names()); err != nil {
			return err
		}
		f.rule()
	}
	for _, r := range f.first {
		if err := f.line(r); err != nil {
			return err
		}
	}
	f.first = nil
	return nil
}

func (f *tableFormat) rule() {
	for _, w := range f.widths {
		_, _ = f.w.WriteString("+" + strings.Repeat("-", w+2))
	}
	_, _ = f.w.WriteString("+\n")
}

func (f *tableFormat) line(cells []string) error {
	for i, c := range cells {
		_, _ = f.w.WriteString("| " + c + strings.Repeat(" ", max(0, f.widths[i]-utf8.RuneCountInString(c))) + " ")
	}
	_, err := f.w.WriteString("|\n")
	return err
}

func (f *tableFormat) end(whole bool) error {
	if f.widths == nil {
		if !whole && len(f.first) == 0 {
			return nil
		}
		if err := f.begin(); err != nil {
			return err
		}
	}
	if f.rows > 0 {
		f.rule()
	}
	return nil
}

// verticalFormat prints one line a column, and an empty line after each row.
type verticalFormat struct {
	texts
	w *bufio.Writer
}

func (f *verticalFormat) row(values []hivetype.Value) error {
	width := 0
	for _, n := range f.names() {
		width = max(width, utf8.RuneCountInString(n))
	}
	for i, s := range f.strings(values) {
		n := f.columns[i].Name
		_, _ = f.w.WriteString(n + strings.Repeat(" ", width-utf8.RuneCountInString(n)+2) + s + "\n")
	}
	return f.w.WriteByte('\n')
}

func (f *verticalFormat) end(bool) error { return nil }
