package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/skepdata/skep/metastore"
)

// Store is a metastore in an SQL database.
type Store struct {
	d           *dialect
	where       string // for messages: a path, or host:port/database
	write, read *sql.DB
	descriptors descriptorCache
	selectTable prepared
	recall      recall

	closeOnce sync.Once
	closeErr  error
}

var _ metastore.Store = (*Store)(nil)

func newStore(d *dialect, where string, write, read *sql.DB) *Store {
	return &Store{d: d, where: where, write: write, read: read}
}

const (
	// lockPatience is how long Update waits for other writers before it gives up.
	lockPatience = time.Minute
	// idlePatience is how long a server lets a client that is silent in a transaction hold the lock.
	idlePatience = 5 * time.Minute
	// writers is how many connections to a server may wait for the lock at once.
	writers = 4
	// readers is how many connections to a server may read at once.
	readers = 32
)

// Open opens the metastore at a URL, which is sqlite:///absolute/path.db,
// postgres://user:password@host:port/database or mysql://user:password@host:port/database. The
// tables are made if there are none, and brought up to date; in SQLite the file and its directory
// too. Databases of a newer schema are refused. No error shows what may be a password in the URL.
func Open(ctx context.Context, rawURL string) (metastore.Store, error) {
	s, err := Connect(rawURL)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open metastore %s: %w", s.where, s.d.wrap(err)), s.Close())
	}
	return s, nil
}

// Connect is Open without a look at the schema: Version and Migrate are for those who want to
// decide about it.
func Connect(rawURL string) (*Store, error) {
	scheme, rest, ok := strings.Cut(rawURL, "://")
	var open func() (*Store, error)
	switch {
	case !ok:
		return nil, errors.New("open metastore: not a URL; write sqlite:///absolute/path.db")
	case scheme == "sqlite":
		path, err := sqlitePath(rest)
		if err != nil {
			return nil, err
		}
		s, err := openSQLite(path)
		if err != nil {
			return nil, fmt.Errorf("open metastore %s: %w", path, err)
		}
		return s, nil
	case scheme == "postgres" || scheme == "postgresql":
		open = func() (*Store, error) { return fromURL(rawURL, openPostgres) }
	case scheme == "mysql" || scheme == "mariadb":
		open = func() (*Store, error) { return fromURL(rawURL, openMySQL) }
	case scheme == "thrift":
		return nil, errors.New("open metastore: a thrift:// metastore has no database here; give the URL of the database that it is served from")
	default:
		return nil, fmt.Errorf("open metastore: unknown scheme %q; write sqlite:///absolute/path.db, postgres:// or mysql://", scheme)
	}
	s, err := open()
	if err != nil {
		return nil, fmt.Errorf("open metastore: %w", err)
	}
	return s, nil
}

// fromURL parses a URL without ever showing it.
func fromURL(rawURL string, open func(*url.URL) (*Store, error)) (*Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("it is not a URL; characters such as @, / and % in a password are written %40, %2F and %25")
	}
	return open(u)
}

// limitConnections divides the connections among writers, of whom one at a time gets anything
// done, and readers. They are apart, so that whoever holds the lock can always read.
func limitConnections(write, read *sql.DB, n int) {
	w := min(writers, n/2)
	write.SetMaxOpenConns(w)
	write.SetMaxIdleConns(w)
	read.SetMaxOpenConns(n - w)
	read.SetMaxIdleConns(min(8, n-w))
	write.SetConnMaxIdleTime(time.Minute)
	read.SetConnMaxIdleTime(time.Minute)
}

// Close closes the database. Further calls return what the first did.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.recall.mu.Lock()
		defer s.recall.mu.Unlock()
		s.closeErr = errors.Join(s.recall.close(), s.read.Close(), s.write.Close())
	})
	return s.closeErr
}
