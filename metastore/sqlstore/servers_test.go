package sqlstore_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/metastoretest"
	"github.com/skepdata/skep/testenv"
)

// database is a kind of database, which makes empty ones for tests.
type database struct {
	name string
	url  func(t testing.TB) func(t testing.TB) string
}

// databases are all that are supported. The servers are shared by the tests of this binary.
func databases() []database {
	return []database{
		{"sqlite", func(testing.TB) func(testing.TB) string {
			return func(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "metastore.db") }
		}},
		{"postgres", postgresSchemas},
		{"mariadb", func(testing.TB) func(testing.TB) string {
			return func(t testing.TB) string { return testenv.MariaDB(t).URL }
		}},
	}
}

// postgresSchemas makes schemas in one database, which is quicker than making databases.
func postgresSchemas(t testing.TB) func(testing.TB) string {
	server := testenv.Postgres(t).URL
	db, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	n := 0
	return func(t testing.TB) string {
		n++
		if _, err := db.ExecContext(t.Context(), fmt.Sprintf("CREATE SCHEMA s%d", n)); err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(server)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("search_path", fmt.Sprintf("s%d", n))
		u.RawQuery = q.Encode()
		return u.String()
	}
}

func (d database) config(t testing.TB) metastoretest.Config {
	fresh := d.url(t)
	return metastoretest.Config{New: func(t testing.TB) metastore.Store { return openURL(t, fresh(t)) }}
}

func TestConformance(t *testing.T) {
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) { metastoretest.Run(t, d.config(t)) })
	}
}

func BenchmarkStore(b *testing.B) {
	for _, d := range databases() {
		b.Run(d.name, func(b *testing.B) { metastoretest.Bench(b, d.config(b)) })
	}
}
