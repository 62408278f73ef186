package hiveql

import (
	"slices"
	"time"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
)

// Result is what one statement gave. Rows are read while the statement is the current one of
// Session.Execute; then they are closed.
type Result struct {
	Statement syntax.Stmt // nil if it did not parse
	Text      string      // as run, with variables substituted
	At        syntax.Pos  // of the statement in the script
	Rows      Rows        // nil where the statement has none to show
	Messages  []string    // progress for people: "Loading data to table default.t"

	source  string // what positions in Statement count in
	started time.Time
	elapsed time.Duration
	now     func() time.Time
	counts  counts
}

// Stats are the costs of one statement.
type Stats struct {
	Elapsed         time.Duration // until now, or until the rows were closed
	FirstRow        time.Duration // until the first row; 0 if there was none
	Rows            int64         // rows read from Rows so far
	Files           int64         // data files that were opened
	FilesListed     int64         // data files that were found
	FilesPruned     int64         // of the files that were opened, those that cannot hold rows of the result
	PartitionsRead  int64         // partitions whose files were listed; 1 for a table without keys
	Lists           int64         // listings that were asked for
	RowGroups       int64         // of the Parquet files that were opened
	RowGroupsPruned int64         // of these, those that cannot hold rows of the result
	BytesRead       int64         // size of the files that were opened
	BytesFetched    int64         // of these, bytes that came from a far store by this statement
	BytesFound      int64         // bytes of far files that were needed, and were in the cache
	BytesCompared   int64         // of the bytes fetched, those that came only to be compared with what had come before
	BlocksChanged   int64         // blocks of far files that came changed, and were fetched again
	Gets            int64         // requests by which they were fetched
	RowsWritten     int64
	FilesWritten    int64
	BytesWritten    int64
	TimestampsCut   int64 // timestamps, in text and in the statement, that lost digits behind the microseconds
}

// Stats are the costs so far. It is safe to call while rows are read.
func (r *Result) Stats() Stats {
	st := r.counts.stats()
	if first := r.counts.firstRow.Load(); first != 0 {
		st.FirstRow = time.Unix(0, first).Sub(r.started)
	}
	st.Elapsed = r.elapsed
	if st.Elapsed == 0 {
		st.Elapsed = r.now().Sub(r.started)
	}
	return st
}

func (r *Result) finish() error {
	var err error
	if r.Rows != nil {
		err = r.Rows.Close()
	}
	r.elapsed = r.now().Sub(r.started)
	return err
}

// failure is the error of the statement, or of its rows.
func (r *Result) failure(err error) error {
	if err == nil && r.Rows != nil {
		return r.Rows.Err()
	}
	return err
}

// say adds a message.
func (r *Result) say(text string) { r.Messages = append(r.Messages, text) }

// queryRows are an executor's rows, counted, with errors made a user's.
type queryRows struct {
	Rows
	source  string
	counts  *counts
	zone    *time.Location // of the session
	done    func()
	columns []analysis.Output // with the names that the user sees
	// refuseCut makes timestamps that lost digits an error, behind the rows.
	refuseCut bool
}

// Columns are those of the rows.
func (r *queryRows) Columns() []analysis.Output { return r.columns }

// Row shows instants in the zone of the session.
func (r *queryRows) Row() []hivetype.Value {
	row := r.Rows.Row()
	for i, c := range r.Columns() {
		if t, ok := row[i].(time.Time); ok && c.Type.Kind == hivetype.TimestampLocalTZ {
			row[i] = t.In(r.zone)
		}
	}
	return row
}

func (r *queryRows) Next() bool {
	if !r.Rows.Next() {
		return false
	}
	if r.counts.rows.Add(1) == 1 {
		r.counts.firstRow.Store(time.Now().UnixNano())
	}
	return true
}

func (r *queryRows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return userError(err, r.source, queryTask)
	}
	return r.counts.whole(r.refuseCut)
}

func (r *queryRows) Close() error {
	err := r.Rows.Close()
	r.done()
	if err != nil {
		return userError(err, r.source, queryTask)
	}
	return nil
}

// textRows are rows of text that a statement makes by itself.
type textRows struct {
	columns []analysis.Output
	rows    [][]string
	rest    hivetype.Value // of a row that has fewer columns
	at      int
	counts  *counts
}

// show makes rows of text the result.
func (r *Result) show(columns []string, rows [][]string) { r.showRagged(columns, rows, nil) }

// showRagged is show of rows some of which have fewer columns; the others are rest.
func (r *Result) showRagged(columns []string, rows [][]string, rest hivetype.Value) {
	t := &textRows{rows: rows, rest: rest, counts: &r.counts}
	for i, c := range columns {
		t.columns = append(t.columns, analysis.Output{Name: c, ID: i, Type: hivetype.Of(hivetype.String)})
	}
	r.Rows = t
}

// showLines makes lines of one column the result.
func (r *Result) showLines(column string, lines []string) {
	rows := make([][]string, len(lines))
	for i, l := range lines {
		rows[i] = []string{l}
	}
	r.show([]string{column}, rows)
}

func (t *textRows) Columns() []analysis.Output { return t.columns }

func (t *textRows) Next() bool {
	if t.at >= len(t.rows) {
		return false
	}
	t.at++
	t.counts.rows.Add(1)
	return true
}

func (t *textRows) Row() []hivetype.Value {
	row := slices.Repeat([]hivetype.Value{t.rest}, len(t.columns))
	for i, v := range t.rows[t.at-1] {
		row[i] = v
	}
	return row
}

func (t *textRows) Err() error { return nil }

func (t *textRows) Close() error {
	t.at = len(t.rows)
	return nil
}
