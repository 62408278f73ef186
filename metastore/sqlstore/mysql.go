package sqlstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

func mysqlDialect(address string, silence time.Duration) *dialect {
	return &dialect{
		name: "MySQL", migrations: "mysql", lock: " FOR UPDATE", keep: "ON DUPLICATE KEY UPDATE name = name",
		paged: true, remote: true, stepwise: true, duplicate: duplicateMySQL, narrow: " IGNORE INDEX FOR ORDER BY (PRIMARY)",
		read:      &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		write:     &sql.TxOptions{Isolation: sql.LevelReadCommitted},
		explain:   func(err error) (trouble, string) { return explainMySQL(err, address, silence) },
		exclusive: exclusiveMySQL,
		clock:     `SELECT UNIX_TIMESTAMP() * 1000000`, // whole seconds; with a fraction it would be of the time zone
		hasTable:  `SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = ?`,
	}
}

// openMySQL connects to a MySQL or MariaDB server. The URL has the parameters tls (true,
// skip-verify, preferred or false), tls_ca (a file), socket (a path, instead of the host),
// max_connections and read_timeout.
func openMySQL(u *url.URL) (*Store, error) {
	set, err := takeSettings(u)
	if err != nil {
		return nil, err
	}
	cfg, err := mysqlConfig(u)
	if err != nil {
		return nil, err
	}
	cfg.DialFunc, cfg.ReadTimeout, cfg.WriteTimeout = dial, set.silence, set.silence
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("the URL is not understood: %w", err)
	}
	connector = &greeted{connector}
	write, read := sql.OpenDB(connector), sql.OpenDB(connector)
	limitConnections(write, read, set.connections)
	return newStore(mysqlDialect(cfg.Addr, set.silence), cfg.Addr+"/"+cfg.DBName, write, read), nil
}

// greeted bounds the whole of making a connection, as the driver bounds only its first part.
type greeted struct{ driver.Connector }

func (g *greeted) Connect(ctx context.Context) (driver.Conn, error) {
	bounded, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c, err := g.Connector.Connect(bounded)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = fmt.Errorf("no connection within %v: %w", connectTimeout, os.ErrDeadlineExceeded)
	}
	return c, err
}

// mysqlConfig is the driver's form of a URL.
func mysqlConfig(u *url.URL) (*mysql.Config, error) {
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr = u.Host + ":3306"
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	if cfg.DBName == "" {
		return nil, errors.New("the URL names no database: write mysql://user:password@host:port/database")
	}
	cfg.Timeout = connectTimeout
	cfg.Logger = &mysql.NopLogger{} // what it would write is in the errors
	cfg.InterpolateParams = true    // one round trip instead of three
	cfg.Params = map[string]string{
		"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
		"innodb_lock_wait_timeout": strconv.Itoa(int(lockPatience.Seconds())),
		"wait_timeout":             strconv.Itoa(int(idlePatience.Seconds())), // nobody waits for ever for a client that is stopped
	}
	ca := ""
	for name, values := range u.Query() {
		switch value := values[len(values)-1]; name {
		case "tls":
			cfg.TLSConfig = value
		case "tls_ca":
			ca = value
		case "socket":
			cfg.Net, cfg.Addr = "unix", value
		default:
			return nil, fmt.Errorf("the URL has the parameter %s; there are tls, tls_ca, socket, max_connections and read_timeout", name)
		}
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("tls_ca: %w", err)
		}
		cfg.TLSConfig, cfg.TLS = "", &tls.Config{RootCAs: x509.NewCertPool(), ServerName: u.Hostname()}
		if !cfg.TLS.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls_ca: %s has no certificate", ca)
		}
	}
	return cfg, nil
}

// exclusiveMySQL migrates under a lock of the server with our name and that of the database,
// which ends with the connection at the latest.
func exclusiveMySQL(ctx context.Context, db *sql.DB, fn func(session) error) (err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	var locked sql.NullInt64
	const name = `concat('skep.', sha2(database(), 224))` // at most 64 characters; MySQL 9 has no sha1
	err = conn.QueryRowContext(ctx, `SELECT GET_LOCK(`+name+`, ?)`, lockPatience.Seconds()).Scan(&locked)
	if err != nil {
		return err
	}
	if locked.Int64 != 1 {
		return fmt.Errorf("another process has been changing the schema for %v", lockPatience)
	}
	defer func() {
		_, unlock := conn.ExecContext(context.WithoutCancel(ctx), `DO RELEASE_LOCK(`+name+`)`)
		err = errors.Join(err, unlock)
	}()
	return fn(session{conn, mysqlDialect("", 0)})
}

func duplicateMySQL(err error) bool {
	var e *mysql.MySQLError
	return errors.As(err, &e) && e.Number == 1062
}

// explainMySQL knows the error numbers of MySQL and MariaDB.
func explainMySQL(err error, address string, silence time.Duration) (trouble, string) {
	var e *mysql.MySQLError
	if !errors.As(err, &e) {
		switch {
		case errors.Is(err, mysql.ErrInvalidConn) && silence > 0: // all that the driver tells of either
			return gone, fmt.Sprintf("the connection to the MySQL server at %s broke, or it did not answer for %v (read_timeout in the URL)", address, silence)
		case errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn):
			return gone, "the connection to the MySQL server at " + address + " broke"
		case lost(err):
			return gone, unreachable("MySQL", address)
		}
		return fatal, ""
	}
	switch e.Number {
	case 1205, 1213, 1020: // lock wait timeout, deadlock, record has changed
		return again, ""
	case 1053, 1077, 1079, 1927: // shutting down, killed
		return gone, "the MySQL server at " + address + " is shutting down"
	case 1040, 1203, 1226:
		return gone, "the MySQL server has no connection left; raise its max_connections, or lower ours in the URL"
	case 1021, 1114, 3: // disk full, table full, error writing a file
		return fatal, "the disk of the MySQL server is full; nothing was changed, and the same can be done again when there is room"
	case 1045, 1698:
		return fatal, "the MySQL server refuses the user or the password"
	case 1049:
		return fatal, "the database does not exist on the MySQL server; create it first"
	case 1044, 1142, 1227:
		return fatal, "the user lacks a right in the MySQL database; it needs all rights on it"
	case 1290, 1792, 1836:
		return fatal, "the MySQL server only allows reading"
	case 1153:
		return fatal, "a value is larger than the MySQL server takes; raise its max_allowed_packet"
	}
	return fatal, ""
}
