package duck

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/storage"
)

var _ hiveql.Executor = (*Executor)(nil)

// Query starts a query. Its rows stream from DuckDB in chunks; closing them, or the end of ctx,
// ends it.
func (e *Executor) Query(ctx context.Context, q *analysis.Query, src hiveql.Source) (hiveql.Rows, error) {
	r, err := e.lowered(ctx, src, func(l *lowerer) string { return l.query(q) })
	if err != nil {
		return nil, err
	}
	return newRows(r, q), nil
}

// newRows are the rows of a query that runs.
func newRows(j *job, q *analysis.Query) *resultRows {
	rows := &resultRows{job: j, output: slices.Clone(q.Output), row: make([]hivetype.Value, len(q.Output))}
	for _, o := range q.Output {
		rows.readers = append(rows.readers, j.resolution.newReader(o.Type))
	}
	return rows
}

// job is a statement that runs, and what must be given back after it.
type job struct {
	*run
	ctx        context.Context // of the statement
	giveUp     context.CancelCauseFunc
	conn       *connection // nil when it is closed; guarded by exec.mu
	exec       *Executor
	feeds      *feeds
	urls       map[string]string // names of the files that DuckDB reads, by their local paths
	release    []func()
	came       []came // far Parquet files
	resolution resolution
	unused     bool // nothing was run
}

// lowered lowers a plan by lower and starts it, on a connection of its own. Where the SQL is empty nothing is run.
func (e *Executor) lowered(ctx context.Context, src hiveql.Source, lower func(*lowerer) string) (*job, error) {
	ctx, giveUp := context.WithCancelCause(ctx)
	j := &job{ctx: ctx, giveUp: giveUp, exec: e, feeds: newFeeds(ctx, int(e.threads.Load()))}
	if err := e.enter(j); err != nil {
		giveUp(nil)
		return nil, err
	}
	if err := hiveql.Guard(func() error { return j.start(src, lower) }); err != nil {
		return nil, errors.Join(j.explain(err), j.close())
	}
	return j, nil
}

func (j *job) start(src hiveql.Source, lower func(*lowerer) string) error {
	conn, err := j.exec.connect()
	if err != nil {
		return err
	}
	j.exec.mu.Lock()
	j.conn = conn
	j.exec.mu.Unlock()
	l := &lowerer{
		ctx: j.ctx, exec: j.exec, conn: conn, src: src, feeds: j.feeds, giveUp: j.giveUp,
		urls: map[string]string{}, prepared: map[*analysis.Scan][]*scanGroup{}, withs: map[*analysis.Shared]string{},
		scanned: map[int]scanned{}, spans: map[int]span{}, reaches: map[analysis.Expr]compactable{}, loose: map[int]bool{},
	}
	defer func() { j.release, j.urls, j.came, j.resolution = l.release, l.urls, l.came, l.resolution }() // also of one that failed
	sql := lower(l)
	if l.err != nil {
		return l.err
	}
	if sql == "" {
		j.unused = true
		return nil
	}
	if err := j.exec.registerDecimals(conn, l.decimals); err != nil {
		return err
	}
	if err := j.exec.registerComputed(conn, l.computed); err != nil {
		return err
	}
	j.run, err = conn.start(j.ctx, sql)
	return err
}

// explain puts the error of a feed, or of what came changed, in the place of what DuckDB made of it, and names
// a file by its URL.
func (j *job) explain(err error) error {
	if err = j.feeds.explain(err); err == nil {
		return nil
	}
	if changed := j.recheck(err); changed != nil {
		err = changed
	}
	if errors.Is(err, storage.ErrChecksum) {
		j.distrust()
		return err
	}
	var e *Error
	if errors.As(err, &e) && errors.Is(err, errUnreadable) {
		local := fileIn(e.Msg)
		if url := j.urls[local]; url != "" {
			return &Error{Op: e.Op, Msg: strings.ReplaceAll(e.Msg, local, url), Err: e.Err}
		}
		if local == "" && len(j.urls) > 0 {
			return &Error{Op: e.Op, Msg: e.Msg + j.suspects(), Err: e.Err}
		}
	}
	return err
}

// suspects ends the message about a file that DuckDB does not name: it is one of those it read.
func (j *job) suspects() string {
	var urls []string
	for _, url := range j.urls {
		urls = append(urls, url)
	}
	slices.Sort(urls)
	if len(urls) == 1 {
		return named(urls[0])
	}
	return fmt.Sprintf(": one of %d files is damaged, from %q to %q", len(urls), urls[0], urls[len(urls)-1])
}

// interrupt ends the statement from another goroutine. The caller holds exec.mu.
func (j *job) interrupt() {
	j.feeds.stop(errClosed)
	if j.conn != nil {
		duckdb.Interrupt(j.conn.handle)
	}
}

// close ends the statement and gives everything back. It is called once.
func (j *job) close() error {
	var err error
	j.feeds.cancel()
	if j.run != nil {
		err = j.run.close()
	}
	j.exec.mu.Lock()
	conn := j.conn
	j.conn = nil
	j.exec.mu.Unlock()
	if conn != nil {
		j.exec.giveBack(conn, err == nil && (j.unused || j.run != nil && j.ended) && j.ctx.Err() == nil)
	}
	j.feeds.wait()
	j.giveUp(nil)
	for _, f := range j.release {
		f()
	}
	j.exec.leave(j)
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
		r.err = r.job.explain(err)
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
