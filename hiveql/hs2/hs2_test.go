package hs2_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beltran/gohive"
	"github.com/beltran/gohive/hiveserver"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/duck"
	"github.com/skepdata/skep/hiveql/hs2"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/testenv"
)

// serve serves HiveQL on a warehouse of its own until the test ends. adjust may change how.
func serve(t *testing.T, adjust func(*hs2.Config, *thrift.Server)) (host string, port int, service *hs2.Service) {
	t.Helper()
	return serveEngine(t, nil, adjust)
}

// serveEngine is serve with an engine that change may change.
func serveEngine(
	t *testing.T, change func(*hiveql.Config), adjust func(*hs2.Config, *thrift.Server),
) (host string, port int, service *hs2.Service) {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlstore.Open(t.Context(), "sqlite://"+filepath.Join(dir, "metastore.db"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Source{File: os.DevNull, Getenv: func(name string) string { return map[string]string{"HOME": dir}[name] }})
	if err != nil {
		t.Fatal(err)
	}
	opener := cfg.Opener()
	exec, err := duck.Open(duck.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ec := hiveql.Config{
		Store: store, Storage: opener, Executor: exec, Warehouse: "file://" + dir + "/warehouse", StagingDir: t.TempDir(), NoPrograms: true,
	}
	if change != nil {
		change(&ec)
	}
	engine := hiveql.New(ec)
	c := hs2.Config{Engine: engine, Store: store}
	server := &thrift.Server{Panicked: func(method string, v any) { t.Errorf("%s: %v", method, v) }}
	if adjust != nil {
		adjust(&c, server)
	}
	service = hs2.New(context.WithoutCancel(t.Context()), c)
	server.Service, server.Left = service.Thrift(), service.Left
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, l, 10*time.Second) }()
	t.Cleanup(func() {
		stop()
		for _, err := range []error{<-ended, service.Close(), exec.Close(), store.Close(), opener.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	addr := l.Addr().(*net.TCPAddr)
	return addr.IP.String(), addr.Port, service
}

// connect is a client of gohive's.
func connect(t *testing.T, host string, port int, auth string, conf map[string]string) *gohive.Connection {
	t.Helper()
	c := gohive.NewConnectConfiguration()
	c.Username, c.Password, c.HiveConfiguration = "ann", "secret", conf
	conn, err := gohive.Connect(host, port, auth, c)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// all runs a statement of gohive's and gives its rows.
func all(t *testing.T, c *gohive.Cursor, statement string) []map[string]any {
	t.Helper()
	c.Exec(t.Context(), statement)
	if c.Err != nil {
		t.Fatalf("%s: %v", statement, c.Err)
	}
	var rows []map[string]any
	if len(c.Description()) == 0 {
		return nil
	}
	for c.HasMore(t.Context()) {
		rows = append(rows, c.RowMap(t.Context()))
		if c.Err != nil {
			t.Fatalf("%s: %v", statement, c.Err)
		}
	}
	return rows
}

// TestGohive: values of every type arrive as what they are, through each login.
func TestGohive(t *testing.T) {
	host, port, _ := serve(t, nil)
	for _, auth := range []string{"NOSASL", "NONE"} {
		conn := connect(t, host, port, auth, map[string]string{"set:hivevar:n": "7"})
		c := conn.Cursor()
		rows := all(t, c, `SELECT true AS b, 1Y AS y, 2S AS s, 3 AS i, 4L AS l, cast(0.1 AS float) AS f, 0.25D AS d,
			cast(12.50 AS decimal(10,3)) AS x, 'é' AS t, cast('ab' AS char(4)) AS c, date '2024-02-29' AS dt,
			timestamp '2024-02-29 01:02:03.5' AS ts, array(1, 2) AS a, map('k', 1) AS m, cast(NULL AS int) AS n,
			cast('raw' AS binary) AS raw, ${hivevar:n} AS v`)
		want := []map[string]any{{
			"b": true, "y": int8(1), "s": int16(2), "i": int32(3), "l": int64(4), "f": 0.1, "d": 0.25, "x": "12.500", "t": "é",
			"c": "ab  ", "dt": "2024-02-29", "ts": "2024-02-29 01:02:03.5", "a": "[1,2]", "m": `{"k":1}`, "n": nil,
			"raw": []byte("raw"), "v": int32(7),
		}}
		if !reflect.DeepEqual(rows, want) {
			t.Errorf("%s: got %#v", auth, rows)
		}
		if got := all(t, c, "SELECT current_user() AS u"); auth == "NONE" && got[0]["u"] != "ann" {
			t.Errorf("the user is %v", got)
		}
		if auth == "NONE" {
			for _, statement := range []string{"CREATE ROLE readers", "GRANT readers TO USER ann"} {
				if c.Exec(t.Context(), statement); c.Err != nil {
					t.Fatalf("%s: %v", statement, c.Err)
				}
			}
			if got := all(t, c, "SHOW CURRENT ROLES"); !reflect.DeepEqual(got, []map[string]any{{"role": "public"}, {"role": "readers"}}) {
				t.Errorf("the roles of ann are %v", got)
			}
			if got := all(t, c, "SHOW PRINCIPALS readers"); len(got) != 1 || got[0]["grantor"] != "ann" {
				t.Errorf("the role readers has %v", got)
			}
		}
		c.Close()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestManyRows: more rows than a page, and statements of one session that run while its rows are read.
func TestManyRows(t *testing.T) {
	host, port, _ := serve(t, nil)
	conn := connect(t, host, port, "NONE", nil)
	defer conn.Close()
	many, other := conn.Cursor(), conn.Cursor()
	const n = 30_000
	many.Exec(t.Context(), "SELECT i FROM (SELECT 1) x LATERAL VIEW posexplode(split(space("+strconv.Itoa(n-1)+"), ' ')) p AS i, v")
	seen, sum := 0, int64(0)
	for many.HasMore(t.Context()) {
		var i int32
		if many.FetchOne(t.Context(), &i); many.Err != nil {
			t.Fatal(many.Err)
		}
		sum += int64(i)
		if seen++; seen%10_000 == 1 {
			if got := all(t, other, "SELECT "+strconv.Itoa(seen)+" AS k"); got[0]["k"] != int32(seen) {
				t.Errorf("got %v", got)
			}
		}
	}
	if seen != n || sum != n*(n-1)/2 {
		t.Errorf("%d rows, sum %d", seen, sum)
	}
	many.Close()
	other.Close()
}

// TestErrors: what Hive says of a mistake; the session goes on.
func TestErrors(t *testing.T) {
	host, port, _ := serve(t, nil)
	conn := connect(t, host, port, "NONE", nil)
	defer conn.Close()
	c := conn.Cursor()
	defer c.Close()
	for _, test := range []struct{ statement, message string }{
		{"SELEC 1", "FAILED: ParseException line 1:0"},
		{"SELECT nope FROM nothing", "FAILED: SemanticException [Error 10001]: Line 1:17 Table not found 'nothing'"},
		{"SELECT 1; SELECT 2", "one statement at a time"},
		{"SELECT TRANSFORM (1) USING 'cat' AS (a)", "Query with transform clause is disallowed in current configuration."},
		{"!ls", "is not supported"},
		{"SELECT assert_true(1 = 2)", "ASSERT_TRUE(): assertion failed"},
	} {
		c.Exec(t.Context(), test.statement)
		if c.Err == nil {
			t.Errorf("%s did not fail", test.statement)
			continue
		}
		if !strings.Contains(c.Err.Error(), test.message) {
			t.Errorf("%s: %v", test.statement, c.Err)
		}
	}
	if got := all(t, c, "SELECT 1 AS a"); got[0]["a"] != int32(1) {
		t.Errorf("got %v", got)
	}
}

// TestDriver: hive-driver for Node.js, by each of its transports.
func TestDriver(t *testing.T) {
	node, modules, err := testenv.NodePackages(t.Context(), "testdata/driver")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/driver/want.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, transport := range []string{"tcp", "plain", "http"} {
		host, port, _ := serve(t, func(c *hs2.Config, s *thrift.Server) {
			if transport == "tcp" {
				return
			}
			c.LoggedIn = true
			s.Auth = func(_ context.Context, user, password string) error {
				if user != "ann" || password != "secret" {
					return os.ErrPermission
				}
				return nil
			}
		})
		if host != "127.0.0.1" {
			t.Fatal(host)
		}
		cmd := exec.CommandContext(t.Context(), node, "testdata/driver/check.js", strconv.Itoa(port), transport, "ann", "secret")
		cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != string(want) {
			t.Errorf("%s: %v\n%s", transport, err, out)
		}
	}
}

// TestOperations: the life of statements, spoken by gohive's generated client.
// TestCloseDoesNotWait: a result is closed while another statement of its session runs for long.
func TestCloseDoesNotWait(t *testing.T) {
	planned := make(chan struct{}, 100) // the clock is looked at when a statement is planned, in its turn
	host, port, service := serveEngine(t, func(ec *hiveql.Config) {
		ec.Now = func() time.Time {
			select {
			case planned <- struct{}{}:
			default:
			}
			return time.Now()
		}
	}, nil)
	c := newClient(t, host, port)
	s := c.open(hiveserver.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V10)
	open := c.begin(s, "SELECT i FROM (SELECT 1) x LATERAL VIEW posexplode(split(space(99999), ' ')) p AS i, v", 0)
	if st := c.status(open); *st.OperationState != hiveserver.TOperationState_FINISHED_STATE {
		t.Fatalf("%v", st)
	}
	for len(planned) > 0 {
		<-planned
	}
	slow := c.begin(s, "SELECT count(*) FROM (SELECT explode(split(space(30000), ' ')) a) x CROSS JOIN (SELECT explode(split(space(30000), ' ')) b) y CROSS JOIN (SELECT explode(split(space(30000), ' ')) c) z WHERE length(concat(a, b, c)) > 5", 0)
	<-planned
	r, err := c.CloseOperation(t.Context(), &hiveserver.TCloseOperationReq{OperationHandle: open})
	c.fine(r.GetStatus(), err)
	cancel, err := c.CancelOperation(t.Context(), &hiveserver.TCancelOperationReq{OperationHandle: slow})
	c.fine(cancel.GetStatus(), err)
	after := c.begin(s, "SELECT 1", 0)
	if set := c.fetch(after, hiveserver.TFetchOrientation_FETCH_NEXT, 10); set.Columns[0].I32Val.Values[0] != 1 {
		t.Errorf("%v", set)
	}
	c.close(s)
	if service.Sessions() != 0 {
		t.Error("the session is still there")
	}
}

// TestIdleSessionTidiesUp: what a session has replaced goes when it is due, although the session runs nothing more and stays
// open; not while an operation of it reads that.
func TestIdleSessionTidiesUp(t *testing.T) {
	var warehouse string
	host, port, service := serveEngine(t, func(c *hiveql.Config) { warehouse = strings.TrimPrefix(c.Warehouse, "file://") }, nil)
	files := func(table string) int {
		found, err := filepath.Glob(filepath.Join(warehouse, table, "0*"))
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	conn := connect(t, host, port, "NONE", nil)
	defer conn.Close()
	c := conn.Cursor()
	defer c.Close()
	for _, sql := range []string{"CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1)", "INSERT OVERWRITE TABLE t VALUES (2)"} {
		all(t, c, sql)
	}
	if n := files("t"); n != 2 {
		t.Fatalf("%d files", n)
	}
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for service.Reap(); files("t") != 1; service.Reap() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d files are still there", files("t"))
		}
	}
	if rows := all(t, c, "SELECT a FROM t"); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
}

// TestReadOnly refuses by name what writes.
func TestReadOnly(t *testing.T) {
	var warehouse string
	host, port, _ := serveEngine(t, func(ec *hiveql.Config) { ec.ReadOnly, warehouse = true, ec.Warehouse }, nil)
	c := newClient(t, host, port)
	s := c.open(hiveserver.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V10)
	for statement, what := range map[string]string{
		"CREATE TABLE t (a INT)": "CREATE TABLE", "CREATE TEMPORARY TABLE t (a INT)": "CREATE TEMPORARY", "CREATE TABLE t AS SELECT 1": "CREATE TABLE",
		"CREATE DATABASE d": "CREATE DATABASE", "CREATE VIEW v AS SELECT 1": "CREATE VIEW", "DROP TABLE IF EXISTS t": "DROP TABLE",
		"INSERT INTO t VALUES (1)": "INSERT", "INSERT OVERWRITE DIRECTORY '/x' SELECT 1": "INSERT", "FROM t INSERT INTO a SELECT 1 INSERT INTO b SELECT 2": "INSERT",
		"LOAD DATA LOCAL INPATH '/x' INTO TABLE t": "LOAD DATA", "TRUNCATE TABLE t": "TRUNCATE TABLE", "ALTER TABLE t RENAME TO u": "ALTER TABLE",
		"ANALYZE TABLE t COMPUTE STATISTICS": "ANALYZE TABLE", "MSCK REPAIR TABLE t": "MSCK REPAIR", "OPTIMIZE TABLE t": "OPTIMIZE TABLE",
		"dfs -rm " + warehouse + "/x": "dfs -rm", "EXPORT TABLE t TO '/x'": "EXPORT TABLE", "IMPORT FROM '/x'": "IMPORT FROM",
		"ALTER DATABASE default SET DBPROPERTIES ('a'='b')": "ALTER DATABASE", "DROP DATABASE d": "DROP DATABASE",
	} {
		st := c.status(c.begin(s, statement, 0))
		if *st.OperationState != hiveserver.TOperationState_ERROR_STATE || *st.SqlState != "25006" ||
			!strings.Contains(*st.ErrorMessage, what+" is refused: this service is read-only") {
			t.Errorf("%s: %v", statement, st)
		}
	}
	for _, statement := range []string{
		"SELECT 1", "SHOW TABLES", "DESCRIBE DATABASE default", "EXPLAIN SELECT 1", "USE default", "SET a=b", "CREATE TEMPORARY MACRO m(x INT) x + 1", "SELECT m(1)",
		"DROP TEMPORARY MACRO m",
	} {
		if st := c.status(c.begin(s, statement, 0)); *st.OperationState != hiveserver.TOperationState_FINISHED_STATE {
			t.Errorf("%s: %v %v", statement, *st.OperationState, *st.ErrorMessage)
		}
	}
}

func TestOperations(t *testing.T) {
	host, port, service := serve(t, nil)
	c := newClient(t, host, port)
	s := c.open(hiveserver.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V10)

	slow := c.begin(s, "SELECT count(*) FROM (SELECT explode(split(space(30000), ' ')) a) x CROSS JOIN (SELECT explode(split(space(30000), ' ')) b) y CROSS JOIN (SELECT explode(split(space(30000), ' ')) c) z WHERE length(concat(a, b, c)) > 5", 0)
	if !slow.HasResultSet {
		t.Error("a query has rows")
	}
	r, err := c.CancelOperation(t.Context(), &hiveserver.TCancelOperationReq{OperationHandle: slow})
	c.fine(r.GetStatus(), err)
	if st := c.status(slow); *st.OperationState != hiveserver.TOperationState_CANCELED_STATE {
		t.Errorf("after a cancel: %v", st)
	}
	timed := c.begin(s, "SELECT count(*) FROM (SELECT explode(split(space(30000), ' ')) a) x CROSS JOIN (SELECT explode(split(space(30000), ' ')) b) y CROSS JOIN (SELECT explode(split(space(30000), ' ')) c) z WHERE length(concat(a, b, c)) > 5", 1)
	for state := hiveserver.TOperationState_RUNNING_STATE; state != hiveserver.TOperationState_TIMEDOUT_STATE; {
		switch state = *c.status(timed).OperationState; state {
		case hiveserver.TOperationState_RUNNING_STATE, hiveserver.TOperationState_PENDING_STATE, hiveserver.TOperationState_TIMEDOUT_STATE:
		default:
			t.Fatalf("a statement with a timeout is in %v", state)
		}
	}

	// The rows again from the first, in either form.
	for version, columns := range map[hiveserver.TProtocolVersion]int{
		hiveserver.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V5: 0, hiveserver.TProtocolVersion_HIVE_CLI_SERVICE_PROTOCOL_V6: 2,
	} {
		s := c.open(version)
		op := c.begin(s, "SELECT * FROM (VALUES (1, 'a'), (2, NULL)) AS t(n, s)", 0)
		for _, way := range []hiveserver.TFetchOrientation{
			hiveserver.TFetchOrientation_FETCH_NEXT, hiveserver.TFetchOrientation_FETCH_FIRST,
		} {
			set := c.fetch(op, way, 10)
			if len(set.Columns) != columns || columns == 0 && len(set.Rows) != 2 {
				t.Fatalf("%v %v: %v", version, way, set)
			}
			if columns == 0 && (*set.Rows[1].ColVals[0].I32Val.Value != 2 || set.Rows[1].ColVals[1].StringVal.Value != nil) {
				t.Errorf("rows: %v", set.Rows)
			}
			if columns > 0 && (set.Columns[0].I32Val.Values[1] != 2 || set.Columns[1].StringVal.Nulls[0] != 2) {
				t.Errorf("columns: %v", set.Columns)
			}
		}
		c.close(s)
	}

	insert := c.begin(s, "CREATE TABLE w AS SELECT 1 AS a UNION ALL SELECT 2", 0)
	st := c.status(insert)
	if *st.OperationState != hiveserver.TOperationState_FINISHED_STATE || *st.HasResultSet || *st.NumModifiedRows != 2 {
		t.Errorf("CTAS: %v", st)
	}
	closed, err := c.CloseOperation(t.Context(), &hiveserver.TCloseOperationReq{OperationHandle: insert})
	c.fine(closed.GetStatus(), err)
	gone, err := c.GetOperationStatus(t.Context(), &hiveserver.TGetOperationStatusReq{OperationHandle: insert})
	if err != nil || gone.Status.StatusCode != hiveserver.TStatusCode_INVALID_HANDLE_STATUS {
		t.Errorf("a closed statement: %v %v", gone, err)
	}

	// What its client leaves is closed with its connection.
	open := c.begin(s, "SELECT i FROM (SELECT 1) x LATERAL VIEW posexplode(split(space(99999), ' ')) p AS i, v", 0)
	c.status(open)
	c.transport.Close()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for service.Sessions() > 0 {
		<-tick.C
	}
}
