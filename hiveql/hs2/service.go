package hs2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// Config says what a Service works with. Engine and Store are required.
type Config struct {
	Engine *hiveql.Engine
	Store  metastore.Reader // what the answers about the catalog are made of
	// Version is the version of Hive that drivers are told; they choose by it what they send.
	Version string
	// LoggedIn says that clients have proved who they are: a name they claim then counts for nothing.
	LoggedIn bool
	// SessionIdle is how long a session may be unused before Reap closes it, OperationIdle the same
	// for the rows of a statement; 4 and 2 hours.
	SessionIdle, OperationIdle time.Duration
	// MaxSessions bounds the sessions at a time, MaxOperations the open operations of one; 1,000 each.
	MaxSessions, MaxOperations int
	Log                        *slog.Logger
	Now                        func() time.Time
}

// Service is HiveServer2 over an Engine. It is safe for concurrent use.
type Service struct {
	Config
	ctx    context.Context // of what outlives a call
	cancel context.CancelFunc
	wg     sync.WaitGroup // of statements that run

	mu         sync.Mutex
	sessions   map[string]*session // by the bytes of their handles
	operations map[string]*operation
}

// New makes a service. Its statements end when ctx does.
func New(ctx context.Context, cfg Config) *Service {
	cfg.Version = cmp.Or(cfg.Version, "3.1.3")
	cfg.SessionIdle = cmp.Or(cfg.SessionIdle, 4*time.Hour)
	cfg.OperationIdle = cmp.Or(cfg.OperationIdle, 2*time.Hour)
	cfg.MaxSessions = cmp.Or(cfg.MaxSessions, 1000)
	cfg.MaxOperations = cmp.Or(cfg.MaxOperations, 1000)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: cfg, sessions: map[string]*session{}, operations: map[string]*operation{}}
	s.ctx, s.cancel = context.WithCancel(ctx)
	return s
}

// Thrift is the table of the methods.
func (s *Service) Thrift() *thrift.Service {
	t := thrift.NewService()
	thrift.Handle(t, "OpenSession", s.openSession)
	thrift.Handle(t, "CloseSession", s.closeSession)
	thrift.Handle(t, "SetClientInfo", s.setClientInfo)
	thrift.Handle(t, "GetInfo", s.getInfo)
	thrift.Handle(t, "ExecuteStatement", s.execute)
	thrift.Handle(t, "GetOperationStatus", s.operationStatus)
	thrift.Handle(t, "CancelOperation", s.cancelOperation)
	thrift.Handle(t, "CloseOperation", s.closeOperation)
	thrift.Handle(t, "GetResultSetMetadata", s.resultSetMetadata)
	thrift.Handle(t, "FetchResults", s.fetchResults)
	thrift.Handle(t, "GetQueryId", s.queryID)
	s.addCatalog(t)
	for _, name := range []string{"GetDelegationToken", "CancelDelegationToken", "RenewDelegationToken"} {
		thrift.Handle(t, name, func(context.Context, *call[ofSession]) (tokenReply, error) {
			return tokenReply{Status: failed(inHive("Delegation token only supported over remote client with kerberos authentication"))}, nil
		})
	}
	return t
}

// Close ends all statements and sessions, and waits for them.
func (s *Service) Close() error {
	s.cancel()
	s.mu.Lock()
	open := make([]*session, 0, len(s.sessions))
	for _, ses := range s.sessions {
		open = append(open, ses)
	}
	s.mu.Unlock()
	var errs []error
	for _, ses := range open {
		errs = append(errs, s.end(ses))
	}
	s.wg.Wait()
	return errors.Join(errs...)
}

// Left closes the sessions that a client opened on a connection that has ended, as Hive does: it
// may have been killed. Sessions over HTTP belong to no connection.
func (s *Service) Left(c *thrift.Conn) {
	mine, _ := c.Memory.(*connection)
	if mine == nil {
		return
	}
	for _, ses := range mine.sessions() {
		if err := s.end(ses); err != nil {
			s.Log.Warn("a session whose client has gone was not closed well", "remote", c.Remote, "error", err)
		}
	}
}

