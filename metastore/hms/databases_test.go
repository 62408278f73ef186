package hms_test

import (
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/testenv"
)

// opener makes an empty metastore.
type opener func(t testing.TB) metastore.Store

// TestGohive is what clients do, in a metastore in each of the databases.
func TestGohive(t *testing.T) {
	for name, open := range map[string]func(t testing.TB) opener{
		"sqlite": func(testing.TB) opener { return openStore }, "postgres": postgresSchemas,
		"mariadb": func(testing.TB) opener {
			return func(t testing.TB) metastore.Store { return opened(t, testenv.MariaDB(t).URL) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			open := open(t)
			for name, test := range map[string]func(*testing.T, opener){
				"commit":                    gohiveCommit,
				"locks":                     gohiveLocks,
				"transactions":              gohiveTransactions,
				"write ids":                 gohiveWriteIDs,
				"statistics":                gohiveStatistics,
				"old statistics":            oldStatistics,
				"functions and constraints": gohiveFunctionsAndConstraints,
				"notifications":             gohiveNotifications,
				"databases":                 gohiveDatabases,
				"tables":                    gohiveTables,
				"partitions":                gohivePartitions,
				"server":                    gohiveServer,
				"exchange":                  gohiveExchange,
			} {
				t.Run(name, func(t *testing.T) { test(t, open) })
			}
		})
	}
}

// openStore makes an empty metastore in SQLite.
func openStore(t testing.TB) metastore.Store {
	t.Helper()
	return opened(t, "sqlite://"+t.TempDir()+"/metastore.db")
}

func opened(t testing.TB, url string) metastore.Store {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// postgresSchemas makes a schema for each metastore, which is quicker than a database.
func postgresSchemas(t testing.TB) opener {
	t.Helper()
	schema := testenv.PostgresSchemas(t)
	return func(t testing.TB) metastore.Store {
		t.Helper()
		return opened(t, schema().URL)
	}
}
