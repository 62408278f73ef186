package formats

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// regexRow reads the rows of RegexSerDe: the groups of an expression that matches the whole
// line are the columns. A line that it does not match is a row of NULLs.
type regexRow struct {
	batch *batch
	re    *regexp.Regexp
}

func newRegexRow(spec *Spec, b *batch) (*regexRow, error) {
	text := spec.param("input.regex")
	if text == "" {
		return nil, errors.New("a table of RegexSerDe needs the SerDe property input.regex")
	}
	flags := "s"
	if strings.EqualFold(spec.param("input.regex.case.insensitive"), "true") {
		flags = "si"
	}
	re, err := regexp.Compile(text) // by itself first, for an error that shows what was written
	if err == nil {
		re, err = regexp.Compile("(?" + flags + `)\A(?:` + text + `)\z`)
	}
	if err != nil {
		return nil, fmt.Errorf("the SerDe property input.regex=%q: %w: this form of regular expression is %w", text, err, ErrUnsupported)
	}
	if re.NumSubexp() != len(b.fields) {
		return nil, fmt.Errorf("the SerDe property input.regex has %d groups for %d columns", re.NumSubexp(), len(b.fields))
	}
	return &regexRow{batch: b, re: re}, nil
}

func (r *regexRow) read(line []byte) error {
	line = ValidUTF8(line)
	at := r.re.FindSubmatchIndex(line)
	for i, p := range r.batch.projection {
		c := r.batch.columns[i]
		if at == nil || at[2*p+2] < 0 || c.text == nil {
			c.null()
			continue
		}
		text := line[at[2*p+2]:at[2*p+3]]
		if c.t.Kind == hivetype.Boolean && !bytes.EqualFold(text, []byte("true")) {
			text = []byte("false") // as Java's Boolean.valueOf
		}
		c.set(text)
	}
	return nil
}
