package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/beltran/gohive"
	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/bcrypt"

	"github.com/skepdata/skep/internal/thrift"
)

// startServe runs hiveql serve --hms until the test ends, and gives the addresses that it listens at.
func (i *installation) startServe(args ...string) (hms, monitor string) {
	i.t.Helper()
	return i.startServer("--hms", args...)
}

// startServer is startServe for the protocol of a flag.
func (i *installation) startServer(flag string, args ...string) (hms, monitor string) {
	i.t.Helper()
	args = append([]string{"serve", flag, "127.0.0.1:0", "--monitor", "127.0.0.1:0"}, args...)
	cmd := exec.Command(i.bin, args...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+i.dir, "XDG_CACHE_HOME="+i.dir, "XDG_CONFIG_HOME="+i.dir)
	cmd.Env = append(cmd.Env, i.more...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		i.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	address := regexp.MustCompile(`address=(\S+)`)
	lines := bufio.NewScanner(stderr)
	for hms == "" && lines.Scan() {
		m := address.FindStringSubmatch(lines.Text())
		switch {
		case m != nil && strings.Contains(lines.Text(), "monitoring"):
			monitor = m[1]
		case m != nil:
			hms = m[1]
		}
	}
	rest := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(stderr)
		rest <- string(text)
	}()
	i.t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			i.t.Error(err)
		}
		text := <-rest
		if err := cmd.Wait(); err != nil || !strings.Contains(text, "msg=stopped") {
			i.t.Errorf("hiveql serve: %v\n%s", err, text)
		}
	})
	return hms, monitor
}

// table of the wire, as far as this test needs it.
type wireTable struct {
	Name       string            `thrift:"1"`
	DB         string            `thrift:"2"`
	Storage    wireStorage       `thrift:"7"`
	Parameters map[string]string `thrift:"9"`
	Type       string            `thrift:"12"`
	Unknown    thrift.Unknown
}

type wireStorage struct {
	Columns  []wireColumn `thrift:"1"`
	Location string       `thrift:"2"`
	Unknown  thrift.Unknown
}

type wireColumn struct {
	Name string `thrift:"1"`
	Type string `thrift:"2"`
}

// TestServe: what hiveql makes others see, and the other way round.
func TestServe(t *testing.T) {
	i := install(t)
	i.run("CREATE TABLE t (a INT) STORED AS TEXTFILE; INSERT INTO t VALUES (1), (2)")
	address, monitor := i.startServe()
	c, err := thrift.Dialer{Address: address}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	type twoNames struct {
		DB   string `thrift:"1"`
		Name string `thrift:"2"`
	}
	var got wireTable
	if err := c.Call(t.Context(), "get_table", &twoNames{"default", "t"}, &got); err != nil {
		t.Fatal(err)
	}
	if got.Type != "MANAGED_TABLE" || len(got.Storage.Columns) != 1 || got.Storage.Columns[0].Type != "int" {
		t.Errorf("%+v", got)
	}
	for name := range got.Parameters {
		if strings.HasPrefix(name, "skep.") {
			t.Errorf("%s is shown", name)
		}
	}
	got.Name = "u"
	if err := c.Call(t.Context(), "alter_table", &struct {
		DB    string     `thrift:"1"`
		Name  string     `thrift:"2"`
		Table *wireTable `thrift:"3"`
	}{"default", "t", &got}, nil); err != nil {
		t.Fatal(err)
	}
	if rows := i.run("SELECT a FROM u"); strings.Join(rows, ",") != "1,2" { // the data moved along
		t.Errorf("%v", rows)
	}
	if _, err := os.Stat(filepath.Join(i.dir, "skep", "warehouse", "t")); !os.IsNotExist(err) {
		t.Errorf("the old directory: %v", err)
	}
	if err := c.Call(t.Context(), "drop_table", &struct {
		DB     string `thrift:"1"`
		Name   string `thrift:"2"`
		Delete bool   `thrift:"3"`
	}{"default", "u", true}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(i.dir, "skep", "warehouse", "u")); !os.IsNotExist(err) {
		t.Errorf("the directory of the dropped table: %v", err)
	}
	for path, want := range map[string]string{
		"/health": "ok\n", "/metrics": `skep_hms_calls_total{method="get_table",result="ok"} 1`,
	} {
		r, err := http.Get("http://" + monitor + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v\n%s", path, err, body)
		}
	}
}

