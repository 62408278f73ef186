package hms_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	hive "github.com/beltran/gohive/hive_metastore"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/distinct"
	"github.com/skepdata/skep/metastore/hms"
)

// gohiveCommit: of the commits of Iceberg that expect the same, one succeeds.
func gohiveCommit(t *testing.T, open opener) {
	addr := serve(t, hms.Config{Store: open(t)})
	c := gohive(t, addr)
	table := events()
	table.Parameters["metadata_location"] = "v0"
	web(t, c, table)
	var won, lost atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		own := gohive(t, addr)
		wg.Go(func() {
			mine := events()
			mine.Parameters["metadata_location"] = fmt.Sprintf("v1-%d", i)
			err := own.AlterTableWithEnvironmentContext(t.Context(), "web", "events", mine, &hive.EnvironmentContext{
				Properties: map[string]string{"expected_parameter_key": "metadata_location", "expected_parameter_value": "v0"},
			})
			var meta *hive.MetaException
			switch {
			case err == nil:
				won.Add(1)
			case errors.As(err, &meta) && strings.HasPrefix(meta.Message,
				"The table has been modified. The parameter value for key 'metadata_location' is 'v1-"):
				lost.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 || lost.Load() != 7 {
		t.Errorf("%d won, %d lost", won.Load(), lost.Load())
	}
}

func lockOf(kind hive.LockType, table string) *hive.LockRequest {
	return &hive.LockRequest{User: "ann", Hostname: "h", Component: []*hive.LockComponent{
		{Type: kind, Level: hive.LockLevel_TABLE, Dbname: "web", Tablename: &table},
	}}
}

// gohiveLocks: locks wait for each other in order, and end with their leases.
func gohiveLocks(t *testing.T, open opener) {
	var now atomic.Int64
	now.Store(time.Now().UnixNano())
	c := gohive(t, serve(t, hms.Config{
		Store: open(t), Lease: time.Minute, Now: func() time.Time { return time.Unix(0, now.Load()) },
	}))
	ctx := t.Context()
	lock := func(kind hive.LockType, table string, want hive.LockState) int64 {
		t.Helper()
		r, err := c.Lock(ctx, lockOf(kind, table))
		if err != nil || r.State != want {
			t.Fatalf("%v, %v", r, err)
		}
		return r.Lockid
	}
	check := func(id int64, want hive.LockState) {
		t.Helper()
		if r, err := c.CheckLock(ctx, &hive.CheckLockRequest{Lockid: id}); err != nil || r.State != want {
			t.Errorf("%v, %v", r, err)
		}
	}
	first := lock(hive.LockType_EXCLUSIVE, "a", hive.LockState_ACQUIRED)
	second := lock(hive.LockType_EXCLUSIVE, "A", hive.LockState_WAITING)
	third := lock(hive.LockType_SHARED_READ, "a", hive.LockState_WAITING)
	lock(hive.LockType_EXCLUSIVE, "b", hive.LockState_ACQUIRED)
	check(second, hive.LockState_WAITING)
	if err := c.Unlock(ctx, &hive.UnlockRequest{Lockid: first}); err != nil {
		t.Fatal(err)
	}
	check(third, hive.LockState_WAITING) // second was there before
	check(second, hive.LockState_ACQUIRED)
	web, table := "web", "a"
	shown, err := c.ShowLocks(ctx, &hive.ShowLocksRequest{Dbname: &web, Tablename: &table})
	if err != nil || len(shown.Locks) != 2 || *shown.Locks[0].AgentInfo != "Unknown" || shown.Locks[0].Lockid != second {
		t.Errorf("%v, %v", shown, err)
	}
	now.Add(int64(45 * time.Second))
	if err := c.Heartbeat(ctx, &hive.HeartbeatRequest{Lockid: &third}); err != nil {
		t.Fatal(err)
	}
	now.Add(int64(30 * time.Second)) // second's client is dead
	check(third, hive.LockState_ACQUIRED)
	var gone *hive.NoSuchLockException
	if _, err := c.CheckLock(ctx, &hive.CheckLockRequest{Lockid: second}); !errors.As(err, &gone) {
		t.Errorf("%v", err)
	}
	if err := c.Unlock(ctx, &hive.UnlockRequest{Lockid: second}); !errors.As(err, &gone) {
		t.Errorf("%v", err)
	}
}

func gohiveStatistics(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	table := events("ds string")
	table.Sd.Cols = []*hive.FieldSchema{
		column("i", "int"), column("d", "double"), column("s", "string"), column("n", "decimal(10,2)"), column("t", "date"),
		column("b", "boolean"), column("x", "binary"), column("ts", "timestamp"),
	}
	web(t, c, table)
	if _, err := c.AppendPartitionByName(ctx, "web", "events", "ds=a"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AppendPartitionByName(ctx, "web", "events", "ds=b"); err != nil {
		t.Fatal(err)
	}
	low, high, zero, pi := int64(0), int64(9), 0.0, 3.25
	objects := []*hive.ColumnStatisticsObj{
		{ColName: "i", ColType: "int", StatsData: &hive.ColumnStatisticsData{LongStats: &hive.LongColumnStatsData{LowValue: &low, HighValue: &high, NumNulls: 1, NumDVs: 5}}},
		{ColName: "d", ColType: "double", StatsData: &hive.ColumnStatisticsData{DoubleStats: &hive.DoubleColumnStatsData{LowValue: &zero, HighValue: &pi, NumDVs: 2}}},
		{ColName: "s", ColType: "string", StatsData: &hive.ColumnStatisticsData{StringStats: &hive.StringColumnStatsData{MaxColLen: 4, AvgColLen: 2.5, NumDVs: 3}}},
		{ColName: "n", ColType: "decimal(10,2)", StatsData: &hive.ColumnStatisticsData{DecimalStats: &hive.DecimalColumnStatsData{
			LowValue: &hive.Decimal{Scale: 2, Unscaled: []byte{0xff, 0x38}}, HighValue: &hive.Decimal{Scale: 2, Unscaled: []byte{0x00, 0xc8}}}}},
		{ColName: "t", ColType: "date", StatsData: &hive.ColumnStatisticsData{DateStats: &hive.DateColumnStatsData{LowValue: &hive.Date{DaysSinceEpoch: -1}, HighValue: &hive.Date{DaysSinceEpoch: 19000}}}},
		{ColName: "b", ColType: "boolean", StatsData: &hive.ColumnStatisticsData{BooleanStats: &hive.BooleanColumnStatsData{NumTrues: 1, NumFalses: 2, NumNulls: 3}}},
		{ColName: "x", ColType: "binary", StatsData: &hive.ColumnStatisticsData{BinaryStats: &hive.BinaryColumnStatsData{MaxColLen: 8, AvgColLen: 1}}},
		{ColName: "ts", ColType: "timestamp", StatsData: &hive.ColumnStatisticsData{TimestampStats: &hive.TimestampColumnStatsData{LowValue: &hive.Timestamp{SecondsSinceEpoch: -5}, HighValue: &hive.Timestamp{SecondsSinceEpoch: 1e9}}}},
	}
	desc := func(part string) *hive.ColumnStatisticsDesc {
		d := &hive.ColumnStatisticsDesc{IsTblLevel: part == "", DbName: "web", TableName: "events"}
		if part != "" {
			d.PartName = &part
		}
		return d
	}
	if ok, err := c.UpdateTableColumnStatistics(ctx, &hive.ColumnStatistics{StatsDesc: desc(""), StatsObj: objects}); err != nil || !ok {
		t.Fatalf("%v, %v", ok, err)
	}
	names := []string{"i", "d", "s", "n", "t", "b", "x", "ts"}
	got, err := c.GetTableStatisticsReq(ctx, &hive.TableStatsRequest{DbName: "web", TblName: "events", ColNames: names, Engine: "hive"})
	if err != nil || len(got.TableStats) != len(objects) {
		t.Fatalf("%v, %v", got, err)
	}
	for _, o := range got.TableStats {
		for _, want := range objects {
			if o.ColName == want.ColName && !reflect.DeepEqual(o, want) {
				t.Errorf("got %v, want %v", o, want)
			}
		}
	}
	for _, part := range []string{"ds=a", "ds=b"} {
		if _, err := c.UpdatePartitionColumnStatistics(ctx, &hive.ColumnStatistics{StatsDesc: desc(part), StatsObj: objects}); err != nil {
			t.Fatal(err)
		}
	}
	request := &hive.PartitionsStatsRequest{DbName: "web", TblName: "events", ColNames: names, PartNames: []string{"ds=a", "ds=b", "ds=c"}, Engine: "hive"}
	parts, err := c.GetPartitionsStatisticsReq(ctx, request)
	if err != nil || len(parts.PartStats) != 2 || len(parts.PartStats["ds=a"]) != len(objects) {
		t.Errorf("%v, %v", parts, err)
	}
	joined, err := c.GetAggrStatsFor(ctx, request)
	if err != nil || joined.PartsFound != 2 || joined.ColStats[0].StatsData.LongStats.NumNulls != 2 {
		t.Errorf("%v, %v", joined, err)
	}
	joinedDistinct(t, c, desc)
	if ok, err := c.DeleteTableColumnStatistics(ctx, "web", "events", "i", "hive"); err != nil || !ok {
		t.Errorf("%v, %v", ok, err)
	}
	var none *hive.NoSuchObjectException
	if _, err := c.GetTableColumnStatistics(ctx, "web", "events", "i"); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
}

// joinedDistinct: bit vectors of partitions, and of rows that were added, tell the number of distinct values
// of all; without them it is the largest.
func joinedDistinct(t *testing.T, c *hive.ThriftHiveMetastoreClient, desc func(string) *hive.ColumnStatisticsDesc) {
	ctx := t.Context()
	column := func(low, high, given int64, bits bool) []*hive.ColumnStatisticsObj {
		var s distinct.Sketch
		for i := low; i <= high; i++ {
			s.AddLong(i)
		}
		d := &hive.LongColumnStatsData{LowValue: &low, HighValue: &high, NumDVs: given}
		if bits {
			d.BitVectors = s.Bytes()
		}
		return []*hive.ColumnStatisticsObj{{ColName: "i", ColType: "int", StatsData: &hive.ColumnStatisticsData{LongStats: d}}}
	}
	all := func() *hive.LongColumnStatsData {
		t.Helper()
		got, err := c.GetAggrStatsFor(ctx, &hive.PartitionsStatsRequest{DbName: "web", TblName: "events", ColNames: []string{"i"}, PartNames: []string{"ds=a", "ds=b"}, Engine: "hive"})
		if err != nil || len(got.ColStats) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		return got.ColStats[0].StatsData.LongStats
	}
	set := func(part string, merge bool, o []*hive.ColumnStatisticsObj) {
		t.Helper()
		if _, err := c.SetAggrStatsFor(ctx, &hive.SetPartitionsStatsRequest{
			ColStats: []*hive.ColumnStatistics{{StatsDesc: desc(part), StatsObj: o}}, NeedMerge: &merge, Engine: "hive",
		}); err != nil {
			t.Fatal(err)
		}
	}
	set("ds=a", false, column(1, 60, 60, true))
	set("ds=b", false, column(31, 90, 60, true))
	if got := all(); got.NumDVs != 90 || *got.LowValue != 1 || *got.HighValue != 90 {
		t.Errorf("of two partitions: %v", got)
	}
	set("ds=b", true, column(91, 100, 10, true)) // nobody has noted that what is there is accurate
	if got := all(); got.NumDVs != 90 {
		t.Errorf("what is not accurate is merged: %v", got)
	}
	p, err := c.GetPartitionByName(ctx, "web", "events", "ds=b")
	if err != nil {
		t.Fatal(err)
	}
	p.Parameters["COLUMN_STATS_ACCURATE"] = `{"BASIC_STATS":"true","COLUMN_STATS":{"i":"true"}}`
	if err := c.AlterPartition(ctx, "web", "events", p); err != nil {
		t.Fatal(err)
	}
	set("ds=b", true, column(91, 100, 10, true))
	if got := all(); got.NumDVs != 100 || *got.HighValue != 100 {
		t.Errorf("after a merge: %v", got)
	}
	set("ds=b", true, column(101, 130, 30, false))
	if got := all(); got.NumDVs != 70 || *got.HighValue != 130 {
		t.Errorf("without a bit vector: %v", got)
	}
	p.Parameters["numRows"] = "7" // a change by who computes nothing
	if err := c.AlterPartition(ctx, "web", "events", p); err != nil {
		t.Fatal(err)
	}
	if p, err = c.GetPartitionByName(ctx, "web", "events", "ds=b"); err != nil || p.Parameters["COLUMN_STATS_ACCURATE"] != "" {
		t.Errorf("accurate after a change by another: %v, %v", p, err)
	}
}

// oldStatistics: clients of Hive 2 and 3 know no engine, which those of Hive 4 must send.
func oldStatistics(t *testing.T, open opener) {
	addr := serve(t, hms.Config{Store: open(t)})
	web(t, gohive(t, addr), events())
	c, err := thrift.Dialer{Address: addr}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	type request struct {
		DB      string   `thrift:"1"`
		Table   string   `thrift:"2"`
		Columns []string `thrift:"3"`
	}
	var answer thrift.Fields
	err = c.Call(t.Context(), "get_table_statistics_req", &struct {
		Request request `thrift:"1"`
	}{request{"web", "events", []string{"id"}}}, &struct {
		Stats *[]struct{} `thrift:"1"`
	}{})
	if err != nil {
		t.Errorf("%v, %v", answer, err)
	}
}

func gohiveFunctionsAndConstraints(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	table := events()
	if err := c.CreateDatabase(ctx, &hive.Database{Name: "web"}); err != nil {
		t.Fatal(err)
	}
	err := c.CreateTableWithConstraints(ctx, table, []*hive.SQLPrimaryKey{
		{TableDb: "web", TableName: "events", ColumnName: "id", KeySeq: 1, PkName: "pk", RelyCstr: true},
	}, nil, nil, []*hive.SQLNotNullConstraint{{TableDb: "web", TableName: "events", ColumnName: "id"}}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := c.GetPrimaryKeys(ctx, &hive.PrimaryKeysRequest{DbName: "web", TblName: "events"})
	if err != nil || len(keys.PrimaryKeys) != 1 || keys.PrimaryKeys[0].PkName != "pk" || !keys.PrimaryKeys[0].RelyCstr {
		t.Errorf("%v, %v", keys, err)
	}
	if err := c.DropConstraint(ctx, &hive.DropConstraintRequest{Dbname: "web", Tablename: "events", Constraintname: "pk"}); err != nil {
		t.Error(err)
	}
	all, err := c.GetAllTableConstraints(ctx, &hive.AllTableConstraintsRequest{DbName: "web", TblName: "events"})
	if err != nil || len(all.AllTableConstraints.PrimaryKeys) != 0 || len(all.AllTableConstraints.NotNullConstraints) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	f := &hive.Function{
		FunctionName: "Up", DbName: "web", ClassName: "x.Up", OwnerName: "ann", OwnerType: hive.PrincipalType_USER,
		FunctionType: hive.FunctionType_JAVA, ResourceUris: []*hive.ResourceUri{{ResourceType: hive.ResourceType_JAR, URI: "s3://x/y.jar"}},
	}
	if err := c.CreateFunction(ctx, f); err != nil {
		t.Fatal(err)
	}
	var exists *hive.AlreadyExistsException
	if err := c.CreateFunction(ctx, f); !errors.As(err, &exists) {
		t.Errorf("%v", err)
	}
	got, err := c.GetFunction(ctx, "web", "up")
	if err != nil || got.ClassName != "x.Up" || got.ResourceUris[0].URI != "s3://x/y.jar" {
		t.Errorf("%v, %v", got, err)
	}
	if names, err := c.GetFunctions(ctx, "web", "u*"); err != nil || len(names) != 1 {
		t.Errorf("%v, %v", names, err)
	}
	if r, err := c.GetAllFunctions(ctx); err != nil || len(r.Functions) != 1 {
		t.Errorf("%v, %v", r, err)
	}
	if err := c.DropFunction(ctx, "web", "up"); err != nil {
		t.Error(err)
	}
	var none *hive.NoSuchObjectException
	if err := c.DropFunction(ctx, "web", "up"); !errors.As(err, &none) || none.Message != "Function @hive#web.up does not exist" {
		t.Errorf("%v", err)
	}
}

// gohiveNotifications: what happens can be followed, without gaps.
func gohiveNotifications(t *testing.T, open opener) {
	c := gohive(t, serve(t, hms.Config{Store: open(t)}))
	ctx := t.Context()
	start, err := c.GetCurrentNotificationEventId(ctx)
	if err != nil {
		t.Fatal(err)
	}
	web(t, c, events("ds string"))
	if _, err := c.AddPartitions(ctx, []*hive.Partition{partition("a"), partition("b")}); err != nil {
		t.Fatal(err)
	}
	table, err := c.GetTable(ctx, "web", "events")
	if err != nil {
		t.Fatal(err)
	}
	table.TableName = "renamed"
	if err := c.AlterTable(ctx, "web", "events", table); err != nil {
		t.Fatal(err)
	}
	db, name := "web", "renamed"
	if _, err := c.FireListenerEvent(ctx, &hive.FireEventRequest{
		Successful: true, DbName: &db, TableName: &name, PartitionVals: []string{"a"},
		Data: &hive.FireEventRequestData{InsertData: &hive.InsertEventRequestData{FilesAdded: []string{"x"}}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.DropTable(ctx, "web", "renamed", false); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetNextNotification(ctx, &hive.NotificationEventRequest{LastEvent: start.EventId})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"CREATE_DATABASE", "CREATE_TABLE", "ADD_PARTITION", "ALTER_TABLE", "INSERT", "DROP_TABLE"}
	for i, e := range got.Events {
		if i >= len(want) || e.EventType != want[i] || e.EventId != start.EventId+int64(i)+1 || *e.MessageFormat != "json-0.2" {
			t.Errorf("%v", e)
		}
	}
	if len(got.Events) != len(want) {
		t.Fatalf("%d events", len(got.Events))
	}
	for i, part := range []string{`"dbJson":"{\"1\":{\"str\":\"web\"}`, `\"12\":{\"str\":\"MANAGED_TABLE\"}`, `"partitions":[{"ds":"a"}`, `tableObjAfterJson`} {
		if !strings.Contains(got.Events[i].Message, part) {
			t.Errorf("%s is not in %s", part, got.Events[i].Message)
		}
	}
	n, err := c.GetNotificationEventsCount(ctx, &hive.NotificationEventsCountRequest{FromEventId: start.EventId, DbName: "web"})
	if err != nil || n.EventsCount != int64(len(want)) {
		t.Errorf("%v, %v", n, err)
	}
}

// TestSharedTables: a table that a client looks up is one whose files hiveql does not rely on knowing,
// and nothing of that is shown.
func TestSharedTables(t *testing.T) {
	store := openStore(t)
	c, ctx := gohive(t, serve(t, hms.Config{Store: store})), t.Context()
	name := metastore.TableName{Database: "default", Name: "kept"}
	kept := &metastore.Table{TableName: name, Type: metastore.Managed, Parameters: map[string]string{
		metastore.TrackingParameter: "1", metastore.FilesParameter: "{}", "own": "x"}}
	kept.Storage.Columns = []metastore.Column{{Name: "a", Type: hivetype.Of(hivetype.Int)}}
	if err := store.Update(ctx, func(tx metastore.Tx) error { return tx.CreateTable(ctx, kept) }); err != nil {
		t.Fatal(err)
	}
	var before int64
	for range 2 {
		shown, err := c.GetTable(ctx, "default", "kept")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := shown.Parameters[metastore.SharedParameter]; ok || shown.Parameters["own"] != "x" {
			t.Errorf("the client sees %v", shown.Parameters)
		}
		now, err := store.Table(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		if now.Parameters[metastore.SharedParameter] == "" || now.Parameters[metastore.TrackingParameter] != "" {
			t.Errorf("after it was looked up: %v", now.Parameters)
		}
		if before != 0 && now.Version != before {
			t.Error("looking it up again changes it again")
		}
		before = now.Version
	}
}
