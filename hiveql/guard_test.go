package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
)

// buggy is an executor with a bug.
type buggy struct{ lines }

func (buggy) Query(context.Context, *analysis.Query, hiveql.Source) (hiveql.Rows, error) {
	var none []int
	return nil, fmt.Errorf("number %d", none[0])
}

// A bug that a statement meets is an error of that statement; the session goes on.
func TestGuard(t *testing.T) {
	w := newWorld(t)
	w.exec = buggy{}
	s := w.plain()
	must(t, s, "CREATE TABLE t (a INT)")
	_, err := run(s, "SELECT a FROM t")
	var shown *hiveql.Error
	if !errors.Is(err, hiveql.ErrInternal) || !errors.As(err, &shown) {
		t.Fatalf("%v, want an internal error for the user", err)
	}
	if text := shown.Error(); !strings.Contains(text, "index out of range") || !strings.Contains(text, "please report it") {
		t.Errorf("%q does not say what happened and what to do", text)
	}
	if stack := fmt.Sprintf("%+v", shown.Err); !strings.Contains(stack, "guard_test.go") {
		t.Errorf("%s\ndoes not say where it happened", stack)
	}
	same(t, "tables", must(t, s, "SHOW TABLES"), "t")
}
