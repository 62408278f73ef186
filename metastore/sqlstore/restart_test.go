package sqlstore_test

import (
	"context"
	"fmt"
	"net/url"
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

// TestServerRestarts stops and kills a server, and starts it again, while several write and read.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) *testenv.DatabaseServer{
		"postgres": testenv.PostgresServer, "mariadb": testenv.MariaDBServer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			restartServer(t, start(t))
		})
	}
}

func restartServer(t *testing.T, server *testenv.DatabaseServer) {
	s := openURL(t, server.URL)
	createCounted(t, s)
	const workers, rounds = 4, 40
	ended := []func() error{server.Halt, server.Kill, server.Kill}
	var wg sync.WaitGroup
	var done atomic.Int64
	due := make(chan struct{}, len(ended))
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
				if n := done.Add(1); n%(workers*rounds/4) == 0 && n < workers*rounds {
					due <- struct{}{}
				}
			}
		})
	}
	for _, end := range ended {
		<-due
		if err := end(); err != nil {
			t.Error(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Error(err)
		}
	}
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
			r := testenv.NewRelay(t, &testenv.Database{URL: d.url(t)(t)})
			s := openURL(t, r.URL)
			createCounted(t, s)
			var tries, broken atomic.Int64
			r.Decide(func(sent []byte) testenv.Delivery {
				if !commit.Match(sent) {
					return testenv.Delivered
				}
				fate := []testenv.Delivery{testenv.Unanswered, testenv.Delivered, testenv.Lost}[tries.Add(1)%3]
				if fate != testenv.Delivered {
					broken.Add(1)
				}
				return fate
			})
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
			r.Decide(nil)
			if broken.Load() < 10 {
				t.Fatalf("only %d commits were disturbed: the test has lost its point", broken.Load())
			}
			if n := counter(t, s); n != rounds {
				t.Errorf("the counter is %d, want %d; %d runs, %d disturbed", n, rounds, ran, broken.Load())
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