// Reap closes what has not been used for long, and tidies up behind sessions that run no statement. Call it from time to
// time.
func (s *Service) Reap() {
	now := s.Now()
	var sessions, others []*session
	var operations []*operation
	s.mu.Lock()
	for _, o := range s.operations {
		if o.unusedSince(now) > s.OperationIdle {
			operations = append(operations, o)
		}
	}
	for _, ses := range s.sessions {
		if ses.unusedSince(now) > s.SessionIdle && !s.busy(ses) {
			sessions = append(sessions, ses)
		} else {
			others = append(others, ses)
		}
	}
	s.mu.Unlock()
	for _, o := range operations {
		s.forget(o)
		_ = o.close() // nobody is left to be told
	}
	for _, ses := range sessions {
		if err := s.end(ses); err != nil {
			s.Log.Warn("an idle session was not closed well", "error", err)
		}
	}
	for _, ses := range others {
		ses.tidy(s.ctx)
	}
}

// busy reports whether a statement of the session runs. s.mu is held.
func (s *Service) busy(ses *session) bool {
	for _, o := range s.operations {
		if o.session == ses && !o.ended() {
			return true
		}
	}
	return false
}

// inHive is an error in the words of Hive's server, which some drivers look for.
type inHive string

func (e inHive) Error() string { return string(e) }

// errInvalidHandle is of clients that use what has been closed.
const errInvalidHandle inHive = "Invalid handle"

func (s *Service) session(h sessionHandle) (*session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ses := s.sessions[h.ID.key()]
	if ses == nil {
		return nil, fmt.Errorf("%w: Invalid SessionHandle: SessionHandle [%s]", errInvalidHandle, h.ID)
	}
	ses.touch(s.Now())
	return ses, nil
}

func (s *Service) operation(h operationHandle) (*operation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.operations[h.ID.key()]
	if o == nil {
		return nil, fmt.Errorf("%w: Invalid OperationHandle: OperationHandle [opType=%d, getHandleIdentifier()=%s]",
			errInvalidHandle, h.Kind, h.ID)
	}
	o.touch(s.Now())
	o.session.touch(s.Now())
	return o, nil
}

// add makes an operation known.
func (s *Service) add(o *operation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[o.session.id.key()] == nil {
		return fmt.Errorf("%w: the session was closed", errInvalidHandle)
	}
	open := 0
	for _, other := range s.operations {
		if other.session == o.session {
			open++
		}
	}
	if open >= s.MaxOperations {
		return fmt.Errorf("the session has %d open statements, which is the limit; close some", open)
	}
	s.operations[o.id.key()] = o
	return nil
}

func (s *Service) forget(o *operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.operations, o.id.key())
}

// end closes a session with all its operations. Others may have closed it already.
func (s *Service) end(ses *session) error {
	s.mu.Lock()
	if s.sessions[ses.id.key()] == nil {
		s.mu.Unlock()
		return nil
	}
	delete(s.sessions, ses.id.key())
	var mine []*operation
	for _, o := range s.operations {
		if o.session == ses {
			mine = append(mine, o)
			delete(s.operations, o.id.key())
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, o := range mine {
		errs = append(errs, o.close())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 30*time.Second)
	defer cancel()
	return errors.Join(append(errs, ses.close(ctx))...)
}

// failed is the status of an error, with what Hive says of it.
func failed(err error) status {
	code := statusError
	if errors.Is(err, errInvalidHandle) {
		code = statusInvalid
	}
	message, state, number := explain(err)
	return status{
		Code: code, Message: &message, SQLState: &state, Error: &number,
		Info: []string{"*org.apache.hive.service.cli.HiveSQLException:" + message + ":0:0"},
	}
}

// explain is an error's text, SQLSTATE and code.
func explain(err error) (message, state string, code int32) {
	var e *hiveql.Error
	if !errors.As(err, &e) {
		return err.Error(), "HY000", 0
	}
	prefix := "Error while compiling statement: "
	if e.Phase == hiveql.Execution {
		prefix = "Error while processing statement: "
	}
	code = int32(e.Code)
	if code == 0 {
		code = 40000
	}
	message = prefix + e.Error()
	if e.Hint != "" {
		message += "\nHINT: " + e.Hint
	}
	return message, cmp.Or(e.SQLState, "42000"), code
}
