package testenv_test

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/skepdata/skep/testenv"
)

func TestPostgres(t *testing.T) {
	var first, second *testenv.Database
	made := t.Run("own database", func(t *testing.T) {
		first, second = testenv.Postgres(t), testenv.Postgres(t)
		for _, d := range []*testenv.Database{first, second} {
			conn, err := pgx.Connect(t.Context(), d.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			// The same table in both, so they are not the same database.
			if _, err := conn.Exec(t.Context(), "CREATE TABLE bees (name text)"); err != nil {
				t.Error(err)
			}
		}
	})
	if !made {
		return // there was no server, or none that works
	}
	if _, err := pgx.Connect(t.Context(), first.URL); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("connect after the test: %v, want that the database does not exist", err)
	}
}

func TestMariaDB(t *testing.T) {
	var first, second *testenv.Database
	made := t.Run("own database", func(t *testing.T) {
		first, second = testenv.MariaDB(t), testenv.MariaDB(t)
		for _, d := range []*testenv.Database{first, second} {
			db := openMySQL(t, d.URL)
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE bees (name text)"); err != nil {
				t.Error(err)
			}
			var version string
			if err := db.QueryRowContext(t.Context(), "SELECT VERSION()").Scan(&version); err != nil || version == "" {
				t.Errorf("version %q, %v", version, err)
			}
		}
	})
	if !made {
		return // there was no server, or none that works
	}
	if err := openMySQL(t, first.URL).PingContext(t.Context()); err == nil || !strings.Contains(err.Error(), "Unknown database") {
		t.Errorf("connect after the test: %v, want that the database is unknown", err)
	}
}

// TestMariaDBOfAnotherAccount: the server's account need not be able to write where our temporary files are.
func TestMariaDBOfAnotherAccount(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", dir)
	server, err := testenv.StartMariaDB(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

func openMySQL(t *testing.T, raw string) *sql.DB {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("mysql", u.User.String()+"@tcp("+u.Host+")"+u.Path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
