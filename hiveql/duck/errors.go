package duck

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Error is a plan that could not be carried out, in words that need no knowledge of DuckDB.
// It unwraps to the cause: a context's, a file's, or what DuckDB said.
type Error struct {
	Op  string // "connect", "run", "read", "write", "plan"
	Msg string // what happened, and what to do
	Err error  // the cause; may be nil. DuckDB's own text is reachable here only
}

func (e *Error) Error() string {
	if e.Op == "run" || e.Op == "" {
		return e.Msg
	}
	return e.Op + ": " + e.Msg
}

func (e *Error) Unwrap() error { return e.Err }

// Sentinels, tested with errors.Is.
var (
	// ErrMemory is a query that needs more memory than it may have, although it spills.
	ErrMemory = errors.New("out of memory")
	// ErrSpace is a full disk.
	ErrSpace = errors.New("no space left on the disk")
	// ErrManyRows is a subquery used as a value that has more than one row.
	ErrManyRows = errors.New("a subquery used as a value has more than one row")
	// ErrUnsupported is a feature of Hive that this executor does not have.
	ErrUnsupported = errors.New("not supported yet")
)

// errUnreadable is a file whose bytes DuckDB cannot make sense of.
var errUnreadable = errors.New("a data file cannot be read")

// cause is what DuckDB said. It is kept for debugging.
type cause struct{ text, sql string }

func (c *cause) Error() string { return c.text }

// Format prints the statement too where %+v asks for everything.
func (c *cause) Format(f fmt.State, verb rune) {
	if verb == 'v' && f.Flag('+') && c.sql != "" {
		fmt.Fprintf(f, "%s\nin: %s", c.text, c.sql)
		return
	}
	fmt.Fprint(f, c.text)
}

// unsupported is an error about a feature.
func unsupported(format string, args ...any) error {
	return &Error{Op: "plan", Msg: fmt.Sprintf(format, args...) + " is not supported yet", Err: ErrUnsupported}
}

// mark begins the texts that our own functions raise inside DuckDB.
const mark = "skep:"

// failure says in our words what DuckDB's text means.
func failure(ctx context.Context, text, sql string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	why := &cause{text: text, sql: sql}
	known := func(sentinel error, msg string) error {
		return &Error{Op: "run", Msg: msg, Err: errors.Join(sentinel, why)}
	}
	kind, _, _ := strings.Cut(text, ":")
	low := strings.ToLower(text)
	switch {
	case strings.Contains(text, mark):
		_, msg, _ := strings.Cut(text, mark)
		msg, _, _ = strings.Cut(msg, "\n")
		return &Error{Op: "run", Msg: msg, Err: why}
	case strings.Contains(low, "more than one row returned by a subquery"):
		return known(ErrManyRows, ErrManyRows.Error()+"; use IN, or add LIMIT 1 or an aggregate")
	case full(low):
		return known(ErrSpace, "no space left on the disk for intermediate results and files that are written"+reason(text)+
			"; free some, or name another temporary directory by --temp-dir")
	case kind == "Out of Memory Error":
		return known(ErrMemory, "the query needs more memory than it may have; raise the memory limit, or read less at a time")
	case kind == "IO Error" && strings.Contains(low, "write"):
		return &Error{Op: "write", Msg: "a local file cannot be written" + reason(text), Err: why}
	case kind == "IO Error" || kind == "Invalid Error" || // as the Parquet reader calls bytes that make no sense
		kind == "Invalid Input Error" && noParquet(low):
		return &Error{Op: "read", Msg: "a data file cannot be read" + named(fileIn(text)), Err: errors.Join(errUnreadable, why)}
	case strings.Contains(low, "map keys can not be null"):
		return &Error{Op: "plan", Msg: "a map with a key that is NULL is not supported yet", Err: errors.Join(ErrUnsupported, why)}
	case kind == "INTERRUPT Error":
		return errClosed
	case kind == "Conversion Error":
		return &Error{Op: "run", Msg: "a value cannot be converted to the type that the query asks for", Err: why}
	case kind == "Out of Range Error":
		return &Error{Op: "run", Msg: "a number is too large for its type", Err: why}
	}
	return &Error{Op: "run", Msg: errRefused.Error() + " (" + strings.ToLower(kind) + ")", Err: errors.Join(errRefused, why)}
}

// noParquet reports whether a text, in lower case, is about a file that the Parquet reader cannot read. Of
// one that is opened while a query runs it does not say that it is Parquet.
func noParquet(low string) bool {
	for _, cause := range []string{"parquet", "failed to read file", "no magic bytes", "footer length", "metadata is corrupt"} {
		if strings.Contains(low, cause) {
			return true
		}
	}
	return false
}

// full reports whether a text, in lower case, is about a disk without room.
func full(low string) bool {
	for _, cause := range []string{"no space left on device", "max_temp_directory_size", "file too large", "disk quota exceeded"} {
		if strings.Contains(low, cause) {
			return true
		}
	}
	return false
}

// reason is the file that a text is about, and what the system said of it.
func reason(text string) string {
	file := fileIn(text)
	if file == "" {
		return ""
	}
	_, said, ok := strings.Cut(text, file+`": `)
	if said, _, _ = strings.Cut(said, "\n"); !ok || said == "" {
		return ": " + file
	}
	return ": " + file + ": " + said
}

// named ends a message about a file, which is not always known.
func named(file string) string {
	if file == "" {
		return ""
	}
	return ": \"" + file + "\" is damaged, or no Parquet file"
}

// fileIn finds the path of a file that is quoted in a text.
func fileIn(text string) string {
	for _, quote := range []string{`"`, `'`} {
		parts := strings.Split(text, quote)
		for i := 1; i < len(parts); i += 2 {
			if strings.HasPrefix(parts[i], "/") && !strings.Contains(parts[i], "\n") {
				return parts[i]
			}
		}
	}
	return ""
}
