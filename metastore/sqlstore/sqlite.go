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
	"time"

	"modernc.org/sqlite"
)

func sqliteDialect() *dialect {
	return &dialect{
		name: "SQLite", migrations: "sqlite", keep: "ON CONFLICT DO NOTHING", prepares: true, tells: true,
		read: &sql.TxOptions{ReadOnly: true}, explain: explainSQLite, exclusive: exclusiveSQLite,
		hasTable: `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?`,
	}
}

// sqlitePath is the path in a sqlite URL.
func sqlitePath(rest string) (string, error) {
	if strings.ContainsAny(rest, "?#") {
		return "", errors.New("open metastore: a sqlite URL has no parameters; write ? as %3F and # as %23")
	}
	path, err := url.PathUnescape(rest)
	if err != nil {
		return "", fmt.Errorf("open metastore: %w", err)
	}
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("open metastore: %q is not an absolute path; write sqlite:///absolute/path.db", path)
	}
	return "/" + strings.TrimLeft(path, "/"), nil // what SQLite opens is a URL again, where // begins a host
}

func openSQLite(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	// A writer polls for the lock in short turns, so that it notices the end of its context;
	// readers wait only while another process recovers after a crash.
	dsn := func(timeout string) string {
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(" + timeout +
			")&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	}
	write, err := sql.Open("sqlite", dsn("200")+"&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn("10000")+"&_pragma=query_only(1)")
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	write.SetMaxOpenConns(1)
	read.SetMaxIdleConns(4)
	return newStore(sqliteDialect(), path, write, read), nil
}

// exclusiveSQLite migrates in one transaction, under the write lock.
func exclusiveSQLite(ctx context.Context, db *sql.DB, fn func(session) error) error {
	d := sqliteDialect()
	q, err := beginPatiently(ctx, db, d)
	if err != nil {
		return err
	}
	defer func() { _ = q.Rollback() }() // does nothing after a commit
	if err := fn(session{q, d}); err != nil {
		return err
	}
	return d.wrap(q.Commit())
}

// beginPatiently begins a transaction, which in SQLite may take turns of polling for the lock.
func beginPatiently(ctx context.Context, db *sql.DB, d *dialect) (*sql.Tx, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		q, err := db.BeginTx(ctx, d.write)
		if err == nil {
			return q, nil
		}
		err = d.wrap(err)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case d.remote || troubleOf(err) != again:
			return nil, err
		case time.Now().After(deadline):
			return nil, fmt.Errorf("another process has held the write lock for %v: %w", lockPatience, err)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// Primary result codes of SQLite. Extended codes carry them in their low byte.
const (
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteReadOnly = 8
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotDB    = 26
)

func explainSQLite(err error) (trouble, string) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return fatal, ""
	}
	switch e.Code() & 0xff {
	case sqliteBusy, sqliteLocked:
		return again, ""
	case sqliteReadOnly:
		return fatal, "the database, or its directory, cannot be written"
	case sqliteFull:
		return fatal, "the disk is full; nothing was changed, and the same can be done again when there is room"
	case sqliteCantOpen:
		return fatal, "the file cannot be opened or made; is its directory there, and may it be written?"
	case sqliteNotDB:
		return fatal, "the file is not an SQLite database"
	}
	return fatal, ""
}
