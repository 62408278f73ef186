package metastoretest

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// collect reads a sequence to its end.
func collect[T any](t testing.TB, seq iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func must[T any](t testing.TB) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var moreReaderTests = []contract{
	{"PartitionNames are the names of Partitions", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string", "n", "int")
		for _, v := range nasty {
			s.add(t1, partitions.Values{v, "7"}, partitions.Values{v, "10"})
		}
		keys := s.table(t1).Keys()
		for _, where := range []string{"", "n = 7", "n < 10 and ds like '%a%'", "ds is null"} {
			var want []string
			for _, v := range s.values(s.store, t1, filter(t, where)) {
				want = append(want, must[string](t)(keys.Name(v)))
			}
			if got := collect(t, s.store.PartitionNames(s.ctx, t1, filter(t, where))); len(got) == 0 || !slices.Equal(got, want) {
				t.Errorf("where %s: got %q, want %q", where, got, want)
			}
		}
		for _, err := range s.store.PartitionNames(s.ctx, t2, nil) {
			is(t, err, metastore.ErrNoSuchTable)
		}
	}, 0},
	{"PartitionsNamed yields those that exist, in order, once", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var vs []partitions.Values
		for i := range 1500 {
			vs = append(vs, partitions.Values{fmt.Sprint(i)})
		}
		s.add(t1, vs[:1200]...)
		slices.Reverse(vs)
		got := collect(t, s.store.PartitionsNamed(s.ctx, t1, append(vs, vs[700])))
		if len(got) != 1200 || got[0].Values[0] != "0" || got[1].Values[0] != "1" || got[2].Values[0] != "10" {
			t.Fatalf("got %d partitions", len(got))
		}
	}, 0},
	{"AllTables yields whole tables in order of database and name", func(t *testing.T, s suite) {
		s.createDatabase("a")
		s.update(func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, fullTable(t)) })
		s.createTable(metastore.TableName{Database: "a", Name: "x"})
		s.createTable(metastore.TableName{Database: "a", Name: "xy"})
		var got []string
		for _, table := range collect(t, s.store.AllTables(s.ctx, "", "x*|t1")) {
			got = append(got, table.TableName.String())
		}
		if strings.Join(got, " ") != "a.x a.xy default.t1" {
			t.Fatalf("got %v", got)
		}
		want := fullTable(t)
		want.Version = 1
		s.equal(collect(t, s.store.AllTables(s.ctx, "default", ""))[0], want)
	}, 0},
	{"a location below another place's name is read back, whatever becomes of the table", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		locations := []string{"s3://a/ds=1", "s3://b/x/ds=2", "ds=3", "/ds=4", "", "s3://a/ds=1/"}
		for i, l := range locations {
			p := parts(partitions.Values{fmt.Sprint(i + 1)})
			p[0].Storage.Location = l
			s.update(func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, t1, p, false) })
		}
		table := s.table(t1)
		table.Storage.Location = "file:///moved"
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		for i, p := range collect(t, s.store.Partitions(s.ctx, t1, nil)) {
			if p.Storage.Location != locations[i] {
				t.Errorf("partition %v is at %q, want %q", p.Values, p.Storage.Location, locations[i])
			}
		}
	}, 0},
	{"partitions may all have descriptors of their own", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var ps []*metastore.Partition
		for i := range 700 {
			p := parts(partitions.Values{fmt.Sprintf("%03d", i)})[0]
			p.Storage.Parameters = map[string]string{"i": p.Values[0]}
			ps = append(ps, p)
		}
		s.update(func(tx metastore.Tx) error { return tx.AddPartitions(s.ctx, t1, ps, false) })
		check := func(r metastore.Reader) {
			for i, p := range collect(t, r.Partitions(s.ctx, t1, nil)) {
				if p.Storage.Parameters["i"] != fmt.Sprintf("%03d", i) {
					t.Fatalf("partition %d has %v", i, p.Storage.Parameters)
				}
			}
		}
		check(s.store)
		s.update(func(tx metastore.Tx) error {
			check(tx)
			return nil
		})
	}, 0},
	{"names that are too long, and NUL characters, are ErrInvalid", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		for _, v := range []string{strings.Repeat("x", metastore.MaxPartitionName), "a\x00b"} {
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error {
				return tx.AddPartitions(s.ctx, t1, parts(partitions.Values{v}), false)
			})
		}
		s.add(t1, partitions.Values{strings.Repeat("x", metastore.MaxPartitionName-len("ds="))})
		if got := s.values(s.store, t1, filter(t, "ds > 'w'")); len(got) != 1 {
			t.Fatalf("got %d", len(got))
		}
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error {
			return tx.CreateDatabase(s.ctx, &metastore.Database{Name: "d", Comment: "\x00"})
		})
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error {
			return tx.CreateDatabase(s.ctx, &metastore.Database{Name: strings.Repeat("d", metastore.MaxName+1)})
		})
	}, 0},
	{"RenamePartition takes the statistics along", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"a"}, partitions.Values{"b"})
		a, c := partitions.Values{"a"}, partitions.Values{"c"}
		s.update(func(tx metastore.Tx) error {
			return tx.SetStatistics(s.ctx, t1, &metastore.Statistics{Values: a, Columns: []metastore.ColumnStatistics{{Column: "a", Type: "int", Kind: "long"}}})
		})
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error { return tx.RenamePartition(s.ctx, t1, a, partitions.Values{"b"}) })
		s.update(func(tx metastore.Tx) error { return tx.RenamePartition(s.ctx, t1, a, c) })
		s.fails(metastore.ErrNoSuchPartition, func(tx metastore.Tx) error { return tx.RenamePartition(s.ctx, t1, a, c) })
		if got := fmt.Sprint(s.values(s.store, t1, nil)); got != "[[b] [c]]" {
			t.Fatalf("got %s", got)
		}
		if got := collect(t, s.store.Statistics(s.ctx, t1, nil)); len(got) != 1 || !slices.Equal(got[0].Values, c) {
			t.Fatalf("got %+v", got)
		}
	}, 0},
}

