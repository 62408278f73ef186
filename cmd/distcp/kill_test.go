package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/skepdata/skep/testenv"
)

// program is the test binary run as distcp.
func program(ctx context.Context, t *testing.T, s3 *testenv.S3, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("distcp") // testscript.Main has put it on PATH
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), s3.Env()...)
	home := filepath.Join(filepath.Dir(t.TempDir()), "home") // one for the runs of a test
	cmd.Env = append(cmd.Env, "XDG_DATA_HOME="+filepath.Join(home, "data"), "XDG_STATE_HOME="+filepath.Join(home, "state"),
		"XDG_CONFIG_HOME="+t.TempDir())
	return cmd
}

func mustRun(t *testing.T, s3 *testenv.S3, args ...string) {
	t.Helper()
	if out, err := program(t.Context(), t, s3, args...).CombinedOutput(); err != nil {
		t.Fatalf("distcp %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// tree makes many small files and some that are written in parts.
func tree(t *testing.T, small, large int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range small + large {
		size := 1 + i*37%3000
		if i >= small {
			size = 11<<20 + i
		}
		path := filepath.Join(dir, fmt.Sprintf("d%d", i%7), fmt.Sprintf("f-%04d", i))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, randomText(uint64(i), size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const smallFiles, largeFiles = 120, 2

// However often and whenever distcp is killed, what is visible is whole, and the same command
// then completes the job as if nothing had happened.
func TestKilledAndRunAgain(t *testing.T) {
	s3 := testenv.MinIO(t)
	src := tree(t, smallFiles, largeFiles)
	mustRun(t, s3, "--src", src, "--dest", s3.URL("src/"), "--quiet")
	for name, job := range map[string]struct{ src, dest string }{
		"files to S3":           {src, s3.URL("up/")},
		"S3 to files":           {s3.URL("src/"), filepath.Join(t.TempDir(), "down")},
		"on the server":         {s3.URL("src/"), s3.URL("copy/")},
		"S3 to the block store": {s3.URL("src/"), "block://killed/x/"},
	} {
		t.Run(name, func(t *testing.T) {
			blocks := filepath.Join(t.TempDir(), "blocks")
			args := []string{
				"--src", job.src, "--dest", job.dest, "--outputManifest=manifest.gz", "--multipartUploadChunkSize=5",
				"--blockRoot", blocks, "--quiet",
			}
			started := time.Now()
			calibrate := append([]string{}, args...)
			calibrate[3] = strings.TrimSuffix(job.dest, "/") + "-whole/"
			mustRun(t, s3, calibrate...)
			whole := time.Since(started)

			random := rand.New(rand.NewPCG(uint64(len(name)), 1))
			for range 5 {
				kill(t, s3, args, time.Duration(random.Int64N(int64(whole))))
				wantNothingPartial(t, s3, job.src, job.dest, blocks)
			}
			mustRun(t, s3, args...)
			mustRun(t, s3, "verify", job.src, job.dest, "--blockRoot", blocks, "--quiet")
			wantNoLeftovers(t, job.dest)
		})
	}
}

// kill runs distcp and kills it after the given time, unless it has ended by then.
func kill(t *testing.T, s3 *testenv.S3, args []string, after time.Duration) {
	t.Helper()
	cmd := program(t.Context(), t, s3, args...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil && !strings.Contains(err.Error(), "killed") {
		t.Fatalf("%v: %s", err, &output)
	}
}

// wantNothingPartial compares whatever is at the destination with its source.
func wantNothingPartial(t *testing.T, s3 *testenv.S3, src, dest, blocks string) {
	t.Helper()
	out, err := program(t.Context(), t, s3, "verify", src, dest, "--blockRoot", blocks, "--quiet").Output()
	if err == nil {
		return
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "missing ") {
			t.Errorf("after a kill: %s", line)
		}
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(out) == 0 && !strings.Contains(string(exit.Stderr), "no block store") { // killed before the first write
		t.Errorf("verify: %v: %s", err, exit.Stderr)
	}
}

// wantNoLeftovers looks for files that a killed process may have left, which no listing shows.
func wantNoLeftovers(t *testing.T, dest string) {
	t.Helper()
	if strings.Contains(dest, "://") {
		return
	}
	files := 0
	err := filepath.WalkDir(dest, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := smallFiles + largeFiles + 1; files != want {
		t.Errorf("%d files at the destination, want %d, one of them the manifest", files, want)
	}
}

// Compaction that deletes its sources is killed at random moments while new files arrive: in the
// end every file is in exactly one output.
func TestKilledCompaction(t *testing.T) {
	s3 := testenv.MinIO(t)
	var names []string
	put := func(n int) {
		dir := t.TempDir()
		for range n {
			name := fmt.Sprintf("<%04d>", len(names))
			path := filepath.Join(dir, fmt.Sprintf("g%d-%04d", len(names)%3, len(names)))
			if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
				t.Fatal(err)
			}
			names = append(names, name)
		}
		mustRun(t, s3, "--src", dir, "--dest", s3.URL("in/"), "--quiet")
	}
	args := []string{
		"--src", s3.URL("in/"), "--dest", s3.URL("out/"), "--groupBy", `.*/(g\d)-\d+`, "--deleteOnSuccess", "--workers=2", "--quiet",
	}
	random := rand.New(rand.NewPCG(5, 5))
	for range 8 {
		put(60)
		kill(t, s3, args, time.Duration(random.Int64N(int64(150*time.Millisecond))))
	}
	put(1)
	mustRun(t, s3, args...)
	listing, err := program(t.Context(), t, s3, "ls", s3.URL("out/")).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for line := range strings.Lines(string(listing)) {
		fields := strings.Fields(line)
		content, err := program(t.Context(), t, s3, "cat", fields[len(fields)-1]).Output()
		if err != nil {
			t.Fatal(err)
		}
		all += string(content)
	}
	for _, name := range names {
		if n := strings.Count(all, name); n != 1 {
			t.Errorf("%s is there %d times", name, n)
		}
	}
	if len(all) != len(names)*len(names[0]) {
		t.Errorf("%d bytes in all outputs:\n%s", len(all), listing)
	}
}

func TestInterrupted(t *testing.T) {
	s3 := testenv.MinIO(t)
	const files = 1000
	src := tree(t, files, 0)
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		dest := t.TempDir()
		cmd := program(t.Context(), t, s3, "--src", src, "--dest", dest, "--json")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// The events are more than the pipe holds, so the copy cannot end before they are read.
		if _, err := stdout.Read(make([]byte, 1)); err != nil {
			t.Fatal(err, stderr.String())
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		awaitText(t, cmd, stdout)
		code := cmd.ProcessState.ExitCode()
		if code != exitInterrupted || !strings.Contains(stderr.String(), "distcp: interrupted") {
			t.Errorf("%v: exit code %d, %s", sig, code, &stderr)
		}
		wantNothingPartial(t, s3, src, dest, t.TempDir())
		mustRun(t, s3, "--src", src, "--dest", dest)
		mustRun(t, s3, "verify", "--exact", src, dest)
	}
}

// awaitText reads the rest of what a program prints and waits for its end.
func awaitText(t *testing.T, cmd *exec.Cmd, stdout io.Reader) {
	t.Helper()
	if _, err := io.Copy(io.Discard, stdout); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
}

func TestStaticBinary(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "distcp")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("distcp is %.1f MiB", float64(info.Size())/(1<<20))
	if info.Size() > 40<<20 {
		t.Error("that is too much")
	}
	if out, err := exec.CommandContext(t.Context(), binary, "--version").CombinedOutput(); err != nil || string(out) != "distcp dev\n" {
		t.Errorf("%v: %s", err, out)
	}
}
