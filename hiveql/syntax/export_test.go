package syntax

// CountComments is how many comments a script has. Only the lexer knows: the last slash of one and a star
// behind it are no beginning of another, and a string may hold what looks like one.
func CountComments(src string) (n int) {
	lx := newLexer(src)
	for last := 0; ; {
		for _, t := range lx.statement() {
			for i := last; i < t.off; {
				switch src[i] {
				case '-':
					i = lineEnd(src, i)
					n++
				case '/':
					i, _ = commentEnd(src, i)
					n++
				default:
					i++
				}
			}
			last = t.end
		}
		if lx.off >= len(src) {
			return n
		}
		lx.off++ // the semicolon
		last = lx.off
	}
}

// PrintParenthesised is Print with every operation in parentheses, to show what binds to what.
func PrintParenthesised(n Node) string { return printNode(n, true) }
