package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

func postgresDialect(address string, silence time.Duration) *dialect {
	return &dialect{
		name: "PostgreSQL", migrations: "postgres", numbered: true, arrays: true, lock: " FOR UPDATE",
		keep: "ON CONFLICT DO NOTHING", paged: true, remote: true,
		read:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		write: &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		explain: func(err error) (trouble, string) {
			return explainPostgres(err, address, silence)
		},
		exclusive: exclusivePostgres,
		clock:     `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`,
		hasTable:  `SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = ?`,
	}
}

// openPostgres connects to a PostgreSQL server. The URL's parameters are those of libpq, with
// max_connections and read_timeout of our own; the password may also come from PGPASSWORD or a .pgpass file.
func openPostgres(u *url.URL) (*Store, error) {
	set, err := takeSettings(u)
	if err != nil {
		return nil, err
	}
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		// The error's own text may show the URL.
		if inner := errors.Unwrap(err); inner != nil {
			return nil, fmt.Errorf("the URL is not understood: %w", inner)
		}
		return nil, errors.New("the URL is not understood: write postgres://user:password@host:port/database?sslmode=require")
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	cfg.DialFunc = dialPatiently(set.silence)
	// Nobody waits for ever, neither for a lock nor for a client that holds one and is stopped.
	setDefault(cfg.RuntimeParams, "lock_timeout", strconv.Itoa(int(lockPatience.Milliseconds())))
	setDefault(cfg.RuntimeParams, "idle_in_transaction_session_timeout", strconv.Itoa(int(idlePatience.Milliseconds())))
	setDefault(cfg.RuntimeParams, "application_name", "skep")
	// Every read has its index; a planner that has not seen statistics yet, or dead rows, does not know.
	setDefault(cfg.RuntimeParams, "enable_seqscan", "off")
	// Where there is no index, as for the one row of a small table, a scan then looks so expensive that it
	// would be compiled, for a quarter of a second.
	setDefault(cfg.RuntimeParams, "jit", "off")
	address := net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
	d := postgresDialect(address, set.silence)
	write, read := stdlib.OpenDB(*cfg), stdlib.OpenDB(*cfg)
	limitConnections(write, read, set.connections)
	return newStore(d, address+"/"+cfg.Database, write, read), nil
}

func setDefault(m map[string]string, key, value string) {
	if _, ok := m[key]; !ok {
		m[key] = value
	}
}

// migrationLock is the number of our advisory lock: "skepmeta" in ASCII.
const migrationLock = 0x736b65706d657461

// exclusivePostgres migrates in one transaction, under an advisory lock that ends with it.
func exclusivePostgres(ctx context.Context, db *sql.DB, fn func(session) error) error {
	d := postgresDialect("", 0)
	q, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = q.Rollback() }()
	if _, err := q.ExecContext(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(migrationLock)); err != nil {
		return err
	}
	if err := fn(session{q, d}); err != nil {
		return err
	}
	return q.Commit()
}

// explainPostgres knows the codes of PostgreSQL's appendix A.
func explainPostgres(err error, address string, silence time.Duration) (trouble, string) {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		switch e.Code {
		case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available
			return again, ""
		case "57P01", "57P02", "57P03": // shut down, crashed, starting up
			return gone, "the PostgreSQL server at " + address + " is shutting down or starting"
		case "53300":
			return gone, "the PostgreSQL server has no connection left; raise its max_connections, or lower ours in the URL"
		case "53100":
			return fatal, "the disk of the PostgreSQL server is full; nothing was changed, and the same can be done again when there is room"
		case "28P01", "28000":
			return fatal, "the PostgreSQL server refuses the user or the password"
		case "3D000":
			return fatal, "the database does not exist on the PostgreSQL server; create it first"
		case "3F000":
			return fatal, "the schema does not exist in the database; create it, or name another one as search_path"
		case "42501":
			return fatal, "the user lacks a right in the PostgreSQL database; it must own the tables, or at first be allowed to create them"
		case "25006":
			return fatal, "the PostgreSQL server only allows reading; is it a standby?"
		}
		if e.Code[:2] == "08" {
			return gone, "the connection to the PostgreSQL server at " + address + " broke"
		}
		return fatal, ""
	}
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		if lost(err) {
			return gone, unreachable("PostgreSQL", address)
		}
		return fatal, ""
	}
	if silence > 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		return gone, unanswered("PostgreSQL", address, silence)
	}
	if lost(err) || pgconn.SafeToRetry(err) || errors.Is(err, driver.ErrBadConn) {
		return gone, "the connection to the PostgreSQL server at " + address + " broke"
	}
	return fatal, ""
}

// lost reports whether an error is of the network.
func lost(err error) bool {
	var op net.Error
	return errors.As(err, &op) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
