package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/skepdata/skep/metastore"
)

// Store is a metastore in an SQL database.
type Store struct {
	write *sql.DB // one connection, whose transactions take the write lock at once
	read  *sql.DB

	closeOnce sync.Once
	closeErr  error
}

var _ metastore.Store = (*Store)(nil)

// lockPatience is how long Update waits for other processes before it gives up.
const lockPatience = time.Minute

// maxAttempts is how often a transaction is run when others get in its way.
const maxAttempts = 100

// Open opens the metastore at a URL, which it makes if there is none, with its directory:
// sqlite:///absolute/path.db. Databases of a newer schema are refused. No error shows what may
// be a password in the URL.
func Open(ctx context.Context, rawURL string) (metastore.Store, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	switch {
	case !ok:
		return nil, errors.New("open metastore: not a URL; write sqlite:///absolute/path.db")
	case scheme == "postgres" || scheme == "postgresql" || scheme == "mysql" || scheme == "thrift":
		return nil, fmt.Errorf("open metastore: %s metastores are not supported yet", scheme)
	case scheme != "sqlite":
		return nil, fmt.Errorf("open metastore: unknown scheme %q; write sqlite:///absolute/path.db", scheme)
	}
	if strings.ContainsAny(rest, "?#") {
		return nil, errors.New("open metastore: a sqlite URL has no parameters; write ? as %3F and # as %23")
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return nil, fmt.Errorf("open metastore: %w", err)
	}
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("open metastore: %q is not an absolute path; write sqlite:///absolute/path.db", path)
	}
	s, err := openSQLite(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open metastore %s: %w", path, err)
	}
	return s, nil
}

func openSQLite(ctx context.Context, path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	// A writer polls for the lock in short turns, so that it notices the end of its context;
	// readers wait only while another process recovers after a crash.
	dsn := func(timeout string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(" + timeout +
			")&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	}
	var s Store
	var err error
	if s.write, err = sql.Open("sqlite", dsn("200")+"&_txlock=immediate"); err != nil {
		return nil, err
	}
	if s.read, err = sql.Open("sqlite", dsn("10000")+"&_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, s.write.Close())
	}
	s.write.SetMaxOpenConns(1)
	s.read.SetMaxIdleConns(4)
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &s, nil
}

// Close closes the database. Further calls return what the first did.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = errors.Join(s.read.Close(), s.write.Close()) })
	return s.closeErr
}

// Update implements metastore.Store.
func (s *Store) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	for attempt := 1; ; attempt++ {
		var failed error
		err := s.transact(ctx, func(q *sql.Tx) error {
			failed = fn(&tx{reader{q}, q})
			return failed
		})
		switch {
		case failed != nil && !busy(failed):
			return failed
		case err == nil:
			return nil
		case !busy(err) || attempt == maxAttempts:
			return fmt.Errorf("update metastore: %w", err)
		}
		// The lock is taken at the start, so this takes a checkpoint or a recovery of another
		// process at a bad moment. Nothing was committed.
		if err := pause(ctx); err != nil {
			return fmt.Errorf("update metastore: %w", err)
		}
	}
}

// transact runs fn in a transaction that holds the write lock.
func (s *Store) transact(ctx context.Context, fn func(*sql.Tx) error) error {
	q, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = q.Rollback() }() // does nothing after a commit
	if err := fn(q); err != nil {
		return err
	}
	return q.Commit()
}

// begin waits for the write lock.
func (s *Store) begin(ctx context.Context) (*sql.Tx, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		q, err := s.write.BeginTx(ctx, nil)
		switch {
		case err == nil:
			return q, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !busy(err):
			return nil, err
		case time.Now().After(deadline):
			return nil, fmt.Errorf("another process has held the write lock for %v: %w", lockPatience, err)
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// pause waits a moment before the next try.
func pause(ctx context.Context) error {
	timer := time.NewTimer(5 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// view runs fn on one moment of the metastore.
func (s *Store) view(ctx context.Context, fn func(reader) error) error {
	q, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("read metastore: %w", err)
	}
	defer func() { _ = q.Rollback() }()
	return fn(reader{q})
}

// Primary result codes of SQLite. Extended codes carry them in their low byte.
const (
	sqliteBusy   = 5
	sqliteLocked = 6
	sqliteNotDB  = 26
)

func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func busy(err error) bool {
	code := sqliteCode(err)
	return code == sqliteBusy || code == sqliteLocked
}
