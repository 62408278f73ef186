package javaregex

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// mostNested is how deep groups, or classes, may nest: as deep as in Go's engine. The stack would not end where patterns do.
const mostNested = 1000

// class reads a bracketed class behind its [, in which further classes may nest (a union) and
// && intersects what is before with what is behind.
func (t *translator) class(at int) (set, error) {
	if t.classes++; t.classes > mostNested {
		return nil, t.fail(at, "classes nested too deep")
	}
	defer func() { t.classes-- }()
	negated := t.accept("^")
	var all set // of the operands of && before this one
	var part collector
	intersected, empty := false, true
	meet := func() {
		switch {
		case !intersected:
			all, intersected = part.set.tidy(), true
		case !empty:
			all = all.intersect(part.set)
		}
		part, empty = collector{}, true
	}
	for first := true; ; first = false {
		if !t.more() {
			return nil, t.fail(at, "unclosed character class")
		}
		start := t.pos
		switch {
		case t.has("]") && !first:
			t.pos++
			meet()
			if negated {
				all = all.negate()
			}
			return all, nil
		case t.accept("&&"):
			meet()
			continue
		case t.accept("["):
			nested, err := t.class(start)
			if err != nil {
				return nil, err
			}
			part.add(nested)
		default:
			s, err := t.classRange()
			if err != nil {
				return nil, err
			}
			if t.now.fold {
				s = s.fold()
			}
			part.add(s)
		}
		empty = false
	}
}

// classRange reads one character, one escape, or a range of characters.
func (t *translator) classRange() (set, error) {
	at := t.pos
	low, err := t.classAtom()
	if err != nil {
		return nil, err
	}
	one := len(low) == 1 && low[0].lo == low[0].hi
	rest := t.src[t.pos:]
	if !one || !strings.HasPrefix(rest, "-") || len(rest) < 2 || rest[1] == ']' || rest[1] == '[' || strings.HasPrefix(rest, "-&&") {
		return low, nil
	}
	t.pos++
	high, err := t.classAtom()
	if err != nil {
		return nil, err
	}
	if len(high) != 1 || high[0].lo != high[0].hi || high[0].lo < low[0].lo {
		return nil, t.fail(at, "illegal character range")
	}
	return set{{low[0].lo, high[0].lo}}, nil
}

func (t *translator) classAtom() (set, error) {
	at := t.pos
	r := t.rune()
	if r != '\\' {
		return single(r), nil
	}
	if !t.more() {
		return nil, t.fail(at, "a backslash at the end")
	}
	if s, ok := byLetter(t.src[t.pos]); ok {
		t.pos++
		return s, nil
	}
	if t.accept("Q") {
		var all collector
		text, _, closed := strings.Cut(t.src[t.pos:], `\E`)
		t.pos += len(text)
		if closed {
			t.pos += len(`\E`)
		}
		for _, r := range text {
			all.add(single(r))
		}
		return all.set.tidy(), nil
	}
	return t.escaped(at)
}

// escaped reads the escapes that mean the same inside a class and outside, behind the
// backslash.
func (t *translator) escaped(at int) (set, error) {
	switch r := t.rune(); r {
	case 't':
		return single('\t'), nil
	case 'n':
		return single('\n'), nil
	case 'r':
		return single('\r'), nil
	case 'f':
		return single('\f'), nil
	case 'a':
		return single('\a'), nil
	case 'e':
		return single(0x1b), nil
	case 'c':
		if !t.more() {
			return nil, t.fail(at, "illegal control character")
		}
		return single(t.rune() ^ 64), nil
	case '0':
		return t.octal(at)
	case 'x':
		if t.accept("{") {
			return t.hex(at, strings.IndexByte(t.src[t.pos:], '}'), 1)
		}
		return t.hex(at, 2, 0)
	case 'u':
		return t.utf16(at)
	case 'p', 'P':
		return t.property(at, r == 'P')
	default:
		if 'a' <= r|0x20 && r|0x20 <= 'z' {
			return nil, t.fail(at, `illegal escape \`+string(r))
		}
		return single(r), nil
	}
}

func (t *translator) octal(at int) (set, error) {
	n, digits := rune(0), 0
	for t.more() && digits < 3 {
		c := rune(t.src[t.pos])
		if c < '0' || '7' < c || 8*n+c-'0' > 0o377 {
			break
		}
		n = 8*n + c - '0'
		digits++
		t.pos++
	}
	if digits == 0 {
		return nil, t.fail(at, "illegal octal escape")
	}
	return single(n), nil
}

// hex reads the given number of hexadecimal digits and then skips some characters.
func (t *translator) hex(at, digits, skip int) (set, error) {
	if digits < 1 || t.pos+digits > len(t.src) {
		return nil, t.fail(at, "illegal hexadecimal escape")
	}
	n, err := strconv.ParseUint(t.src[t.pos:t.pos+digits], 16, 32)
	if err != nil || n > 0x10ffff || utf16.IsSurrogate(rune(n)) {
		return nil, t.fail(at, "illegal hexadecimal escape")
	}
	t.pos += digits + skip
	return single(rune(n)), nil
}

// utf16 reads the rest of \uhhhh, or of two of them that make one character.
func (t *translator) utf16(at int) (set, error) {
	if len(t.src)-t.pos >= 10 && t.src[t.pos+4:t.pos+6] == `\u` {
		high, err1 := strconv.ParseUint(t.src[t.pos:t.pos+4], 16, 16)
		low, err2 := strconv.ParseUint(t.src[t.pos+6:t.pos+10], 16, 16)
		if r := utf16.DecodeRune(rune(high), rune(low)); err1 == nil && err2 == nil && r != '\ufffd' {
			t.pos += 10
			return single(r), nil
		}
	}
	return t.hex(at, 4, 0)
}

func (t *translator) property(at int, negated bool) (set, error) {
	var name string
	if t.accept("{") {
		end := strings.IndexByte(t.src[t.pos:], '}')
		if end < 0 {
			return nil, t.fail(at, "unclosed property name")
		}
		name = t.src[t.pos : t.pos+end]
		t.pos += end + 1
	} else if t.more() {
		name = string(t.rune())
	}
	s, ok := byProperty(name)
	if !ok {
		return nil, t.unsupported(at, "the character property "+strconv.Quote(name))
	}
	if negated {
		s = s.negate()
	}
	return s, nil
}
