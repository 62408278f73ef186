package hms

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"sync"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// Remote is a metastore that is reached by the protocol of the Hive Metastore: ours, as hiveql
// serve serves it, or Hive's own. It is safe for concurrent use.
//
// The protocol has no transactions, so Update is less than metastore.Store promises: its writes
// are seen by others, and kept, one by one, and what an fn that fails has written stays. Updates of
// all Remotes of a metastore happen one after the other nevertheless, by a lock of the metastore.
// A Partitions that is under way may see what others write meanwhile. Times are whole seconds.
// The change log, transactions, notes and macros are not reached: they report errors.ErrUnsupported; so do locks, and
// the clock, where the metastore is not ours. Of roles only the names are.
type Remote struct {
	dialer thrift.Dialer
	user   string
	ours   bool // it is a Service of this package
	ends   context.Context
	end    context.CancelFunc

	mu   sync.Mutex
	idle []*thrift.Client
	reader
}

var (
	_ metastore.Store = (*Remote)(nil)
	_ metastore.Clock = (*Remote)(nil)
)

// maxIdle is how many connections are kept.
const maxIdle = 8

// Open connects to the metastore at a URL, thrift://host:9083. A user and a password in it are for
// SASL PLAIN, ?tls=true is for TLS. No error shows the password.
func Open(ctx context.Context, rawURL string) (*Remote, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "thrift" || u.Hostname() == "" {
		return nil, errors.New("open metastore: not of the form thrift://host:9083")
	}
	r := &Remote{
		dialer: thrift.Dialer{Address: net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "9083")), Timeout: 20 * time.Second},
		user:   os.Getenv("HADOOP_USER_NAME"),
	}
	for key, values := range u.Query() {
		if key != "tls" || values[0] != "true" {
			return nil, fmt.Errorf("open metastore thrift://%s: unknown parameter %s; there is tls=true", u.Host, key)
		}
		r.dialer.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if u.User != nil {
		r.dialer.User = u.User.Username()
		r.dialer.Password, _ = u.User.Password()
		r.user = r.dialer.User
	}
	if r.user == "" {
		if me, err := user.Current(); err == nil {
			r.user = me.Username
		}
	}
	r.ends, r.end = context.WithCancel(context.Background())
	r.reader = reader{r.pooled}
	c, err := r.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("open metastore thrift://%s: %w", r.dialer.Address, err)
	}
	r.give(c)
	return r, nil
}

// connect makes a connection and introduces itself.
func (r *Remote) connect(ctx context.Context) (*thrift.Client, error) {
	if r.ends.Err() != nil {
		return nil, errors.New("the metastore is closed")
	}
	c, err := r.dialer.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("the Hive Metastore cannot be reached; is it running, and is the address right? %w", err)
	}
	var groups []string
	hello := struct {
		User   string   `thrift:"1"`
		Groups []string `thrift:"2"`
	}{r.user, []string{}}
	var version int32
	err = c.Call(ctx, "set_ugi", &hello, &groups, throwsM...)
	if err == nil {
		err = c.Call(ctx, ownMethod, &noArgs{}, &version, throwsM...)
		r.mu.Lock()
		r.ours = err == nil
		r.mu.Unlock()
		if unknown(err) {
			err = nil
		}
	}
	if err != nil {
		_ = c.Close() // the error that is returned tells more
		return nil, err
	}
	return c, nil
}

// unknown reports whether a server does not have a method.
func unknown(err error) bool {
	var app *thrift.ApplicationError
	return errors.As(err, &app) && app.Kind == thrift.UnknownMethod
}

// take gives a connection, an idle one if there is one.
func (r *Remote) take(ctx context.Context) (c *thrift.Client, used bool, err error) {
	r.mu.Lock()
	if n := len(r.idle); n > 0 {
		c, r.idle = r.idle[n-1], r.idle[:n-1]
	}
	r.mu.Unlock()
	if c != nil {
		return c, true, nil
	}
	c, err = r.connect(ctx)
	return c, false, err
}

// give takes a connection back.
func (r *Remote) give(c *thrift.Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Broken() || r.ends.Err() != nil || len(r.idle) >= maxIdle {
		_ = c.Close() // nothing is on its way
		return
	}
	r.idle = append(r.idle, c)
}

