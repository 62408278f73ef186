package blockstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// chore is something that is done to a whole store, and that may be cut short at any moment.
type chore struct {
	name string
	// prepare makes a store that has it to be done, and tells the objects of the volume "test", which it must
	// leave as they are.
	prepare func(t *testing.T) (roots []string, want map[string]string)
	// do does it, or what is left of it. The store is nil for what is done to none that is open.
	do func(ctx context.Context, roots []string, s *Store) error
}

func chores() []chore {
	return []chore{
		{"balance", prepareUneven, func(ctx context.Context, _ []string, s *Store) error {
			_, err := s.Balance(ctx, BalanceOptions{})
			return err
		}},
		{"decommission", withReplicas(2, nil), func(ctx context.Context, roots []string, s *Store) error {
			return s.Decommission(ctx, roots[2], nil)
		}},
		{"more replicas", withReplicas(1, nil), setReplicas(3)},
		{"fewer replicas", withReplicas(3, nil), setReplicas(1)},
		{"repair", withReplicas(2, damageSome), func(ctx context.Context, _ []string, s *Store) error {
			_, err := s.Repair(ctx, RepairOptions{Check: CheckOptions{Deep: true}, Grace: time.Nanosecond})
			return err
		}},
		{"remove snapshot", withReplicas(2, snapshotAndChange), func(ctx context.Context, _ []string, s *Store) error {
			return unlessGone(s.RemoveSnapshot(ctx, "test", "one"))
		}},
		{"remove volume", withReplicas(1, shareWithAnother), func(ctx context.Context, _ []string, s *Store) error {
			return unlessGone(s.RemoveVolume(ctx, "other", true))
		}},
		{"rebuild", withReplicas(2, snapshotAndChange), func(ctx context.Context, roots []string, s *Store) error {
			if s != nil {
				return nil
			}
			_, err := Rebuild(ctx, roots)
			return err
		}},
	}
}

func setReplicas(n int) func(ctx context.Context, roots []string, s *Store) error {
	return func(ctx context.Context, _ []string, s *Store) error {
		if _, err := s.SetReplication(ctx, "test", "", n); err != nil {
			return err
		}
		_, err := s.Repair(ctx, RepairOptions{})
		return err
	}
}

// unlessGone is err, unless it says that the chore was done already.
func unlessGone(err error) error {
	if errors.Is(err, storage.ErrNotExist) {
		return nil
	}
	return err
}

