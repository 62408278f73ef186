package sqlstore_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/testenv"
)

// relay is an address that stays the same while the server behind it moves. It can close all
// connections, or swallow what the server says.
type relay struct {
	listener net.Listener
	target   atomic.Value // string; empty while the server is away

	mu    sync.Mutex
	conns map[net.Conn]bool
	// hangUp, if set, is asked for each piece that a client sends; true breaks the connection after
	// the server got it.
	hangUp func(sent []byte) bool
}

func newRelay(t *testing.T, serverURL string) (*relay, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, conns: map[net.Conn]bool{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { r.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.breakAll()
		wg.Wait()
	})
	return r, r.point(t, serverURL)
}

// point makes the relay lead to the server of a URL, and is the URL through the relay.
func (r *relay) point(t *testing.T, serverURL string) string {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal(err)
	}
	r.target.Store(u.Host)
	u.Host = r.listener.Addr().String()
	return u.String()
}

func (r *relay) serve(client net.Conn) {
	server, err := net.Dial("tcp", r.target.Load().(string))
	if err != nil {
		_ = client.Close()
		return
	}
	r.track(client, true)
	r.track(server, true)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, _ = io.Copy(client, server)
		_, _ = client.Close(), server.Close()
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if n > 0 {
			r.mu.Lock()
			hangUp := r.hangUp != nil && r.hangUp(buf[:n])
			r.mu.Unlock()
			if hangUp { // the answer must not arrive
				_ = client.Close()
			}
			if _, werr := server.Write(buf[:n]); werr != nil {
				break
			}
			if hangUp { // the server must have got it, and goes on alone
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = client.Close()
	if tcp, ok := server.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	wg.Wait()
	r.track(client, false)
	r.track(server, false)
}

func (r *relay) track(c net.Conn, on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.conns[c] = true
	} else {
		delete(r.conns, c)
	}
}

func (r *relay) breakAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

// TestServerRestarts stops a PostgreSQL server, and starts it again, while several write and read.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "skep-restart-") // the server's account must be able to get there
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	server, err := testenv.StartPostgres(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Stop() }()
	r, through := newRelay(t, server.URL)
	s := openURL(t, through)
	createCounted(t, s)
	const workers, rounds = 4, 40
	var wg sync.WaitGroup
	var done atomic.Int64
	half := make(chan struct{})
	for w := range workers {
		wg.Go(func() {
			for i := range rounds {
				err := s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, fmt.Sprintf("%d-%d", w, i)) })
				if err != nil {
					t.Errorf("worker %d, round %d: %v", w, i, err)
				}
				if err := consistent(t.Context(), s); err != nil && !strings.Contains(err.Error(), "connection") &&
					!strings.Contains(err.Error(), "shutting down") {
					t.Errorf("worker %d reads: %v", w, err)
				}
				if done.Add(1) == workers*rounds/4 {
					close(half)
				}
			}
		})
	}
	<-half
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if server, err = testenv.StartPostgres(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	r.point(t, server.URL)
	wg.Wait()
	if n := counter(t, s); n != workers*rounds {
		t.Errorf("the counter is %d, want %d", n, workers*rounds)
	}
	if n := partitionCount(t, s); n != workers*rounds*batch {
		t.Errorf("%d partitions, want %d", n, workers*rounds*batch)
	}
}

// commit is what the drivers send for COMMIT: a message that ends with the word.
var commit = regexp.MustCompile(`(?i)commit\x00?$`)

// TestCommitIsFoundAgain breaks connections just when COMMIT has been sent: each update must take
// effect once, whether the commit arrived or not.
func TestCommitIsFoundAgain(t *testing.T) {
	t.Parallel()
	for _, d := range databases()[1:] {
		t.Run(d.name, func(t *testing.T) {
			r, through := newRelay(t, d.url(t)(t))
			s := openURL(t, through)
			createCounted(t, s)
			broken, tries := 0, 0
			r.mu.Lock()
			r.hangUp = func(sent []byte) bool {
				if !commit.Match(sent) {
					return false
				}
				tries++
				if tries%2 == 0 {
					return false
				}
				broken++
				return true
			}
			r.mu.Unlock()
			const rounds = 20
			ran := 0
			for i := range rounds {
				err := s.Update(t.Context(), func(tx metastore.Tx) error {
					ran++
					return count(t.Context(), tx, fmt.Sprint(i))
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			r.mu.Lock()
			disturbed := broken
			r.hangUp = nil
			r.mu.Unlock()
			if disturbed < 5 {
				t.Fatalf("only %d commits were disturbed: the test has lost its point", disturbed)
			}
			if n := counter(t, s); n != rounds {
				t.Errorf("the counter is %d, want %d; %d runs, %d disturbed", n, rounds, ran, disturbed)
			}
		})
	}
}

// TestServerTrouble shows what is said where something is wrong with a server.
func TestServerTrouble(t *testing.T) {
	t.Parallel()
	for _, d := range databases()[1:] {
		t.Run(d.name, func(t *testing.T) {
			good, err := url.Parse(d.url(t)(t))
			if err != nil {
				t.Fatal(err)
			}
			for want, change := range map[string]func(*url.URL){
				"refuses the user or the password": func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong-secret") },
				"the database does not exist":      func(u *url.URL) { u.Path = "/no_such_database" },
				"cannot be reached":                func(u *url.URL) { u.Host = "127.0.0.1:1" },
			} {
				u := *good
				change(&u)
				begin := time.Now()
				_, err := openError(t.Context(), u.String())
				password, _ := u.User.Password()
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), password) {
					t.Errorf("got %v, want one that says %q", err, want)
				}
				if time.Since(begin) > 20*time.Second {
					t.Errorf("%q took %v", want, time.Since(begin))
				}
			}
		})
	}
}

func openError(ctx context.Context, url string) (metastore.Store, error) {
	s, err := sqlstore.Open(ctx, url)
	if err == nil {
		_ = s.Close()
	}
	return s, err
}

// TestLockTimeoutIsRunAgain holds the lock of the store for longer than PostgreSQL lets others wait.
func TestLockTimeoutIsRunAgain(t *testing.T) {
	location := databases()[1].url(t)(t)
	s := openURL(t, location+"&lock_timeout=50")
	createCounted(t, s)
	db := rawDatabase(t, location)
	q, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.ExecContext(t.Context(), `SELECT 1 FROM store FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		done <- s.Update(t.Context(), func(tx metastore.Tx) error { return count(t.Context(), tx, "x") })
	}()
	// Until the server has told it several times that the lock is not to be had.
	rollbacks := func() (n int) {
		err := db.QueryRowContext(t.Context(), `SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for before := rollbacks(); rollbacks() < before+3; {
		<-tick.C
	}
	if err := q.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil || counter(t, s) != 1 {
		t.Fatalf("%v: the counter is at %d", err, counter(t, s))
	}
}

// TestManyOpenANewDatabase migrates from many sides at once.
func TestManyOpenANewDatabase(t *testing.T) {
	t.Parallel()
	for _, d := range databases()[1:] {
		t.Run(d.name, func(t *testing.T) {
			u := d.url(t)(t)
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					s, err := sqlstore.Open(t.Context(), u)
					if err != nil {
						t.Error(err)
						return
					}
					if _, err := s.Database(t.Context(), metastore.DefaultDatabase); err != nil {
						t.Error(err)
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}
