package hs2

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/syntax"
)

// execute begins a statement. Without Async it answers when the statement has ended, with its
// error if it has one.
func (s *Service) execute(ctx context.Context, a *call[executeRequest]) (operationReply, error) {
	o, err := s.begin(ctx, &a.Req)
	if err != nil {
		return operationReply{Status: failed(err)}, nil
	}
	if a.Req.Async {
		return operationReply{status{Code: statusSuccess}, o.handle()}, nil
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		o.cancel(errCanceled)
		<-o.done
	}
	if err := o.failure(); err != nil {
		s.forget(o)
		return operationReply{Status: failed(errors.Join(err, o.close()))}, nil
	}
	return operationReply{status{Code: statusSuccess}, o.handle()}, nil
}

// begin parses a statement, whose errors the client is told at once, and starts it.
func (s *Service) begin(ctx context.Context, r *executeRequest) (*operation, error) {
	ses, err := s.session(r.Session)
	if err != nil {
		return nil, err
	}
	hasRows, err := ses.prepare(ctx, r.Statement)
	if err != nil {
		return nil, err
	}
	o, err := s.newOperation(ses, opExecute, r.Statement, hasRows)
	if err != nil {
		return nil, err
	}
	o.log = []string{"INFO  : Executing command(queryId=" + o.id.String() + "): " + shortly(r.Statement)}
	s.wg.Go(func() {
		if r.Timeout > 0 {
			timer := time.AfterFunc(time.Duration(r.Timeout)*time.Second, func() { o.cancel(errTimedOut) })
			defer timer.Stop()
		}
		o.run(r.Overlay)
	})
	return o, nil
}

// prepare parses a statement, and says whether it will have rows: drivers want to know before
// it runs. Variables make it wait for the session's turn, as only then their values are known.
func (s *session) prepare(ctx context.Context, text string) (hasRows bool, err error) {
	if strings.Contains(text, "${") {
		if err := s.take(ctx); err != nil {
			return false, err
		}
		defer s.give()
	}
	stmts, err := s.hive.Parse(text)
	if err != nil {
		return false, err
	}
	if len(stmts) != 1 {
		return false, &hiveql.Error{
			Phase: hiveql.Parsing, Code: 40000, SQLState: "42000", Msg: "expected one statement at a time", Source: text,
		}
	}
	return givesRows(stmts[0]), nil
}

// givesRows reports whether a statement has a result set, be it empty.
func givesRows(stmt syntax.Stmt) bool {
	switch n := stmt.(type) {
	case *syntax.QueryStmt, *syntax.Show, *syntax.Describe, *syntax.Explain, *syntax.Optimize:
		return true
	case *syntax.Set:
		return n.Value == nil
	case *syntax.ShellCommand:
		return n.Command == "dfs" || n.Command == "list"
	case *syntax.Msck:
		return true
	}
	return false // what has rows all the same says so when it has run
}

// longPoll is how long GetOperationStatus waits for a statement to end, as
// hive.server2.long.polling.timeout has it.
const longPoll = 5 * time.Second

func (s *Service) operationStatus(ctx context.Context, a *call[statusRequest]) (operationStatus, error) {
	o, err := s.operation(a.Req.Operation)
	if err != nil {
		return operationStatus{Status: failed(err), State: stateUnknown}, nil
	}
	timer := time.NewTimer(longPoll)
	defer timer.Stop()
	select {
	case <-o.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	tasks := "[]"
	started, hasRows := o.created.UnixMilli(), o.hasRows
	r := operationStatus{
		Status: status{Code: statusSuccess}, State: o.state, Tasks: &tasks, Started: &started, HasRows: &hasRows,
	}
	if !o.completed.IsZero() {
		completed := o.completed.UnixMilli()
		r.Completed = &completed
	}
	if o.err != nil {
		message, state, code := explain(o.err)
		r.Message, r.SQLState, r.Error = &message, &state, &code
	} else if !hasRows && o.ended() {
		modified := o.modified
		r.Modified = &modified
	}
	if a.Req.Progress != nil && *a.Req.Progress {
		r.Progress = &progress{Headers: []string{}, Rows: [][]string{}, Status: progressUnknown, Started: started}
	}
	return r, nil
}

func (s *Service) cancelOperation(ctx context.Context, a *call[ofOperation]) (statusReply, error) {
	o, err := s.operation(a.Req.Operation)
	if err == nil {
		o.cancel(errCanceled)
		select {
		case <-o.done:
			o.interrupted()
		case <-ctx.Done():
		}
	}
	return reply(err), nil
}

// interrupted makes an operation whose rows were still to come a canceled one.
func (o *operation) interrupted() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.state == stateFinished {
		o.state, o.err = stateCanceled, errCanceled
	}
}

func (s *Service) closeOperation(_ context.Context, a *call[ofOperation]) (statusReply, error) {
	o, err := s.operation(a.Req.Operation)
	if err == nil {
		s.forget(o)
		err = o.close()
	}
	return reply(err), nil
}

func (s *Service) queryID(_ context.Context, a *call[ofOperation]) (queryIDReply, error) {
	return queryIDReply{a.Req.Operation.ID.String()}, nil
}

func (s *Service) resultSetMetadata(ctx context.Context, a *call[ofOperation]) (metadataReply, error) {
	o, err := s.ready(ctx, a.Req.Operation)
	if err != nil {
		return metadataReply{Status: failed(err)}, nil
	}
	o.reading.Lock()
	defer o.reading.Unlock()
	return metadataReply{status{Code: statusSuccess}, schemaOf(o.columns(), o.session.protocol)}, nil
}

// ready is an operation that has ended, and well.
func (s *Service) ready(ctx context.Context, h operationHandle) (*operation, error) {
	o, err := s.operation(h)
	if err != nil {
		return nil, err
	}
	select {
	case <-o.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return o, o.failure()
}

func (s *Service) fetchResults(ctx context.Context, a *call[fetchRequest]) (fetchReply, error) {
	if a.Req.Type == fetchLog {
		return s.fetchLog(&a.Req), nil
	}
	o, err := s.ready(ctx, a.Req.Operation)
	if err != nil {
		return fetchReply{Status: failed(err)}, nil
	}
	if !o.handle().HasRows {
		return fetchReply{Status: failed(errors.New("the statement has no result set"))}, nil
	}
	p, start, more, err := o.fetch(a.Req.Orientation, a.Req.MaxRows)
	if err != nil {
		if o.ctx.Err() != nil {
			err = context.Cause(o.ctx)
		}
		return fetchReply{Status: failed(err)}, nil
	}
	return fetchReply{status{Code: statusSuccess}, &more, p.set(start, o.session.protocol)}, nil
}

// fetchLog answers with lines of the log as rows of one column.
func (s *Service) fetchLog(r *fetchRequest) fetchReply {
	o, err := s.operation(r.Operation)
	if err != nil {
		return fetchReply{Status: failed(err)}
	}
	p := newPage(texts("operation_log"))
	for _, line := range o.lines(r.Orientation, r.MaxRows) {
		p.add([]any{line})
	}
	more := false
	return fetchReply{status{Code: statusSuccess}, &more, p.set(0, o.session.protocol)}
}
