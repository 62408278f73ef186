package blockstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/storage"
)

// newReplicated returns a volume of so many replicas on so many disks, and its store.
func newReplicated(t *testing.T, disks, copies int) (*Bucket, *Store) {
	t.Helper()
	b := newBucket(t, testBlock, disks)
	s := openStoreOf(t, b)
	if _, err := s.SetReplication(t.Context(), "test", "", copies); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, "test", testBlock, b.roots...) // which sees the setting
	return again, s
}

func openStoreOf(t *testing.T, b *Bucket) *Store {
	t.Helper()
	s, err := OpenStore(t.Context(), b.roots)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// kinds are the findings of a check, "kind" or "kind lost", each with how often.
func kinds(t *testing.T, s *Store, opts CheckOptions) string {
	t.Helper()
	count := map[string]int{}
	var order []string
	for f, err := range s.Check(t.Context(), opts) {
		if err != nil {
			t.Fatal(err)
		}
		what := string(f.Kind)
		if f.Lost {
			what += " lost"
		}
		if count[what]++; count[what] == 1 {
			order = append(order, what)
		}
	}
	for i, what := range order {
		order[i] = fmt.Sprintf("%d %s", count[what], what)
	}
	return strings.Join(order, ", ")
}

func wantKinds(t *testing.T, s *Store, opts CheckOptions, want string) {
	t.Helper()
	if got := kinds(t, s, opts); got != want {
		t.Errorf("check %+v found %q, want %q", opts, got, want)
	}
}

func repair(t *testing.T, s *Store, opts RepairOptions) RepairReport {
	t.Helper()
	report, err := s.Repair(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestReplicas has every way in which one of two replicas can go bad: what is read comes from the
// other, the check finds it, and the repair makes it good.
func TestReplicas(t *testing.T) {
	content := strings.Repeat("0123456789", 30_000) // of three blocks
	for _, test := range []struct {
		name   string
		damage func(path string) error
		found  string
	}{
		{"a bit", func(path string) error { return flip(path, 100_000) }, "1 block damaged, 1 under-replicated"},
		{"truncated", func(path string) error { return os.Truncate(path, 70_000) }, "1 block damaged, 1 under-replicated"},
		{"removed", os.Remove, "1 block missing, 1 under-replicated"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b, s := newReplicated(t, 3, 2)
			put(t, b, "a", content)
			putInParts(t, b, "parts", content)
			wantKinds(t, s, CheckOptions{Deep: true}, "")
			path := pathsOf(t, b, "a")[1]
			if err := test.damage(path); err != nil {
				t.Fatal(err)
			}
			wantKinds(t, s, CheckOptions{Deep: true}, test.found)
			wantContent(t, b, "a", content)
			if got := kinds(t, s, CheckOptions{}); !strings.Contains(got, "1 under-replicated") {
				t.Errorf("what reading has found is not told of: %q", got)
			}
			queued, err := column[string](t.Context(), s.ns.reads, "SELECT reason FROM repairs")
			if err != nil || len(queued) != 1 {
				t.Errorf("reading queued %q for repair, %v, want the block", queued, err)
			}
			if report := repair(t, s, RepairOptions{}); report.Copied != 1 || report.Losses > 0 {
				t.Errorf("the repair is %+v, want a new replica", report)
			}
			wantKinds(t, s, CheckOptions{Deep: true}, "")
			wantContent(t, b, "a", content)
			wantContent(t, b, "parts", content)
			if n := replicas(t, s); n != 12 {
				t.Errorf("there are %d replicas, want 12", n)
			}
		})
	}
}

func replicas(t *testing.T, s *Store) int64 {
	t.Helper()
	n, err := column[int64](t.Context(), s.ns.reads, "SELECT count(*) FROM replicas")
	if err != nil {
		t.Fatal(err)
	}
	return n[0]
}

// TestOnlyReplicaDamaged has damage that nothing can repair.
func TestOnlyReplicaDamaged(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	content := strings.Repeat("0123456789", 30_000)
	put(t, b, "a", content)
	put(t, b, "b", content)
	put(t, b, "tiny", "content")
	s := openStoreOf(t, b)
	if err := errors.Join(flip(pathsOf(t, b, "a")[1], 70_000), os.Remove(pathsOf(t, b, "b")[0])); err != nil {
		t.Fatal(err)
	}
	corrupt(t, b, "tiny")
	wantKinds(t, s, CheckOptions{}, "1 block missing lost, 1 content damaged lost")
	wantKinds(t, s, CheckOptions{Deep: true}, "1 block damaged lost, 1 block missing lost, 1 content damaged lost")
	wantKinds(t, s, CheckOptions{Volume: "test", Path: "a", Deep: true}, "1 block damaged lost")
	report := repair(t, s, RepairOptions{Check: CheckOptions{Deep: true}})
	if report.Losses != 3 || len(report.Lost) != 3 {
		t.Errorf("the repair is %+v, want three losses", report)
	}
	damaged := report.Lost[0]
	if damaged.Key != "a" || damaged.Offset != chunkSize || damaged.Disk == 0 || damaged.Path != pathsOf(t, b, "a")[1] {
		t.Errorf("the damage is %+v, want where it is", damaged)
	}
	if got := readable(t, b, "a"); !strings.HasPrefix(content, got) || len(got) < testBlock {
		t.Errorf("%d bytes were read, and not the beginning", len(got))
	}
	if _, err := os.Stat(pathsOf(t, b, "a")[1]); err != nil {
		t.Errorf("the only replica, damaged as it is: %v, want it kept", err)
	}
}

// readable is what can be read of an object before an error.
func readable(t *testing.T, b *Bucket, key string) string {
	t.Helper()
	r, err := b.Open(t.Context(), key, storage.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, _ := io.ReadAll(r)
	return string(content)
}

// TestMissingDisk loses one of three disks, repairs, and gets it back.
func TestMissingDisk(t *testing.T) {
	b, s := newReplicated(t, 3, 2)
	content := strings.Repeat("0123456789", 60_000)
	put(t, b, "a", content)
	away := filepath.Join(t.TempDir(), "away")
	if err := os.Rename(b.roots[2], away); err != nil {
		t.Fatal(err)
	}
	part := openAt(t, "test", testBlock, b.roots...)
	wantContent(t, part, "a", content)
	ps := openStoreOf(t, part)
	if got := kinds(t, ps, CheckOptions{Deep: true}); !strings.HasPrefix(got, "1 disk missing, ") || strings.Contains(got, "lost") {
		t.Errorf("the check found %q", got)
	}
	if report := repair(t, ps, RepairOptions{}); report.Copied == 0 || report.Losses > 0 {
		t.Errorf("the repair is %+v", report)
	}
	wantKinds(t, ps, CheckOptions{Deep: true}, "1 disk missing")
	if n := replicas(t, s); n != 10 {
		t.Errorf("there are %d replicas, want 10", n)
	}
	if err := os.Rename(away, b.roots[2]); err != nil {
		t.Fatal(err)
	}
	back := openAt(t, "test", testBlock, b.roots...)
	put(t, back, "tiny", "x")
	wantContent(t, back, "a", content)
	if left := leftovers(t, back); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	wantKinds(t, openStoreOf(t, back), CheckOptions{Deep: true}, "")
}

func TestOrphans(t *testing.T) {
	b := newBucket(t, testBlock, 1)
	put(t, b, "a", strings.Repeat("0123456789", 30_000))
	s := openStoreOf(t, b)
	path := pathsOf(t, b, "a")[0]
	for i, name := range []string{"00000000000fff01", filepath.Base(path) + ".new"} {
		orphan := filepath.Join(filepath.Dir(path), name)
		if err := os.WriteFile(orphan, []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			old := time.Now().Add(-48 * time.Hour)
			if err := os.Chtimes(orphan, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	w, err := b.Create(t.Context(), "b", storage.CreateOptions{})
	if err == nil {
		_, err = w.Write(make([]byte, testBlock+1)) // blocks of a living writer are none
	}
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	wantKinds(t, s, CheckOptions{}, "2 orphan")
	if report := repair(t, s, RepairOptions{}); report.Orphans != 1 {
		t.Errorf("the repair is %+v, want the old orphan removed", report)
	}
	if report := repair(t, s, RepairOptions{Grace: time.Nanosecond}); report.Orphans != 1 {
		t.Errorf("the repair is %+v, want the other one removed", report)
	}
	if _, err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	wantKinds(t, s, CheckOptions{Deep: true}, "")
}

// TestSetReplication brings an object from one replica to three, and back to one.
func TestSetReplication(t *testing.T) {
	b := newBucket(t, testBlock, 3)
	content := strings.Repeat("0123456789", 30_000)
	put(t, b, "a/b", content)
	put(t, b, "c", content)
	s := openStoreOf(t, b)
	for _, n := range []int{3, 2, 1} {
		r, err := s.SetReplication(t.Context(), "test", []string{"a/", "a/b", "a"}[n-1], n)
		if want := (Replication{Objects: 1, Blocks: 3, Lacking: 3}); n < 3 {
			want.Lacking, want.Surplus = 0, 3
			if r != want {
				t.Errorf("%d replicas wanted: %+v, want %+v", n, r, want)
			}
		} else if r != want {
			t.Errorf("%d replicas wanted: %+v, want %+v", n, r, want)
		} else {
			wantKinds(t, s, CheckOptions{}, "3 under-replicated")
			wantKinds(t, s, CheckOptions{Volume: "test", Path: "c"}, "")
		}
		if err != nil {
			t.Fatal(err)
		}
		repair(t, s, RepairOptions{})
		if got := replicas(t, s); got != int64(3*n+3) {
			t.Errorf("%d replicas for %d of each block of a/b, want %d", got, n, 3*n+3)
		}
		wantContent(t, b, "a/b", content)
		wantKinds(t, s, CheckOptions{Deep: true}, "")
		if left := leftovers(t, b); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	}
	if _, err := s.SetReplication(t.Context(), "test", "", 4); err == nil {
		t.Error("4 replicas: no error")
	}
	if _, err := s.SetReplication(t.Context(), "none", "", 2); !errors.Is(err, storage.ErrNotExist) {
		t.Errorf("a volume that is not there: %v", err)
	}
}

// TestSetReplicationOfShared has blocks of an object here and one elsewhere: they are kept as the one
// wants that wants more.
func TestSetReplicationOfShared(t *testing.T) {
	b := newBucket(t, testBlock, 3)
	content := strings.Repeat("0123456789", 30_000)
	a := put(t, b, "a", content)
	put(t, b, "ab", content)
	if _, err := b.CopyFrom(t.Context(), "d/copy", b, a); err != nil {
		t.Fatal(err)
	}
	s := openStoreOf(t, b)
	for _, step := range []struct {
		path     string
		n        int
		want     Replication
		replicas int64
	}{
		{"a", 2, Replication{Objects: 1, Blocks: 3, Lacking: 3}, 9},
		{"d", 1, Replication{Objects: 1, Blocks: 3, Shared: 3}, 9},
		{"d/", 3, Replication{Objects: 1, Blocks: 3, Lacking: 3}, 12},
		{"", 1, Replication{Objects: 3, Blocks: 6, Surplus: 3}, 6},
	} {
		got, err := s.SetReplication(t.Context(), "test", step.path, step.n)
		if err != nil || got != step.want {
			t.Errorf("%d of %q: %+v, %v, want %+v", step.n, step.path, got, err, step.want)
		}
		repair(t, s, RepairOptions{Check: CheckOptions{Volume: "test", Path: step.path}})
		if got := replicas(t, s); got != step.replicas {
			t.Errorf("%d of %q: %d replicas, want %d", step.n, step.path, got, step.replicas)
		}
		wantKinds(t, s, CheckOptions{Deep: true}, "")
	}
	for _, path := range []string{"nothing", "nothing/", "a/"} {
		if _, err := s.SetReplication(t.Context(), "test", path, 2); !errors.Is(err, storage.ErrNotExist) {
			t.Errorf("%q is not there: %v", path, err)
		}
	}
}

// TestRebuildKeepsReplication loses the namespace after the number of replicas was changed.
func TestRebuildKeepsReplication(t *testing.T) {
	b := newBucket(t, testBlock, 2)
	content := strings.Repeat("0123456789", 30_000)
	put(t, b, "a", content)
	put(t, b, "b", content)
	s := openStoreOf(t, b)
	if _, err := s.SetReplication(t.Context(), "test", "a", 2); err != nil {
		t.Fatal(err)
	}
	repair(t, s, RepairOptions{})
	if err := errors.Join(s.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	if err := removeDatabase(filepath.Join(b.roots[0], namespaceFile)); err != nil {
		t.Fatal(err)
	}
	if report, err := Rebuild(t.Context(), b.roots); err != nil || report.Losses > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	again, err := OpenStore(t.Context(), b.roots)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if report := repair(t, again, RepairOptions{}); report.Dropped != 0 || report.Copied != 0 {
		t.Errorf("the repair has made or dropped replicas: %+v", report)
	}
	if got := replicas(t, again); got != 9 {
		t.Errorf("%d replicas, want 9", got)
	}
}

// TestVerification has what each mode sees of damage.
func TestVerification(t *testing.T) {
	content := strings.Repeat("0123456789", 30_000)
	for mode, wantErr := range map[Verification]bool{VerifyAlways: true, VerifySampled: true, VerifyNever: false} {
		b := newBucket(t, testBlock, 1)
		b.opts.VerifyReads = mode
		put(t, b, "a", content)
		if err := flip(pathsOf(t, b, "a")[1], 5); err != nil { // in the first chunk, which is always sampled
			t.Fatal(err)
		}
		r, err := b.Open(context.Background(), "a", storage.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(r)
		if (err != nil) != wantErr || wantErr && !errors.Is(err, storage.ErrChecksum) {
			t.Errorf("mode %d: %v", mode, err)
		}
		r.Close()
	}
}
