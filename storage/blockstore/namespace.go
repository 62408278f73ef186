package blockstore

import (
	"context"
	"database/sql"
	_ "embed" // for the schema
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"modernc.org/sqlite"
)

//go:embed schema.sql
var schema string

//go:embed migrate2.sql
var migrate2 string

// applicationID marks the database as a namespace of ours ("skep") to tools such as file(1).
const applicationID = 0x736b6570

// namespace is the open database. Reads run side by side on snapshots; writes of this process
// take turns, and wait for those of others.
type namespace struct {
	path   string
	reads  *sql.DB
	writes *sql.DB

	stat  *sql.Stmt // see fileQuery
	first *sql.Stmt // see firstQuery

	readying sync.Mutex
	turn     *turnstile           // nil before the first transaction
	hot      map[string]*sql.Stmt // what most transactions do, compiled; nil before the first of them

	files  fileLayer
	commit func(*sql.Tx) error // for tests to fail

	doubt atomic.Pointer[unsettledError] // what was not confirmed last; see settle
}

// hotQueries are compiled once.
var hotQueries = []string{
	nextNumber, setNumber, noteCommitted, volumeQuery, setTotals, insertFile, deleteFile, insertInline, deleteInline,
	blocksOfVersion, insertBlock, insertReplica, insertFileBlock, deleteFileBlocks,
}

// getReady makes what transactions need. Every one calls it before it begins.
func (n *namespace) getReady(ctx context.Context) (err error) {
	n.readying.Lock()
	defer n.readying.Unlock()
	if n.hot != nil {
		return nil
	}
	if n.turn == nil {
		if n.turn, err = newTurnstile(filepath.Join(filepath.Dir(n.path), turnFile)); err != nil {
			return err
		}
	}
	n.hot, err = n.compile(ctx)
	return err
}

// compile compiles hotQueries.
func (n *namespace) compile(ctx context.Context) (map[string]*sql.Stmt, error) {
	hot := map[string]*sql.Stmt{}
	for _, query := range hotQueries {
		stmt, err := n.writes.PrepareContext(ctx, query) //nolint:sqlclosecheck // closeAll does it
		if err != nil {
			return nil, errors.Join(err, closeAll(hot))
		}
		hot[query] = stmt
	}
	return hot, nil
}

func closeAll(statements map[string]*sql.Stmt) error {
	var errs []error
	for _, s := range statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

const (
	maxReaders   = 8 // connections
	lockPatience = 60 * time.Second
)

func dataSource(path string, pragmas ...string) string {
	q := url.Values{}
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", lockPatience.Milliseconds()))
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// openNamespace opens the database. A database without a schema is none yet.
func openNamespace(ctx context.Context, path string) (*namespace, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err // which SQLite would answer with an empty database
	}
	writes, err := sql.Open("sqlite",
		dataSource(path, "synchronous(NORMAL)", "foreign_keys(1)", "cache_size(-32768)",
			"wal_autocheckpoint(4000)")+"&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	reads, err := sql.Open("sqlite", dataSource(path, "query_only(1)"))
	if err != nil {
		return nil, errors.Join(err, writes.Close())
	}
	writes.SetMaxOpenConns(1)
	reads.SetMaxOpenConns(maxReaders)
	reads.SetMaxIdleConns(maxReaders)
	n := &namespace{path: path, reads: reads, writes: writes, files: osFiles{}, commit: (*sql.Tx).Commit}
	err = n.checkFormat(ctx)
	if errors.Is(err, errOldFormat) {
		if err = n.migrate(ctx); err == nil {
			err = n.checkFormat(ctx)
		}
	}
	if err == nil {
		err = n.prepare(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), n.close())
	}
	return n, nil
}

// prepare compiles the queries that every look-up makes.
func (n *namespace) prepare(ctx context.Context) error {
	return patiently(ctx, func() (err error) {
		if n.stat, err = n.reads.PrepareContext(ctx, fileQuery); err == nil {
			n.first, err = n.reads.PrepareContext(ctx, firstQuery)
		}
		return err
	})
}

func (n *namespace) close() error {
	errs := []error{closeAll(n.hot)}
	for _, s := range []*sql.Stmt{n.stat, n.first} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if n.turn != nil {
		errs = append(errs, n.turn.close())
	}
	return errors.Join(append(errs, n.reads.Close(), n.writes.Close())...)
}

func (n *namespace) checkFormat(ctx context.Context) error {
	var app, version int
	err := patiently(ctx, func() error { // in one look: the database may be coming into being
		return n.reads.QueryRowContext(ctx,
			"SELECT application_id, user_version FROM pragma_application_id, pragma_user_version",
		).Scan(&app, &version)
	})
	switch {
	case err != nil:
		return err
	case app == 0 && version == 0:
		return errNoStore
	case app != applicationID:
		return errors.New("it is a database of another program")
	case version == 1:
		return errOldFormat
	case version != format:
		return fmt.Errorf("it has format %d; this program knows format %d", version, format)
	}
	return nil
}

var errOldFormat = errors.New("it has format 1, which has to be brought to the present one first")

// migrate brings a namespace of format 1 to the present one, in one transaction.
func (n *namespace) migrate(ctx context.Context) error {
	conn, err := n.writes.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // goes back to the pool
	// Rows move while what they refer to has not come yet. It cannot be changed in a transaction.
	if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys = 0"); err != nil {
		return err
	}
	err = patiently(ctx, func() error { return migrateOn(ctx, conn) })
	_, on := conn.ExecContext(ctx, "PRAGMA foreign_keys = 1")
	return errors.Join(err, on)
}

