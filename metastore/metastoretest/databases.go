package metastoretest

import (
	"slices"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
)

var created = time.Date(2024, 2, 29, 12, 30, 15, 123456000, time.UTC)

var databaseTests = []contract{
	{"the default database always exists", func(t *testing.T, s suite) {
		d, err := s.store.Database(s.ctx, metastore.DefaultDatabase)
		if err != nil || d.Name != "default" {
			t.Fatalf("got %+v, %v", d, err)
		}
	}, 0},
	{"the default database cannot be dropped", func(t *testing.T, s suite) {
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.DropDatabase(s.ctx, "DEFAULT") })
	}, 0},
	{"what was created is read back", func(t *testing.T, s suite) {
		want := &metastore.Database{
			Name: "sales", Comment: "it's \"größer\"\n", Location: "s3://lake/sales", Owner: "me",
			Parameters: map[string]string{"k": "v", "é": "", "": "x"}, CreateTime: created,
		}
		s.update(func(tx metastore.Tx) error { return tx.CreateDatabase(s.ctx, want) })
		got, err := s.store.Database(s.ctx, "sales")
		if err != nil {
			t.Fatal(err)
		}
		s.equal(got, want)
	}, 0},
	{"names are stored in lower case and matched ignoring case", func(t *testing.T, s suite) {
		s.createDatabase("SaLes")
		d, err := s.store.Database(s.ctx, "SALES")
		if err != nil || d.Name != "sales" {
			t.Fatalf("got %+v, %v", d, err)
		}
	}, 0},
	{"a zero create time becomes the time of the call", func(t *testing.T, s suite) {
		before := time.Now().Add(-time.Second)
		s.createDatabase("d")
		d, err := s.store.Database(s.ctx, "d")
		if err != nil || d.CreateTime.Before(before) || d.CreateTime.After(time.Now().Add(time.Second)) {
			t.Fatalf("got %+v, %v", d, err)
		}
	}, 0},
	{"a database that is missing is ErrNoSuchDatabase", func(t *testing.T, s suite) {
		_, err := s.store.Database(s.ctx, "nope")
		is(t, err, metastore.ErrNoSuchDatabase)
		s.fails(metastore.ErrNoSuchDatabase, func(tx metastore.Tx) error { return tx.DropDatabase(s.ctx, "nope") })
		s.fails(metastore.ErrNoSuchDatabase, func(tx metastore.Tx) error {
			return tx.AlterDatabase(s.ctx, &metastore.Database{Name: "nope"})
		})
		_, err = s.store.Tables(s.ctx, "nope", "")
		is(t, err, metastore.ErrNoSuchDatabase)
	}, 0},
	{"a second one of the same name is ErrExists", func(t *testing.T, s suite) {
		s.createDatabase("d")
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error {
			return tx.CreateDatabase(s.ctx, &metastore.Database{Name: "D"})
		})
	}, 0},
	{"a name with a dot or none at all is ErrInvalid", func(t *testing.T, s suite) {
		for _, name := range []string{"", "a.b", "a/b", "a\nb"} {
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error {
				return tx.CreateDatabase(s.ctx, &metastore.Database{Name: name})
			})
		}
	}, 0},
	{"AlterDatabase replaces everything but the name", func(t *testing.T, s suite) {
		s.createDatabase("d")
		want := &metastore.Database{
			Name: "d", Comment: "new", Location: "file:///new", Owner: "you",
			Parameters: map[string]string{"a": "b"}, CreateTime: created,
		}
		s.update(func(tx metastore.Tx) error { return tx.AlterDatabase(s.ctx, want) })
		got, err := s.store.Database(s.ctx, "d")
		if err != nil {
			t.Fatal(err)
		}
		s.equal(got, want)
	}, 0},
	{"DropDatabase removes it, but is ErrNotEmpty while it has tables", func(t *testing.T, s suite) {
		s.createDatabase("d")
		name := metastore.TableName{Database: "d", Name: "t"}
		s.createTable(name)
		s.fails(metastore.ErrNotEmpty, func(tx metastore.Tx) error { return tx.DropDatabase(s.ctx, "d") })
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, name) })
		s.update(func(tx metastore.Tx) error { return tx.DropDatabase(s.ctx, "D") })
		_, err := s.store.Database(s.ctx, "d")
		is(t, err, metastore.ErrNoSuchDatabase)
	}, 0},
	{"Databases lists names in order", func(t *testing.T, s suite) {
		s.createDatabase("zeta", "alpha", "a_b", "ab")
		names(t, s, "", "a_b", "ab", "alpha", "default", "zeta")
	}, 0},
	{"a pattern has stars and alternatives and ignores case", func(t *testing.T, s suite) {
		s.createDatabase("sales", "sales_eu", "web")
		names(t, s, "SALES*", "sales", "sales_eu")
		names(t, s, "sales|w*", "sales", "web")
		names(t, s, "*e*", "default", "sales", "sales_eu", "web")
		names(t, s, "sale")
		names(t, s, "sal_s")
	}, 0},
	{"what is returned belongs to the caller", func(t *testing.T, s suite) {
		s.createDatabase("d")
		d, err := s.store.Database(s.ctx, "d")
		if err != nil {
			t.Fatal(err)
		}
		d.Parameters["mine"] = "yes" // an empty map, not nil
		again, err := s.store.Database(s.ctx, "d")
		if err != nil || len(again.Parameters) != 0 {
			t.Fatalf("got %+v, %v", again, err)
		}
	}, 0},
}

func names(t testing.TB, s suite, pattern string, want ...string) {
	t.Helper()
	got, err := s.store.Databases(s.ctx, pattern)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("databases like %q: got %q, %v, want %q", pattern, got, err, want)
	}
}
