package hivetype

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxDepth is how deep types may be nested in each other. Hive has no limit of its own; this
// one is far beyond any table seen and keeps hostile text from exhausting the stack.
const MaxDepth = 100

// Limits of parameterised types, as in Hive.
const (
	MaxPrecision = 38
	MaxVarchar   = 65535
	MaxChar      = 255
)

// ParseError says what is wrong with the text of a type, and where.
type ParseError struct {
	Text   string
	Column int // 1-based, in characters
	Msg    string
}

// Error names the text, the column and what was expected there.
func (e *ParseError) Error() string {
	return fmt.Sprintf("type %q: column %d: %s", e.Text, e.Column, e.Msg)
}

// Parse reads a type in Hive's spelling, in any case and with spaces where they may be:
// "int", "Decimal(10, 2)", "map<string,array<struct<a:int>>>". It knows Hive's aliases
// (integer, numeric, dec, "double precision") and its defaults (decimal is decimal(10,0),
// decimal(p) is decimal(p,0)). Names of struct fields may stand in back quotes and are put in
// lower case, as Hive does. Parse(t.String()) equals t. Errors are *ParseError.
func Parse(s string) (Type, error) {
	p := typeParser{text: s}
	t, err := p.parse(0)
	if err == nil {
		p.space()
		if p.pos < len(p.text) {
			err = p.failf(p.pos, "unexpected %q after the type", p.text[p.pos:])
		}
	}
	if err != nil {
		return Type{}, err
	}
	return t, nil
}

type typeParser struct {
	text string
	pos  int
}

func (p *typeParser) failf(at int, format string, args ...any) error {
	return &ParseError{
		Text: p.text, Column: utf8.RuneCountInString(p.text[:at]) + 1, Msg: fmt.Sprintf(format, args...),
	}
}

func (p *typeParser) space() {
	for p.pos < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[p.pos:])
		if !unicode.IsSpace(r) {
			return
		}
		p.pos += n
	}
}

// accept skips c if it is next.
func (p *typeParser) accept(c byte) bool {
	p.space()
	if p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *typeParser) expect(c byte, in string) error {
	if p.accept(c) {
		return nil
	}
	return p.failf(p.pos, "expected %q in %s, found %s", c, in, p.found())
}

// found describes what comes next, for errors.
func (p *typeParser) found() string {
	if p.pos >= len(p.text) {
		return "the end"
	}
	r, n := utf8.DecodeRuneInString(p.text[p.pos:])
	if w := p.peekWord(); w != "" {
		return strconv.Quote(w)
	}
	if r == utf8.RuneError {
		return "a byte that is not UTF-8"
	}
	return strconv.Quote(p.text[p.pos : p.pos+n])
}

func wordRune(r rune) bool {
	return r == '_' || r == '$' || (r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)))
}

func (p *typeParser) peekWord() string {
	end := p.pos
	for end < len(p.text) {
		r, n := utf8.DecodeRuneInString(p.text[end:])
		if !wordRune(r) {
			break
		}
		end += n
	}
	return p.text[p.pos:end]
}

// word reads one word in lower case; empty if there is none.
func (p *typeParser) word() string {
	p.space()
	w := p.peekWord()
	p.pos += len(w)
	return strings.ToLower(w)
}

// words reports whether the given words come next, and skips them if so.
func (p *typeParser) words(want ...string) bool {
	start := p.pos
	for _, w := range want {
		if p.word() != w {
			p.pos = start
			return false
		}
	}
	return true
}

var kindsByName = func() map[string]Kind {
	m := map[string]Kind{"integer": Int, "numeric": Decimal, "dec": Decimal, "real": Float}
	for k, name := range kindNames {
		m[name] = Kind(k)
	}
	return m
}()

func (p *typeParser) parse(depth int) (Type, error) {
	p.space()
	start := p.pos
	if depth > MaxDepth {
		return Type{}, p.failf(start, "nested deeper than %d", MaxDepth)
	}
	name := p.word()
	if name == "" {
		return Type{}, p.failf(start, "expected a type, found %s", p.found())
	}
	kind, ok := kindsByName[name]
	if !ok {
		return Type{}, p.failf(start, "unknown type %q", name)
	}
	switch kind {
	case Double:
		p.words("precision")
	case Timestamp:
		if p.words("with", "local", "time", "zone") {
			kind = TimestampLocalTZ
		}
	case Decimal, Varchar, Char:
		return p.parameters(kind, start)
	case Array, Map:
		return p.container(kind, depth)
	case Struct, Union:
		return p.fields(kind, depth)
	}
	return Type{Kind: kind}, nil
}