// fillStore writes objects of every kind.
func fillStore(t *testing.T, b *Bucket) map[string]string {
	t.Helper()
	want := map[string]string{
		"tiny": "tiny", "one": letters(100_000), "d/many": "many" + letters(5*testBlock), "d/parts": "parts" + letters(2*testBlock),
	}
	for _, key := range []string{"tiny", "one", "d/many"} {
		put(t, b, key, want[key])
	}
	putInParts(t, b, "d/parts", want["d/parts"])
	o, err := b.Stat(t.Context(), "d/many")
	if err == nil {
		_, err = b.CopyFrom(t.Context(), "copy", b, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	want["copy"] = want["d/many"]
	return want
}

// prepareUneven makes a store of a full disk and two empty ones.
func prepareUneven(t *testing.T) ([]string, map[string]string) {
	t.Helper()
	b := newBucket(t, chunkSize, 1)
	want := fillStore(t, b)
	fatal(t, b.Close())
	roots := []string{b.roots[0], filepath.Join(t.TempDir(), "b"), filepath.Join(t.TempDir(), "c")}
	wide := openAt(t, "test", chunkSize, roots...)
	put(t, wide, "tiny", want["tiny"])
	fatal(t, wide.Close())
	return roots, want
}

// withReplicas makes a store of three disks, with so many replicas of each block, and changes it then.
func withReplicas(copies int, change func(t *testing.T, b *Bucket, s *Store, want map[string]string)) func(t *testing.T) ([]string, map[string]string) {
	return func(t *testing.T) ([]string, map[string]string) {
		t.Helper()
		first := newBucket(t, testBlock, 3)
		fatal(t, first.Close())
		s, err := OpenStore(t.Context(), first.roots)
		fatal(t, err)
		fatal(t, s.ChangeVolume(t.Context(), "test", func(v *VolumeSettings) { v.Replication = copies }))
		b := openAt(t, "test", testBlock, first.roots...)
		want := fillStore(t, b)
		if change != nil {
			change(t, b, s, want)
		}
		fatal(t, errors.Join(b.Close(), s.Close()))
		return b.roots, want
	}
}

// damageSome leaves each block a good replica.
func damageSome(t *testing.T, b *Bucket, _ *Store, _ map[string]string) {
	t.Helper()
	for i, path := range append(pathsOf(t, b, "d/many"), pathsOf(t, b, "one")...) {
		switch i % 3 {
		case 0:
			fatal(t, flip(path, 70_000))
		case 1:
			fatal(t, os.Remove(path))
		case 2:
			fatal(t, os.Truncate(path, 1000))
		}
	}
	orphan := (&disk{root: b.roots[1]}).path(1 << 40)
	fatal(t, errors.Join(os.MkdirAll(filepath.Dir(orphan), 0o777), os.WriteFile(orphan, []byte("nobody's"), 0o666)))
}

// snapshotAndChange has a snapshot keep what the volume does not.
func snapshotAndChange(t *testing.T, b *Bucket, s *Store, want map[string]string) {
	t.Helper()
	fatal(t, s.CreateSnapshot(t.Context(), "test", "one"))
	want["one"] = "another " + letters(3*testBlock)
	put(t, b, "one", want["one"])
	fatal(t, b.Delete(t.Context(), "d/many")) // which the copy still has
	fatal(t, b.DeleteTree(t.Context(), "d/"))
	maps.DeleteFunc(want, func(key, _ string) bool { return strings.HasPrefix(key, "d/") })
}

// shareWithAnother has another volume share some of the blocks by their content, and have others of its own.
func shareWithAnother(t *testing.T, b *Bucket, s *Store, want map[string]string) {
	t.Helper()
	fatal(t, s.ChangeVolume(t.Context(), "test", func(v *VolumeSettings) { v.Dedup = true }))
	fatal(t, s.CreateVolume(t.Context(), "other", VolumeSettings{BlockSize: testBlock, Dedup: true}))
	same, other := openAt(t, "test", testBlock, b.roots...), openAt(t, "other", testBlock, b.roots...)
	for _, key := range []string{"one", "d/many"} {
		put(t, same, key, want[key])
		put(t, other, key, want[key])
		put(t, other, key+" of its own", key+want[key])
	}
	fatal(t, errors.Join(same.Close(), other.Close()))
}

// verify wants the objects to be there whatever happened, and then has the chore done, and nothing left over.
func (c chore) verify(t *testing.T, roots []string, want map[string]string) {
	t.Helper()
	c.compare(t, roots, want)
	var s *Store
	var err error
	if c.name != "rebuild" {
		s, err = OpenStore(t.Context(), roots)
		fatal(t, err)
	}
	if err := c.do(t.Context(), roots, s); err != nil {
		t.Errorf("done again: %v", err)
	}
	if s != nil {
		fatal(t, s.Close())
	}
	c.compare(t, roots, want)
	again, err := OpenStore(t.Context(), roots)
	fatal(t, err)
	if _, err := again.Repair(t.Context(), RepairOptions{Grace: time.Nanosecond}); err != nil {
		t.Errorf("repair: %v", err)
	}
	wantKinds(t, again, CheckOptions{Deep: true}, "")
	b := openAt(t, "test", testBlock, roots...)
	if left := leftovers(t, b); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	fatal(t, errors.Join(again.Close(), b.Close()))
}

func (c chore) compare(t *testing.T, roots []string, want map[string]string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(roots[0], namespaceFile)); c.name == "rebuild" && err != nil {
		return // there is none between the old one and the new one
	}
	b := openAt(t, "test", testBlock, roots...)
	if got := list(t, b); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Errorf("there are %q, want %q", got, slices.Sorted(maps.Keys(want)))
	}
	for key, content := range want {
		wantContent(t, b, key, content)
	}
	fatal(t, b.Close())
}

// TestChoreAtEveryStep ends the process, as it were, before each operation on a file and before and after
// each commit, one in each run.
func TestChoreAtEveryStep(t *testing.T) {
	t.Parallel()
	for _, c := range chores() {
		if c.name == "rebuild" {
			continue // it commits nothing but a rename; see TestKilledChores
		}
		t.Run(c.name, func(t *testing.T) {
			first, stride := strides(t)
			if stride > 1 {
				stride *= 4 // there are many chores
				first += 9 * rand.IntN(4)
			}
			for at, more := first, true; more; at += stride {
				roots, want := c.prepare(t)
				s, err := OpenStore(t.Context(), roots)
				fatal(t, err)
				layer := &faultyFiles{}
				s.files, s.ns.files = layer, layer
				n := crashAt(layer, s.ns, at, "read", "free", "open")
				_ = c.do(t.Context(), roots, s) // some go on to the end with what fails
				more = *n >= at
				dieStore(t, s.store)
				if c.verify(t, roots, want); t.Failed() {
					t.Fatalf("%s, step %d", c.name, at)
				}
			}
		})
	}
}