// pooled calls a method that changes nothing. A connection that has gone while it was idle is no
// error.
func (r *Remote) pooled(ctx context.Context, method string, args, result any, throws []error) error {
	for {
		c, used, err := r.take(ctx)
		if err != nil {
			return err
		}
		err = c.Call(ctx, method, args, result, throws...)
		again := used && c.Broken() && ctx.Err() == nil
		r.give(c)
		if !again {
			return err
		}
	}
}

// View implements metastore.Store, as far as the protocol goes: it cannot hold a moment.
func (r *Remote) View(_ context.Context, fn func(metastore.Reader) error) error { return fn(r.reader) }

// Close implements metastore.Store.
func (r *Remote) Close() error {
	r.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.idle {
		_ = c.Close() // nothing is on its way
	}
	r.idle = nil
	return nil
}

// The lock that makes Updates happen one after the other. It is of a table that nobody has.
const (
	updateLock   = "skep_update"
	lockPatience = time.Minute
)

// Update implements metastore.Store, as far as the protocol goes; see Remote.
func (r *Remote) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	c, err := r.writer(ctx)
	if err != nil {
		return fmt.Errorf("update metastore: %w", err)
	}
	defer r.give(c)
	call := func(ctx context.Context, method string, args, result any, throws []error) error {
		return c.Call(ctx, method, args, result, throws...)
	}
	id, err := r.lock(ctx, call)
	if err != nil {
		return fmt.Errorf("update metastore: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if c.Broken() { // the lock is the metastore's, and not the connection's
			_ = r.pooled(ctx, "unlock", &requestArgs[unlockRequest]{unlockRequest{id}}, nil, []error{&noSuchLock{}, &txnOpen{}})
			return
		}
		_ = call(ctx, "unlock", &requestArgs[unlockRequest]{unlockRequest{id}}, nil, []error{&noSuchLock{}, &txnOpen{}}) // it expires
	}()
	return fn(&remoteTx{reader{call}, r.isOurs()})
}

func (r *Remote) isOurs() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ours
}

// writer gives a connection that was alive just now.
func (r *Remote) writer(ctx context.Context) (*thrift.Client, error) {
	for {
		c, used, err := r.take(ctx)
		if err != nil || !used {
			return c, err
		}
		var status int32
		if err = c.Call(ctx, "getStatus", &noArgs{}, &status); err == nil {
			return c, nil
		}
		r.give(c)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// caller calls a method of the metastore.
type caller func(ctx context.Context, method string, args, result any, throws []error) error

// lock waits for the lock.
func (r *Remote) lock(ctx context.Context, call caller) (int64, error) {
	host, _ := os.Hostname()
	noTxn, no := int32(6), false
	request := lockRequest{
		User: r.user, Hostname: cmp.Or(host, "localhost"), AgentInfo: fmt.Sprintf("hiveql %d", os.Getpid()),
		Component: []*lockComponent{{Type: lockTypes["EXCLUSIVE"], Level: lockLevels["TABLE"], Dbname: metastore.DefaultDatabase, Tablename: updateLock,
			OperationType: &noTxn, IsTransactional: &no}},
	}
	throws := []error{&noSuchTxn{}, &txnAborted{}, &noSuchLock{}}
	var got lockResponse
	// It is not called off: a lock that is granted to somebody who is gone holds up everybody.
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), lockPatience)
	defer cancel()
	if err := call(asking, "lock", &requestArgs[lockRequest]{request}, &got, throws[:2]); err != nil {
		return 0, err
	}
	begun := time.Now()
	for wait := 5 * time.Millisecond; got.State != lockStates[acquired] || ctx.Err() != nil; wait = min(2*wait, 100*time.Millisecond) {
		var err error
		select {
		case <-time.After(wait):
			err = call(ctx, "check_lock", &requestArgs[checkLockRequest]{checkLockRequest{Lockid: got.Lockid}}, &got, throws)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil && time.Since(begun) > lockPatience {
			err = fmt.Errorf("another change of the metastore has the lock on %s.%s for a minute already; "+
				"what has died loses it after five", metastore.DefaultDatabase, updateLock)
		}
		if err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			_ = r.pooled(ctx, "unlock", &requestArgs[unlockRequest]{unlockRequest{got.Lockid}}, nil, []error{&noSuchLock{}, &txnOpen{}})
			return 0, err
		}
	}
	return got.Lockid, nil
}
