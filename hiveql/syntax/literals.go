package syntax

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// unescape is the value of a string literal, quotes included. Hive's escapes are \n \r \t \b
// \Z \0, \ooo in octal up to \177, \u with four hexadecimal digits, and \% and \_ which keep
// their backslash for LIKE; any other escaped character is itself.
func unescape(lit string) string {
	body := lit[1 : len(lit)-1]
	if strings.IndexByte(body, '\\') < 0 {
		return body
	}
	var b strings.Builder
	b.Grow(len(body))
	for i := 0; i < len(body); {
		if body[i] != '\\' || i+1 >= len(body) {
			b.WriteByte(body[i])
			i++
			continue
		}
		i += escape(&b, body[i:])
	}
	return b.String()
}

// escape writes what the escape at the start of s stands for, and is its length.
func escape(b *strings.Builder, s string) int {
	if r, ok := hex4(s, 'u'); ok {
		if low, ok := hex4(s[6:], 'u'); ok && utf16.IsSurrogate(r) {
			if full := utf16.DecodeRune(r, low); full != utf8.RuneError {
				b.WriteRune(full)
				return 12
			}
		}
		b.WriteRune(r)
		return 6
	}
	if len(s) >= 4 && (s[1] == '0' || s[1] == '1') && isOctal(s[2]) && isOctal(s[3]) {
		b.WriteByte((s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0'))
		return 4
	}
	switch s[1] {
	case '0':
		b.WriteByte(0)
	case 'b':
		b.WriteByte('\b')
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'Z':
		b.WriteByte(0x1a)
	case '%', '_':
		b.WriteString(s[:2])
	default:
		b.WriteByte(s[1])
	}
	return 2
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// hex4 reads a backslash, the letter and four hexadecimal digits.
func hex4(s string, letter byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != letter {
		return 0, false
	}
	var r rune
	for i := 2; i < 6; i++ {
		d, ok := hexDigit(s[i])
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// Quote is s as a string literal in single quotes, which Parse reads back as s.
func Quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('\'')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'':
			b.WriteString(`\'`)
		case c == '\\' && i+1 < len(s) && (s[i+1] == '%' || s[i+1] == '_'):
			b.WriteString(s[i : i+2])
			i++
		case c == '\\':
			b.WriteString(`\\`)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < 0x20 || c == 0x7f:
			b.Write([]byte{'\\', '0' + c>>6, '0' + c>>3&7, '0' + c&7})
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// QuoteIdent is name as an identifier, in backquotes where it needs them.
func QuoteIdent(name string) string {
	if plainIdent(name) && !Reserved(name) {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// plainIdent reports whether the lexer reads name as one word.
func plainIdent(name string) bool {
	if isTypePart(name) {
		return true
	}
	lx := newLexer(name)
	if name == "" || !isWord(name[0]) || name[0] == '_' || !wordUpTo(name) {
		return false
	}
	lx.next()
	return lx.off == len(name) && lx.toks[0].kind == tWord
}

func isTypePart(name string) bool {
	return strings.EqualFold(name, "$elem$") || strings.EqualFold(name, "$key$") || strings.EqualFold(name, "$value$")
}
