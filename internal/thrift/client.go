package thrift

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"reflect"
	"time"
)

// Dialer says how to reach a service.
type Dialer struct {
	Address  string // host:port
	Protocol Protocol
	Framed   bool
	TLS      *tls.Config // nil: none
	User     string      // not empty: log in by SASL PLAIN
	Password string
	Limits   Limits        // of answers
	Timeout  time.Duration // of Dial, with logging in; 0: none
}

// Client is one connection to a service. It is for one call at a time. After an error that is
// not the answer of the service it is of no more use: Broken says so.
type Client struct {
	conn   net.Conn
	dec    *decoder
	enc    *encoder
	seq    int32
	broken bool
}

// Dial connects, and logs in if a user is given. No error shows the password.
func (dl Dialer) Dial(ctx context.Context) (*Client, error) {
	if dl.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dl.Timeout)
		defer cancel()
	}
	conn, err := (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", dl.Address)
	if err != nil {
		return nil, err
	}
	if dl.TLS != nil {
		config := dl.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(dl.Address)
		}
		t := tls.Client(conn, config)
		if err := t.HandshakeContext(ctx); err != nil {
			_ = conn.Close() // the error that is returned tells more
			return nil, err
		}
		conn = t
	}
	limits := dl.Limits.orDefault()
	r := bufio.NewReaderSize(conn, 16<<10)
	var in io.Reader = r
	var out io.Writer = conn
	if dl.User != "" || dl.Framed {
		frames := &framed{r: r, w: conn, limit: limits.Message}
		in, out = frames, frames
	}
	if dl.User != "" {
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		err := offerSASL(r, conn, dl.User, dl.Password)
		if !stop() {
			err = ctx.Err()
		}
		if err != nil {
			_ = conn.Close() // the error that is returned tells more
			return nil, err
		}
	}
	return &Client{
		conn: conn, dec: newDecoder(in, dl.Protocol, limits), enc: &encoder{proto: dl.Protocol, sink: out},
	}, nil
}

// Close closes the connection.
func (c *Client) Close() error { return c.conn.Close() }

// Broken reports whether the connection is of no more use.
func (c *Client) Broken() bool { return c.broken }

// Call calls a method with args, a pointer to a struct with its arguments, and reads what it gives
// into result, a pointer, or nil for nothing. throws are pointers to the exceptions that it may
// throw, in the order of their fields from 1 on; one of them, *ApplicationError, or what kept us
// from asking is the error.
func (c *Client) Call(ctx context.Context, name string, args, result any, throws ...error) error {
	if c.broken {
		return fmt.Errorf("%s: the connection is broken", name)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	thrown, err := c.call(name, args, result, throws)
	if !stop() { // the call was interrupted
		c.broken = true
		return ctx.Err()
	}
	if err != nil {
		c.broken = true
		return fmt.Errorf("%s: %w", name, err)
	}
	return thrown
}

func (c *Client) call(name string, args, result any, throws []error) (thrown, err error) {
	c.seq++
	c.enc.err = nil
	c.enc.message(Message{name, Call, c.seq})
	c.enc.any(args)
	c.enc.flush()
	if c.enc.err != nil {
		return nil, c.enc.err
	}
	head := c.dec.message()
	switch {
	case c.dec.err != nil:
		return nil, unexpected(c.dec.err)
	case head.Type == Exception:
		app := &ApplicationError{}
		c.dec.any(app)
		return app, c.dec.err
	case head.Seq != c.seq || head.Name != name || head.Type != Reply:
		return nil, malformed("the answer is to the call %d of %s", head.Seq, head.Name)
	}
	return c.dec.reply(result, throws)
}

// reply reads the struct of a reply.
func (d *decoder) reply(result any, throws []error) (thrown, err error) {
	if !d.structBegin() {
		return nil, d.err
	}
	found := result == nil
	for {
		id, t := d.field()
		if t == Stop {
			break
		}
		switch {
		case id == 0 && result != nil:
			v := reflect.ValueOf(result).Elem()
			if c := codecOf(v.Type(), ""); c.accepts(t) {
				c.dec(d, t, v)
				found = true
				continue
			}
			d.failf("the answer is of type %s", t)
		case id > 0 && int(id) <= len(throws) && t == Struct:
			target := reflect.New(reflect.TypeOf(throws[id-1]).Elem())
			planOf(target.Type().Elem()).decode(d, target.Elem())
			thrown, _ = target.Interface().(error)
			continue
		}
		d.value(t)
	}
	d.structEnd()
	if d.err == nil && thrown == nil && !found {
		return &ApplicationError{"the answer is empty", MissingResult}, nil
	}
	return thrown, d.err
}

// Forward sends a message as it is and gives back the answer as it is: for proxies.
func (c *Client) Forward(ctx context.Context, m Message, args Fields) (Message, Fields, error) {
	stop := context.AfterFunc(ctx, func() { _ = c.conn.Close() })
	defer stop()
	c.enc.message(m)
	c.enc.value(args)
	c.enc.flush()
	var answer Fields
	if m.Type == Oneway {
		return Message{}, nil, c.enc.err
	}
	head := c.dec.message()
	c.dec.any(&answer)
	return head, answer, errors.Join(c.enc.err, c.dec.err)
}