func migrateOn(ctx context.Context, conn *sql.Conn) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version != 1 {
		return nil // another process was quicker
	}
	steps := []string{"DROP INDEX file_blocks_by_block"}
	for _, table := range []string{
		"store", "disks", "counters", "volumes", "files", "blocks", "file_blocks", "garbage", "writers", "ranges",
	} {
		steps = append(steps, "ALTER TABLE "+table+" RENAME TO old1_"+table)
	}
	steps = append(steps, schema, migrate2, fmt.Sprintf("PRAGMA user_version = %d", format))
	for _, step := range steps {
		if _, err := tx.ExecContext(ctx, step); err != nil {
			return fmt.Errorf("bring format 1 to format %d: %w", format, err)
		}
	}
	return tx.Commit()
}

// createNamespace makes the database with its schema. The caller makes sure that nobody else
// does.
func createNamespace(ctx context.Context, path, storeID string) error {
	db, err := sql.Open("sqlite",
		dataSource(path, "journal_mode(WAL)", "synchronous(FULL)")+"&_txlock=immediate")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // what was committed is committed
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer tx.Rollback()
	for _, statement := range []string{
		schema, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, format),
	} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO store (id) VALUES (?)", storeID); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return tx.Commit()
}

// update runs fn in a transaction, again if the database was busy or another process was in
// the way: fn must have no effects that do not bear repetition. When it returns all is durable.
func (n *namespace) update(ctx context.Context, fn func(*sql.Tx) error) error {
	if err := n.settle(ctx); err != nil {
		return err
	}
	if err := n.change(ctx, fn); err != nil {
		return err
	}
	return n.sync()
}

// change is update without the sync.
func (n *namespace) change(ctx context.Context, fn func(*sql.Tx) error) error {
	return patiently(ctx, func() error {
		if err := n.getReady(ctx); err != nil {
			return err
		}
		if err := n.turn.enter(ctx); err != nil {
			return err
		}
		defer n.turn.leave()
		tx, err := n.writes.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if err := fn(tx); err != nil {
			return err
		}
		if err := n.commit(tx); err != nil && !isBusy(err) {
			return n.unsettled(err)
		} else if err != nil {
			return err
		}
		return nil
	})
}

// sync makes durable what was committed, and what others do beside.
func (n *namespace) sync(beside ...func() error) error {
	var group errgroup.Group
	for _, sync := range append(beside, n.syncLog) {
		group.Go(sync)
	}
	if err := group.Wait(); err != nil {
		return n.unsettled(err)
	}
	return nil
}

// syncLog makes what was committed durable. SQLite would do it while it holds the lock that all
// writers wait for; so they write while others sync, and one sync is for all that was written before.
// What was moved from the log to the database meanwhile SQLite has synced itself.
func (n *namespace) syncLog() error {
	f, err := n.files.open(n.path+"-wal", os.O_RDWR)
	if err != nil {
		return err
	}
	return errors.Join(f.SyncData(), f.Close())
}

// view runs fn on one snapshot.
func (n *namespace) view(ctx context.Context, fn func(*sql.Tx) error) error {
	return patiently(ctx, func() error {
		tx, err := n.reads.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return fn(tx)
	})
}

// patiently repeats do while the database is locked by others. SQLite waits too, but not in
// every case in which that would help.
func patiently(ctx context.Context, do func() error) error {
	deadline := time.Now().Add(lockPatience)
	pause := time.Millisecond
	for {
		err := do()
		if err == nil || !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		pause = min(2*pause, 100*time.Millisecond)
	}
}

func isBusy(err error) bool {
	const busy, locked = 5, 6 // SQLITE_BUSY, SQLITE_LOCKED and their extended codes
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code()&0xff == busy || e.Code()&0xff == locked)
}

func (n *namespace) storeID(ctx context.Context) (id string, err error) {
	err = patiently(ctx, func() error {
		return n.reads.QueryRowContext(ctx, "SELECT id FROM store").Scan(&id)
	})
	return id, err
}

// addDisk numbers a new disk, which was not seen anywhere yet.
func (n *namespace) addDisk(ctx context.Context) (id int64, err error) {
	err = n.update(ctx, func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "INSERT INTO disks (path) VALUES ('') RETURNING id").Scan(&id)
	})
	return id, err
}

// The states of a disk in the namespace.
const (
	diskActive   = "active"
	diskDraining = "draining" // gets no new blocks
	diskRemoved  = "removed"  // has no blocks, and is no longer expected to be there
)

// diskRow is a disk as the namespace knows it.
type diskRow struct {
	id          int64
	path, state string
}

// disks returns all disks that ever were, in the order of their numbers.
func (n *namespace) disks(ctx context.Context) (all []diskRow, err error) {
	err = patiently(ctx, func() error {
		all = nil
		rows, err := n.reads.QueryContext(ctx, "SELECT id, path, state FROM disks ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d diskRow
			if err := rows.Scan(&d.id, &d.path, &d.state); err != nil {
				return err
			}
			all = append(all, d)
		}
		return rows.Err()
	})
	return all, err
}

// moveDisk notes where a disk is now.
func (n *namespace) moveDisk(ctx context.Context, id int64, path string) error {
	return n.update(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE disks SET path = ? WHERE id = ?", path, id)
		return err
	})
}

// diskPath is where a disk was last seen, for messages.
func (n *namespace) diskPath(ctx context.Context, id int64) string {
	var path string
	if err := n.reads.QueryRowContext(ctx, "SELECT path FROM disks WHERE id = ?", id).Scan(&path); err != nil {
		return "an unknown place"
	}
	return path
}

// take reserves n numbers of a counter and returns the first.
func take(ctx context.Context, tx *sql.Tx, counter string, n int64) (first int64, err error) {
	err = tx.QueryRowContext(ctx,
		"UPDATE counters SET next = next + ? WHERE name = ? RETURNING next", n, counter).Scan(&first)
	return first - n, err
}
