package analysis

import (
	"fmt"

	"github.com/skepdata/skep/hiveql/syntax"
)

// Error is a statement that parses but means nothing, in Hive's words and with Hive's code.
type Error struct {
	Code     int    // 10001 table not found, 10002 invalid column reference ...; 0 where Hive has none
	SQLState string // "42S02" ...; "42000" if empty
	At       syntax.Pos
	Msg      string // "Invalid column reference 'nope'"
	Near     string // the source text that Hive would quote; may be empty
	Hint     string // "did you mean 'node'?"; may be empty
	Err      error  // syntax.ErrUnsupported where the feature is known but not supported
}

// Error prints what follows "FAILED: SemanticException " in Hive, with Hive's columns, which
// count from 0.
func (e *Error) Error() string {
	s := e.Msg
	if e.At.Line > 0 {
		s = fmt.Sprintf("Line %d:%d %s", e.At.Line, e.At.Col-1, s)
	}
	if e.Code != 0 {
		s = fmt.Sprintf("[Error %d]: %s", e.Code, s)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }
