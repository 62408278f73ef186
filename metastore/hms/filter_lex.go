package hms

import (
	"regexp"
	"strings"
)

// The tokens of a filter.
type tokenKind int

const (
	endToken  tokenKind = iota
	wordToken           // a key or a keyword; quoted where it stood in backquotes
	textToken
	numberToken
	dateToken // 2024-01-02, also with a time
	signToken
)

type token struct {
	kind   tokenKind
	text   string
	quoted bool
}

// is reports whether the token is this keyword or sign.
func (t token) is(word string) bool {
	return (t.kind == wordToken && !t.quoted || t.kind == signToken) && strings.EqualFold(t.text, word)
}

var filterTokens = []struct {
	kind tokenKind
	re   *regexp.Regexp
}{
	{dateToken, regexp.MustCompile(`^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2}(\.\d+)?)?`)},
	{numberToken, regexp.MustCompile(`^-?\d+(\.\d+)?`)},
	{wordToken, regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.]*`)},
	{signToken, regexp.MustCompile(`^(<=|>=|!=|<>|[=<>(),])`)},
}

// lexFilter cuts a filter into tokens, at the end of which is an endToken.
func lexFilter(text string) ([]token, error) {
	var tokens []token
next:
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		if text == "" {
			return append(tokens, token{}), nil
		}
		if strings.IndexByte("\"'`", text[0]) >= 0 {
			value, n := quotedText(text)
			if n == 0 {
				return nil, metaf("Error parsing partition filter; lexer error: a quote is not closed in %q", text)
			}
			t := token{textToken, value, false}
			if text[0] == '`' {
				t = token{wordToken, value, true}
			}
			tokens, text = append(tokens, t), text[n:]
			continue
		}
		for _, kind := range filterTokens {
			m := kind.re.FindString(text)
			rest := text[len(m):]
			if m == "" || kind.kind == numberToken && rest != "" && wordByte(rest[0]) {
				continue // a key may begin with digits
			}
			tokens, text = append(tokens, token{kind.kind, m, false}), rest
			continue next
		}
		return nil, metaf("Error parsing partition filter; lexer error: unexpected %q", text)
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// quotedText reads a quoted text and gives its length, 0 if it does not end. A backslash before
// the quote makes it part of the text; others stand for themselves, as Hive has it.
func quotedText(s string) (value string, n int) {
	quote := s[0]
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return b.String(), i + 1
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == quote:
			i++
			b.WriteByte(quote)
		default:
			b.WriteByte(s[i])
		}
	}
	return "", 0
}
