package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	ldapserver "github.com/vjeantet/ldapserver"

	"github.com/skepdata/skep/testenv"
)

func TestMain(m *testing.M) {
	ldapserver.Logger = log.New(io.Discard, "", 0) // of all servers, also those that still run when the next test begins
	testscript.Main(m, map[string]func(){"hiveql": main})
}

// The scripts in testdata/script run the program with a metastore, a warehouse and an S3 bucket,
// $BUCKET, of their own.
//
// With -update, the files that scripts compare output with are replaced by the output.
var update = flag.Bool("update", false, "replace the expected output in testdata/script by what is found")

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){"serve": serveScript},
		Setup: func(env *testscript.Env) error {
			s3 := testenv.MinIO(t)
			for _, pair := range s3.Env() {
				name, value, _ := strings.Cut(pair, "=")
				env.Setenv(name, value)
			}
			env.Setenv("BUCKET", s3.Bucket)
			for _, name := range []string{"DATA", "CONFIG", "CACHE"} {
				env.Setenv("XDG_"+name+"_HOME", filepath.Join(env.WorkDir, "."+strings.ToLower(name)))
			}
			return nil
		},
	})
}

// installation is a metastore and a warehouse that several runs of the program share.
type installation struct {
	t   *testing.T
	dir string
	bin string
	// more is what else is in the environment, and flags what else stands on the command line.
	more, flags []string
}

func install(t *testing.T) *installation {
	t.Helper()
	bin, err := exec.LookPath("hiveql") // testscript.Main has put the program on PATH
	if err != nil {
		t.Fatal(err)
	}
	return &installation{t: t, dir: t.TempDir(), bin: bin}
}

func (i *installation) command(ctx context.Context, sql string) (*exec.Cmd, *bytes.Buffer, *bytes.Buffer) {
	cmd := exec.CommandContext(ctx, i.bin, append(slices.Clone(i.flags), "-S", "--outputformat", "raw", "-e", sql)...)
	cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+i.dir, "XDG_CACHE_HOME="+i.dir, "XDG_CONFIG_HOME="+i.dir)
	cmd.Env = append(cmd.Env, i.more...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	return cmd, &stdout, &stderr
}

// run runs statements and gives the lines they print, sorted.
func (i *installation) run(sql string) []string {
	i.t.Helper()
	cmd, stdout, stderr := i.command(i.t.Context(), sql)
	if err := cmd.Run(); err != nil {
		i.t.Fatalf("%s: %v\n%s", sql, err, stderr)
	}
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// TestKilledOverwrites kills INSERT OVERWRITE at random moments. What is then read is the old
// or the new rows, and the same statement run again does what it should.
func TestKilledOverwrites(t *testing.T) {
	i := install(t)
	i.run(`CREATE TABLE t (a INT) PARTITIONED BY (ds STRING);
		INSERT INTO t PARTITION (ds) VALUES (0, 'x'), (0, 'y')`)
	start := time.Now()
	i.run("INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (0, 'x'), (0, 'y')")
	whole := time.Since(start)
	old, killed := 0, 0
	for n := 1; n <= 12; n++ {
		sql := fmt.Sprintf("INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (%d, 'x'), (%d, 'y')", n, n)
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.Int64N(int64(whole)*3/2)))
		cmd, _, _ := i.command(ctx, sql) // the context's end is a SIGKILL
		if cmd.Run() != nil {
			killed++
		}
		cancel()
		got := i.run("SELECT a, ds FROM t")
		was := []string{fmt.Sprintf("%d\tx", old), fmt.Sprintf("%d\ty", old)}
		now := []string{fmt.Sprintf("%d\tx", n), fmt.Sprintf("%d\ty", n)}
		if !slices.Equal(got, was) && !slices.Equal(got, now) {
			t.Fatalf("after a killed %s: %q", sql, got)
		}
		i.run(sql)
		if got := i.run("SELECT a, ds FROM t"); !slices.Equal(got, now) {
			t.Fatalf("after %s again: %q", sql, got)
		}
		old = n
	}
	t.Logf("%d of 12 were killed", killed)
	i.checkFiles("t", 2)
}

