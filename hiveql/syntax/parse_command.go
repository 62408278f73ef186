package syntax

import (
	"strings"
)

// Some lines of a script are no SQL but orders to the client: their text is taken as it is.

// commandAt recognises the client command at the lexer's place. It is the command's name in
// lower case and the offset of the text behind it; "" where SQL follows.
func commandAt(lx *lexer) (cmd string, rest int) {
	lx.toks = lx.toks[:0]
	lx.skipSpace()
	if len(lx.toks) > 0 { // a comment that is not closed
		lx.off = lx.toks[0].off
		return "", 0
	}
	if lx.peek(0) == '!' {
		return "!", lx.off + 1
	}
	word, end := wordAt(lx.src, lx.off)
	switch word {
	case "dfs", "source", "compile", "reset", "quit", "exit", "crypto":
	case "set":
		if second, _ := wordAt(lx.src, skipBlanks(lx.src, end)); second == "role" || second == "autocommit" {
			return "", 0
		}
	case "add", "list", "delete":
		if second, _ := wordAt(lx.src, skipBlanks(lx.src, end)); !isResource(second) {
			return "", 0
		}
	default:
		return "", 0
	}
	return word, end
}

func wordAt(src string, i int) (word string, end int) {
	end = i
	for end < len(src) && (isWord(src[end]) || src[end] == '.') {
		end++
	}
	return strings.ToLower(src[i:end]), end
}

func skipBlanks(src string, i int) int {
	for i < len(src) && strings.IndexByte(" \t\r\n", src[i]) >= 0 {
		i++
	}
	return i
}

func isResource(word string) bool {
	switch word {
	case "jar", "jars", "file", "files", "archive", "archives":
		return true
	}
	return false
}

// command reads a client command up to its semicolon.
func command(lx *lexer, cmd string, rest int) Statement {
	start := lx.pos(lx.off)
	end := commandEnd(lx.src, rest, cmd == "!")
	s := Statement{At: start, Text: strings.TrimRight(lx.src[lx.off:end], " \t\r\n"), Terminated: end < len(lx.src)}
	span := Span{From: start, To: lx.pos(lx.off + len(s.Text))}
	lx.off = min(end+1, len(lx.src))
	args := commandText(lx.src[rest:end])
	switch cmd {
	case "set":
		s.Stmt = setting(span, args)
	case "reset":
		s.Stmt = &Reset{Span: span, Keys: strings.Fields(args)}
	default:
		s.Stmt = &ShellCommand{Span: span, Command: cmd, Args: args}
	}
	return s
}

// commandEnd is the place of the ';' that ends a client command: one that is not escaped and
// neither in quotes nor on a line that is all comment. With line, the end of the line ends it too.
func commandEnd(src string, i int, line bool) int {
	var quote byte
	for ; i < len(src); i++ {
		switch c := src[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == ';', c == '\n' && line:
			return i
		case c == '\n' && commentLine(src[i+1:]):
			i = lineEnd(src, i+1) - 1
		}
	}
	return len(src)
}

func commentLine(s string) bool { return strings.HasPrefix(strings.TrimLeft(s, " \t"), "--") }

// commandText is the text of a command without comment lines and without the backslash of \;.
func commandText(s string) string {
	if strings.Contains(s, "\n") {
		lines := strings.Split(s, "\n")
		kept := lines[:1]
		for _, l := range lines[1:] {
			if !commentLine(l) {
				kept = append(kept, l)
			}
		}
		s = strings.Join(kept, "\n")
	}
	return strings.TrimSpace(strings.ReplaceAll(s, `\;`, ";"))
}

// setting is what SET with args means: key=value, a key to show, everything, or everything
// of Hadoop's too (-v).
func setting(span Span, args string) *Set {
	n := &Set{Span: span}
	key, value, assigned := strings.Cut(args, "=")
	switch {
	case assigned:
		value = strings.TrimSpace(value)
		n.Key, n.Value = strings.TrimSpace(key), &value
	case args == "-v":
		n.All = true
	default:
		n.Key = args
	}
	return n
}