var detailTests = []contract{
	{"functions are kept by database", func(t *testing.T, s suite) {
		s.createDatabase("d")
		f := &metastore.Function{
			Database: "D", Name: "Half", Class: "org.example.Half", Owner: "me", OwnerType: "USER", Type: "JAVA",
			Resources: []metastore.Resource{{Type: "JAR", URI: "s3://x/y.jar"}}, CreateTime: created,
		}
		s.update(func(tx metastore.Tx) error { return tx.CreateFunction(s.ctx, f) })
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error { return tx.CreateFunction(s.ctx, f) })
		want := *f
		want.Database, want.Name = "d", "half"
		name := metastore.TableName{Database: "d", Name: "HALF"}
		s.equal(must[*metastore.Function](t)(s.store.Function(s.ctx, name)), &want)
		want.Class = "org.example.Other"
		s.update(func(tx metastore.Tx) error { return tx.AlterFunction(s.ctx, &want) })
		for _, db := range []string{"", "d"} {
			got := must[[]*metastore.Function](t)(s.store.Functions(s.ctx, db, "h*"))
			if len(got) != 1 {
				t.Fatalf("got %d functions", len(got))
			}
			s.equal(got[0], &want)
		}
		s.update(func(tx metastore.Tx) error { return tx.DropFunction(s.ctx, name) })
		_, err := s.store.Function(s.ctx, name)
		is(t, err, metastore.ErrNoSuchFunction)
		s.fails(metastore.ErrNoSuchFunction, func(tx metastore.Tx) error { return tx.DropFunction(s.ctx, name) })
		_, err = s.store.Functions(s.ctx, "nope", "")
		is(t, err, metastore.ErrNoSuchDatabase)
	}, 0},
	{"constraints are kept by table, and foreign keys are found from both ends", func(t *testing.T, s suite) {
		s.createTable(t1)
		s.createTable(t2)
		pk := metastore.Constraint{Name: "pk", Kind: metastore.PrimaryKey, Columns: []string{"a"}, Rely: true}
		fk := metastore.Constraint{Name: "FK", Kind: metastore.ForeignKey, Columns: []string{"a"}, Parent: t1, References: []string{"a"}}
		s.update(func(tx metastore.Tx) error { return tx.AddConstraints(s.ctx, t1, []metastore.Constraint{pk}) })
		s.update(func(tx metastore.Tx) error { return tx.AddConstraints(s.ctx, t2, []metastore.Constraint{fk}) })
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error { return tx.AddConstraints(s.ctx, t1, []metastore.Constraint{pk}) })
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error {
			return tx.AddConstraints(s.ctx, t1, []metastore.Constraint{{Name: "x", Kind: "?"}})
		})
		if got := must[[]metastore.Constraint](t)(s.store.Constraints(s.ctx, t2)); len(got) != 1 || got[0].Name != "fk" || got[0].Parent != t1 {
			t.Fatalf("got %+v", got)
		}
		if got := must[[]metastore.TableName](t)(s.store.ForeignKeysTo(s.ctx, t1)); len(got) != 1 || got[0] != t2 {
			t.Fatalf("got %+v", got)
		}
		s.fails(metastore.ErrNoConstraint, func(tx metastore.Tx) error { return tx.DropConstraint(s.ctx, t1, "fk") })
		s.update(func(tx metastore.Tx) error { return tx.DropConstraint(s.ctx, t2, "Fk") })
		if got := must[[]metastore.TableName](t)(s.store.ForeignKeysTo(s.ctx, t1)); len(got) != 0 {
			t.Fatalf("got %+v", got)
		}
	}, 0},
	{"statistics are kept by column, of tables and of partitions", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"x"}, partitions.Values{"y"}, partitions.Values{"z"})
		long := metastore.ColumnStatistics{
			Column: "a", Type: "int", Kind: "long", Engine: "hive", Nulls: 1, Distinct: 2, Low: "-3", High: "4", AvgLength: -1,
			MaxLength: -1, Trues: -1, Falses: -1, BitVector: []byte{0, 255}, Analyzed: created,
		}
		set := func(v partitions.Values, cs ...metastore.ColumnStatistics) {
			s.update(func(tx metastore.Tx) error {
				return tx.SetStatistics(s.ctx, t1, &metastore.Statistics{Values: v, Columns: cs})
			})
		}
		other := long
		other.Column, other.Low = "b", ""
		set(nil, long, other)
		for _, v := range []string{"x", "z"} {
			set(partitions.Values{v}, long)
		}
		long.Nulls = 7
		set(nil, long) // and b stays
		got := must[*metastore.Statistics](t)(s.store.TableStatistics(s.ctx, t1))
		s.equal(got, &metastore.Statistics{Columns: []metastore.ColumnStatistics{long, other}})
		if got := must[*metastore.Statistics](t)(s.store.TableStatistics(s.ctx, t1, "B", "nope")); len(got.Columns) != 1 {
			t.Fatalf("got %+v", got)
		}
		found := collect(t, s.store.Statistics(s.ctx, t1, filter(t, "ds >= 'y'"), "a"))
		if len(found) != 1 || found[0].Values[0] != "z" || found[0].Columns[0].Nulls != 1 {
			t.Fatalf("got %+v", found)
		}
		s.update(func(tx metastore.Tx) error { return tx.DropStatistics(s.ctx, t1, nil, "a") })
		s.update(func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, t1, partitions.Values{"z"}) })
		if got := must[*metastore.Statistics](t)(s.store.TableStatistics(s.ctx, t1)); len(got.Columns) != 1 {
			t.Fatalf("got %+v", got)
		}
		if found := collect(t, s.store.Statistics(s.ctx, t1, nil)); len(found) != 1 {
			t.Fatalf("got %+v", found)
		}
		s.fails(metastore.ErrNoSuchPartition, func(tx metastore.Tx) error {
			return tx.SetStatistics(s.ctx, t1, &metastore.Statistics{Values: partitions.Values{"nope"}})
		})
	}, LooseStatistics},
	{"statistics of many partitions are set at once, or none", func(t *testing.T, s suite) {
		s.createTable(t1, "n", "int")
		var vs []partitions.Values
		var all []*metastore.Statistics
		for i := range 1200 {
			v := partitions.Values{fmt.Sprint(i)}
			vs = append(vs, v)
			all = append(all, &metastore.Statistics{Values: v, Columns: []metastore.ColumnStatistics{{Column: "A", Distinct: int64(i)}}})
		}
		s.add(t1, vs...)
		last := must[int64](t)(s.store.LastChange(s.ctx))
		set := func(all ...*metastore.Statistics) func(metastore.Tx) error {
			return func(tx metastore.Tx) error { return tx.SetStatistics(s.ctx, t1, all...) }
		}
		s.fails(metastore.ErrInvalid, set(append(all, all[3])...))
		s.fails(metastore.ErrNoSuchPartition, set(append(all, &metastore.Statistics{Values: partitions.Values{"-1"}})...))
		if got := collect(t, s.store.Statistics(s.ctx, t1, nil)); len(got) != 0 {
			t.Fatalf("%d were set", len(got))
		}
		s.update(set(all...))
		s.update(set(all[1100:]...)) // again
		got := collect(t, s.store.Statistics(s.ctx, t1, nil))
		if len(got) != 1200 || got[1].Values[0] != "1" || got[1].Columns[0].Column != "a" || got[1].Columns[0].Distinct != 1 {
			t.Fatalf("got %d", len(got))
		}
		if n := must[int64](t)(s.store.LastChange(s.ctx)) - last; n != 1300 { // an entry for each
			t.Fatalf("%d changes", n)
		}
	}, Log | Transactions | LooseStatistics},
	{"statistics of columns that go, or get another type, go with them", func(t *testing.T, s suite) {
		table := s.createTable(t1, "ds", "string")
		table.Storage.Columns = append(table.Storage.Columns, metastore.Column{Name: "b", Type: typ(t, "int")}, metastore.Column{Name: "c", Type: typ(t, "int")})
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		x := partitions.Values{"x"}
		part := &metastore.Partition{Values: x, Storage: table.Storage.Clone()}
		var columns []metastore.ColumnStatistics
		for _, c := range []string{"a", "b", "c"} {
			columns = append(columns, metastore.ColumnStatistics{Column: c, Type: "int", Kind: "long"})
		}
		s.update(func(tx metastore.Tx) error {
			if err := tx.AddPartitions(s.ctx, t1, []*metastore.Partition{part}, false); err != nil {
				return err
			}
			return tx.SetStatistics(s.ctx, t1, &metastore.Statistics{Columns: columns}, &metastore.Statistics{Values: x, Columns: columns})
		})
		ofTable := func() int { return len(must[*metastore.Statistics](t)(s.store.TableStatistics(s.ctx, t1)).Columns) }
		ofPartition := func() (n int) {
			for _, found := range collect(t, s.store.Statistics(s.ctx, t1, nil)) {
				n += len(found.Columns)
			}
			return n
		}
		table.Storage.Columns[1].Type = typ(t, "bigint")
		table.Storage.Columns[0].Comment = "said"
		table.TableName = t2
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		s.update(func(tx metastore.Tx) error { table.TableName = t1; return tx.AlterTable(s.ctx, t2, table) })
		if ofTable() != 2 || ofPartition() != 3 {
			t.Fatalf("%d of the table are left, %d of the partition", ofTable(), ofPartition())
		}
		part.Storage.Columns = part.Storage.Columns[:1]
		s.update(func(tx metastore.Tx) error { return tx.AlterPartition(s.ctx, t1, part) })
		if ofTable() != 2 || ofPartition() != 1 {
			t.Fatalf("%d of the table are left, %d of the partition", ofTable(), ofPartition())
		}
	}, 0},
	{"locks are not in the change log", func(t *testing.T, s suite) {
		last := must[int64](t)(s.store.LastChange(s.ctx))
		s.update(func(tx metastore.Tx) error {
			_, err := tx.PutLock(s.ctx, &metastore.Lock{State: "WAITING", Heartbeat: created, Expires: created})
			return err
		})
		if now := must[int64](t)(s.store.LastChange(s.ctx)); now != last {
			t.Fatalf("the last change was %d and is %d", last, now)
		}
	}, LockTable | Log},
	{"locks are kept with their components", func(t *testing.T, s suite) {
		ends := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
		l := &metastore.Lock{
			State: "WAITING", User: "u", Host: "h", Agent: "a", Txn: 3, Heartbeat: created, Expires: ends,
			Components: []metastore.LockComponent{{Type: "EXCLUSIVE", Level: "TABLE", Database: "d", Table: "t"}},
		}
		ids := make([]int64, 2)
		for i := range ids {
			s.update(func(tx metastore.Tx) (err error) {
				ids[i], err = tx.PutLock(s.ctx, l)
				return err
			})
		}
		l.ID, l.State = ids[1], "ACQUIRED"
		s.update(func(tx metastore.Tx) error {
			_, err := tx.PutLock(s.ctx, l)
			return err
		})
		got := must[[]*metastore.Lock](t)(s.store.Locks(s.ctx))
		if len(got) != 2 || got[0].State != "WAITING" || got[0].ID != ids[0] || ids[0] >= ids[1] {
			t.Fatalf("got %+v", got)
		}
		if got[1].State != "ACQUIRED" || !got[1].Expires.Equal(ends) || got[1].Components[0].Table != "t" {
			t.Fatalf("got %+v", got[1])
		}
		s.update(func(tx metastore.Tx) error { return tx.DropLock(s.ctx, ids[0]) })
		s.fails(metastore.ErrNoSuchLock, func(tx metastore.Tx) error { return tx.DropLock(s.ctx, ids[0]) })
		s.fails(metastore.ErrNoSuchLock, func(tx metastore.Tx) error {
			_, err := tx.PutLock(s.ctx, &metastore.Lock{ID: ids[0]})
			return err
		})
	}, LockTable},
	{"a metastore that has a clock tells the time", func(t *testing.T, s suite) {
		clock, ok := s.store.(metastore.Clock)
		if !ok {
			return
		}
		first := must[time.Time](t)(clock.Now(s.ctx))
		if off := time.Since(first).Abs(); off > time.Minute {
			t.Errorf("it is %v off the clock of this machine, on which the servers run", off)
		}
		if second := must[time.Time](t)(clock.Now(s.ctx)); second.Before(first) {
			t.Errorf("%v comes after %v", second, first)
		}
	}, LockTable},
	{"transactions are kept, and have ids that grow", func(t *testing.T, s suite) {
		txns := func() (all []*metastore.Txn, last int64) {
			all, last, err := s.store.Txns(s.ctx)
			if err != nil {
				t.Fatal(err)
			}
			return all, last
		}
		_, before := txns()
		x := &metastore.Txn{
			State: "OPEN", Kind: "DEFAULT", User: "u", Host: "h", Agent: "a", Started: created, Heartbeat: created, Expires: created,
			Writes: []metastore.Write{{Database: "d", Table: "t", ID: 7}},
		}
		put := func(x *metastore.Txn) (id int64) {
			s.update(func(tx metastore.Tx) (err error) {
				if id, err = tx.PutTxn(s.ctx, x); err != nil {
					return err
				}
				if _, last, err := tx.Txns(s.ctx); err != nil || last < id {
					t.Errorf("%d is given out, and the last is %d; %v", id, last, err)
				}
				return nil
			})
			return id
		}
		first, second := put(x), put(x)
		if first <= before || second <= first {
			t.Fatalf("after %d came %d and %d", before, first, second)
		}
		x.ID, x.State = first, "ABORTED"
		put(x)
		all, last := txns()
		if len(all) != 2 || all[0].ID != first || all[0].State != "ABORTED" || all[1].State != "OPEN" || last < second {
			t.Fatalf("got %+v, %d", all, last)
		}
		s.equal(all[0], x)
		s.update(func(tx metastore.Tx) error { return tx.DropTxn(s.ctx, first) })
		s.fails(metastore.ErrNoSuchTxn, func(tx metastore.Tx) error { return tx.DropTxn(s.ctx, first) })
		s.fails(metastore.ErrNoSuchTxn, func(tx metastore.Tx) error { _, err := tx.PutTxn(s.ctx, x); return err })
		s.update(func(tx metastore.Tx) error { return tx.SkipTxns(s.ctx, last+1000) })
		x.ID = 0
		if id := put(x); id <= last+1000 {
			t.Fatalf("%d, after those up to %d were skipped", id, last+1000)
		}
	}, TxnTable},
	{"the number of writes is its table's", func(t *testing.T, s suite) {
		s.update(func(tx metastore.Tx) error { return tx.SetWriteID(s.ctx, t1, 5) })
		s.update(func(tx metastore.Tx) error { return tx.SetWriteID(s.ctx, t1, 6) })
		id := func(name metastore.TableName) int64 { return must[int64](t)(s.store.WriteID(s.ctx, name)) }
		if id(t1) != 6 || id(t2) != 0 {
			t.Fatalf("%d and %d", id(t1), id(t2))
		}
		table := s.createTable(t1)
		table.TableName = metastore.TableName{Database: t1.Database, Name: "renamed"}
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		if id(t1) != 0 || id(table.TableName) != 6 {
			t.Fatalf("%d and %d", id(t1), id(table.TableName))
		}
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, table.TableName) })
		if id(table.TableName) != 0 {
			t.Fatalf("%d", id(table.TableName))
		}
	}, TxnTable},
	{"CountPartitions is how many Partitions there are, and a View is of one moment", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string", "n", "int")
		for i := range 20 {
			s.add(t1, partitions.Values{string(rune('a' + i%2)), fmt.Sprint(i)})
		}
		for _, where := range []string{"", "ds = 'a'", "n > 12", "n = 3.5", "ds = 'a' and n < 7"} {
			var p partitions.Predicate
			if where != "" {
				p = filter(t, where)
			}
			if n, want := must[int](t)(s.store.CountPartitions(s.ctx, t1, p)), len(s.values(s.store, t1, p)); n != want {
				t.Errorf("%q: %d, not %d", where, n, want)
			}
		}
		_, err := s.store.CountPartitions(s.ctx, t2, nil)
		is(t, err, metastore.ErrNoSuchTable)
		err = s.store.View(s.ctx, func(r metastore.Reader) error {
			if n := must[int](t)(r.CountPartitions(s.ctx, t1, nil)); n != 20 {
				t.Errorf("%d before", n)
			}
			s.add(t1, partitions.Values{"z", "99"})
			if n := len(s.values(r, t1, nil)); n != 20 && s.lacks&Snapshots == 0 {
				t.Errorf("%d in the same moment", n)
			}
			return metastore.ErrConflict
		})
		if !errors.Is(err, metastore.ErrConflict) {
			t.Errorf("View returned %v", err)
		}
		if n := must[int](t)(s.store.CountPartitions(s.ctx, t1, nil)); n != 21 {
			t.Errorf("%d after", n)
		}
	}, 0},
	{"the UUID is that of the metastore", func(t *testing.T, s suite) {
		id := must[string](t)(s.store.UUID(s.ctx))
		if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" || must[string](t)(s.store.UUID(s.ctx)) != id {
			t.Fatalf("got %q", id)
		}
	}, 0},
}
