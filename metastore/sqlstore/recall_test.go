package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// TestKeptUntilCommit reads a table and its partitions through a store that keeps them, while another one,
// as another process has it, changes them.
func TestKeptUntilCommit(t *testing.T) {
	s, name := newFile(t)
	other, err := openSQLite(s.where)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx := t.Context()
	for i, writer := range []*Store{s, other, s, other, other} {
		want := fmt.Sprint("v", i)
		change(t, writer, name, want, i)
		for range 3 {
			table, err := s.Table(ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			if got := table.Parameters["p"]; got != want {
				t.Fatalf("change %d: the table has %s, want %s", i, got, want)
			}
			table.Parameters["p"], table.Name = "of this reader", "mine"
			if got := readPartitions(t, s, name, nil); len(got) != i+1 || got[i] != "n="+fmt.Sprint(i)+" "+want {
				t.Fatalf("change %d: the partitions are %q", i, got)
			}
			ge := partitions.Compare{Key: "n", Op: partitions.Ge, Value: "1"}
			if got := readPartitions(t, s, name, ge); len(got) != i {
				t.Fatalf("change %d: the partitions from 1 are %q", i, got)
			}
		}
		if len(s.recall.tables) != 1 || len(s.recall.partitions) != 2 {
			t.Fatalf("%d tables and %d answers are kept, want 1 and 2", len(s.recall.tables), len(s.recall.partitions))
		}
	}
}

// change sets a parameter of a table and adds a partition with it.
func change(t *testing.T, s *Store, name metastore.TableName, value string, partition int) {
	t.Helper()
	ctx := t.Context()
	err := s.Update(ctx, func(tx metastore.Tx) error {
		table, err := tx.Table(ctx, name)
		if err != nil {
			return err
		}
		table.Parameters["p"] = value
		if err := tx.AlterTable(ctx, name, table); err != nil {
			return err
		}
		return tx.AddPartitions(ctx, name, []*metastore.Partition{{
			Values: partitions.Values{fmt.Sprint(partition)}, Parameters: map[string]string{"p": value}}}, false)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// readPartitions are the names of partitions with their parameter, which is then changed.
func readPartitions(t *testing.T, s *Store, name metastore.TableName, p partitions.Predicate) []string {
	t.Helper()
	var list []string
	for part, err := range s.Partitions(t.Context(), name, p) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, "n="+part.Values[0]+" "+part.Parameters["p"])
		part.Parameters["p"], part.Values[0] = "of this reader", "x"
	}
	return list
}

// TestKeptIsBounded reads more than is kept.
func TestKeptIsBounded(t *testing.T) {
	s, name := newFile(t)
	change(t, s, name, strings.Repeat("x", recallBytes/10), 0)
	most := 0
	for i := range 30 {
		p := partitions.Not{P: partitions.Compare{Key: "n", Op: partitions.Eq, Value: fmt.Sprint(i + 1)}}
		if got := readPartitions(t, s, name, p); len(got) != 1 {
			t.Fatalf("read %d partitions", len(got))
		}
		if s.recall.size > recallBytes {
			t.Fatalf("%d bytes are kept", s.recall.size)
		}
		most = max(most, len(s.recall.partitions))
	}
	if most < 5 || most > 10 {
		t.Errorf("%d answers were kept at most", most)
	}
	p := partitions.In{Key: "n", Values: slices.Repeat([]string{"123"}, recallKey)}
	readPartitions(t, s, name, p)
	if answer(name, p) != "" {
		t.Error("the answer to a long predicate is kept")
	}
}

// TestKeptWithoutConnection loses the connection that is told of commits.
func TestKeptWithoutConnection(t *testing.T) {
	s, name := newFile(t)
	for i := range 3 {
		change(t, s, name, fmt.Sprint(i), i)
		if got := readPartitions(t, s, name, nil); len(got) != i+1 {
			t.Fatalf("the partitions are %q", got)
		}
		if err := s.recall.number.Close(); err != nil {
			t.Fatal(err)
		}
		table, err := s.Table(t.Context(), name) // which finds it lost
		if err != nil || table.Parameters["p"] != fmt.Sprint(i) {
			t.Fatalf("found %v, %v", table, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Table(ctx, name); err == nil {
		t.Error("a table is read though the context has ended")
	}
}
