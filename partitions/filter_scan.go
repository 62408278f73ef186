package partitions

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// filterWords are the words of the filter language; any other word is the name of a key.
var filterWords = []string{"and", "or", "not", "in", "between", "like", "is", "null", "true", "false"}

func filterWord(w string) bool {
	for _, known := range filterWords {
		if strings.EqualFold(w, known) {
			return true
		}
	}
	return false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// wordByte reports whether c can be in a word; so can everything beyond ASCII.
func wordByte(c byte) bool {
	return c == '_' || digit(c) || (c|0x20 >= 'a' && c|0x20 <= 'z') || c >= utf8.RuneSelf
}

// scan cuts the text into tokens and checks that parentheses match, so that none of them can
// close the one put around the whole.
func (f *filter) scan() error {
	open := 0
	for i := 0; i < len(f.text); {
		n, err := f.token(i)
		if err != nil {
			return err
		}
		switch f.text[i] {
		case '(':
			open++
		case ')':
			if open--; open < 0 {
				return f.failf(i, "unexpected \")\", which closes nothing")
			}
		}
		i += n
	}
	return nil
}

// token reads what begins at i and returns its length.
func (f *filter) token(i int) (int, error) {
	s := f.text[i:]
	switch c := s[0]; {
	case strings.IndexByte(" \t\r\n", c) >= 0:
		return 1, nil
	case c == '\'' || c == '"':
		return f.stringToken(i)
	case c == '`':
		return f.quotedName(i)
	case digit(c), strings.IndexByte("+-.", c) >= 0:
		n := numberLength(s)
		if n == 0 || (n < len(s) && wordByte(s[n])) {
			if !digit(c) {
				return 0, f.failf(i, "unexpected %q", s[:1])
			}
			return f.word(i) // 2nd, 5xx: Hive lets names begin with digits
		}
		f.addLiteral(i, n, strings.TrimPrefix(s[:n], "+"))
		return n, nil
	case wordByte(c):
		return f.word(i)
	}
	for _, op := range []string{"<=>", "<>", "<=", ">=", "!=", "==", "=", "<", ">", "(", ")", ","} {
		if !strings.HasPrefix(s, op) {
			continue
		}
		switch op {
		case "<=>":
			return 0, f.failf(i, "the operator <=> is not supported yet; use IS NULL")
		case "==":
			f.add(i, len(op), "=")
		default:
			f.add(i, len(op), op)
		}
		return len(op), nil
	}
	_, n := utf8.DecodeRuneInString(s)
	return 0, f.failf(i, "unexpected %q", s[:n])
}

func (f *filter) add(at, n int, out string) {
	f.tokens = append(f.tokens, filterToken{at: at, out: out, raw: f.text[at : at+n]})
}

func (f *filter) addLiteral(at, n int, value string) {
	f.add(at, n, fmt.Sprintf(":v%d", len(f.literals)))
	f.literals = append(f.literals, value)
}

func (f *filter) addName(at, n int, name string) {
	f.add(at, n, "`"+strings.ReplaceAll(name, "`", "``")+"`")
}

func (f *filter) word(i int) (int, error) {
	n := 0
	for n < len(f.text)-i && wordByte(f.text[i+n]) {
		n++
	}
	word := f.text[i : i+n]
	if !utf8.ValidString(word) {
		return 0, f.failf(i, "bytes that are not UTF-8")
	}
	if strings.EqualFold(word, "null") && !f.afterIs() {
		return 0, f.failf(i, "nothing compares with NULL; use IS NULL")
	}
	if (strings.EqualFold(word, "date") || strings.EqualFold(word, "timestamp")) && f.beforeString(i+n) {
		return n, nil // DATE '2024-01-01' is the string; the type of the key does the rest
	}
	if filterWord(word) {
		f.add(i, n, strings.ToLower(word))
	} else {
		f.addName(i, n, strings.ToLower(word))
	}
	return n, nil
}

// afterIs reports whether the last token was IS or IS NOT.
func (f *filter) afterIs() bool {
	i := len(f.tokens) - 1
	if i > 0 && f.tokens[i].out == "not" {
		i--
	}
	return i >= 0 && f.tokens[i].out == "is"
}

func (f *filter) beforeString(i int) bool {
	rest := strings.TrimLeft(f.text[i:], " \t\r\n")
	return rest != "" && (rest[0] == '\'' || rest[0] == '"')
}

func (f *filter) quotedName(i int) (int, error) {
	var b strings.Builder
	for j := i + 1; j < len(f.text); j++ {
		if f.text[j] != '`' {
			b.WriteByte(f.text[j])
			continue
		}
		if j+1 < len(f.text) && f.text[j+1] == '`' {
			b.WriteByte('`')
			j++
			continue
		}
		name := b.String()
		if name == "" || !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			return 0, f.failf(i, "%q cannot be the name of a key", name)
		}
		f.addName(i, j+1-i, strings.ToLower(name))
		return j + 1 - i, nil
	}
	return 0, f.failf(i, "unclosed back quote")
}

// stringToken reads a string literal as Hive does: a doubled quote is a quote, \n \r \t \b \0
// and \Z are control characters, \% and \_ keep their backslash for LIKE, and a backslash before
// anything else disappears.
func (f *filter) stringToken(i int) (int, error) {
	quoteByte := f.text[i]
	var b strings.Builder
	for j := i + 1; j < len(f.text); j++ {
		c := f.text[j]
		switch {
		case c == '\\' && j+1 < len(f.text):
			j++
			switch e := f.text[j]; e {
			case 'n':
				b.WriteByte('\n')
			case 'r':
				b.WriteByte('\r')
			case 't':
				b.WriteByte('\t')
			case 'b':
				b.WriteByte('\b')
			case '0':
				b.WriteByte(0)
			case 'Z':
				b.WriteByte(0x1a)
			case '%', '_':
				b.WriteString(f.text[j-1 : j+1])
			default:
				b.WriteByte(e)
			}
		case c == quoteByte && j+1 < len(f.text) && f.text[j+1] == quoteByte:
			b.WriteByte(c)
			j++
		case c == quoteByte:
			f.addLiteral(i, j+1-i, b.String())
			return j + 1 - i, nil
		default:
			b.WriteByte(c)
		}
	}
	return 0, f.failf(i, "unclosed string")
}

// numberLength is the length of the number at the start of s, 0 if there is none.
func numberLength(s string) int {
	i := 0
	if s[0] == '+' || s[0] == '-' {
		i++
	}
	digits := func() (n int) {
		for i < len(s) && digit(s[i]) {
			i, n = i+1, n+1
		}
		return n
	}
	n := digits()
	if i < len(s) && s[i] == '.' {
		i++
		n += digits()
	}
	if n == 0 {
		return 0
	}
	if i < len(s) && s[i]|0x20 == 'e' {
		mantissa := i
		if i++; i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if digits() == 0 {
			i = mantissa
		}
	}
	return i
}
