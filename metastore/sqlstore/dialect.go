package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// dialect is what the databases differ in.
type dialect struct {
	name       string // of the product, as an error calls it
	migrations string // the directory of its migrations
	numbered   bool   // $1 instead of ?
	arrays     bool   // lists are passed as one argument each, which PostgreSQL plans much faster
	lock       string // makes a SELECT of the store row wait for other writers
	keep       string // makes an INSERT leave rows that exist alone, without counting them
	// duplicate reports an INSERT of what is there already, after which the transaction goes on. Where it
	// is set, partitions are added without looking first, because looking takes long.
	duplicate func(error) bool
	// narrow, after the table partitions, makes a query with a narrow condition sort what it finds. Left
	// alone, MySQL reads all partitions in order to save the sorting, as long as it believes that
	// there are few.
	narrow string
	// paged: a connection cannot run a statement while the rows of another are read, so a
	// transaction reads page by page.
	paged bool
	// prepares: a query is parsed and planned each time, unless we keep it prepared.
	prepares bool
	// tells: a connection can be asked, at next to no cost, whether others have committed anything.
	tells bool
	// remote: the database is a server, which may go away between a COMMIT and its answer.
	remote bool

	read, write *sql.TxOptions
	// explain says what an error of the driver means, and in plain words, if more than it says
	// itself, what is wrong.
	explain func(error) (trouble, string)
	// exclusive runs fn with a connection on which nobody else migrates.
	exclusive func(ctx context.Context, db *sql.DB, fn func(session) error) error
	// clock asks for the time in microseconds since 1970; "" stands for this machine's.
	clock string
	// hasTable asks whether a table is there.
	hasTable string
	// stepwise: a migration is run statement by statement, each of which is committed by itself.
	stepwise bool
}

// trouble is what can be done about an error.
type trouble int

const (
	fatal trouble = iota
	again         // the transaction was undone because of another one: it can be run again
	gone          // the server is away: it can be run again when it is back
)

// dbError is an error of the database, explained.
type dbError struct {
	err     error
	trouble trouble
	hint    string
}

func (e *dbError) Error() string {
	if e.hint == "" {
		return e.err.Error()
	}
	return e.hint + ": " + e.err.Error()
}

func (e *dbError) Unwrap() error { return e.err }

// wrap explains an error of the driver, once.
func (d *dialect) wrap(err error) error {
	var known *dbError
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, sql.ErrTxDone) || errors.As(err, &known) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	what, hint := d.explain(err)
	return &dbError{err, what, hint}
}

func troubleOf(err error) trouble {
	var e *dbError
	if errors.As(err, &e) {
		return e.trouble
	}
	return fatal
}

// bind writes ? as the database wants it. No statement of ours has a ? in a text.
func (d *dialect) bind(query string) string {
	if !d.numbered {
		return query
	}
	var b strings.Builder
	b.Grow(len(query) + 64)
	n := 0
	for {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		n++
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(n))
		query = after
	}
}

// querier is what *sql.DB, *sql.Conn and *sql.Tx have in common.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// session runs statements in one dialect and explains their errors.
type session struct {
	q querier
	d *dialect
}

// exec runs a statement and returns how many rows it changed. In MySQL that does not count rows
// that were already as they should be.
func (s session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := s.q.ExecContext(ctx, s.d.bind(query), args...)
	if err != nil {
		return 0, s.d.wrap(err)
	}
	n, err := res.RowsAffected()
	return n, s.d.wrap(err)
}

// each runs a query and calls fn for each row, with what reads it. fn must not use the session.
func (s session) each(ctx context.Context, fn func(scan func(...any) error) error, query string, args ...any) error {
	rows, err := s.q.QueryContext(ctx, s.d.bind(query), args...)
	if err != nil {
		return s.d.wrap(err)
	}
	return s.d.each(rows, fn)
}

// each reads rows and closes them.
func (d *dialect) each(rows *sql.Rows, fn func(scan func(...any) error) error) error {
	defer rows.Close() // errors of reading are those of rows.Err
	for rows.Next() {
		if err := fn(rows.Scan); err != nil {
			return err
		}
	}
	return d.wrap(rows.Err())
}

// one reads the one row of a query; sql.ErrNoRows where there is none.
func (s session) one(ctx context.Context, query string, args []any, dest ...any) error {
	found := false
	err := s.each(ctx, func(scan func(...any) error) error {
		found = true
		return scan(dest...)
	}, query, args...)
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return err
}

// with shortens the arguments of one.
func with(args ...any) []any { return args }

// in is the condition that a column has one of the values, and its arguments.
func (s session) in(column string, values []string) (string, []any) {
	if s.d.arrays {
		return column + " = ANY(?)", []any{values}
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return column + " IN " + placeholders(len(values)), args
}

// placeholders are n question marks in parentheses, for IN.
func placeholders(n int) string { return "(?" + strings.Repeat(", ?", n-1) + ")" }

// unreachable words the most common mistake.
func unreachable(product, address string) string {
	return fmt.Sprintf("the %s server at %s cannot be reached; is it running, and is the address right?", product, address)
}
