package duck

/*
#cgo CXXFLAGS: -std=c++17 -O2
#include <stdlib.h>

const char *skep_register_functions(void *connection);
int skep_register_sketch(void *connection);
int skep_register_set(void *connection);
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// connection is one connection to the database. It is used by one goroutine at a time.
type connection struct {
	handle duckdb.Connection
}

// idleConnections is how many connections are kept for statements to come. To open one takes a tenth of a
// millisecond and more.
const idleConnections = 4

// connect opens a connection, or takes an idle one.
func (e *Executor) connect() (*connection, error) {
	e.mu.Lock()
	if n := len(e.idle); n > 0 {
		c := e.idle[n-1]
		e.idle = e.idle[:n-1]
		e.mu.Unlock()
		return c, nil
	}
	e.mu.Unlock()
	c := &connection{}
	if duckdb.Connect(e.db, &c.handle) == duckdb.StateError {
		return nil, &Error{Op: "connect", Msg: "the engine accepts no more connections"}
	}
	return c, nil
}

func (c *connection) close() { duckdb.Disconnect(&c.handle) }

// giveBack keeps a connection on which nothing is left of its last statement, or closes it.
func (e *Executor) giveBack(c *connection, clean bool) {
	e.mu.Lock()
	keep := clean && !e.closed && len(e.idle) < idleConnections
	if keep {
		e.idle = append(e.idle, c)
	}
	e.mu.Unlock()
	if !keep {
		c.close()
	}
}

// registerFunctions makes the C++ functions known to the whole database.
func (c *connection) registerFunctions() error {
	if name := C.skep_register_functions(c.handle.Ptr); name != nil {
		return fmt.Errorf("register function %s: refused by DuckDB", C.GoString(name))
	}
	if C.skep_register_sketch(c.handle.Ptr) != 0 {
		return errors.New("register function skep_sketch: refused by DuckDB")
	}
	if C.skep_register_set(c.handle.Ptr) != 0 {
		return errors.New("register function skep_set: refused by DuckDB")
	}
	return nil
}

// exec runs statements without results.
func (c *connection) exec(ctx context.Context, sql string) error {
	r, err := c.start(ctx, sql)
	if err != nil {
		return err
	}
	return r.close()
}

// run is one statement that is being executed, and its result.
type run struct {
	ctx     context.Context // of the one query that the run is
	prep    duckdb.PreparedStatement
	pending duckdb.PendingResult
	result  duckdb.Result
	stop    func() // ends the watching of ctx
	started bool
	ended   bool // all rows were fetched: DuckDB has let go of the statement
}

// planLate stands for false in the SQL of a statement. DuckDB plans what reads files anew when it is
// executed, as they may have changed; without this it would have planned it before, when the
// statement is prepared, for nothing. It cannot as long as a parameter of a table function is open.
const planLate = "$1"

// start executes sql until its first rows can be fetched. A dead ctx interrupts it, then and
// while rows are being fetched.
func (c *connection) start(ctx context.Context, sql string) (*run, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	r := &run{ctx: ctx}
	if duckdb.Prepare(c.handle, sql, &r.prep) == duckdb.StateError {
		err := failure(ctx, duckdb.PrepareError(r.prep), sql)
		duckdb.DestroyPrepare(&r.prep)
		return nil, err
	}
	if duckdb.NParams(r.prep) > 0 { // planLate
		duckdb.BindBoolean(r.prep, 1, false)
	}
	if duckdb.PendingPreparedStreaming(r.prep, &r.pending) == duckdb.StateError {
		err := failure(ctx, duckdb.PendingError(r.pending), sql)
		duckdb.DestroyPending(&r.pending)
		duckdb.DestroyPrepare(&r.prep)
		return nil, err
	}
	r.watch(ctx, c)
	r.started = true
	if duckdb.ExecutePending(r.pending, &r.result) == duckdb.StateError {
		err := failure(ctx, duckdb.ResultError(&r.result), sql)
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

// watch interrupts the connection when ctx ends. The function it sets waits for that to be over,
// so that no later statement is hit.
func (r *run) watch(ctx context.Context, c *connection) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		duckdb.Interrupt(c.handle)
		close(done)
	})
	r.stop = func() {
		if !stop() {
			<-done
		}
	}
}

// fetch returns the next rows; ok is false after the last ones.
func (r *run) fetch() (chunk duckdb.DataChunk, ok bool, err error) {
	chunk = duckdb.FetchChunk(r.result)
	if chunk.Ptr != nil {
		if duckdb.DataChunkGetSize(chunk) > 0 {
			return chunk, true, nil
		}
		duckdb.DestroyDataChunk(&chunk)
	}
	if text := duckdb.ResultError(&r.result); text != "" {
		return chunk, false, failure(r.ctx, text, "")
	}
	r.ended = true
	return chunk, false, nil
}

// close ends the statement. It is called once.
func (r *run) close() error {
	if r.started {
		r.stop()
	}
	duckdb.DestroyResult(&r.result)
	duckdb.DestroyPending(&r.pending)
	duckdb.DestroyPrepare(&r.prep)
	return nil
}

// query runs sql and returns all its rows, as text; for small results only.
func (c *connection) query(ctx context.Context, sql string) ([][]string, error) {
	r, err := c.start(ctx, sql)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for {
		chunk, ok, err := r.fetch()
		if err != nil || !ok {
			return rows, errors.Join(err, r.close())
		}
		n := int(duckdb.DataChunkGetSize(chunk))
		first := len(rows)
		for range n {
			rows = append(rows, nil)
		}
		for col := range duckdb.DataChunkGetColumnCount(chunk) {
			v := duckdb.DataChunkGetVector(chunk, col)
			for i, s := range textColumn(v, n) {
				rows[first+i] = append(rows[first+i], s)
			}
		}
		duckdb.DestroyDataChunk(&chunk)
	}
}

// textColumn reads a vector of VARCHAR; NULL is "".
func textColumn(v duckdb.Vector, n int) []string {
	col := newVector(v)
	list := make([]string, n)
	for i := range n {
		if col.valid(i) {
			list[i] = strings.Clone(col.text(i))
		}
	}
	return list
}
