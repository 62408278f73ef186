package sqlstore

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/partitions"
)

// TestPrune shows, for each condition, what the database is asked, whether the rows are looked
// at again, and how SQLite means to find them.
func TestPrune(t *testing.T) {
	s, err := openSQLite(filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	var keys partitions.Keys
	for i, typ := range []string{"string", "int", "date", "decimal(5,2)", "string"} {
		parsed, err := hivetype.Parse(typ)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, partitions.Key{Name: []string{"ds", "hr", "d", "x", "fifth"}[i], Type: parsed})
	}
	datadriven.RunTest(t, "testdata/prune", func(t *testing.T, d *datadriven.TestData) string {
		var b strings.Builder
		for line := range strings.Lines(d.Input) {
			line = strings.TrimSpace(line)
			p, err := partitions.ParseFilter(line)
			if err != nil {
				t.Fatal(err)
			}
			where, err := prune(keys, p)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s\n  sql: %s %q\n  looked at again: %v; narrow: %v\n  plan: %s\n", line,
				strings.TrimPrefix(where.sql, " AND "), where.args, where.residual != nil, where.narrow, plan(t, s, where))
		}
		return b.String()
	})
}

func plan(t *testing.T, s *Store, where pruned) string {
	query, args := scope{t: tableRow{id: 1}, from: allPartitions, where: where, known: known{all: true}}.statement(false)
	rows, err := s.read.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query+" ORDER BY p.name", args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(detail, "SEARCH d ") {
			steps = append(steps, detail)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}
