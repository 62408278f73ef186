package blockstore

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

const limitRoots = "SKEP_TEST_LIMIT_ROOTS" // of the store, for the process of TestFilesCannotGrow

// TestFilesCannotGrow has the system refuse writes of the database to its log, at many places in the middle of a
// commit. What was confirmed is there, what failed is not, and the same process goes on.
func TestFilesCannotGrow(t *testing.T) {
	t.Parallel()
	roots := []string{t.TempDir(), t.TempDir()}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFilesCannotGrowProcess$")
	cmd.Env = append(os.Environ(), limitRoots+"="+strings.Join(roots, ":"))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), stderr.String())
	}
	b := openAt(t, "test", testBlock, roots...)
	there := map[string]bool{}
	for _, key := range list(t, b) {
		there[key] = true
	}
	confirmed, failed := 0, 0
	for line := range strings.Lines(out.String()) {
		var what, key string
		if n, _ := fmt.Sscan(line, &what, &key); n != 2 || what != "confirmed" && what != "failed" {
			continue
		}
		if what == "confirmed" {
			confirmed++
		} else if failed++; strings.Contains(line, "journal") {
			t.Errorf("it was not the database that failed: %s", line)
		}
		if there[key] != (what == "confirmed") {
			t.Errorf("%s %s; it is there: %v", key, what, there[key])
		}
	}
	if confirmed == 0 || failed == 0 {
		t.Errorf("%d changes were confirmed and %d failed, want some of both", confirmed, failed)
	}
	put(t, b, "by/the/next/writer", "x")
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	wantKinds(t, openStoreOf(t, b), CheckOptions{Deep: true}, "")
}

// TestFilesCannotGrowProcess is run by TestFilesCannotGrow in a process of its own.
func TestFilesCannotGrowProcess(t *testing.T) {
	roots := os.Getenv(limitRoots)
	if roots == "" {
		return
	}
	signal.Ignore(unix.SIGXFSZ) // the write fails then
	var usual unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &usual); err != nil {
		t.Fatal(err)
	}
	limit := func(size uint64) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: size, Max: usual.Max}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 20 {
		b := openAt(t, "test", testBlock, strings.Split(roots, ":")...)
		create := func(what string) error {
			w, err := b.Create(t.Context(), fmt.Sprintf("%s/%d", what, i), storage.CreateOptions{})
			if err == nil {
				_, err = w.Write(bytes.Repeat([]byte{'x'}, inlineSize))
			}
			if err == nil {
				_, err = w.Commit()
			}
			return err
		}
		for _, what := range []string{"a", "b", "c", "d", "limited", "after"} { // the log grows faster than the journal
			if what == "limited" {
				info, err := os.Stat(b.open.ns.path + "-wal")
				if err != nil {
					t.Fatal(err)
				}
				limit(uint64(info.Size()) + uint64(i)*2100)
			}
			err := create(what)
			limit(usual.Cur)
			if err != nil && what != "limited" {
				t.Fatalf("%s: %v", what, err)
			}
			if err == nil {
				fmt.Fprintf(os.Stdout, "confirmed %s/%d\n", what, i)
			} else {
				fmt.Fprintf(os.Stdout, "failed %s/%d %q\n", what, i, err.Error())
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
