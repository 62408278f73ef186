package metastoretest

import (
	"slices"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

var (
	t1 = metastore.TableName{Database: "default", Name: "t1"}
	t2 = metastore.TableName{Database: "default", Name: "t2"}
)

// fullTable has something in every field.
func fullTable(t testing.TB) *metastore.Table {
	return &metastore.Table{
		TableName: t1, Type: metastore.Managed, Owner: "me", CreateTime: created,
		Storage: metastore.StorageDescriptor{
			Columns: []metastore.Column{
				{Name: "id", Type: typ(t, "bigint"), Comment: "the id"},
				{Name: "größe", Type: typ(t, "decimal(10,2)")},
				{Name: "nested", Type: typ(t, "map<string,array<struct<a:int,b c:varchar(3)>>>")},
				{Name: "u", Type: typ(t, "uniontype<int,string>")},
				{Name: "ts", Type: typ(t, "timestamp with local time zone")},
			},
			Location: "s3://bucket/a b/ü%20", InputFormat: "in", OutputFormat: "out",
			SerDe: metastore.SerDe{
				Name: "s", Library: "org.example.SerDe", Parameters: map[string]string{"field.delim": "\x01", "x": "'"},
			},
			Compressed: true, NumBuckets: 4, BucketColumns: []string{"id"},
			SortColumns: []metastore.SortColumn{{Name: "id"}, {Name: "ts", Desc: true}},
			Skewed: &metastore.Skewed{
				Columns: []string{"id", "ts"}, Values: [][]string{{"1", "x"}, {"2", ""}}, Directories: true,
				Locations: []metastore.SkewedLocation{{Values: []string{"2", ""}, Location: "s3://b/2"}},
			},
			Parameters: map[string]string{"p": "q"},
		},
		PartitionKeys: []metastore.Column{{Name: "ds", Type: typ(t, "string"), Comment: "day"}, {Name: "hr", Type: typ(t, "int")}},
		Parameters:    map[string]string{"comment": "a\ttable", "EXTERNAL": "FALSE"},
	}
}

var tableTests = []contract{
	{"what was created is read back, with version 1", func(t *testing.T, s suite) {
		want := fullTable(t)
		s.update(func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, want) })
		got := s.table(t1)
		if want.Version != 0 {
			t.Fatal("CreateTable has changed its argument")
		}
		want.Version = 1
		s.equal(got, want)
	}, 0},
	{"a view keeps both of its texts", func(t *testing.T, s suite) {
		want := &metastore.Table{
			TableName: t1, Type: metastore.View, CreateTime: created, Version: 1,
			ViewOriginalText: "select * from x", ViewExpandedText: "select `x`.`a` from `default`.`x`",
		}
		s.update(func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, want) })
		s.equal(s.table(t1), want)
	}, 0},
	{"names are stored in lower case and matched ignoring case", func(t *testing.T, s suite) {
		s.createTable(metastore.TableName{Database: "Default", Name: "MixedCase"})
		if got := s.table(metastore.TableName{Database: "DEFAULT", Name: "MIXEDcase"}); got.Name != "mixedcase" ||
			got.Database != "default" {
			t.Fatalf("got %s", got.TableName)
		}
	}, 0},
	{"names of columns are stored in lower case", func(t *testing.T, s suite) {
		table := fullTable(t)
		table.Storage.Columns[0].Name, table.PartitionKeys[0].Name = "ID", "Ds"
		s.update(func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, table) })
		if got := s.table(t1); got.Storage.Columns[0].Name != "id" || got.PartitionKeys[0].Name != "ds" {
			t.Fatalf("got %+v", got)
		}
	}, 0},
	{"a table that is missing is ErrNoSuchTable, or ErrNoSuchDatabase", func(t *testing.T, s suite) {
		nowhere := metastore.TableName{Database: "nope", Name: "t1"}
		_, err := s.store.Table(s.ctx, t1)
		is(t, err, metastore.ErrNoSuchTable)
		_, err = s.store.Table(s.ctx, nowhere)
		is(t, err, metastore.ErrNoSuchDatabase)
		for name, want := range map[metastore.TableName]error{
			t1: metastore.ErrNoSuchTable, nowhere: metastore.ErrNoSuchDatabase,
		} {
			s.fails(want, func(tx metastore.Tx) error { return tx.DropTable(s.ctx, name) })
			s.fails(want, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, name, fullTable(t)) })
			s.fails(want, func(tx metastore.Tx) error {
				return tx.AddPartitions(s.ctx, name, parts(partitions.Values{"a"}), true)
			})
			s.fails(want, func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, name, partitions.Values{"a"}) })
			s.fails(want, func(tx metastore.Tx) error { return tx.AlterPartition(s.ctx, name, parts(partitions.Values{"a"})[0]) })
			_, err := s.store.Partition(s.ctx, name, partitions.Values{"a"})
			is(t, err, want)
			for _, err := range s.store.Partitions(s.ctx, name, nil) {
				is(t, err, want)
			}
		}
	}, 0},
	{"CreateTable in a missing database is ErrNoSuchDatabase", func(t *testing.T, s suite) {
		table := fullTable(t)
		table.Database = "nope"
		s.fails(metastore.ErrNoSuchDatabase, func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, table) })
	}, 0},
	{"a second one of the same name is ErrExists", func(t *testing.T, s suite) {
		s.createTable(t1)
		table := fullTable(t)
		table.Name = "T1"
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, table) })
	}, 0},
	{"tables of one name may be in several databases", func(t *testing.T, s suite) {
		s.createDatabase("other")
		s.createTable(t1)
		other := metastore.TableName{Database: "other", Name: "t1"}
		s.createTable(other, "ds", "string")
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, t1) })
		if !s.table(other).Partitioned() {
			t.Fatal("the wrong table was dropped")
		}
	}, 0},
	{"an invalid table is ErrInvalid", func(t *testing.T, s suite) {
		table := fullTable(t)
		table.PartitionKeys[0].Type = hivetype.ArrayOf(hivetype.Of(hivetype.Int))
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.CreateTable(s.ctx, table) })
		s.createTable(t1)
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
	}, 0},
	{"Tables lists names in order, with patterns", func(t *testing.T, s suite) {
		for _, name := range []string{"zeta", "web_log", "web", "alpha"} {
			s.createTable(metastore.TableName{Database: "default", Name: name})
		}
		for pattern, want := range map[string][]string{
			"": {"alpha", "web", "web_log", "zeta"}, "WEB*": {"web", "web_log"}, "web|z*a": {"web", "zeta"}, "x*": nil,
		} {
			got, err := s.store.Tables(s.ctx, "Default", pattern)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("tables like %q: got %q, %v", pattern, got, err)
			}
		}
	}, 0},
	{"AlterTable replaces the table and adds one to its version", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		want := fullTable(t)
		want.Version = 1
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, want) })
		want.Version = 2
		s.equal(s.table(t1), want)
	}, 0},
	{"AlterTable of a version that is not current is ErrConflict", func(t *testing.T, s suite) {
		s.createTable(t1)
		first := s.table(t1)
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, first) })
		s.fails(metastore.ErrConflict, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, first) })
		first.Version = 0
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, first) })
		if v := s.table(t1).Version; v != 3 {
			t.Fatalf("the version is %d", v)
		}
	}, 0},
	{"AlterTable can rename, into another database too, and partitions stay", func(t *testing.T, s suite) {
		s.createDatabase("other")
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"x"})
		table := s.table(t1)
		table.TableName = metastore.TableName{Database: "Other", Name: "New"}
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		_, err := s.store.Table(s.ctx, t1)
		is(t, err, metastore.ErrNoSuchTable)
		moved := metastore.TableName{Database: "other", Name: "new"}
		if vs := s.values(s.store, moved, nil); len(vs) != 1 {
			t.Fatalf("got %v", vs)
		}
	}, 0},
	{"AlterTable to a name in use is ErrExists, to a missing database ErrNoSuchDatabase", func(t *testing.T, s suite) {
		s.createTable(t1)
		s.createTable(t2)
		table := s.table(t1)
		table.Name = "T2"
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		table.Database = "nope"
		s.fails(metastore.ErrNoSuchDatabase, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
	}, 0},
	{"AlterTable of the keys is ErrInvalid while there are partitions", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"7"})
		table := s.table(t1)
		table.PartitionKeys[0].Comment = "may change"
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		table = s.table(t1)
		table.PartitionKeys[0].Type = hivetype.Of(hivetype.Int)
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		s.update(func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, t1, partitions.Values{"7"}) })
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		s.add(t1, partitions.Values{"7"})
		if vs := s.values(s.store, t1, filter(t, "ds < 10")); len(vs) != 1 {
			t.Fatal("the new type does not count")
		}
	}, 0},
	{"DropTable removes the table and its partitions", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string")
		s.add(t1, partitions.Values{"x"})
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, t1) })
		s.createTable(t1, "ds", "string")
		if vs := s.values(s.store, t1, nil); len(vs) != 0 {
			t.Fatalf("the new table has the partitions %v", vs)
		}
	}, 0},
}
