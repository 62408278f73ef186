package testenv

import (
	"context"
	"errors"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"
)

// Database is a database on a PostgreSQL or MariaDB server and, in a test, the test's own.
type Database struct {
	// URL is postgres://user:password@host:port/name or mysql://user:password@host:port/name.
	URL string
}

// DatabaseServer is a database server that this process has started. Its URL is that of a
// database with the rights to create others.
type DatabaseServer struct {
	Database
	instance
}

// mortal starts a server of a test's own, in which what has been committed survives a Kill.
func mortal(t testing.TB, start func(context.Context, string) (*DatabaseServer, error)) *DatabaseServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "skep-mortal-") //nolint:usetesting // the server's account cannot get into those of tests
	if err == nil {
		err = os.Chmod(dir, 0o711) // the server's account must be able to get there
	}
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	s, err := start(t.Context(), dir)
	t.Cleanup(func() {
		if s != nil {
			err = s.Stop()
		}
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return s
}

// databaseKind is what PostgreSQL and MariaDB differ in.
type databaseKind struct {
	shared func() (string, error) // URL of the server of this process
	create func(ctx context.Context, server, name string) error
	drop   func(ctx context.Context, server, name string) error
}

// database makes a database for a test, which is dropped when the test ends.
func (k databaseKind) database(t testing.TB) *Database {
	t.Helper()
	server, err := k.shared()
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	name := uniqueName(t, "_")
	if err := k.create(t.Context(), server, name); err != nil {
		t.Fatalf("testenv: create database %s: %v", name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := k.drop(ctx, server, name); err != nil {
			t.Errorf("testenv: drop database %s: %v", name, err)
		}
	})
	u, err := withDatabase(server, name)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	return &Database{URL: u}
}

// withDatabase is the URL of another database on the same server.
func withDatabase(server, name string) (string, error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	return u.String(), nil
}

// sharedServer is the URL that the environment names, or that of a server which this process
// starts once and which ends with it.
func sharedServer(env string, start func(context.Context, string) (*DatabaseServer, error)) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		if u := os.Getenv(env); u != "" {
			return u, nil
		}
		s, err := start(context.Background(), "")
		if err != nil {
			return "", err
		}
		return s.URL, nil
	})
}

// serverURL is the URL of a server of ours.
func serverURL(scheme, password string, port int, database string) string {
	u := url.URL{
		Scheme: scheme, User: url.UserPassword(databaseUser, password),
		Host: loopback(port), Path: "/" + database,
	}
	return u.String()
}

const databaseUser = "skep"
