package hiveql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/storage"
)

// Phase is the step of a statement that failed, in Hive's words.
type Phase string

// The phases.
const (
	Parsing   Phase = "ParseException"
	Analysis  Phase = "SemanticException"
	Execution Phase = "Execution Error"
)

// Error is what a user sees of a statement that failed. Its text never holds a secret, nor the
// words of the engine below.
type Error struct {
	Phase    Phase
	Code     int        // Hive's code of an Analysis error (10001), the return code of an Execution error
	SQLState string     // five characters
	Pos      syntax.Pos // in Source; its Line is 0 where there is no place
	Msg      string     // what went wrong, and where
	Near     string     // of Parsing: the text at Pos
	Hint     string     // what to do about it; may be empty
	Task     string     // of Execution: the part of Hive that would have failed: "DDLTask"
	Source   string     // the statement
	Err      error      // the cause
}

// Error is the line that Hive prints: FAILED: SemanticException [Error 10001]: Line 1:14 Table
// not found 'x'. Its columns count from 0, as Hive's do.
func (e *Error) Error() string {
	switch e.Phase {
	case Parsing:
		p := syntax.Error{At: e.Pos, Msg: e.Msg, Near: e.Near}
		return "FAILED: " + oneLine(p.Hive())
	case Execution:
		task := e.Task
		if task != "" {
			task = " from " + task
		}
		return fmt.Sprintf("FAILED: Execution Error, return code %d%s. %s", e.Code, task, oneLine(e.Msg))
	}
	a := analysis.Error{Code: e.Code, At: e.Pos, Msg: e.Msg}
	return "FAILED: SemanticException " + oneLine(a.Error())
}

// Report is Error, then the source line with a caret under the place, then the hint.
func (e *Error) Report() string {
	s := e.Error()
	if caret := syntax.Caret(e.Source, e.Pos); caret != "" {
		s += "\n" + caret
	}
	if e.Hint != "" {
		s += "\nHINT: " + oneLine(e.Hint)
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

func oneLine(s string) string { return strings.Join(strings.FieldsFunc(s, isLineEnd), " ") }

func isLineEnd(r rune) bool { return r == '\n' || r == '\r' }

// semantic is an Analysis error at a node.
func semantic(n syntax.Node, code int, format string, args ...any) *Error {
	e := &Error{Phase: Analysis, Code: code, SQLState: sqlState(code), Msg: fmt.Sprintf(format, args...)}
	if n != nil {
		e.Pos = n.Pos()
	}
	return e
}

// sqlState is the SQLSTATE that Hive has for the code of an error of meaning.
func sqlState(code int) string {
	switch code {
	case 10001: // no such table
		return "42S02"
	case 10015: // a wrong number of arguments
		return "21000"
	}
	return "42000"
}

// unsupported is the error of a feature of Hive's that does not exist here.
func unsupported(n syntax.Node, feature string) *Error {
	e := semantic(n, 0, "%s is not supported yet", feature)
	e.SQLState, e.Err = "0A000", syntax.ErrUnsupported
	return e
}

// ddlFailed is the Execution error of a statement about metadata.
func ddlFailed(format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Phase: Execution, Code: 1, SQLState: "08S01", Task: ddlTask, Msg: err.Error(), Err: errors.Unwrap(err)}
}

// The names Hive's messages give to what failed; scripts that look at errors look for them.
const (
	ddlTask   = "org.apache.hadoop.hive.ql.ddl.DDLTask"
	queryTask = "org.apache.hadoop.hive.ql.exec.tez.TezTask"
	moveTask  = "org.apache.hadoop.hive.ql.exec.MoveTask"
)

// userError makes an *Error of whatever made a statement fail. task is what Hive would have
// been running.
func userError(err error, source, task string) *Error {
	var e *Error
	if errors.As(err, &e) {
		if e.Source == "" {
			e.Source = source
		}
		return e
	}
	var parse *syntax.Error
	if errors.As(err, &parse) {
		state := "42000"
		if errors.Is(parse, syntax.ErrUnsupported) {
			state = "0A000"
		}
		return &Error{Phase: Parsing, Code: 40000, SQLState: state, Pos: parse.At, Msg: parse.Msg, Near: parse.Near,
			Hint: parse.Hint, Source: source, Err: err}
	}
	var meaning *analysis.Error
	if errors.As(err, &meaning) {
		state := cmp.Or(meaning.SQLState, sqlState(meaning.Code))
		return &Error{Phase: Analysis, Code: meaning.Code, SQLState: state, Pos: meaning.At, Msg: meaning.Msg,
			Hint: meaning.Hint, Source: source, Err: err}
	}
	e = &Error{Phase: Execution, Code: 1, SQLState: "08S01", Task: task, Source: source, Msg: err.Error(), Err: err}
	switch {
	case errors.Is(err, ErrInternal):
		e.SQLState = "HY000"
	case errors.Is(err, context.Canceled):
		e.Code, e.SQLState, e.Msg = 130, "HY008", "the statement was cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		e.SQLState, e.Msg = "HYT00", "the statement ran out of time"
	case errors.Is(err, metastore.ErrConflict):
		e.Hint = "another session changed it at the same moment; run the statement again"
	case errors.Is(err, storage.ErrChanged):
		e.Hint = "files were replaced while they were read; run the statement again"
	case task == queryTask:
		e.Code = 2
	}
	e.Msg += roomFor(err)
	return e
}

// roomFor is what to do about a full local disk; "" if it is something else.
func roomFor(err error) string {
	if !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EDQUOT) && !errors.Is(err, syscall.EFBIG) {
		return ""
	}
	if strings.Contains(err.Error(), stagingPrefix) {
		return "; free some, or name another temporary directory by --temp-dir"
	}
	return "; free some"
}
