package syntax

import (
	"iter"
	"strings"
)

// Statement is one statement of a script, or the error in its place.
type Statement struct {
	Text string // as written, without the semicolon
	At   Pos    // of the text's first character
	Stmt Stmt   // nil if there is an error
	Err  *Error // nil if there is none
	// Terminated is whether a semicolon ended the statement; only the last one may lack it.
	Terminated bool
}

// Statements cuts a script into statements and parses each by itself, so that an error in
// one says nothing about the next. A ';' outside of quotes and comments ends a statement,
// `\;` does not. Statements without content are left out. Positions count from the start of
// src. A statement is parsed when the iteration reaches it.
func Statements(src string) iter.Seq[Statement] {
	return func(yield func(Statement) bool) {
		lx := newLexer(src)
		for lx.off < len(src) {
			s, ok := statement(lx)
			if ok && !yield(s) {
				return
			}
		}
	}
}

// Complete reports whether src, as typed so far, ends a statement: whether a shell should
// run it rather than ask for another line. Text without any statement is complete.
func Complete(src string) bool {
	done := true
	for s := range Statements(src) {
		done = s.Terminated
	}
	return done
}

// statement reads the next statement and passes its semicolon. It is false if there is none.
func statement(lx *lexer) (s Statement, ok bool) {
	if cmd, rest := commandAt(lx); cmd != "" {
		return command(lx, cmd, rest), true
	}
	toks := lx.statement()
	end := lx.off
	if lx.off < len(lx.src) {
		s.Terminated = true
		lx.off++
	}
	if len(toks) == 1 {
		return s, false
	}
	p := &parser{src: lx.src, toks: toks}
	s.Stmt = p.statement()
	p.finish("the end of the statement")
	if p.err != nil {
		s.Stmt, s.Err = nil, p.err
	}
	s.At = toks[0].from()
	s.Text = strings.TrimRight(lx.src[toks[0].off:end], " \t\r\n")
	return s, true
}
