package hiveql

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// ErrInternal is a bug of this program, met by one statement. Others are not concerned.
var ErrInternal = errors.New("internal error")

// Guard runs f and returns its error. A panic of f becomes an error too, which is ErrInternal and
// prints where it was with %+v: a statement that meets a bug fails by itself, and does not take the
// process of others with it. What f has begun must be ended by f or by its caller, either way.
func Guard(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	return f()
}

// panicError is a panic.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	return fmt.Sprintf("%v: %v; this is a bug of hiveql: please report it, with the statement", ErrInternal, e.value)
}

func (e *panicError) Unwrap() []error {
	if err, ok := e.value.(error); ok {
		return []error{ErrInternal, err}
	}
	return []error{ErrInternal}
}

// Format prints the stack too where %+v asks for everything.
func (e *panicError) Format(f fmt.State, verb rune) {
	fmt.Fprint(f, e.Error())
	if verb == 'v' && f.Flag('+') {
		fmt.Fprintf(f, "\n%s", e.stack)
	}
}
