package sqlstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// newFile opens a new SQLite metastore with a table.
func newFile(t *testing.T) (*Store, metastore.TableName) {
	t.Helper()
	s, err := openSQLite(filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	name := metastore.TableName{Database: "default", Name: "t"}
	err = s.Update(t.Context(), func(tx metastore.Tx) error {
		return tx.CreateTable(t.Context(), &metastore.Table{
			TableName: name, Type: metastore.External, PartitionKeys: []metastore.Column{{Name: "n", Type: hivetype.Of(hivetype.Int)}},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, name
}

// state is what a failed transaction must leave alone.
func state(t *testing.T, s *Store, name metastore.TableName) string {
	t.Helper()
	n := 0
	for _, err := range s.PartitionNames(t.Context(), name, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	last, err := s.LastChange(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d partitions, %d changes", n, last)
}

// TestFullDisk fills the room that SQLite may take, and then gives it more.
func TestFullDisk(t *testing.T) {
	s, name := newFile(t)
	room := func(pages string) {
		// The one connection that writes keeps the limit.
		if _, err := s.write.ExecContext(t.Context(), "PRAGMA max_page_count = "+pages); err != nil {
			t.Fatal(err)
		}
	}
	add := func(from, n int) error {
		ps := make([]*metastore.Partition, n)
		for i := range ps {
			ps[i] = &metastore.Partition{Values: partitions.Values{fmt.Sprint(from + i)}, Parameters: map[string]string{"x": strings.Repeat("x", 500)}}
		}
		return s.Update(t.Context(), func(tx metastore.Tx) error { return tx.AddPartitions(t.Context(), name, ps, false) })
	}
	room("200")
	var err error
	n, before := 0, state(t, s, name)
	for ; err == nil && n < 100_000; n += 100 {
		before = state(t, s, name)
		err = add(n, 100)
	}
	if err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Fatalf("after %d partitions: %v", n, err)
	}
	if now := state(t, s, name); now != before {
		t.Fatalf("there were %s, and are %s", before, now)
	}
	if _, err := s.Table(t.Context(), name); err != nil {
		t.Errorf("what is there can be read: %v", err)
	}
	room("100000")
	if err := add(n-100, 100); err != nil {
		t.Fatal(err)
	}
	if problems, err := s.Check(t.Context(), false); err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", problems, err)
	}
}

// TestConflictsAreRunAgain undoes a transaction that got into another's way, as each database says
// it, and runs it again; other errors are final.
func TestConflictsAreRunAgain(t *testing.T) {
	s, name := newFile(t)
	pg, my := postgresDialect("host:1", 0), mysqlDialect("host:1", 0)
	n := 0
	for what, fails := range map[string]struct {
		err   error
		final bool
	}{
		"serialization failure": {err: pg.wrap(&pgconn.PgError{Code: "40001"})},
		"deadlock":              {err: pg.wrap(&pgconn.PgError{Code: "40P01"})},
		"lock timeout":          {err: pg.wrap(&pgconn.PgError{Code: "55P03"})},
		"MySQL's deadlock":      {err: my.wrap(&mysql.MySQLError{Number: 1213})},
		"MySQL's lock timeout":  {err: my.wrap(&mysql.MySQLError{Number: 1205})},
		"changed record":        {err: my.wrap(&mysql.MySQLError{Number: 1020})},
		"shutdown":              {err: pg.wrap(&pgconn.PgError{Code: "57P01"})},
		"disk full":             {err: pg.wrap(&pgconn.PgError{Code: "53100"}), final: true},
		"MySQL's disk full":     {err: my.wrap(&mysql.MySQLError{Number: 1114}), final: true},
		"a bug":                 {err: my.wrap(&mysql.MySQLError{Number: 1064}), final: true},
	} {
		t.Run(what, func(t *testing.T) {
			n++
			runs := 0
			err := s.Update(t.Context(), func(tx metastore.Tx) error {
				p := &metastore.Partition{Values: partitions.Values{fmt.Sprint(n)}}
				if err := tx.AddPartitions(t.Context(), name, []*metastore.Partition{p}, false); err != nil {
					return err // it is there already: the first run was not undone
				}
				if runs++; runs < 3 {
					return fmt.Errorf("wrapped: %w", fails.err)
				}
				return nil
			})
			if fails.final && (runs != 1 || !errors.Is(err, fails.err)) || !fails.final && (runs != 3 || err != nil) {
				t.Errorf("%d runs: %v", runs, err)
			}
		})
	}
}
