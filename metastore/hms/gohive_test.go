package hms_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	apache "github.com/apache/thrift/lib/go/thrift"
	hive "github.com/beltran/gohive/hive_metastore"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/hms"
)

// serve serves a store until the test ends and gives the address.
func serve(t testing.TB, c hms.Config) string { return observed(t, c, nil) }

// observed is serve for those who want to be told of the calls.
func observed(t testing.TB, c hms.Config, observe func(thrift.Info)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if c.Warehouse == "" {
		c.Warehouse = "file:///warehouse"
	}
	server := &thrift.Server{Service: hms.New(c).Thrift(), Translate: hms.Exception, Observe: observe}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l, time.Second) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// gohive is a client of Hive 4, made by the Thrift project's compiler.
func gohive(t testing.TB, addr string) *hive.ThriftHiveMetastoreClient {
	t.Helper()
	socket := apache.NewTSocketConf(addr, nil)
	if err := socket.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	proto := apache.NewTBinaryProtocolConf(apache.NewTBufferedTransport(socket, 4096), nil)
	return hive.NewThriftHiveMetastoreClient(apache.NewTStandardClient(proto, proto))
}

func column(name, typ string) *hive.FieldSchema { return &hive.FieldSchema{Name: name, Type: typ} }

// events is a table as Spark would make it.
func events(keys ...string) *hive.Table {
	t := &hive.Table{
		DbName: "web", TableName: "Events", Owner: "ann", TableType: "MANAGED_TABLE",
		Parameters: map[string]string{"spark.sql.create.version": "3.5.6"},
		Sd: &hive.StorageDescriptor{
			Cols:         []*hive.FieldSchema{column("id", "bigint"), column("Payload", "struct<a:int,b:array<string>>")},
			InputFormat:  "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
			OutputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
			SerdeInfo: &hive.SerDeInfo{
				SerializationLib: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
				Parameters:       map[string]string{"serialization.format": "1"},
			},
			SkewedInfo: &hive.SkewedInfo{SkewedColNames: []string{"id"}, SkewedColValues: [][]string{{"1"}}},
		},
		Retention: 7,
	}
	for _, key := range keys {
		name, typ, _ := strings.Cut(key, " ")
		t.PartitionKeys = append(t.PartitionKeys, column(name, typ))
	}
	return t
}

func web(t testing.TB, c *hive.ThriftHiveMetastoreClient, table *hive.Table) {
	t.Helper()
	if err := c.CreateDatabase(t.Context(), &hive.Database{Name: "web"}); err != nil {
		t.Fatal(err)
	}
	if table == nil {
		return
	}
	if err := c.CreateTable(t.Context(), table); err != nil {
		t.Fatal(err)
	}
}

func gohiveDatabases(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	d, err := c.GetDatabase(ctx, "default")
	if err != nil || d.LocationUri != "file:///warehouse" || *d.CatalogName != "hive" {
		t.Fatalf("%v, %v", d, err)
	}
	web(t, c, nil)
	d, err = c.GetDatabase(ctx, "@hive#WEB")
	if err != nil || d.Name != "web" || d.LocationUri != "file:///warehouse/web.db" || d.Parameters == nil {
		t.Errorf("%v, %v", d, err)
	}
	var exists *hive.AlreadyExistsException
	if err := c.CreateDatabase(ctx, &hive.Database{Name: "WEB"}); !errors.As(err, &exists) ||
		exists.Message != "Database web already exists" {
		t.Errorf("%v", err)
	}
	var none *hive.NoSuchObjectException
	if _, err := c.GetDatabase(ctx, "nope"); !errors.As(err, &none) || none.Message != "database hive.nope" {
		t.Errorf("%v", err)
	}
	if _, err := c.GetDatabase(ctx, "@other#web"); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	for pattern, want := range map[string][]string{
		"*": {"default", "web"}, "w*": {"web"}, "@hive#d*": {"default"}, "W.*|x": {"web"}, "we[ab]": {"web"}, "x": nil,
	} {
		if got, err := c.GetDatabases(ctx, pattern); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", pattern, got, err)
		}
	}
	d.Description, d.Parameters = "sites", map[string]string{"a": "b"}
	if err := c.AlterDatabase(ctx, "web", d); err != nil {
		t.Fatal(err)
	}
	if d, err = c.GetDatabase(ctx, "web"); err != nil || d.Description != "sites" || d.Parameters["a"] != "b" {
		t.Errorf("%v, %v", d, err)
	}
	if err := c.CreateTable(ctx, events()); err != nil {
		t.Fatal(err)
	}
	var invalid *hive.InvalidOperationException
	if err := c.DropDatabase(ctx, "web", false, false); !errors.As(err, &invalid) ||
		invalid.Message != "Database web is not empty. One or more tables exist." {
		t.Errorf("%v", err)
	}
	if err := c.DropDatabase(ctx, "web", false, true); err != nil {
		t.Errorf("%v", err)
	}
	if err := c.DropDatabase(ctx, "web", false, true); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	var meta *hive.MetaException
	if err := c.DropDatabase(ctx, "default", false, false); !errors.As(err, &meta) {
		t.Errorf("%v", err)
	}
}

