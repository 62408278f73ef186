package hms_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/testenv"
)

const (
	soakClients, soakTime = "SKEP_SOAK_CLIENTS", "SKEP_SOAK_TIME"
	soakLease             = 3 * time.Second
)

// TestSoak has many clients read and change a metastore in PostgreSQL, and one in MariaDB, some of whom are killed, while the service
// and the database are restarted. No change that was confirmed may be lost, no lock may be held by two or outlive its lease,
// no answer may be wrong, and memory must not grow. SKEP_SOAK_CLIENTS and SKEP_SOAK_TIME make it larger.
func TestSoak(t *testing.T) {
	clients, length := 12, 4*time.Second
	if n, err := strconv.Atoi(os.Getenv(soakClients)); err == nil {
		clients = n
	}
	if d, err := time.ParseDuration(os.Getenv(soakTime)); err == nil {
		length = d
	}
	for name, start := range map[string]startDatabase{"postgres": testenv.StartPostgres, "mariadb": testenv.StartMariaDB} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runSoak(t, newSoak(t, start), clients, length)
		})
	}
}

func runSoak(t *testing.T, s *soak, clients int, length time.Duration) {
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() { (&soakClient{soak: s, name: fmt.Sprintf("c%03d", i)}).run(ctx) })
	}
	heap := s.trouble(ctx, length)
	wg.Wait()
	s.settle(t)
	t.Logf("%d clients, %v: %d calls, %d failed, %d commits, %d locks, %d kills, heap %v MiB", clients, length,
		s.calls.Load(), s.failed.Load(), s.commits.Load(), s.locks.Load(), s.kills.Load(), heap)
	if n := len(heap); n > 2 && heap[n-1] > 2*heap[n/2]+16 {
		t.Errorf("memory grows: %v MiB", heap)
	}
	if s.commits.Load() == 0 || s.locks.Load() == 0 || s.kills.Load() == 0 {
		t.Error("the test has lost its point")
	}
}

// startDatabase starts a database server on a directory, in which it finds what was there when it was stopped.
type startDatabase func(ctx context.Context, dir string) (*testenv.DatabaseServer, error)

// soak is a service, its database and what clients have found out.
type soak struct {
	t        *testing.T
	dir      string
	database startDatabase
	server   *testenv.DatabaseServer
	target   atomic.Value // host:port of the database
	store    *sqlstore.Store
	address  string
	stopping func()
	begun    atomic.Int64 // additions to the counter that may have happened

	calls, failed, commits, locks, kills atomic.Int64

	mu    sync.Mutex
	holds time.Time // until when the lock is somebody's for sure
	who   string
}

func newSoak(t *testing.T, database startDatabase) *soak {
	t.Helper()
	s := &soak{t: t, database: database}
	var err error
	if s.dir, err = os.MkdirTemp("", "skep-soak-"); err != nil { // the server's account must be able to get there
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	if err := os.Chmod(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if s.server, err = database(t.Context(), s.dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.server.Stop() })
	through := s.relay()
	store, err := sqlstore.Open(t.Context(), through)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s.store, _ = store.(*sqlstore.Store)
	err = store.Update(t.Context(), func(tx metastore.Tx) error {
		return tx.CreateTable(t.Context(), &metastore.Table{
			TableName: metastore.TableName{Database: "default", Name: "counter"}, Type: metastore.External, Parameters: map[string]string{"n": "0"},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	s.start(l)
	t.Cleanup(func() { s.stopping() })
	return s
}

// relay is the URL of the database by an address that stays the same when the server moves.
func (s *soak) relay() string {
	u, err := url.Parse(s.server.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	s.target.Store(u.Host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				target, _ := s.target.Load().(string)
				d, err := net.Dial("tcp", target)
				if err != nil {
					return
				}
				defer d.Close()
				go func() {
					_, _ = io.Copy(d, c)
					_ = d.Close()
				}()
				_, _ = io.Copy(c, d)
			}()
		}
	}()
	u.Host = l.Addr().String()
	return u.String()
}

// start serves until stopping is called.
func (s *soak) start(l net.Listener) {
	service := hms.New(hms.Config{Store: s.store, Warehouse: "file:///w", Lease: soakLease, Log: slog.New(slog.DiscardHandler)})
	server := &thrift.Server{Service: service.Thrift(), Translate: hms.Exception}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, 100*time.Millisecond) }()
	s.stopping = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Error(err)
		}
	})
}

// trouble restarts the service and the database, and measures memory, until ctx ends.
func (s *soak) trouble(ctx context.Context, length time.Duration) (heap []uint64) {
	tick := time.NewTicker(max(length/8, time.Second))
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return heap
		case <-tick.C:
		}
		switch n % 4 {
		case 1:
			s.restart()
		case 2:
			if err := s.server.Stop(); err != nil {
				s.t.Error(err)
			}
			server, err := s.database(context.WithoutCancel(ctx), s.dir)
			if err != nil {
				s.t.Error(err)
				return heap
			}
			s.server = server
			u, err := url.Parse(server.URL)
			if err != nil {
				s.t.Error(err)
				return heap
			}
			s.target.Store(u.Host)
		default:
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			heap = append(heap, m.HeapAlloc>>20)
		}
	}
}

func (s *soak) restart() {
	s.stopping()
	for {
		l, err := net.Listen("tcp", s.address)
		if err == nil {
			s.start(l)
			return
		}
		if s.t.Context().Err() != nil {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// settle looks at what is left: the counter, and locks, which must end by themselves.
func (s *soak) settle(t *testing.T) {
	t.Helper()
	table, err := s.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "counter"})
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(table.Parameters["n"], 10, 64)
	if err != nil || n < s.commits.Load() || n > s.begun.Load() {
		t.Errorf("the counter is %d, %v; %d commits were confirmed, and %d tried", n, err, s.commits.Load(), s.begun.Load())
	}
	c, err := thrift.Dialer{Address: s.address}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// Whoever asks for the lock now gets it when the leases of the dead have ended, and not before.
	var got soakLock
	for deadline := time.Now().Add(20 * soakLease); got.State != 1; {
		method, args := "lock", any(&soakRequest[soakLockRequest]{exclusive("settle")})
		if got.ID != 0 {
			method, args = "check_lock", &soakRequest[soakLock]{soakLock{ID: got.ID}}
		}
		if err := c.Call(t.Context(), method, args, &got); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("a lock has leaked")
		}
		<-time.After(20 * time.Millisecond)
	}
}
