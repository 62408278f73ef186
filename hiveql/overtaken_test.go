package hiveql_test

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/skepdata/skep/metastore"
)

// TestOwnerThatCommitsAndEnds lets a session read what a write has recorded, the write commit and its
// process end, and only then the session look whether that process runs. What is committed stays.
func TestOwnerThatCommitsAndEnds(t *testing.T) {
	const insert, other = "INSERT INTO u VALUES (9)", "INSERT INTO t PARTITION (ds='w') VALUES (9)"
	for name, c := range map[string]struct {
		statement, query string
		rows             []string
		next             string // what the session runs; "" is Vacuum
	}{
		"insert":           {"INSERT INTO u VALUES (4)", "SELECT a FROM u", []string{"1", "2", "3", "4"}, insert},
		"overwrite":        {"INSERT OVERWRITE TABLE u VALUES (4)", "SELECT a FROM u", []string{"4"}, insert},
		"partitions":       {"INSERT INTO t PARTITION (ds) VALUES (4, 'z')", "SELECT a FROM t", []string{"1", "2", "3", "4"}, other},
		"create as":        {"CREATE TABLE c AS SELECT a FROM u", "SELECT a FROM c", []string{"1", "2", "3"}, insert},
		"create as, again": {"CREATE TABLE c AS SELECT a FROM u", "SELECT a FROM c", []string{"1", "2", "3"}, "CREATE TABLE IF NOT EXISTS c (a INT)"},
		"rename":           {"ALTER TABLE t PARTITION (ds='y') RENAME TO PARTITION (ds='z')", "SELECT a FROM t WHERE ds = 'z'", []string{"3"}, other},
		"rename a table":   {"ALTER TABLE u RENAME TO c", "SELECT a FROM c", []string{"1", "2", "3"}, other},
		"vacuum":           {"INSERT INTO u VALUES (4)", "SELECT a FROM u", []string{"1", "2", "3", "4"}, ""},
		"vacuum create as": {"CREATE TABLE c AS SELECT a FROM u", "SELECT a FROM c", []string{"1", "2", "3"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			for at, overtaken := 1, true; overtaken; at++ {
				w := newWorld(t)
				must(t, w.plain(), setup)
				seen := &beforeCommit{Store: w.store}
				must(t, w.session(w.mem, seen), c.statement)
				if seen.tables == nil && seen.database == nil {
					t.Fatal("nothing was recorded")
				}
				stale := &late{Store: w.store, of: seen, at: at}
				s := w.session(w.mem, stale)
				var err error
				if c.next == "" {
					_, err = s.Vacuum(t.Context(), "", "", false)
				} else {
					_, err = run(s, c.next)
				}
				overtaken = stale.reads >= at
				if err != nil {
					t.Errorf("read %d came late: %v", at, err)
				}
				got := slices.DeleteFunc(must(t, w.plain(), c.query), func(row string) bool { return row == "9" })
				same(t, fmt.Sprintf("read %d came late", at), got, c.rows...)
			}
		})
	}
}

// beforeCommit keeps what the metastore had, with a record of a write, before the last commit.
type beforeCommit struct {
	metastore.Store
	tables   map[metastore.TableName]*metastore.Table
	database *metastore.Database
}

func (s *beforeCommit) Update(ctx context.Context, change func(metastore.Tx) error) error {
	if d, err := s.Store.Database(ctx, "default"); err == nil && orphaned(d.Parameters) {
		s.database = d
	}
	for t, err := range s.Store.AllTables(ctx, "", "") {
		if err != nil {
			return err
		}
		if t = t.Clone(); orphaned(t.Parameters) {
			if s.tables == nil {
				s.tables = map[metastore.TableName]*metastore.Table{}
			}
			s.tables[t.TableName] = t
		}
	}
	return s.Store.Update(ctx, change)
}

// late gives one answer, the at-th of those that have recorded a write, as it was before the commit.
type late struct {
	metastore.Store
	of        *beforeCommit
	at, reads int
}

func (s *late) overtaken() bool {
	s.reads++
	return s.reads == s.at
}

func (s *late) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	if old := s.of.tables[name]; old != nil && s.overtaken() {
		return old.Clone(), nil
	}
	return s.Store.Table(ctx, name)
}

func (s *late) AllTables(ctx context.Context, dbs, tables string) iter.Seq2[*metastore.Table, error] {
	if len(s.of.tables) == 0 || !s.overtaken() {
		return s.Store.AllTables(ctx, dbs, tables)
	}
	return func(yield func(*metastore.Table, error) bool) {
		for _, t := range s.of.tables {
			if !yield(t.Clone(), nil) {
				return
			}
		}
	}
}

func (s *late) Database(ctx context.Context, name string) (*metastore.Database, error) {
	if old := s.of.database; old != nil && old.Name == name && s.overtaken() {
		d := *old
		d.Parameters = maps.Clone(old.Parameters)
		return &d, nil
	}
	return s.Store.Database(ctx, name)
}