func gohiveTables(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	web(t, c, events("ds string"))
	got, err := c.GetTable(ctx, "web", "EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	if got.TableName != "events" || got.Sd.Location != "file:///warehouse/web.db/events" || got.Retention != 7 ||
		got.Parameters["transient_lastDdlTime"] == "" || got.Parameters["spark.sql.create.version"] != "3.5.6" ||
		got.Sd.SkewedInfo.SkewedColNames[0] != "id" || got.CreateTime == 0 || len(got.PartitionKeys) != 1 ||
		got.Sd.Cols[1].Name != "payload" || got.Sd.Cols[1].Type != "struct<a:int,b:array<string>>" {
		t.Errorf("%+v", got)
	}
	for name := range got.Parameters {
		if strings.HasPrefix(name, "skep.") {
			t.Errorf("%s is shown", name)
		}
	}
	var exists *hive.AlreadyExistsException
	if err := c.CreateTable(ctx, events()); !errors.As(err, &exists) || exists.Message != "Table hive.web.events already exists" {
		t.Errorf("%v", err)
	}
	var none *hive.NoSuchObjectException
	if _, err := c.GetTable(ctx, "web", "none"); !errors.As(err, &none) || none.Message != "hive.web.none table not found" {
		t.Errorf("%v", err)
	}
	var bad *hive.InvalidObjectException
	twice := events()
	twice.TableName, twice.Sd.Cols[1].Name = "twice", "ID"
	if err := c.CreateTable(ctx, twice); !errors.As(err, &bad) {
		t.Errorf("%v", err)
	}
	list, err := c.GetTableObjectsByName(ctx, "web", []string{"none", "events", "Events"})
	if err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	var unknown *hive.UnknownDBException
	if _, err := c.GetTableObjectsByNameReq(ctx, &hive.GetTablesRequest{DbName: "none", TblNames: []string{"x"}}); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	meta, err := c.GetTableMeta(ctx, "*", "*", nil)
	if err != nil || len(meta) != 1 || meta[0].TableType != "MANAGED_TABLE" {
		t.Errorf("%v, %v", meta, err)
	}
	fields, err := c.GetSchema(ctx, "web", "events")
	if err != nil || len(fields) != 3 || fields[2].Name != "ds" {
		t.Errorf("%v, %v", fields, err)
	}
	got.Parameters["a"] = "b"
	got.Sd.Cols = append(got.Sd.Cols, column("extra", "decimal(10,2)"))
	if err := c.AlterTable(ctx, "web", "events", got); err != nil {
		t.Fatal(err)
	}
	got.TableName = "clicks"
	if err := c.AlterTable(ctx, "web", "events", got); err != nil {
		t.Fatal(err)
	}
	if got, err = c.GetTable(ctx, "web", "clicks"); err != nil || got.Parameters["a"] != "b" || len(got.Sd.Cols) != 3 ||
		got.Retention != 7 {
		t.Errorf("%v, %v", got, err)
	}
	var invalid *hive.InvalidOperationException
	if err := c.AlterTable(ctx, "web", "events", got); !errors.As(err, &invalid) {
		t.Errorf("%v", err)
	}
	filterTables(t, c)
	if err := c.DropTable(ctx, "web", "clicks", true); err != nil {
		t.Error(err)
	}
	if err := c.DropTable(ctx, "web", "clicks", true); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	if all, err := c.GetAllTables(ctx, "web"); err != nil || len(all) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// filterTables asks for tables by what they are, as Trino and Iceberg do.
func filterTables(t *testing.T, c *hive.ThriftHiveMetastoreClient) {
	t.Helper()
	view := &hive.Table{
		DbName: "web", TableName: "v", TableType: "VIRTUAL_VIEW", Sd: &hive.StorageDescriptor{Cols: []*hive.FieldSchema{column("a", "int")}},
		Parameters: map[string]string{"table_type": "ICEBERG", "presto_view": "true"}, ViewOriginalText: "SELECT 1", Owner: "bob",
	}
	if err := c.CreateTable(t.Context(), view); err != nil {
		t.Fatal(err)
	}
	for filter, want := range map[string][]string{
		`hive_filter_field_params__table_type like "ICEBERG"`:                        {"v"},
		`hive_filter_field_params__presto_view = "true"`:                             {"v"},
		`hive_filter_field_params__presto_view LIKE "tr%"`:                           {"v"},
		`hive_filter_field_owner__ = "ann" or hive_filter_field_owner__ like ".*ob"`: {"clicks", "v"},
		`hive_filter_field_owner__ = "ann" and hive_filter_field_params__a <> "c"`:   {"clicks"},
		`hive_filter_field_params__none <> "c"`:                                      nil,
	} {
		if got, err := c.GetTableNamesByFilter(t.Context(), "web", filter, -1); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", filter, got, err)
		}
	}
	if got, err := c.GetTablesByType(t.Context(), "web", ".*", "VIRTUAL_VIEW"); err != nil || !slices.Equal(got, []string{"v"}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := c.DropTable(t.Context(), "web", "v", true); err != nil {
		t.Error(err)
	}
}

func partition(values ...string) *hive.Partition {
	return &hive.Partition{Values: values, DbName: "web", TableName: "events", Sd: events().Sd, Parameters: map[string]string{}}
}

func gohivePartitions(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	web(t, c, events("ds string", "hr int"))
	var parts []*hive.Partition
	for _, ds := range []string{"2024-01-01", "2024-01-02", "a/b", "__HIVE_DEFAULT_PARTITION__"} {
		for hr := range 3 {
			parts = append(parts, partition(ds, fmt.Sprint(hr)))
		}
	}
	if n, err := c.AddPartitions(ctx, parts); err != nil || n != 12 {
		t.Fatalf("%d, %v", n, err)
	}
	var exists *hive.AlreadyExistsException
	if _, err := c.AddPartitions(ctx, parts[:1]); !errors.As(err, &exists) {
		t.Errorf("%v", err)
	}
	r, err := c.AddPartitionsReq(ctx, &hive.AddPartitionsRequest{
		DbName: "web", TblName: "events", Parts: parts[:2], IfNotExists: true, NeedResult_: true,
	})
	if err != nil || r.Partitions == nil || len(r.Partitions) != 0 { // those that were added
		t.Errorf("%v, %v", r, err)
	}
	names, err := c.GetPartitionNames(ctx, "web", "events", -1)
	if err != nil || len(names) != 12 || !slices.Contains(names, "ds=a%2Fb/hr=2") {
		t.Errorf("%v, %v", names, err)
	}
	if names, err = c.GetPartitionNamesPs(ctx, "web", "events", []string{"", "1"}, 3); err != nil || len(names) != 3 {
		t.Errorf("%v, %v", names, err)
	}
	p, err := c.GetPartition(ctx, "web", "events", []string{"a/b", "2"})
	if err != nil || p.Sd.Location != "file:///warehouse/web.db/events/ds=a%2Fb/hr=2" || len(p.Sd.Cols) != 2 {
		t.Errorf("%v, %v", p, err)
	}
	var none *hive.NoSuchObjectException
	if _, err := c.GetPartition(ctx, "web", "events", []string{"x", "2"}); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	filterPartitions(t, c)
	list, err := c.GetPartitionsByNames(ctx, "web", "events", []string{"ds=2024-01-02/hr=1", "ds=x/hr=1", "ds=2024-01-01/hr=0"})
	if err != nil || len(list) != 2 || list[0].Values[0] != "2024-01-02" {
		t.Errorf("%v, %v", list, err)
	}
	p.Parameters["numRows"] = "5"
	if err := c.AlterPartitionsWithEnvironmentContext(ctx, "web", "events", []*hive.Partition{p}, nil); err != nil {
		t.Error(err)
	}
	if p, err = c.GetPartitionByName(ctx, "web", "events", "ds=a%2Fb/hr=2"); err != nil || p.Parameters["numRows"] != "5" {
		t.Errorf("%v, %v", p, err)
	}
	changePartitions(t, c)
}

func changePartitions(t *testing.T, c *hive.ThriftHiveMetastoreClient) {
	t.Helper()
	ctx := t.Context()
	var invalid *hive.InvalidOperationException
	if err := c.AlterPartitions(ctx, "web", "events", []*hive.Partition{partition("none", "1")}); !errors.As(err, &invalid) {
		t.Errorf("%v", err)
	}
	if err := c.RenamePartition(ctx, "web", "events", []string{"a/b", "2"}, partition("c", "2")); err != nil {
		t.Error(err)
	}
	if err := c.RenamePartition(ctx, "web", "events", []string{"a/b", "1"}, partition("c", "2")); !errors.As(err, &invalid) {
		t.Errorf("%v", err)
	}
	if ok, err := c.DropPartition(ctx, "web", "events", []string{"c", "2"}, true); err != nil || !ok {
		t.Errorf("%v, %v", ok, err)
	}
	var none *hive.NoSuchObjectException
	if _, err := c.DropPartition(ctx, "web", "events", []string{"c", "2"}, true); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	if p, err := c.AppendPartitionByName(ctx, "web", "events", "ds=new/hr=07"); err != nil || p.Values[1] != "07" {
		t.Errorf("%v, %v", p, err)
	}
	dropped, err := c.DropPartitionsReq(ctx, &hive.DropPartitionsRequest{
		DbName: "web", TblName: "events", Parts: &hive.RequestPartsSpec{Names: []string{"ds=new/hr=07", "ds=none/hr=1"}}, IfExists: true, NeedResult_: true,
	})
	if err != nil || len(dropped.Partitions) != 1 {
		t.Errorf("%v, %v", dropped, err)
	}
	values, err := c.PartitionNameToVals(ctx, "ds=a%2Fb/hr=2")
	if err != nil || !slices.Equal(values, []string{"a/b", "2"}) {
		t.Errorf("%v, %v", values, err)
	}
}

// filterPartitions asks for partitions in all the ways of the filter language.
func filterPartitions(t *testing.T, c *hive.ThriftHiveMetastoreClient) {
	t.Helper()
	for filter, want := range map[string]int{
		``: 12, `ds = "2024-01-01"`: 3, `hr = 2`: 4, `2 <= hr`: 4, `hr >= 1 and ds = '2024-01-02'`: 2,
		`(ds = "a/b" or ds = "2024-01-01")`: 6, `(hr != 1 and hr != 2)`: 4, `ds like "2024.*"`: 6, `ds like ".*-0[12]"`: 6,
		`ds like "a.b"`: 3, `hr between 1 and 2`: 8, `hr not between 1 and 2`: 4, `ds in ("a/b", "x")`: 3, `(ds) not in ("a/b")`: 6,
		`(struct(ds, hr)) in (const struct("a/b", 1), const struct("2024-01-01", 0))`: 2,
		`ds = "__HIVE_DEFAULT_PARTITION__"`:                                           3, `ds != "__HIVE_DEFAULT_PARTITION__"`: 9, "`ds` = 2024-01-01": 3, `DS = DATE '2024-01-01'`: 3,
	} {
		list, err := c.GetPartitionsByFilter(t.Context(), "web", "events", filter, -1)
		if err != nil || len(list) != want {
			t.Errorf("%s: %d, %v", filter, len(list), err)
		}
		if n, err := c.GetNumPartitionsByFilter(t.Context(), "web", "events", filter); err != nil || int(n) != want {
			t.Errorf("%s: %d, %v", filter, n, err)
		}
	}
	for _, filter := range []string{`x = 1`, `ds = `, `ds == 1)`, `ds like "("`, `hr = "x"`, `"`, `ds in (`, `(struct(ds,hr)) in (struct(1))`} {
		var meta *hive.MetaException
		if _, err := c.GetPartitionsByFilter(t.Context(), "web", "events", filter, -1); !errors.As(err, &meta) {
			t.Errorf("%s: %v", filter, err)
		}
	}
}

func gohiveServer(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t), ReadOnly: true}))
	ctx := t.Context()
	if v, err := c.GetVersion(ctx); err != nil || v != "3.1.3" {
		t.Errorf("%v, %v", v, err)
	}
	if v, err := c.GetConfigValue(ctx, "hive.metastore.try.direct.sql", "false"); err != nil || v != "true" {
		t.Errorf("%v, %v", v, err)
	}
	var secret *hive.ConfigValSecurityException
	if _, err := c.GetConfigValue(ctx, "javax.jdo.option.ConnectionPassword", ""); !errors.As(err, &secret) {
		t.Errorf("%v", err)
	}
	var meta *hive.MetaException
	if err := c.CreateDatabase(ctx, &hive.Database{Name: "web"}); !errors.As(err, &meta) || !strings.Contains(meta.Message, "read-only") {
		t.Errorf("%v", err)
	}
	if groups, err := c.SetUgi(ctx, "ann", []string{"staff"}); err != nil || len(groups) != 2 {
		t.Errorf("%v, %v", groups, err)
	}
}
