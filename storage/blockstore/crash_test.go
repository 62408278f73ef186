package blockstore

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

const crashRoots = "BLOCKSTORE_TEST_ROOTS"

// crashContent is what every version of an object looks like: its own name, over and over, to a
// length that follows from it. So whatever is visible can be told whole or not.
func crashContent(key string, version int) []byte {
	line := fmt.Sprintf("%s version %d\n", key, version)
	length := 1 + (version*7919+len(key)*104729)%(3*testBlock)
	return bytes.Repeat([]byte(line), length/len(line)+1)
}

// TestCrashWriter is run by TestCrash in a process of its own. For each thing it knows to be done
// it prints a line: "key version" for a commit, "key gone" for a delete.
func TestCrashWriter(t *testing.T) {
	roots := os.Getenv(crashRoots)
	if roots == "" {
		return
	}
	b := openAt(t, "test", testBlock, strings.Split(roots, ":")...)
	for i := int(time.Now().UnixNano() % 1e9); ; i++ {
		key := fmt.Sprintf("object/%d", i%5)
		fmt.Fprintln(os.Stdout, key, "start", i)
		var err error
		switch i % 7 {
		case 5:
			err = b.Delete(t.Context(), key)
			if err == nil {
				fmt.Fprintln(os.Stdout, key, "gone", i)
			}
		case 6:
			err = crashUpload(t, b, key, i)
		case 4: // for others to delete
			victim := fmt.Sprintf("victim/%d", i%3)
			err = write(b, victim, string(crashContent(victim, i)))
		default:
			err = crashWrite(t, b, key, i)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func crashWrite(t *testing.T, b *Bucket, key string, version int) error {
	w, err := b.Create(t.Context(), key, storage.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err = w.Write(crashContent(key, version)); err != nil {
		return err
	}
	if version%11 == 0 {
		return w.Abort()
	}
	if _, err := w.Commit(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, key, "done", version)
	return nil
}

func crashUpload(t *testing.T, b *Bucket, key string, version int) error {
	content := crashContent(key, version)
	opts := storage.CreateOptions{Size: int64(len(content)), PartSize: chunkSize}
	u, err := b.CreateParts(t.Context(), key, opts)
	if err != nil {
		return err
	}
	for n, r := 0, bytes.NewReader(content); r.Len() > 0; n++ {
		if _, err := u.WritePart(t.Context(), n, r, min(chunkSize, int64(r.Len()))); err != nil {
			return err
		}
	}
	if _, err := u.Commit(t.Context()); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, key, "done", version)
	return nil
}

// TestCrash kills writers at moments of no particular choice. After each, every object must be
// one that the writer committed, or was just committing, and be whole; and the next writer
// must clean up. Meanwhile others read, delete and check.
func TestCrash(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 0))
	roots := []string{t.TempDir(), t.TempDir()}
	known := map[string]string{} // by key: what is certainly there, "gone" or a version
	rounds := soakRounds(t, 12)
	for round := range rounds {
		stop := bystanders(t, roots)
		lines, last := runAndKill(t, roots, 1+rnd.IntN(60), time.Duration(rnd.IntN(3000))*time.Microsecond)
		stop()
		uncertain := map[string]string{}
		for _, line := range lines {
			var key, what string
			var version int
			if n, _ := fmt.Sscan(line, &key, &what, &version); n != 3 {
				continue // cut off by the kill
			}
			switch what {
			case "start":
				uncertain[key] = strconv.Itoa(version)
			case "done":
				known[key] = strconv.Itoa(version)
				delete(uncertain, key)
			case "gone":
				known[key] = "gone"
				delete(uncertain, key)
			}
		}
		b := openAt(t, "test", testBlock, roots...)
		checkCrashed(t, b, known, uncertain)
		if t.Failed() {
			t.Fatalf("seed %d, round %d of %d; the last line was %q", seed, round, rounds, last)
		}
		put(t, b, "by/the/next/writer", "x")
		if left := leftovers(t, b); len(left) > 0 {
			t.Fatalf("seed %d, round %d: the next writer left %q", seed, round, left)
		}
		wantKinds(t, openStoreOf(t, b), CheckOptions{Deep: true}, "")
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		if round%4 == 3 {
			rebuildCrashed(t, roots, known)
		}
	}
}

// bystanders read, delete and check until stop is called: what is read is whole, and nothing is wrong.
func bystanders(t *testing.T, roots []string) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	b := openAt(t, "test", testBlock, roots...)
	var group sync.WaitGroup
	forever := func(do func(i int) error) {
		group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				if err := do(i); err != nil && !errors.Is(err, storage.ErrNotExist) { // there may be no store yet
					t.Errorf("meanwhile: %v", err)
					return
				}
				<-time.After(time.Millisecond) // the writer is to come further
			}
		})
	}
	forever(func(i int) error {
		key := []string{"object/", "victim/"}[i%2] + strconv.Itoa(i/2%5)
		r, err := b.Open(t.Context(), key, storage.ReadOptions{})
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err == nil {
			versionOf(t, key, content)
		}
		return err
	})
	forever(func(i int) error { return b.Delete(t.Context(), fmt.Sprintf("victim/%d", i%3)) })
	forever(func(int) error {
		s, err := OpenStore(t.Context(), roots)
		if err != nil {
			return err
		}
		for f, err := range s.Check(t.Context(), CheckOptions{Deep: true}) {
			if err != nil {
				return errors.Join(err, s.Close())
			}
			t.Errorf("a check meanwhile found %v", f)
		}
		return s.Close()
	})
	return func() {
		t.Helper()
		cancel()
		group.Wait()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}
}

