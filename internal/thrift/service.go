package thrift

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"
)

// Service is a table of methods. Fill it before it serves.
type Service struct {
	methods map[string]*method
}

// NewService makes a service without methods, which answers UnknownMethod to everything.
func NewService() *Service { return &Service{methods: map[string]*method{}} }

// Methods lists the names of the methods, in no order.
func (s *Service) Methods() []string {
	names := make([]string, 0, len(s.methods))
	for name := range s.methods {
		names = append(names, name)
	}
	return names
}

type method struct {
	name   string
	args   reflect.Type
	call   func(ctx context.Context, args reflect.Value) (result reflect.Value, err error)
	result *codec // nil for void
	throws []error
}

// Void is the result of methods without one.
type Void struct{}

// Handle adds a method. Args is a struct with the arguments; Result is what the method gives, or
// Void. The errors it may throw stand in the order of their fields in the result, from 1 on; they
// are pointers to structs. An error of another type becomes what Server.Translate makes of it, and
// if that cannot be thrown either, an InternalError.
func Handle[Args, Result any](
	s *Service, name string, fn func(context.Context, *Args) (Result, error), throws ...error,
) {
	m := &method{name: name, args: reflect.TypeFor[Args](), throws: throws}
	if t := reflect.TypeFor[Result](); t != reflect.TypeFor[Void]() {
		m.result = codecOf(t, "")
	}
	m.call = func(ctx context.Context, args reflect.Value) (reflect.Value, error) {
		r, err := fn(ctx, args.Interface().(*Args))
		return reflect.ValueOf(&r).Elem(), err
	}
	planOf(m.args)
	s.methods[name] = m
}

// Info is what a Server tells about a call that has ended.
type Info struct {
	Method   string
	Remote   string
	User     string // as authenticated; empty where nobody asked
	Protocol Protocol
	Started  time.Time
	Took     time.Duration
	Sent     int64
	Err      error // what was answered instead of a result
}

// call is what is known of a call while it runs.
type call struct {
	proto    Protocol
	maxReply int64
	spools   []*Spool
	conn     *Conn
}

type callKey struct{}

// Conn is a client's connection, as methods see it.
type Conn struct {
	Remote string // its address
	User   string // who has logged in, empty if nobody
	Memory any    // what the service remembers of the client; of calls over HTTP it is lost
	claim  string
}

// Claim remembers who a client says it is where nobody logs in.
func (c *Conn) Claim(user string) { c.claim = user }

// Name is who has logged in, or who the client says it is.
func (c *Conn) Name() string {
	if c.User != "" {
		return c.User
	}
	return c.claim
}

// ConnOf is the connection of the call that ctx belongs to. Outside a call it is an empty one.
func ConnOf(ctx context.Context) *Conn {
	if c, ok := ctx.Value(callKey{}).(*call); ok && c.conn != nil {
		return c.conn
	}
	return &Conn{}
}

// serve answers one message. It returns an error when the connection is of no more use.
func (s *Server) serve(ctx context.Context, d *decoder, e *encoder, conn *Conn) error {
	head := d.message()
	if d.err != nil {
		return d.err
	}
	e.proto = d.proto
	info := Info{
		Method: head.Name, Remote: conn.Remote, User: conn.Name(), Protocol: d.proto, Started: time.Now(),
	}
	e.begin()
	info.Err = s.answer(ctx, d, e, conn, head)
	e.flush()
	info.Took, info.Sent = time.Since(info.Started), e.sent
	if s.Observe != nil {
		s.Observe(info)
	}
	return errors.Join(d.err, e.err)
}

// answer reads the arguments, calls the method and writes the reply. What it returns has been
// told to the client.
func (s *Server) answer(ctx context.Context, d *decoder, e *encoder, conn *Conn, head Message) error {
	refuse := func(err *ApplicationError) error {
		if head.Type != Oneway {
			e.message(Message{head.Name, Exception, head.Seq})
			e.any(err)
		}
		return err
	}
	if head.Type != Call && head.Type != Oneway {
		d.failf("a client sent a message of type %d", head.Type)
		return d.err
	}
	m := s.Service.methods[head.Name]
	if m == nil {
		var args Fields
		d.any(&args)
		if d.err != nil {
			return d.err
		}
		return refuse(unknownMethod(head.Name))
	}
	args := reflect.New(m.args)
	planOf(m.args).decode(d, args.Elem())
	if d.err != nil {
		if errors.Is(d.err, ErrMalformed) {
			return refuse(&ApplicationError{d.err.Error(), ProtocolError})
		}
		return d.err
	}
	c := &call{proto: d.proto, maxReply: s.maxReply(), conn: conn}
	defer func() {
		for _, spool := range c.spools {
			spool.close()
		}
	}()
	result, err := s.run(context.WithValue(ctx, callKey{}, c), m, args)
	if head.Type == Oneway {
		return err
	}
	if err == nil {
		err = s.reply(e, m, head, result)
	}
	switch {
	case err == nil:
		return nil
	case e.sent > 0: // it is too late to say so
		e.fail(fmt.Errorf("%s: a part of the answer had been sent: %w", head.Name, err))
		return err
	}
	e.begin()
	var app *ApplicationError
	switch {
	case errors.As(err, &app):
		_ = refuse(app) // which is err
	case !m.throw(e, head, err) && (s.Translate == nil || !m.throw(e, head, s.Translate(err))):
		_ = refuse(&ApplicationError{err.Error(), InternalError}) // the same
	}
	return err
}

// reply writes what a method has returned, and runs what fills its lists.
func (s *Server) reply(e *encoder, m *method, head Message, result reflect.Value) (err error) {
	defer s.recovered(m, &err)
	e.message(Message{head.Name, Reply, head.Seq})
	e.structBegin()
	if m.result != nil {
		e.result(m.result, result)
	}
	e.structEnd()
	return e.failed
}

// result writes the field 0 of a reply; a nil result is none, which clients take for an error.
func (e *encoder) result(c *codec, v reflect.Value) {
	if c.typ == Bool {
		e.fieldBool(0, v.Bool())
		return
	}
	if k := v.Kind(); k == reflect.Slice || k == reflect.Map { // an empty list, not none
		if v.IsNil() && k == reflect.Map {
			v = reflect.MakeMap(v.Type())
		}
	} else if k == reflect.Pointer && v.IsNil() {
		return
	}
	e.field(0, c.typ)
	c.enc(e, v)
}

// run calls the method.
func (s *Server) run(ctx context.Context, m *method, args reflect.Value) (result reflect.Value, err error) {
	defer s.recovered(m, &err)
	return m.call(ctx, args)
}

// recovered is deferred where a method runs. A panic is an error of the server, and no reason to
// end it.
func (s *Server) recovered(m *method, err *error) {
	if r := recover(); r != nil {
		if s.Panicked != nil {
			s.Panicked(m.name, r)
		}
		*err = &ApplicationError{fmt.Sprintf("Internal error processing %s", m.name), InternalError}
	}
}

// throw writes err as the exception that the method declares for it, if it does.
func (m *method) throw(e *encoder, head Message, err error) bool {
	for i, declared := range m.throws {
		target := reflect.New(reflect.TypeOf(declared))
		if !errors.As(err, target.Interface()) {
			continue
		}
		e.message(Message{head.Name, Reply, head.Seq})
		e.structBegin()
		e.field(int16(i+1), Struct)
		v := target.Elem().Elem()
		planOf(v.Type()).encode(e, v)
		e.structEnd()
		return true
	}
	return false
}