// checkFiles counts the files of a table: those that killed statements left must be gone.
func (i *installation) checkFiles(table string, want int) {
	i.t.Helper()
	var files []string
	root := filepath.Join(i.dir, "skep", "warehouse", table)
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasPrefix(d.Name(), ".") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		i.t.Fatal(err)
	}
	if len(files) != want {
		i.t.Errorf("%d files, want %d: %q", len(files), want, files)
	}
}

// TestTwoProcesses lets processes write and read through one SQLite metastore at once.
func TestTwoProcesses(t *testing.T) {
	i := install(t)
	i.run("CREATE TABLE t (a INT) PARTITIONED BY (p INT); CREATE TABLE seen (n BIGINT)")
	var wg sync.WaitGroup
	for p := range 2 {
		wg.Go(func() {
			var sql strings.Builder
			for n := range 8 {
				fmt.Fprintf(&sql, "INSERT INTO t PARTITION (p=%d) VALUES (%d); CREATE TABLE x%d_%d (a INT); ", n%3, n, p, n)
				fmt.Fprintf(&sql, "INSERT INTO seen SELECT count(*) FROM t; SHOW PARTITIONS t; ")
			}
			cmd, _, stderr := i.command(t.Context(), sql.String())
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%s", err, stderr)
			}
		})
	}
	wg.Wait()
	if got := i.run("SELECT count(*) FROM t"); got[0] != "16" {
		t.Errorf("%s rows of 16 inserts", got[0])
	}
	if got := i.run("SELECT count(*) FROM seen"); got[0] != "16" {
		t.Errorf("%s counts of 16", got[0])
	}
	if got := i.run("SHOW TABLES 'x*'"); len(got) != 16 {
		t.Errorf("%d tables of 16", len(got))
	}
}

// TestTwoOverwriters lets processes replace one partition at once, and add to another. One of them is
// the last, and its rows are there and no others; what is added is all there.
func TestTwoOverwriters(t *testing.T) {
	i := install(t)
	i.run("CREATE TABLE t (a INT) PARTITIONED BY (ds STRING)")
	var wg sync.WaitGroup
	for p := range 3 {
		wg.Go(func() {
			var sql strings.Builder
			for n := range 5 {
				fmt.Fprintf(&sql, "INSERT OVERWRITE TABLE t PARTITION (ds='o') VALUES (%[1]d), (%[1]d), (%[1]d); ", 10*p+n)
				fmt.Fprintf(&sql, "INSERT INTO t PARTITION (ds='i') VALUES (%d); OPTIMIZE TABLE t; ", 10*p+n)
			}
			cmd, _, stderr := i.command(t.Context(), sql.String())
			if err := cmd.Run(); err != nil {
				t.Errorf("%v\n%s", err, stderr)
			}
		})
	}
	wg.Wait()
	if got := i.run("SELECT a FROM t WHERE ds = 'o'"); len(got) != 3 || got[0] != got[1] || got[1] != got[2] {
		t.Errorf("after overwrites: %q", got)
	}
	if got := i.run("SELECT DISTINCT a FROM t WHERE ds = 'i'"); len(got) != 15 {
		t.Errorf("%d of 15 rows: %q", len(got), got)
	}
	if got := i.run("SELECT count(*) FROM t WHERE ds = 'i'"); got[0] != "15" {
		t.Errorf("%s of 15 rows", got[0])
	}
}

// TestInterrupt sends SIGINT to a query that would run for minutes.
func TestInterrupt(t *testing.T) {
	i := install(t)
	i.run("CREATE TABLE n (a INT); INSERT INTO n VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
	sql := "SELECT 'begun'; SELECT count(*) FROM n a, n b, n c, n d, n e, n f, n g, n h, n i, n j, n k " +
		"WHERE a.a + b.a + c.a + d.a + e.a + f.a + g.a + h.a + i.a + j.a + k.a > 50"
	cmd, _, stderr := i.command(t.Context(), sql)
	begun := make(chan struct{})
	cmd.Stdout = writerFunc(func(p []byte) (int, error) {
		if bytes.HasPrefix(p, []byte("begun")) {
			close(begun)
		}
		return len(p), nil
	})
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-begun
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_ = cmd.Wait() // the exit code is looked at below
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("exit code %d", code)
	}
	if got := stderr.String(); got != "hiveql: interrupted\n" {
		t.Errorf("standard error: %q", got)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v to end", took)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
