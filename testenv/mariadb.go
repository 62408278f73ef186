package testenv

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// EnvMySQLURL names a MySQL or MariaDB server to use instead of starting one, as
// mysql://user:password@host:port/. Its user must be allowed to create databases.
const EnvMySQLURL = "SKEP_TEST_MYSQL_URL"

// MariaDB gives the test a database of its own, which is dropped when the test ends, on the
// server that the environment names or else on one that this process starts once and shares
// among its tests. It fails the test when there is none to be had.
func MariaDB(t testing.TB) *Database {
	t.Helper()
	return mariaKind.database(t)
}

var mariaKind = databaseKind{
	shared: sharedServer(EnvMySQLURL, StartMariaDB),
	create: func(ctx context.Context, server, name string) error {
		return mysqlExec(ctx, server, "CREATE DATABASE `"+name+"`")
	},
	drop: func(ctx context.Context, server, name string) error {
		return mysqlExec(ctx, server, "DROP DATABASE IF EXISTS `"+name+"`")
	},
}

func mysqlExec(ctx context.Context, server, statement string) error {
	cfg, err := mysqlConfig(server)
	if err != nil {
		return err
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(ctx, statement)
	return err
}

// mysqlConfig is the driver's form of a mysql:// URL.
func mysqlConfig(server string) (*mysql.Config, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "mysql" {
		return nil, fmt.Errorf("%s: want mysql://user:password@host:port/database", EnvMySQLURL)
	}
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", u.Host
	if u.Port() == "" {
		cfg.Addr = u.Hostname() + ":3306"
	}
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	cfg.Logger = &mysql.NopLogger{} // it would write about every failed attempt
	return cfg, nil
}

// MariaDBServer starts a MariaDB server that is the test's own, so that it may be killed. It ends with the test.
func MariaDBServer(t testing.TB) *DatabaseServer {
	t.Helper()
	return mortal(t, StartMariaDB)
}

// StartMariaDB starts a MariaDB server, which ends with Stop, or with this process at the
// latest. Its data is in dir, or if that is empty in a temporary directory that is removed
// at the end.
func StartMariaDB(ctx context.Context, dir string) (*DatabaseServer, error) {
	install, err := systemBinary("mariadb-install-db", "mariadb-server")
	if err != nil {
		return nil, err
	}
	server, err := systemBinary("mariadbd", "mariadb-server", "/usr/sbin", "/usr/libexec")
	if err != nil {
		return nil, err
	}
	as, err := serverAccount("mysql")
	if err != nil {
		return nil, err
	}
	run, err := openRunDir("mariadb", dir)
	if err != nil {
		return nil, err
	}
	password, err := initMariaDB(ctx, as, run, install)
	if err != nil {
		return nil, errors.Join(err, run.close())
	}
	l := launch{
		name:    "MariaDB",
		timeout: 2 * time.Minute,
		stop:    syscall.SIGTERM,
		death:   syscall.SIGKILL,
		command: func(port int) *exec.Cmd {
			args := []string{"--no-defaults", "--datadir=" + run.file("data"), "--tmpdir=" + run.file("tmp"), "--init-file=" + run.file("init.sql"),
				"--bind-address=127.0.0.1", fmt.Sprintf("--port=%d", port), "--skip-name-resolve",
				"--socket=mysql.sock", "--pid-file=mysql.pid", // in the data directory
				"--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M", "--max-connections=200",
				"--character-set-server=utf8mb4", "--skip-log-bin", "--performance-schema=OFF"}
			if !run.keep {
				args = append(args, "--innodb-flush-log-at-trx-commit=0", "--skip-innodb-doublewrite")
			}
			return as.command(run, server, args...)
		},
		ready: func(ctx context.Context, port int) error {
			return mysqlExec(ctx, serverURL("mysql", password, port, ""), "SELECT 1")
		},
	}
	p, err := l.start(ctx, run)
	if err != nil {
		return nil, errors.Join(err, run.close())
	}
	return &DatabaseServer{Database{serverURL("mysql", password, p.port, databaseUser)}, instance{process: p}}, nil
}

// initMariaDB makes the data directory, unless it is there from an earlier run, and the
// statements that make our user and a database, and returns the password. Nobody else can log in but by the
// server's own account, through its socket.
func initMariaDB(ctx context.Context, as account, run *runDir, install string) (string, error) {
	password := rand.Text()
	switch text, err := os.ReadFile(run.file("password")); {
	case err == nil:
		password = strings.TrimSpace(string(text))
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	default:
		if err := as.writeFile(run.file("password"), password+"\n"); err != nil {
			return "", err
		}
	}
	user := "'" + databaseUser + "'@'127.0.0.1'"
	err := as.writeFile(run.file("init.sql"), strings.Join([]string{
		"CREATE OR REPLACE USER " + user + " IDENTIFIED BY '" + password + "';",
		"GRANT ALL PRIVILEGES ON *.* TO " + user + " WITH GRANT OPTION;",
		"DROP USER IF EXISTS ''@'localhost';",
		"CREATE DATABASE IF NOT EXISTS " + databaseUser + ";",
	}, "\n")+"\n")
	if err != nil {
		return "", err
	}
	// Its own temporary directory, too: ours may be one that nobody else can write to.
	if err := as.makeDir(run.file("tmp")); err != nil {
		return "", err
	}
	if _, err := os.Stat(run.file("data/mysql")); err == nil {
		return password, nil
	}
	if err := as.makeDir(run.file("data")); err != nil {
		return "", err
	}
	return password, as.run(ctx, run, install, "--no-defaults", "--datadir="+run.file("data"), "--tmpdir="+run.file("tmp"), "--skip-test-db",
		"--skip-name-resolve", "--auth-root-authentication-method=socket")
}
