package metastoretest

import (
	"fmt"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

var changeTests = []contract{
	{"every change is in the log, with its user and what was before and after", func(t *testing.T, s suite) {
		s.ctx = metastore.WithUser(s.ctx, "alice")
		begin := time.Now().Add(-time.Second)
		s.createDatabase("d")
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"x"})
		table := s.table(t1)
		table.Parameters["k"] = "v"
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		p := parts(partitions.Values{"x"})
		p[0].Storage.Location = "file:///new"
		s.update(func(tx metastore.Tx) error { return tx.AlterPartition(s.ctx, t1, p[0]) })
		s.update(func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, t1, p[0].Values) })
		s.update(func(tx metastore.Tx) error {
			return tx.Note(s.ctx, t1, p[0].Values, map[string]string{"event": "INSERT"})
		})
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, t1) })
		s.update(func(tx metastore.Tx) error { return tx.DropDatabase(s.ctx, "d") })
		got := collect(t, s.store.Changes(s.ctx, 0))
		kinds := []metastore.ChangeKind{
			metastore.CreatedDatabase, metastore.CreatedTable, metastore.AddedPartitions, metastore.AlteredTable,
			metastore.AlteredPartitions, metastore.DroppedPartitions, metastore.Noted, metastore.DroppedTable, metastore.DroppedDatabase,
		}
		if len(got) != len(kinds) {
			t.Fatalf("got %d changes", len(got))
		}
		for i, c := range got {
			if c.ID != int64(i+1) || c.Kind != kinds[i] || c.User != "alice" || c.Time.Before(begin) || c.Time.After(time.Now().Add(time.Second)) {
				t.Errorf("change %d: %+v", i, c)
			}
		}
		if got[0].After.Database.Name != "d" || got[0].Before.Database != nil || got[0].Object.Database != "d" {
			t.Errorf("got %+v", got[0])
		}
		s.equal(got[3].After.Table, s.versioned(table, 2))
		if got[3].Before.Table.Parameters["k"] != "" || got[3].Object != t1 {
			t.Errorf("got %+v", got[3])
		}
		if got[4].Before.Partitions[0].Storage.Location != "file:///p" || got[4].After.Partitions[0].Storage.Location != "file:///new" {
			t.Errorf("got %+v", got[4])
		}
		if got[5].Before.Partitions[0].Values[0] != "x" || len(got[5].After.Partitions) != 0 {
			t.Errorf("got %+v", got[5])
		}
		if got[6].After.Note["event"] != "INSERT" || got[6].After.Values[0] != "x" {
			t.Errorf("got %+v", got[6])
		}
		if rest := collect(t, s.store.Changes(s.ctx, 7)); len(rest) != 2 || rest[0].ID != 8 {
			t.Errorf("after 7: %+v", rest)
		}
	}, Log},
	{"what is undone, or concerns hidden parameters only, is not in the log", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		_ = s.store.Update(s.ctx, func(tx metastore.Tx) error {
			if err := tx.AddPartitions(s.ctx, t1, parts(partitions.Values{"x"}), false); err != nil {
				return err
			}
			return errStop
		})
		table := s.table(t1)
		table.Parameters["skep.write.1"] = "writing"
		s.update(func(tx metastore.Tx) error {
			is(t, tx.AddPartitions(s.ctx, t1, parts(partitions.Values{"y"}, partitions.Values{"y"}), false), metastore.ErrExists)
			return tx.AlterTable(s.ctx, t1, table)
		})
		s.add(t1, partitions.Values{"z"})
		got := collect(t, s.store.Changes(s.ctx, 0))
		if len(got) != 2 || got[1].ID != 2 || got[1].After.Partitions[0].Values[0] != "z" {
			t.Fatalf("got %+v", got)
		}
		if s.table(t1).Version != 2 {
			t.Fatal("the table was not altered")
		}
	}, Log},
	{"many partitions are several changes", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var vs []partitions.Values
		for i := range 2500 {
			vs = append(vs, partitions.Values{fmt.Sprint(i)})
		}
		s.add(t1, vs...)
		n := 0
		for _, c := range collect(t, s.store.Changes(s.ctx, 1)) {
			if len(c.After.Partitions) > 1000 {
				t.Errorf("%d partitions in one change", len(c.After.Partitions))
			}
			n += len(c.After.Partitions)
		}
		if n != len(vs) {
			t.Fatalf("%d partitions in the log", n)
		}
	}, Log},
	{"changes appear in the order of their ids, without gaps, while many write", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		const workers, rounds = 6, 12
		wait := s.incrementAtOnce(workers, rounds)
		done := make(chan struct{})
		go func() {
			wait()
			close(done)
		}()
		seen := int64(0)
		for last := false; !last; {
			select {
			case <-done:
				last = true
			default:
			}
			for _, c := range collect(t, s.store.Changes(s.ctx, seen)) {
				if c.ID != seen+1 {
					t.Fatalf("change %d was seen after %d", c.ID, seen)
				}
				seen = c.ID
			}
		}
		if want := int64(1 + 2*workers*rounds); seen != want { // a table altered and a partition added each time
			t.Fatalf("%d changes, want %d", seen, want)
		}
	}, Log},
}

// versioned is a table as it is after it was written.
func (s suite) versioned(t *metastore.Table, version int64) *metastore.Table {
	c := t.Clone()
	c.Version = version
	return c
}
