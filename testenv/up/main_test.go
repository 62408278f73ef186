package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the test binary be the command itself.
func TestMain(m *testing.M) {
	if os.Getenv("SKEP_UP_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// TestServesUntilInterrupted starts the command twice on one directory: the servers are
// there while it runs, gone after SIGTERM, and find their data again.
func TestServesUntilInterrupted(t *testing.T) {
	dir, err := os.MkdirTemp("", "testenv-up-") // where the servers' accounts can reach it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--dir", dir, "--bucket", "lake", "--postgres", "--mariadb"},
		{"--dir", dir, "--postgres", "--mariadb"},
	} {
		env, stop := up(t, args...)
		resp, err := http.Get(env["AWS_ENDPOINT_URL_S3"] + "/lake")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden { // an unknown bucket would be 404
			t.Errorf("%v: GET /lake without credentials: %s", args, resp.Status)
		}
		for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "SKEP_TEST_POSTGRES_URL", "SKEP_TEST_MYSQL_URL"} {
			if env[name] == "" {
				t.Errorf("%v: %s is not exported", args, name)
			}
		}
		stop()
		if resp, err := http.Get(env["AWS_ENDPOINT_URL_S3"]); err == nil {
			resp.Body.Close()
			t.Errorf("%v: the server outlived the command", args)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "minio", "data", "lake")); err != nil {
		t.Errorf("the data was not kept: %v", err)
	}
}

// up starts the command and returns what it exports, and a function that ends it cleanly.
func up(t *testing.T, args ...string) (map[string]string, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), "SKEP_UP_COMMAND=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It says that it serves once everything is exported.
	said := bufio.NewReader(log)
	for {
		line, err := said.ReadString('\n')
		if err != nil {
			t.Fatalf("the command ended early, saying %q", line)
		}
		if strings.Contains(line, "serving") {
			break
		}
	}
	env := map[string]string{}
	lines := bufio.NewReader(out)
	for len(env) < 6 {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("exports end after %v", env)
		}
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env[name] = strings.Trim(value, "'")
	}
	return env, func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if rest, err := io.ReadAll(said); err != nil || len(rest) > 0 {
			t.Errorf("the command also said %q, %v", rest, err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the command ended with %v", err)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args       []string
		code       int
		out, error string
	}{
		{[]string{"--help"}, 0, "", "usage: go run ./testenv/up"},
		{[]string{"--bogus"}, 2, "", "unknown flag: --bogus"},
		{[]string{"now"}, 2, "", `unexpected argument "now"`},
		{[]string{"--compose"}, 0, "export SKEP_TEST_S3_ENDPOINT='http://127.0.0.1:", ""},
	} {
		var out, log strings.Builder
		code := run(t.Context(), c.args, &out, &log)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(log.String(), c.error) {
			t.Errorf("%v: code %d, stdout %q, stderr %q", c.args, code, out.String(), log.String())
		}
	}
}
