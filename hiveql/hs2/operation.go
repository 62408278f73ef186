package hs2

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/metastore"
)

// operation is a statement that was given to a session, or an answer about the catalog. Its life:
//
//	pending -> running -> finished -> closed
//	                   -> error, canceled, timed out
//
// In finished, its rows wait to be fetched.
type operation struct {
	used
	id      handleID
	kind    int32
	session *session
	text    string
	created time.Time

	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when it is finished, or has failed

	mu        sync.Mutex
	state     int32
	hasRows   bool
	err       error
	completed time.Time
	modified  int64
	log       []string
	logAt     int // lines that were fetched

	// Of the rows; whoever holds reading uses them.
	reading sync.Mutex
	rows    hiveql.Rows
	next    func() (*hiveql.Result, error, bool) // goes on behind the rows; nil for the catalog
	stop    func()
	sent    int64
	kept    *page // what was sent first, for as long as nothing came after it
	peeked  bool  // the row that is current was not sent
	over    bool
}

// Causes of the end of a statement that no client sees by these words.
var (
	errCanceled = errors.New("the statement was canceled")
	errTimedOut = errors.New("the statement took longer than its timeout")
	errClosed   = errors.New("the statement was closed")
)

// newOperation makes an operation that is pending.
func (s *Service) newOperation(ses *session, kind int32, text string, hasRows bool) (*operation, error) {
	o := &operation{
		id: newHandle(), kind: kind, session: ses, text: text, hasRows: hasRows, created: s.Now(),
		done: make(chan struct{}), state: statePending, stop: func() {},
	}
	o.touch(o.created)
	o.ctx, o.cancel = context.WithCancelCause(metastore.WithUser(s.ctx, ses.user))
	if err := s.add(o); err != nil {
		o.cancel(err)
		return nil, err
	}
	return o, nil
}

func (o *operation) handle() *operationHandle {
	o.mu.Lock()
	defer o.mu.Unlock()
	return &operationHandle{ID: o.id, Kind: o.kind, HasRows: o.hasRows}
}

// run carries out the statement up to its first row.
func (o *operation) run(overlay map[string]string) {
	defer close(o.done)
	r, err := o.start(overlay)
	if err == nil && o.rows != nil {
		if o.peeked = o.rows.Next(); !o.peeked {
			o.over = true
			err = o.rows.Err()
		}
		if err != nil {
			_ = o.release() // whose error would be the same
		}
	}
	o.settle(r, err)
}

// start carries out the statement in the session's turn. A query's rows are not read yet: others
// may have their turns before they are.
func (o *operation) start(overlay map[string]string) (*hiveql.Result, error) {
	if err := o.session.take(o.ctx); err != nil {
		return nil, err
	}
	defer o.session.give()
	o.set(stateRunning)
	restore, err := overlaid(o.session.hive, overlay)
	if err != nil {
		return nil, err
	}
	defer restore()
	next, stop := iter.Pull2(o.session.hive.Execute(o.ctx, o.text))
	r, err, ok := next()
	switch {
	case ok && err == nil && r.Rows != nil:
		o.rows, o.next, o.stop = r.Rows, next, stop
		return r, nil
	case ok && err == nil:
		_, err, _ = next() // what it closes may fail
	}
	stop()
	return r, err
}

// overlaid gives settings values for one statement, and says how to take them back.
func overlaid(h *hiveql.Session, overlay map[string]string) (restore func(), err error) {
	before := map[string]string{}
	restore = func() {
		for key, value := range before {
			_ = h.Set(key, value) // it had this value
		}
	}
	for key, value := range overlay {
		old := h.Setting(key)
		if err := h.Set(key, value); err != nil {
			restore()
			return nil, err
		}
		before[key] = old
	}
	return restore, nil
}

func (o *operation) set(state int32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.state = state
}