// parameters reads (n) or (p,s) after decimal, varchar and char.
func (p *typeParser) parameters(kind Kind, start int) (Type, error) {
	args, err := p.numbers(kind)
	if err != nil {
		return Type{}, err
	}
	switch {
	case kind == Decimal && len(args) <= 2:
		t := DecimalOf(10, 0)
		if len(args) > 0 {
			t.Precision = args[0]
		}
		if len(args) > 1 {
			t.Scale = args[1]
		}
		if t.Precision < 1 || t.Precision > MaxPrecision {
			return Type{}, p.failf(start, "decimal precision %d is not between 1 and %d", t.Precision, MaxPrecision)
		}
		if t.Scale > t.Precision {
			return Type{}, p.failf(start, "decimal scale %d is larger than its precision %d", t.Scale, t.Precision)
		}
		return t, nil
	case kind != Decimal && len(args) == 1:
		limit := MaxVarchar
		if kind == Char {
			limit = MaxChar
		}
		if args[0] < 1 || args[0] > limit {
			return Type{}, p.failf(start, "%s length %d is not between 1 and %d", kind, args[0], limit)
		}
		return Type{Kind: kind, Length: args[0]}, nil
	case kind != Decimal && len(args) == 0:
		return Type{}, p.failf(start, "%s needs a length, as in %s(10)", kind, kind)
	}
	return Type{}, p.failf(start, "too many parameters for %s", kind)
}

func (p *typeParser) numbers(kind Kind) ([]int, error) {
	if !p.accept('(') {
		return nil, nil
	}
	var args []int
	for {
		p.space()
		start := p.pos
		n, err := strconv.ParseUint(p.word(), 10, 31)
		if err != nil {
			p.pos = start
			return nil, p.failf(start, "expected a number in %s(...), found %s", kind, p.found())
		}
		args = append(args, int(n))
		if !p.accept(',') {
			return args, p.expect(')', kind.String()+"(...)")
		}
	}
}

func (p *typeParser) container(kind Kind, depth int) (Type, error) {
	in := kind.String() + "<...>"
	t := Type{Kind: kind}
	if err := p.expect('<', in); err != nil {
		return t, err
	}
	if kind == Map {
		at := p.pos
		key, err := p.parse(depth + 1)
		if err != nil {
			return t, err
		}
		if !key.Primitive() {
			return t, p.failf(at, "the key of a map must be of a primitive type, not %s", key.Kind)
		}
		t.Key = &key
		if err := p.expect(',', in); err != nil {
			return t, err
		}
	}
	elem, err := p.parse(depth + 1)
	if err != nil {
		return t, err
	}
	t.Elem = &elem
	return t, p.expect('>', in)
}

func (p *typeParser) fields(kind Kind, depth int) (Type, error) {
	in := kind.String() + "<...>"
	t := Type{Kind: kind}
	if err := p.expect('<', in); err != nil {
		return t, err
	}
	if kind == Struct && p.accept('>') {
		return t, nil // Hive writes the type of a row without columns so
	}
	for {
		var f Field
		var err error
		if kind == Struct {
			if f.Name, err = p.fieldName(); err != nil {
				return t, err
			}
			if err = p.expect(':', in); err != nil {
				return t, err
			}
		}
		if f.Type, err = p.parse(depth + 1); err != nil {
			return t, err
		}
		t.Fields = append(t.Fields, f)
		if !p.accept(',') {
			return t, p.expect('>', in)
		}
	}
}

// fieldName reads up to the colon. Hive allows letters, digits, _ and also dots, spaces and
// dashes inside, and forbids none but those that end a name.
func (p *typeParser) fieldName() (string, error) {
	p.space()
	start := p.pos
	if p.accept('`') {
		end := strings.IndexByte(p.text[p.pos:], '`')
		if end < 0 {
			return "", p.failf(start, "unclosed back quote")
		}
		name := p.text[p.pos : p.pos+end]
		p.pos += end + 1
		if name == "" || name != strings.TrimSpace(name) || strings.ContainsAny(name, ":,<>()`") {
			return "", p.failf(start, "field name %q cannot be used in a struct", name)
		}
		return name, nil
	}
	end := strings.IndexAny(p.text[p.pos:], ":,<>()`")
	if end < 0 {
		end = len(p.text) - p.pos
	}
	name := strings.TrimSpace(p.text[p.pos : p.pos+end])
	if name == "" {
		return "", p.failf(start, "expected a field name, found %s", p.found())
	}
	p.pos += end
	return name, nil
}