// TestServeQueries: HiveQL on the same tables, for a client of HiveServer2, whose user is not the
// server's, and who sees nothing of its environment and changes nothing.
func TestServeQueries(t *testing.T) {
	i := install(t)
	i.run("CREATE TABLE t (a INT) STORED AS TEXTFILE; INSERT INTO t VALUES (1), (2)")
	address, monitor := i.startServer("--hs2", "--hiveconf", "my.setting=7", "--read-only")
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	c := gohive.NewConnectConfiguration()
	c.Username = "ann"
	conn, err := gohive.Connect(host, number, "NONE", c)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cursor := conn.Cursor()
	defer cursor.Close()
	cursor.Exec(t.Context(), "SELECT sum(a), current_user(), '${hiveconf:my.setting}', '${env:PATH}' FROM t")
	if cursor.Err != nil {
		t.Fatal(cursor.Err)
	}
	var sum int64
	var user, setting, path string
	if cursor.FetchOne(t.Context(), &sum, &user, &setting, &path); cursor.Err != nil {
		t.Fatal(cursor.Err)
	}
	if sum != 3 || user != "ann" || setting != "7" || path != "${env:PATH}" {
		t.Errorf("%d %s %s %s", sum, user, setting, path)
	}
	r, err := http.Get("http://" + monitor + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if want := `skep_hs2_calls_total{method="ExecuteStatement",result="ok"} 1`; err != nil || !strings.Contains(string(body), want) {
		t.Errorf("%v\n%s", err, body)
	}
	cursor.Exec(t.Context(), "DROP TABLE t")
	if cursor.Err == nil || !strings.Contains(cursor.Err.Error(), "DROP TABLE is refused: this service is read-only") {
		t.Errorf("got %v", cursor.Err)
	}
}

// TestServeStatistics: what ANALYZE finds out others see, and what they say DESCRIBE shows.
func TestServeStatistics(t *testing.T) {
	i := install(t)
	i.run("CREATE TABLE t (a INT NOT NULL, s STRING) STORED AS TEXTFILE; INSERT INTO t VALUES (1, 'x'), (-7, 'abc'); ANALYZE TABLE t COMPUTE STATISTICS FOR COLUMNS")
	address, _ := i.startServe()
	c, err := thrift.Dialer{Address: address}.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	type long struct {
		Low      *int64 `thrift:"1"`
		High     *int64 `thrift:"2"`
		Nulls    int64  `thrift:"3"`
		Distinct int64  `thrift:"4"`
	}
	type object struct {
		Column string `thrift:"1"`
		Type   string `thrift:"2"`
		Data   struct {
			Long *long `thrift:"2"`
		} `thrift:"3"`
	}
	type statistics struct {
		About struct {
			OfTable bool   `thrift:"1"`
			DB      string `thrift:"2"`
			Name    string `thrift:"3"`
		} `thrift:"1"`
		Objects []*object `thrift:"2"`
	}
	get := &struct {
		DB     string `thrift:"1"`
		Name   string `thrift:"2"`
		Column string `thrift:"3"`
	}{"default", "t", "a"}
	var got statistics
	if err := c.Call(t.Context(), "get_table_column_statistics", get, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Objects) != 1 || got.Objects[0].Data.Long == nil {
		t.Fatalf("got %+v", got)
	}
	if l := got.Objects[0].Data.Long; *l.Low != -7 || *l.High != 1 || l.Nulls != 0 || l.Distinct != 2 {
		t.Errorf("got %+v", l)
	}
	var constraints struct {
		NotNull []struct {
			Column string `thrift:"4"`
		} `thrift:"1"`
	}
	if err := c.Call(t.Context(), "get_not_null_constraints", &struct {
		Request struct {
			Catalog string `thrift:"1"`
			DB      string `thrift:"2"`
			Name    string `thrift:"3"`
		} `thrift:"1"`
	}{struct {
		Catalog string `thrift:"1"`
		DB      string `thrift:"2"`
		Name    string `thrift:"3"`
	}{"hive", "default", "t"}}, &constraints); err != nil || len(constraints.NotNull) != 1 || constraints.NotNull[0].Column != "a" {
		t.Errorf("%v %+v", err, constraints)
	}
	low := int64(-99)
	got.Objects[0].Data.Long.Low = &low
	if err := c.Call(t.Context(), "update_table_column_statistics", &struct {
		Statistics *statistics `thrift:"1"`
	}{&got}, nil); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(i.run("DESCRIBE FORMATTED t a"), "\n"); !strings.Contains(text, "-99") {
		t.Errorf("got %s", text)
	}
}

// TestServeUsers: who has no login, or a wrong one, gets nothing.
func TestServeUsers(t *testing.T) {
	i := install(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(i.dir, "users")
	if err := os.WriteFile(users, []byte("# who\nann:"+string(hash)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address, _ := i.startServe("--users", users, "--read-only")
	for _, test := range []struct {
		user, password string
		ok             bool
	}{{"ann", "secret", true}, {"ann", "secret", true}, {"ann", "wrong", false}, {"bob", "secret", false}, {"", "", false}} {
		c, err := thrift.Dialer{Address: address, User: test.user, Password: test.password}.Dial(t.Context())
		if err == nil {
			var names []string
			err = c.Call(t.Context(), "get_all_databases", &struct{}{}, &names)
			c.Close()
		}
		if (err == nil) != test.ok {
			t.Errorf("%s, %s: %v", test.user, test.password, err)
		}
	}
}

// serveScript is the command serve NAME of the scripts: it serves the metastore of the script until its end. $NAME becomes the
// address, $DATABASE the URL of the metastore and $WAREHOUSE the directory of the tables.
func serveScript(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: serve NAME")
	}
	bin, err := exec.LookPath("hiveql")
	ts.Check(err)
	cmd := exec.Command(bin, "serve", "--hms", "127.0.0.1:0", "--log-calls=false")
	for _, name := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "PATH", "HOME"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	stderr, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(stderr)
	address := regexp.MustCompile(`address=(\S+)`)
	for ts.Getenv(args[0]) == "" && lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			ts.Setenv(args[0], m[1])
		}
	}
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, stderr)
		close(drained)
	}()
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		ts.Check(cmd.Wait())
	})
	data := ts.Getenv("XDG_DATA_HOME")
	ts.Setenv("DATABASE", "sqlite://"+filepath.Join(data, "skep", "metastore.db"))
	ts.Setenv("WAREHOUSE", filepath.Join(data, "skep", "warehouse"))
}
