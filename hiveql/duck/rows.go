package duck

import (
	"context"
	"errors"
	"slices"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
)

var _ hiveql.Executor = (*Executor)(nil)

// Query starts a query. Its rows stream from DuckDB in chunks; closing them, or the end of ctx,
// ends it.
func (e *Executor) Query(ctx context.Context, q *analysis.Query, src hiveql.Source) (hiveql.Rows, error) {
	r, err := e.lowered(ctx, src, func(l *lowerer) string { return l.query(q) })
	if err != nil {
		return nil, err
	}
	rows := &resultRows{job: r, output: slices.Clone(q.Output), row: make([]hivetype.Value, len(q.Output))}
	for _, o := range q.Output {
		rows.readers = append(rows.readers, newReader(o.Type))
	}
	return rows, nil
}

// job is a statement that runs, and what must be given back after it.
type job struct {
	*run
	conn    *connection
	exec    *Executor
	feeds   *feeds
	release []func()
}

// lowered lowers a plan by make and starts it, on a connection of its own.
func (e *Executor) lowered(ctx context.Context, src hiveql.Source, lower func(*lowerer) string) (*job, error) {
	if err := e.enter(); err != nil {
		return nil, err
	}
	conn, err := e.connect()
	if err != nil {
		e.running.Done()
		return nil, err
	}
	j := &job{conn: conn, exec: e, feeds: newFeeds(ctx, e.threads)}
	l := &lowerer{ctx: ctx, exec: e, conn: conn, src: src, feeds: j.feeds}
	sql := lower(l)
	j.release = l.release
	err = l.err
	if err == nil {
		err = e.registerDecimals(conn, l.decimals)
	}
	if err == nil {
		j.run, err = conn.start(ctx, sql)
		err = j.feeds.explain(err)
	}
	if err != nil {
		return nil, errors.Join(err, j.close())
	}
	return j, nil
}

// close ends the statement and gives everything back. It is called once.
func (j *job) close() error {
	var err error
	j.feeds.cancel()
	if j.run != nil {
		err = j.run.close()
	}
	j.conn.close()
	j.feeds.wait()
	for _, f := range j.release {
		f()
	}
	j.exec.running.Done()
	return err
}

// resultRows are the rows of a query.
type resultRows struct {
	*job
	output  []analysis.Output
	readers []reader
	row     []hivetype.Value

	chunk   duckdb.DataChunk
	columns []vector
	size    int
	at      int // the row of chunk after the current one
	err     error
	done    bool
	closed  bool
}

func (r *resultRows) Columns() []analysis.Output { return r.output }

func (r *resultRows) Next() bool {
	if r.done || r.closed {
		return false
	}
	if r.at == r.size && !r.nextChunk() {
		r.done = true
		return false
	}
	for i, read := range r.readers {
		r.row[i] = read(r.columns[i], r.at)
	}
	r.at++
	return true
}

func (r *resultRows) nextChunk() bool {
	r.dropChunk()
	chunk, ok, err := r.fetch()
	if err != nil || !ok {
		r.err = r.feeds.explain(err)
		return false
	}
	r.chunk, r.at, r.size = chunk, 0, int(duckdb.DataChunkGetSize(chunk))
	r.columns = r.columns[:0]
	for i := range r.readers {
		r.columns = append(r.columns, newVector(duckdb.DataChunkGetVector(chunk, duckdb.IdxT(i))))
	}
	return true
}

func (r *resultRows) dropChunk() {
	if r.chunk.Ptr != nil {
		duckdb.DestroyDataChunk(&r.chunk)
		r.size, r.at = 0, 0
	}
}

func (r *resultRows) Row() []hivetype.Value { return r.row }

func (r *resultRows) Err() error { return r.err }

func (r *resultRows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	r.dropChunk()
	return r.job.close()
}
