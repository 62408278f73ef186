package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/skepdata/skep/storage"
)

// soakRounds is how often a test of chance is repeated: few times, or as SKEP_SOAK_ROUNDS says.
func soakRounds(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("SKEP_SOAK_ROUNDS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("SKEP_SOAK_ROUNDS: %v", err)
	}
	return n
}

// strides are the steps to try: every one or, where there is little time, a few of them that differ from run to
// run.
func strides(t *testing.T) (first, stride int) {
	t.Helper()
	stride = 9
	if os.Getenv("SKEP_SOAK_ROUNDS") != "" {
		stride = 1
	}
	first = 1 + rand.IntN(stride)
	t.Logf("every step from %d by %d", first, stride)
	return first, stride
}

// script is a sequence of changes, of which it is known what each did, or that it is not known.
type script struct {
	b      *Bucket
	sure   map[string]string   // by key; missing ones are not there
	unsure map[string][]string // what a key has become, or not; "" is no object
}

// steps are the changes: of each kind, with contents of no block, of one and of several.
func (s *script) steps() []func() error {
	text := func(seed string, n int) string { return strings.Repeat(seed+" 0123456789", n/11+1)[:n] }
	write := func(key, content string) func() error {
		return func() error {
			s.unsure[key] = append(s.unsure[key], content)
			w, err := s.b.Create(context.Background(), key, storage.CreateOptions{})
			if err == nil {
				_, err = io.WriteString(w, content)
			}
			if err == nil {
				_, err = w.Commit()
			} else if w != nil {
				err = errors.Join(err, w.Abort())
			}
			return s.settle(key, content, err)
		}
	}
	parts := func(key, content string) func() error {
		return func() error {
			s.unsure[key] = append(s.unsure[key], content)
			opts := storage.CreateOptions{Size: int64(len(content)), PartSize: chunkSize}
			u, err := s.b.CreateParts(context.Background(), key, opts)
			for n := 0; err == nil && n*chunkSize < len(content); n++ {
				piece := content[n*chunkSize : min((n+1)*chunkSize, len(content))]
				_, err = u.WritePart(context.Background(), n, strings.NewReader(piece), int64(len(piece)))
			}
			if err == nil {
				_, err = u.Commit(context.Background())
			} else if u != nil {
				err = errors.Join(err, u.Abort(context.Background()))
			}
			return s.settle(key, content, err)
		}
	}
	remove := func(key string) func() error {
		return func() error {
			s.unsure[key] = append(s.unsure[key], "")
			return s.settle(key, "", s.b.Delete(context.Background(), key))
		}
	}
	return []func() error{
		write("a", text("first", 300_000)), write("tiny", "tiny"), parts("b", text("parts", 200_000)),
		write("a", text("second", 140_000)), remove("b"), write("tiny", text("large", 70_000)),
		parts("a", text("third", 150_000)), remove("tiny"),
	}
}

func (s *script) settle(key, content string, err error) error {
	if err == nil {
		s.sure[key] = content
		delete(s.unsure, key)
	}
	return err
}

// newScript returns a script on a new bucket of two disks, with two replicas of each block if copies says so.
func newScript(t *testing.T, copies int) (*script, *faultyFiles) {
	t.Helper()
	b := newBucket(t, testBlock, 2)
	layer := faulty(t, b)
	b.found.replication = copies
	return &script{b: b, sure: map[string]string{}, unsure: map[string][]string{}}, layer
}

// check compares what is visible with what is known: of what is not known, the one or the other. Then
// the next writer cleans up.
func (s *script) check(t *testing.T) {
	t.Helper()
	b := openAt(t, "test", testBlock, s.b.roots...)
	for _, key := range []string{"a", "b", "tiny"} {
		got := ""
		r, err := b.Open(t.Context(), key, storage.ReadOptions{})
		if err == nil {
			content, err := io.ReadAll(r)
			if err != nil {
				t.Errorf("read %s: %v", key, err)
			}
			got = string(content)
			r.Close()
		} else if !errors.Is(err, storage.ErrNotExist) {
			t.Errorf("open %s: %v", key, err)
		}
		if got != s.sure[key] && !slices.Contains(s.unsure[key], got) {
			t.Errorf("%s has %d bytes, want %d", key, len(got), len(s.sure[key]))
		}
	}
	put(t, b, "next", "writer")
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	wantKinds(t, openStoreOf(t, b), CheckOptions{Deep: true}, "")
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// TestFaultAtEveryStep fails each operation on a file, one in each run, once or from then on. What was
// reported as done is done, what was not has left nothing.
func TestFaultAtEveryStep(t *testing.T) {
	t.Parallel()
	first, stride := strides(t)
	for _, cause := range []error{unix.EIO, errors.New("something odd")} {
		for _, forever := range []bool{false, true} {
			for at, more := first, true; more; at += stride {
				name := fmt.Sprintf("%v, operation %d, forever %v", cause, at, forever)
				s, layer := newScript(t, 1)
				n := 0
				layer.set(func(op, _ string) error {
					if op == "read" || op == "free" {
						return nil
					}
					if n++; n == at || forever && n > at {
						return cause
					}
					return nil
				})
				for _, step := range s.steps() {
					_ = step() // what came of it is compared
				}
				layer.set(nil)
				more = n >= at
				if err := s.b.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
				s.check(t)
				if t.Failed() {
					t.Fatal(name)
				}
			}
		}
	}
}

// TestCrashAtEveryStep ends the process, as it were, before each operation on a file and before and after each
// commit of the namespace, one in each run.
func TestCrashAtEveryStep(t *testing.T) {
	t.Parallel()
	first, stride := strides(t)
	for _, copies := range []int{1, 2} {
		for at, more := first, true; more; at += stride {
			s, layer := newScript(t, copies)
			n := crashAt(layer, s.b.open.ns, at, "read", "free")
			for _, step := range s.steps() {
				if step() != nil {
					break
				}
			}
			more = *n >= at
			die(t, s.b)
			s.check(t)
			if t.Failed() {
				t.Fatalf("%d replicas, step %d", copies, at)
			}
		}
	}
}

// die leaves what a process leaves that is killed.
func die(t *testing.T, b *Bucket) { dieStore(t, b.open) }

func dieStore(t *testing.T, s *store) {
	t.Helper()
	if w := s.writer; w != nil {
		for _, f := range w.journal.files {
			f.f.Close()
		}
		if err := w.lock.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := s.ns.close(); err != nil {
		t.Error(err)
	}
}