// rebuildCrashed loses the namespace, of which the journals are those of writers that were killed.
func rebuildCrashed(t *testing.T, roots []string, known map[string]string) {
	t.Helper()
	if err := removeDatabase(filepath.Join(roots[0], namespaceFile)); err != nil {
		t.Fatal(err)
	}
	if report, err := Rebuild(t.Context(), roots); err != nil || report.Losses > 0 {
		t.Fatalf("rebuild: %+v, %v", report, err)
	}
	b := openAt(t, "test", testBlock, roots...)
	checkCrashed(t, b, known, nil)
	s, err := OpenStore(t.Context(), roots)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Repair(t.Context(), RepairOptions{Grace: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, s, CheckOptions{Deep: true}, "")
	if err := errors.Join(s.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
}

// runAndKill runs a writer until it has printed so many lines, and some time longer. It returns
// what it printed.
func runAndKill(t *testing.T, roots []string, lines int, longer time.Duration) (printed []string, last string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashWriter$")
	cmd.Env = append(os.Environ(), crashRoots+"="+strings.Join(roots, ":"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	for range lines {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("the writer ended by itself: %v\n%s%s%s",
				err, strings.Join(printed, ""), line, stderr.String())
		}
		printed = append(printed, line)
	}
	<-time.After(longer)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, os.ErrClosed) {
		t.Fatal(err)
	}
	cmd.Wait()
	printed = append(printed, strings.SplitAfter(string(rest), "\n")...)
	return printed, strings.TrimSpace(string(rest))
}

// checkCrashed compares the objects with what the writer said. An uncertain one may be as it
// was or as it was going to be; known is made certain.
func checkCrashed(t *testing.T, b *Bucket, known, uncertain map[string]string) {
	t.Helper()
	for i := range 5 {
		key := fmt.Sprintf("object/%d", i)
		found := "gone"
		r, err := b.Open(t.Context(), key, storage.ReadOptions{})
		if err == nil {
			content, err := io.ReadAll(r)
			if err != nil {
				t.Errorf("read %s: %v", key, err)
			}
			r.Close()
			found = versionOf(t, key, content)
		} else if !errors.Is(err, storage.ErrNotExist) {
			t.Errorf("open %s: %v", key, err)
		}
		was, ok := known[key]
		if !ok {
			was = "gone"
		}
		next, open := uncertain[key]
		if found != was && (!open || found != next && found != "gone") {
			t.Errorf("%s is %s, was %s, was to become %q", key, found, was, next)
		}
		known[key] = found
	}
}

// versionOf is the version that content is, all of it.
func versionOf(t *testing.T, key string, content []byte) string {
	t.Helper()
	line, _, _ := bytes.Cut(content, []byte("\n"))
	version, err := strconv.Atoi(string(line[bytes.LastIndexByte(line, ' ')+1:]))
	if err != nil || !bytes.Equal(content, crashContent(key, version)) {
		t.Errorf("%s is not whole: %d bytes, begins with %q", key, len(content), line)
	}
	return strconv.Itoa(version)
}

// TestManyProcesses has writers in several processes on the same few objects, while this one
// reads. None may fail, and nothing may be seen that is not whole.
func TestManyProcesses(t *testing.T) {
	t.Parallel()
	roots := []string{t.TempDir(), t.TempDir()}
	var writers []*exec.Cmd
	var outputs []*bytes.Buffer
	for range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashWriter$")
		cmd.Env = append(os.Environ(), crashRoots+"="+strings.Join(roots, ":"))
		out := &bytes.Buffer{}
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		writers, outputs = append(writers, cmd), append(outputs, out)
	}
	b := openAt(t, "test", testBlock, roots...)
	if _, err := b.forWriting(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for deadline := time.Now().Add(30 * time.Second); len(seen) < 40 && time.Now().Before(deadline); {
		for i := range 5 {
			key := fmt.Sprintf("object/%d", i)
			r, err := b.Open(t.Context(), key, storage.ReadOptions{})
			if errors.Is(err, storage.ErrNotExist) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil {
				t.Errorf("read %s: %v", key, err)
			}
			r.Close()
			seen[key+" "+versionOf(t, key, content)] = true
		}
		for f, err := range (&Store{b.open}).Check(t.Context(), CheckOptions{Deep: true}) {
			t.Errorf("a check meanwhile found %v, %v", f, err)
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d versions were seen in half a minute", len(seen))
	}
	for i, cmd := range writers {
		if err := cmd.Process.Kill(); err != nil {
			t.Errorf("a writer ended by itself: %v", err)
		}
		cmd.Wait()
		if text := outputs[i].String(); strings.Contains(text, "FAIL") {
			t.Errorf("a writer failed: %s", text[max(0, len(text)-500):])
		}
	}
	next := openAt(t, "test", testBlock, roots...)
	put(t, next, "by/the/next/writer", "x")
	if left := leftovers(t, next); len(left) > 0 {
		t.Errorf("the next writer left %q", left)
	}
}
