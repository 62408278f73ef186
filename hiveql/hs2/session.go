package hs2

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// newHandle makes a name that nobody can guess.
func newHandle() handleID {
	h := handleID{make([]byte, 16), make([]byte, 16)}
	_, _ = rand.Read(h.GUID) // it never fails
	_, _ = rand.Read(h.Secret)
	return h
}

func (h handleID) key() string { return string(h.GUID) + "\x00" + string(h.Secret) }

// String is the part of the handle that is no secret.
func (h handleID) String() string { return hex.EncodeToString(h.GUID) }

// used remembers when something was used last.
type used struct{ at atomic.Int64 }

func (u *used) touch(now time.Time) { u.at.Store(now.UnixNano()) }

func (u *used) unusedSince(now time.Time) time.Duration {
	return time.Duration(now.UnixNano() - u.at.Load())
}

// session is a client's session.
type session struct {
	used
	id       handleID
	user     string
	protocol int32
	turn     chan struct{} // whoever holds its token uses hive
	hive     *hiveql.Session
	leaving  sync.WaitGroup // of statements that were closed in the turn of another
}

// tidy removes what the session's writes have replaced, unless a statement runs, which does that itself.
func (s *session) tidy(ctx context.Context) {
	select {
	case s.turn <- struct{}{}:
	default:
		return
	}
	defer s.give()
	s.hive.Tidy(metastore.WithUser(ctx, s.user))
}

// take waits for the session's turn.
func (s *session) take(ctx context.Context) error {
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *session) give() { <-s.turn }

// close ends the session when nothing uses it any more. Its operations have been closed.
func (s *session) close(ctx context.Context) error {
	s.leaving.Wait() // none of them runs
	if err := s.take(ctx); err != nil {
		return fmt.Errorf("close the session: %w", err)
	}
	defer s.give()
	return s.hive.Close(metastore.WithUser(ctx, s.user))
}

// connection remembers the sessions that were opened on a connection.
type connection struct {
	mu   sync.Mutex
	open map[*session]bool
}

func (c *connection) sessions() []*session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.open))
}

// remember adds a session to those of its connection.
func remember(ctx context.Context, ses *session) {
	conn := thrift.ConnOf(ctx)
	mine, _ := conn.Memory.(*connection)
	if mine == nil {
		mine = &connection{open: map[*session]bool{}}
		conn.Memory = mine
	}
	mine.mu.Lock()
	defer mine.mu.Unlock()
	mine.open[ses] = true
}

func forgetOn(ctx context.Context, ses *session) {
	if mine, _ := thrift.ConnOf(ctx).Memory.(*connection); mine != nil {
		mine.mu.Lock()
		defer mine.mu.Unlock()
		delete(mine.open, ses)
	}
}

func (s *Service) openSession(ctx context.Context, a *call[openRequest]) (openReply, error) {
	ses, err := s.open(ctx, &a.Req)
	if err != nil {
		return openReply{Status: failed(fmt.Errorf("%w: %w", inHive("Failed to open new session"), err)), Protocol: protocolV11}, nil
	}
	return openReply{
		Status: status{Code: statusSuccess}, Protocol: ses.protocol, Session: &sessionHandle{ses.id},
		// Hive's drivers take from here how many rows to ask for.
		Configuration: map[string]string{"hive.server2.thrift.resultset.default.fetch.size": "1000"},
	}, nil
}

func (s *Service) open(ctx context.Context, r *openRequest) (*session, error) {
	conn := thrift.ConnOf(ctx)
	ses := &session{
		id: newHandle(), user: conn.Name(), protocol: min(max(r.Protocol, 0), protocolV11),
		turn: make(chan struct{}, 1), hive: s.Engine.NewSession(),
	}
	claimed := ""
	if r.User != nil {
		claimed = *r.User
	}
	if proxy := r.Configuration["hive.server2.proxy.user"]; proxy != "" && proxy != ses.user {
		if s.LoggedIn {
			return nil, fmt.Errorf("%s may not act for %s: hive.server2.proxy.user is not supported yet", ses.user, proxy)
		}
		claimed = proxy
	}
	if !s.LoggedIn && claimed != "" {
		ses.user = claimed
	}
	if ses.user != "" {
		ses.hive.SetUser(ses.user)
	}
	ses.touch(s.Now())
	if err := configure(metastore.WithUser(ctx, ses.user), ses.hive, r.Configuration); err != nil {
		return nil, errors.Join(err, ses.hive.Close(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil, errors.New("the server is being stopped")
	}
	if len(s.sessions) >= s.MaxSessions {
		return nil, fmt.Errorf("%d sessions are open, which is the limit", len(s.sessions))
	}
	s.sessions[ses.id.key()] = ses
	remember(ctx, ses)
	return ses, nil
}

// configure carries out what OpenSession asks for: use:database, set:KIND:name and plain settings.
func configure(ctx context.Context, h *hiveql.Session, conf map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(conf)) { // "set:" before "use:"
		value := conf[key]
		var err error
		switch name, isSet := strings.CutPrefix(key, "set:"); {
		case isSet:
			err = h.Set(name, value)
		case key == "use:database":
			err = use(ctx, h, value)
		case key == "hive.server2.proxy.user":
		default:
			err = h.Set(key, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func use(ctx context.Context, h *hiveql.Session, db string) error {
	for _, err := range h.Execute(ctx, "USE `"+strings.ReplaceAll(db, "`", "``")+"`") {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) closeSession(ctx context.Context, a *call[ofSession]) (statusReply, error) {
	ses, err := s.session(a.Req.Session)
	if err == nil {
		forgetOn(ctx, ses)
		err = s.end(ses)
	}
	return reply(err), nil
}

// setClientInfo takes note of what a client says of itself, which nothing asks for.
func (s *Service) setClientInfo(_ context.Context, a *call[ofSession]) (statusReply, error) {
	_, err := s.session(a.Req.Session)
	return reply(err), nil
}

func reply(err error) statusReply {
	if err != nil {
		return statusReply{failed(err)}
	}
	return statusReply{status{Code: statusSuccess}}
}
