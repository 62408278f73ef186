package sqlstore_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
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
		{"postgres", func(t testing.TB) func(testing.TB) string {
			schema := testenv.PostgresSchemas(t)
			return func(testing.TB) string { return schema().URL }
		}},
		{"mariadb", func(testing.TB) func(testing.TB) string {
			return func(t testing.TB) string { return testenv.MariaDB(t).URL }
		}},
	}
}

// config makes stores in databases that are used again, after what was in them has been deleted:
// making tables takes a server much longer.
func (d database) config(t testing.TB) metastoretest.Config {
	fresh := d.url(t)
	if d.name == "sqlite" {
		return metastoretest.Config{New: func(t testing.TB) metastore.Store { return openURL(t, fresh(t)) }}
	}
	var free []*usedDatabase
	return metastoretest.Config{New: func(test testing.TB) metastore.Store {
		if len(free) == 0 {
			free = append(free, newUsedDatabase(t, fresh(t)))
		}
		u := free[len(free)-1]
		free = free[:len(free)-1]
		test.Cleanup(func() { // after the store has been closed
			u.empty(test)
			free = append(free, u)
		})
		return openURL(test, u.location)
	}}
}

// usedDatabase is a database that can be made as it was when it was new.
type usedDatabase struct {
	location string
	db       *sql.DB
	tables   []string
}

// newUsedDatabase makes the tables, and notes what a new metastore has in them.
func newUsedDatabase(t testing.TB, location string) *usedDatabase {
	t.Helper()
	if err := openURL(t, location).Close(); err != nil {
		t.Fatal(err)
	}
	u := &usedDatabase{location: location, db: rawDatabase(t, location)}
	schema := "database()"
	if strings.HasPrefix(location, "postgres:") {
		schema = "current_schema()"
	}
	rows, err := u.db.QueryContext(t.Context(), `SELECT table_name FROM information_schema.tables WHERE table_schema = `+schema)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		if name != "schema_version" {
			u.tables = append(u.tables, name)
		}
	}
	if rows.Err() != nil || len(u.tables) < 10 {
		t.Fatalf("%v: the tables are %v", rows.Err(), u.tables)
	}
	for _, name := range neverEmpty() {
		run(t, u.db, `CREATE TABLE new_`+name+` AS SELECT * FROM `+name)
	}
	return u
}

// neverEmpty are the tables in which a new metastore has something.
func neverEmpty() []string { return []string{"dbs", "store", "roles", "privileges"} }

// empty makes it as it was.
func (u *usedDatabase) empty(t testing.TB) {
	t.Helper()
	var statements []string
	for _, name := range []string{"tables", "partitions"} { // which refer to others
		statements = append(statements, `DELETE FROM `+name)
	}
	for _, name := range u.tables {
		if name != "tables" && name != "partitions" {
			statements = append(statements, `DELETE FROM `+name)
		}
	}
	for _, name := range neverEmpty() {
		statements = append(statements, `INSERT INTO `+name+` SELECT * FROM new_`+name)
	}
	for _, s := range statements {
		if _, err := u.db.ExecContext(context.WithoutCancel(t.Context()), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestConformance(t *testing.T) {
	for _, d := range databases() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			metastoretest.Run(t, d.config(t))
		})
	}
}

func BenchmarkStore(b *testing.B) {
	for _, d := range databases() {
		b.Run(d.name, func(b *testing.B) {
			fresh := d.url(b)
			metastoretest.Bench(b, metastoretest.Config{New: func(t testing.TB) metastore.Store { return openURL(t, fresh(t)) }})
		})
	}
}
