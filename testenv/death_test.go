package testenv_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skepdata/skep/testenv"
)

// childEnv makes this test binary a program that starts the named server, prints its
// address and run directories, and waits to be killed.
const childEnv = "SKEP_TESTENV_CHILD"

func TestMain(m *testing.M) {
	if kind := os.Getenv(childEnv); kind != "" {
		os.Exit(child(kind))
	}
	os.Exit(m.Run())
}

func child(kind string) int {
	var address string
	var err error
	switch kind {
	case "minio":
		var s *testenv.S3Server
		if s, err = testenv.StartMinIO(context.Background(), ""); err == nil {
			address = strings.TrimPrefix(s.Endpoint, "http://")
		}
	case "postgres":
		address, err = databaseAddress(testenv.StartPostgres)
	case "mariadb":
		address, err = databaseAddress(testenv.StartMariaDB)
	default:
		err = fmt.Errorf("unknown kind of server %q", kind)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(address)
	if os.Getenv(childEnv+"_EXIT") != "" {
		return 0 // without stopping anything, as a test binary ends
	}
	select {}
}

func databaseAddress(start func(context.Context, string) (*testenv.DatabaseServer, error)) (string, error) {
	s, err := start(context.Background(), "")
	if err != nil {
		return "", err
	}
	u, err := url.Parse(s.URL)
	return u.Host, err
}

// TestServerEndsWithItsStarter kills the process that started a server at once, or lets it
// end without stopping anything, and expects neither a server nor a directory to be left.
func TestServerEndsWithItsStarter(t *testing.T) {
	for _, kind := range []string{"minio", "postgres", "mariadb"} {
		for _, killed := range []bool{true, false} {
			name := kind + "/exit"
			if killed {
				name = kind + "/kill"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				tmp := serverTempDir(t)
				env := []string{"TMPDIR=" + tmp}
				if !killed {
					env = append(env, childEnv+"_EXIT=1")
				}
				cmd, address := startChild(t, kind, env...)
				if killed {
					if err := dial(address); err != nil {
						t.Errorf("the server does not serve: %v", err)
					}
					if err := cmd.Process.Kill(); err != nil {
						t.Error(err)
					}
				}
				if err := cmd.Wait(); !killed && err != nil {
					t.Fatal(err)
				}
				eventually(t, "the server is gone", func() bool { return dial(address) != nil })
				eventually(t, "its directory is gone", func() bool { return len(runDirs(t, tmp)) == 0 })
			})
		}
	}
}

// startChild runs this test binary as a program that starts a server, and returns the
// server's address.
func startChild(t *testing.T, kind string, env ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"="+kind), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Wait()
		t.Fatalf("the child has started no server: %v", err)
	}
	return cmd, strings.TrimSpace(line)
}

// serverTempDir is a temporary directory that servers of other accounts can reach, which
// t.TempDir is not.
func serverTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "testenv-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777|fs.ModeSticky); err != nil {
		t.Fatal(err)
	}
	return dir
}

func runDirs(t *testing.T, tmp string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(tmp, "skep-testenv-*"))
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func dial(address string) error {
	if address == "" {
		return errors.New("no address")
	}
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	return conn.Close()
}

// eventually polls, for real processes take real time to end.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("after 20 seconds, not so: %s", what)
		case <-tick.C:
		}
	}
}

// TestServerEndsWithoutItsJanitor kills the janitor before the process that started the
// server: the kernel then ends the server, and the next start removes the directory.
func TestServerEndsWithoutItsJanitor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux ends a process with its parent")
		return
	}
	tmp := serverTempDir(t)
	cmd, address := startChild(t, "minio", "TMPDIR="+tmp)
	for _, pid := range childrenOf(t, cmd.Process.Pid, "sh") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait()
	eventually(t, "the server is gone", func() bool { return dial(address) != nil })
	left := runDirs(t, tmp)
	if len(left) != 1 {
		t.Fatalf("run directories %v, want the dead server's", left)
	}

	t.Setenv("TMPDIR", tmp)
	eventually(t, "another start has removed the directory", func() bool {
		s, err := testenv.StartMinIO(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
		return len(runDirs(t, tmp)) == 0
	})
}

// childrenOf lists the children of a process that run the named program.
func childrenOf(t *testing.T, parent int, program string) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended meanwhile
		}
		var pid, ppid int
		var name, state string
		if _, err := fmt.Sscanf(string(text), "%d %s %s %d", &pid, &name, &state, &ppid); err != nil {
			continue
		}
		if ppid == parent && name == "("+program+")" {
			pids = append(pids, pid)
		}
	}
	if len(pids) == 0 {
		t.Fatalf("process %d has no child %s", parent, program)
	}
	return pids
}
