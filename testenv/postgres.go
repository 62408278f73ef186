package testenv

import (
	"context"
	"crypto/rand"
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

	"github.com/jackc/pgx/v5"
)

// EnvPostgresURL names a PostgreSQL server to use instead of starting one. Its user must be
// allowed to create databases.
const EnvPostgresURL = "SKEP_TEST_POSTGRES_URL"

// Postgres gives the test a database of its own, which is dropped when the test ends, on the
// server that the environment names or else on one that this process starts once and shares
// among its tests. It fails the test when there is none to be had.
func Postgres(t testing.TB) *Database {
	t.Helper()
	return postgresKind.database(t)
}

// PostgresSchemas makes schemas in one database that the test has from [Postgres], which is quicker than to
// make databases: each call of what it returns makes an empty one, in which who connects by the URL works.
func PostgresSchemas(t testing.TB) func() *Database {
	t.Helper()
	server := Postgres(t).URL
	n := 0
	return func() *Database {
		t.Helper()
		n++
		name := fmt.Sprintf("s%d", n)
		if err := postgresExec(t.Context(), server, "CREATE SCHEMA "+name); err != nil {
			t.Fatalf("testenv: create schema %s: %v", name, err)
		}
		u, err := url.Parse(server)
		if err != nil {
			t.Fatalf("testenv: %v", err)
		}
		q := u.Query()
		q.Set("search_path", name)
		u.RawQuery = q.Encode()
		return &Database{URL: u.String()}
	}
}

var postgresKind = databaseKind{
	shared: sharedServer(EnvPostgresURL, StartPostgres),
	create: func(ctx context.Context, server, name string) error {
		return postgresExec(ctx, server, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	},
	drop: func(ctx context.Context, server, name string) error {
		return postgresExec(ctx, server, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
	},
}

func postgresExec(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// PostgresServer starts a PostgreSQL server that is the test's own, so that it may be killed. It ends with the test.
func PostgresServer(t testing.TB) *DatabaseServer {
	t.Helper()
	return mortal(t, StartPostgres)
}

// StartPostgres starts a PostgreSQL server, which ends with Stop, or with this process at the
// latest. Its data is in dir, or if that is empty in a temporary directory that is removed
// at the end and never synced to disk.
func StartPostgres(ctx context.Context, dir string) (*DatabaseServer, error) {
	const patterns = "/usr/lib/postgresql/*/bin"
	initdb, err := systemBinary("initdb", "postgresql", patterns)
	if err != nil {
		return nil, err
	}
	postgres, err := systemBinary("postgres", "postgresql", patterns)
	if err != nil {
		return nil, err
	}
	as, err := serverAccount("postgres")
	if err != nil {
		return nil, err
	}
	run, err := openRunDir("postgres", dir)
	if err != nil {
		return nil, err
	}
	password, err := initPostgres(ctx, as, run, initdb)
	if err != nil {
		return nil, errors.Join(err, run.close())
	}
	l := launch{
		name:    "PostgreSQL",
		timeout: time.Minute,
		stop:    syscall.SIGINT,  // ends sessions, then itself
		death:   syscall.SIGQUIT, // ends at once, and takes its children along
		command: func(port int) *exec.Cmd {
			args := []string{"-D", run.file("data"), "-p", fmt.Sprint(port), "-h", "127.0.0.1",
				"-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "shared_buffers=64MB"}
			if !run.keep {
				args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
			}
			return as.command(run, postgres, args...)
		},
		ready: func(ctx context.Context, port int) error {
			return postgresExec(ctx, serverURL("postgres", password, port, "postgres"), "SELECT 1")
		},
	}
	p, err := l.start(ctx, run)
	if err != nil {
		return nil, errors.Join(err, run.close())
	}
	return &DatabaseServer{Database{serverURL("postgres", password, p.port, "postgres")}, instance{process: p}}, nil
}

// initPostgres makes the data directory, unless it is there from an earlier run, and returns
// the password.
func initPostgres(ctx context.Context, as account, run *runDir, initdb string) (string, error) {
	secret := run.file("password")
	if text, err := os.ReadFile(secret); err == nil {
		return strings.TrimSpace(string(text)), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	if err := as.makeDir(run.file("data")); err != nil {
		return "", err
	}
	if err := as.writeFile(secret+".new", password+"\n"); err != nil {
		return "", err
	}
	err := as.run(ctx, run, initdb, "-D", run.file("data"), "-U", databaseUser, "--pwfile", secret+".new",
		"-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	if err != nil {
		return "", err
	}
	return password, os.Rename(secret+".new", secret)
}
