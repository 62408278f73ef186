package formats

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds how deep arrays and objects may nest.
const maxJSONDepth = 512

// jsonScanner steps through JSON without building anything.
type jsonScanner struct {
	b     []byte
	i     int
	depth int
	key   []byte // the last key, if it had escapes
}

func (s *jsonScanner) fail(msg string) error {
	found := "the end of the line"
	if s.i < len(s.b) {
		_, n := utf8.DecodeRune(s.b[s.i:])
		found = fmt.Sprintf("%q", s.b[s.i:s.i+n])
	}
	return fmt.Errorf("malformed JSON at character %d: %s, found %s", utf8.RuneCount(s.b[:min(s.i, len(s.b))])+1, msg, found)
}

func (s *jsonScanner) space() {
	for s.i < len(s.b) && (s.b[s.i] == ' ' || s.b[s.i] == '\t' || s.b[s.i] == '\r' || s.b[s.i] == '\n') {
		s.i++
	}
}

func (s *jsonScanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

// object reads an object; member is called behind the colon of each key and must read the
// value. The key is good until member returns.
func (s *jsonScanner) object(member func(key []byte) error) error {
	return s.items('}', func() error {
		s.space()
		start := s.i
		if s.peek() != '"' {
			return s.fail("expected a key in double quotes")
		}
		if err := s.str(); err != nil {
			return err
		}
		key := s.b[start+1 : s.i-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			s.key = appendUnescaped(s.key[:0], key)
			key = s.key
		}
		s.space()
		if s.peek() != ':' {
			return s.fail("expected ':'")
		}
		s.i++
		return member(key)
	})
}

func (s *jsonScanner) array(elem func() error) error { return s.items(']', elem) }

// items reads what stands between brackets, separated by commas.
func (s *jsonScanner) items(last byte, item func() error) error {
	if s.depth++; s.depth > maxJSONDepth {
		return s.fail(fmt.Sprintf("nested more than %d levels deep", maxJSONDepth))
	}
	s.i++
	s.space()
	if s.peek() == last {
		s.i++
		s.depth--
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.i++
		case last:
			s.i++
			s.depth--
			return nil
		default:
			return s.fail(fmt.Sprintf("expected ',' or '%c'", last))
		}
	}
}

// skip passes one value.
func (s *jsonScanner) skip() error {
	s.space()
	switch c := s.peek(); {
	case c == '{':
		return s.object(func([]byte) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		return s.str()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range []string{"null", "true", "false"} {
		if bytes.HasPrefix(s.b[s.i:], []byte(word)) {
			s.i += len(word)
			return nil
		}
	}
	return s.fail("expected a value")
}

// str passes a string.
func (s *jsonScanner) str() error {
	for s.i++; s.i < len(s.b); s.i++ {
		switch c := s.b[s.i]; {
		case c == '"':
			s.i++
			return nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return err
			}
		}
	}
	return s.fail(`expected the '"' that ends a string`)
}

// escape passes all of an escape but its last character.
func (s *jsonScanner) escape() error {
	s.i++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			s.i++
			if _, ok := hexDigit(s.peek()); !ok {
				return s.fail("expected four hexadecimal digits")
			}
		}
		return nil
	}
	return s.fail("expected an escape")
}

// number passes a number, loosely: what it is worth is for the column to say.
func (s *jsonScanner) number() error {
	start := s.i
	for s.i++; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; (c < '0' || c > '9') && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			break
		}
	}
	if s.b[start] == '-' && s.i == start+1 {
		return s.fail("expected a digit")
	}
	return nil
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case c >= '0' && c <= '9':
		return rune(c - '0'), true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10, true
	}
	return 0, false
}

// appendUnescaped appends the value of a string's body that str has checked.
func appendUnescaped(dst, body []byte) []byte {
	for i := 0; i < len(body); i++ {
		c := body[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = body[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(body[i+1:])
			i += 4
			if utf16.IsSurrogate(r) && len(body) > i+6 && body[i+1] == '\\' && body[i+2] == 'u' {
				if full := utf16.DecodeRune(r, hex4(body[i+3:])); full != utf8.RuneError {
					r = full
					i += 6
				}
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		d, _ := hexDigit(c)
		r = r<<4 | d
	}
	return r
}