const (
	choreName  = "SKEP_TEST_CHORE" // for a process of TestKilledChores
	choreRoots = "SKEP_TEST_CHORE_ROOTS"
)

// TestChoreProcess is run by TestKilledChores in a process of its own.
func TestChoreProcess(t *testing.T) {
	name := os.Getenv(choreName)
	if name == "" {
		return
	}
	roots := strings.Split(os.Getenv(choreRoots), ",")
	c := chores()[slices.IndexFunc(chores(), func(c chore) bool { return c.name == name })]
	var s *Store
	if name != "rebuild" {
		var err error
		s, err = OpenStore(t.Context(), roots)
		fatal(t, err)
	}
	fmt.Fprintln(os.Stdout, "ready")
	fatal(t, c.do(t.Context(), roots, s))
}

// TestKilledChores kills processes at moments of no particular choice, while others read and check.
func TestKilledChores(t *testing.T) {
	t.Parallel()
	for round := range soakRounds(t, 2) {
		for _, c := range chores() {
			seed := rand.Uint64()
			rnd := rand.New(rand.NewPCG(seed, 0))
			roots, want := c.prepare(t)
			stop := c.watch(t, roots, want)
			killChore(t, c, roots, time.Duration(rnd.IntN(60_000))*time.Microsecond)
			stop()
			if c.verify(t, roots, want); t.Failed() {
				t.Fatalf("%s, round %d, seed %d", c.name, round, seed)
			}
		}
	}
}

func killChore(t *testing.T, c chore, roots []string, after time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChoreProcess$")
	cmd.Env = append(os.Environ(), choreName+"="+c.name, choreRoots+"="+strings.Join(roots, ","))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	fatal(t, err)
	fatal(t, cmd.Start())
	r := bufio.NewReader(out)
	if line, err := r.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s did not begin: %q, %v, %s", c.name, line, err, stderr.String())
	}
	<-time.After(after)
	fatal(t, cmd.Process.Kill())
	rest := new(strings.Builder)
	_, _ = r.WriteTo(rest) // what comes before it is dead
	if cmd.Wait(); strings.Contains(rest.String(), "FAIL") {
		t.Errorf("%s failed by itself: %s", c.name, rest)
	}
}

// watch reads the objects over and over until stop is called: each is always there, and whole.
func (c chore) watch(t *testing.T, roots []string, want map[string]string) (stop func()) {
	if c.name == "rebuild" {
		return func() {} // nobody may use the store
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		b := openAt(t, "test", testBlock, roots...)
		defer b.Close()
		for ctx.Err() == nil {
			for key, content := range want {
				r, err := b.Open(t.Context(), key, storage.ReadOptions{})
				if err != nil {
					t.Errorf("%s meanwhile: %v", key, err)
					return
				}
				got, err := io.ReadAll(r)
				if err = errors.Join(err, r.Close()); err != nil || string(got) != content {
					t.Errorf("%s meanwhile: %d bytes, %v, want %d", key, len(got), err, len(content))
					return
				}
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
	}
}

// TestRebuildCutShort has a rebuild end between setting the old namespace aside and putting the new one in
// its place, and one in the middle of making the new one.
func TestRebuildCutShort(t *testing.T) {
	c := chores()[len(chores())-1]
	roots, want := c.prepare(t)
	path := filepath.Join(roots[0], namespaceFile)
	for round, cut := range []func() error{
		func() error { return os.WriteFile(path+".rebuilt", []byte("half of a database"), 0o666) },
		func() error { _, err := setAside(path); return err },
		func() error { return os.Rename(path, path+".damaged-1") }, // its log is still there
	} {
		fatal(t, cut())
		if round > 0 {
			if _, err := OpenStore(t.Context(), roots); err == nil {
				t.Error("a store without a namespace is opened")
			}
			b := openAt(t, "test", testBlock, roots...)
			if err := write(b, "a", "b"); err == nil {
				t.Error("a store without a namespace is made anew")
			}
			fatal(t, b.Close())
		}
		c.verify(t, roots, want)
	}
}