// settle says how the operation ended; r is nil for those that are no statements.
func (o *operation) settle(r *hiveql.Result, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.completed = time.Now()
	o.state, o.err = stateFinished, err
	o.hasRows = o.rows != nil
	if r != nil && err == nil {
		st := r.Stats()
		o.modified = st.RowsWritten
		o.log = append(o.log, r.Messages...)
		o.log = append(o.log, fmt.Sprintf("INFO  : Completed executing command; Time taken: %.3f seconds", st.Elapsed.Seconds()), "INFO  : OK")
	}
	if err == nil {
		return
	}
	o.state = stateError
	if o.ctx.Err() != nil {
		o.err = context.Cause(o.ctx)
		switch {
		case errors.Is(o.err, errTimedOut):
			o.state = stateTimedOut
		case errors.Is(o.err, errCanceled), errors.Is(o.err, errClosed), errors.Is(o.err, context.Canceled):
			o.state = stateCanceled
		}
	}
	message, _, _ := explain(o.err)
	o.log = append(o.log, "ERROR : "+message)
}

// ended reports whether the statement no longer runs.
func (o *operation) ended() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}

// failure is the error that the operation ended with, if it did.
func (o *operation) failure() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// close ends the operation and gives back what it holds. It is idempotent.
func (o *operation) close() error {
	o.cancel(errClosed)
	<-o.done
	o.reading.Lock()
	defer o.reading.Unlock()
	o.set(stateClosed)
	return o.release()
}

// release closes the rows; reading is held.
func (o *operation) release() error {
	if o.rows == nil {
		return nil
	}
	rows := o.rows
	o.rows = nil
	if o.next == nil {
		return rows.Close()
	}
	err := rows.Close() // which gives back all that they hold
	// The session ends the statement in its turn, for which nobody waits here: another may run for long.
	end := func() {
		defer o.session.give()
		_, _, _ = o.next() // its error would be that of the rows
		o.stop()
	}
	select {
	case o.session.turn <- struct{}{}:
		end()
	default:
		o.session.leaving.Go(func() {
			o.session.turn <- struct{}{}
			end()
		})
	}
	if errors.Is(err, errClosed) || errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// fetch reads rows from where the last fetch ended, or again from the first ones for as long as
// they are kept. more is false when it is known that no row follows.
func (o *operation) fetch(orientation int32, maxRows int64) (p *page, start int64, more bool, err error) {
	o.reading.Lock()
	defer o.reading.Unlock()
	switch {
	case orientation == fetchFirst && o.sent > 0:
		if o.kept == nil {
			return nil, 0, false, errors.New("the first rows are no longer there: run the statement again")
		}
		return o.kept, 0, !o.over, nil
	case orientation != fetchNext && orientation != fetchFirst:
		return nil, 0, false, inHive(fmt.Sprintf("The fetch type %d is not supported for this resultset", orientation))
	}
	p = newPage(o.columns())
	start = o.sent
	if o.rows == nil { // it has none, or was closed
		o.over = true
	}
	for !o.over && !p.full(maxRows) {
		if !o.peeked && !o.rows.Next() {
			o.over = true
			if err := o.rows.Err(); err != nil {
				return nil, 0, false, err
			}
			break
		}
		o.peeked = false
		p.add(o.rows.Row())
	}
	o.kept = nil
	if start == 0 {
		o.kept = p
	}
	o.sent += int64(p.rows)
	return p, start, !o.over, nil
}

func (o *operation) columns() []analysis.Output {
	if o.rows == nil {
		return nil
	}
	return o.rows.Columns()
}

// lines are those of the log that were not fetched yet, or all again.
func (o *operation) lines(orientation int32, maxRows int64) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if orientation == fetchFirst {
		o.logAt = 0
	}
	lines := o.log[o.logAt:]
	lines = lines[:min(int64(len(lines)), max(maxRows, 0))]
	o.logAt += len(lines)
	return lines
}

// shortly is the beginning of a statement, for the log.
func shortly(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 200 {
		text = string(r[:200]) + "..."
	}
	return text
}
