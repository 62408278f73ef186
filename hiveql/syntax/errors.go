package syntax

import (
	"errors"
	"fmt"
	"strings"
)

// ErrUnsupported is wrapped by errors about grammar that is Hive's but that skep does not
// support; the message names the feature.
var ErrUnsupported = errors.New("not supported")

// Error is a mistake in the source text.
type Error struct {
	At   Pos
	Msg  string // "expected an expression, found FROM"
	Hint string // what to do about it; may be empty
	Err  error  // ErrUnsupported, or nil for a syntax error
	Near string // the text at At, shortened; "<EOF>" at the end of a statement
}

func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.At.Line, e.At.Col, e.Msg) }

func (e *Error) Unwrap() error { return e.Err }

// Hive is the error as Hive prints it, whose columns count from 0.
func (e *Error) Hive() string {
	s := fmt.Sprintf("ParseException line %d:%d %s", e.At.Line, e.At.Col-1, e.Msg)
	if e.Near != "" {
		s += " near '" + e.Near + "'"
	}
	return s
}

// Caret returns the line of src that at is in, and below it a caret under the place. Tabs are
// kept, so that the caret stands right however wide they are shown.
func Caret(src string, at Pos) string {
	if at.Line == 0 || at.Offset > len(src) {
		return ""
	}
	start := strings.LastIndexByte(src[:at.Offset], '\n') + 1
	line := src[start:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSuffix(line, "\r")
	var pad strings.Builder
	for _, r := range src[start:at.Offset] {
		if r == '\t' {
			pad.WriteByte('\t')
		} else {
			pad.WriteByte(' ')
		}
	}
	return line + "\n" + pad.String() + "^"
}
