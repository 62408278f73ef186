package blockstore

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDecommission(t *testing.T) {
	b, s := newReplicated(t, 3, 2)
	content := strings.Repeat("0123456789", 60_000)
	put(t, b, "a", content)
	if err := s.Decommission(t.Context(), b.roots[0], nil); err == nil || !strings.Contains(err.Error(), "namespace") {
		t.Errorf("decommission the home directory: %v", err)
	}
	var told []int64
	if err := s.Decommission(t.Context(), b.roots[1], func(left int64) { told = append(told, left) }); err != nil {
		t.Fatal(err)
	}
	if len(told) == 0 || told[len(told)-1] != 0 {
		t.Errorf("progress was %v, want it down to 0", told)
	}
	put(t, b, "b", content)
	wantKinds(t, s, CheckOptions{Deep: true}, "")
	if left, err := filepath.Glob(filepath.Join(b.roots[1], blocksDir, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("the disk still has %q, %v", left, err)
	}
	if err := os.RemoveAll(b.roots[1]); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, "test", 0, b.roots[0], b.roots[2])
	wantContent(t, again, "a", content)
	wantContent(t, again, "b", content)
	wantKinds(t, openStoreOf(t, again), CheckOptions{Deep: true}, "")
	// With two replicas on two disks, neither can go.
	if err := openStoreOf(t, again).Decommission(t.Context(), b.roots[2], nil); err == nil || !strings.Contains(err.Error(), "still has") {
		t.Errorf("decommission a disk that is needed: %v", err)
	}
	wantContent(t, again, "a", content)
}

func TestBalance(t *testing.T) {
	b := newBucket(t, chunkSize, 1)
	content := strings.Repeat("x", 20*chunkSize)
	put(t, b, "a", content)
	roots := append(b.roots, filepath.Join(t.TempDir(), "new"))
	wide := openAt(t, "test", 0, roots...)
	put(t, wide, "tiny", "x")
	s := openStoreOf(t, wide)
	report, err := s.Balance(t.Context(), BalanceOptions{})
	if err != nil || report.Blocks < 8 || report.Blocks > 12 || report.Bytes != report.Blocks*chunkSize {
		t.Errorf("balance: %+v, %v, want half of the blocks moved", report, err)
	}
	disks, err := s.Disks(t.Context())
	if err != nil || len(disks) != 2 {
		t.Fatal(disks, err)
	}
	for _, d := range disks {
		if d.Replicas < 8 || d.Used != d.Replicas*chunkSize || d.Free <= 0 || d.Total < d.Free || d.Missing != nil ||
			d.Home != (d.Path == roots[0]) {
			t.Errorf("a disk is %s", fmt.Sprintf("%+v", d))
		}
	}
	wantContent(t, wide, "a", content)
	wantKinds(t, s, CheckOptions{Deep: true}, "")
	if again, err := s.Balance(t.Context(), BalanceOptions{}); err != nil || again.Blocks != 0 {
		t.Errorf("balance again: %+v, %v", again, err)
	}
}

// TestNewDisks: a directory that is added to the roots is a disk for whatever moves blocks, not only
// for the next who writes.
func TestNewDisks(t *testing.T) {
	content := strings.Repeat("0123456789", 60_000)
	for name, move := range map[string]func(*Store, []string) error{
		"decommission": func(s *Store, roots []string) error { return s.Decommission(t.Context(), roots[1], nil) },
		"balance": func(s *Store, _ []string) error {
			_, err := s.Balance(t.Context(), BalanceOptions{Threshold: 0.01})
			return err
		},
		"repair": func(s *Store, roots []string) error {
			if err := os.RemoveAll(roots[1]); err != nil {
				return err
			}
			_, err := s.Repair(t.Context(), RepairOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, s := newReplicated(t, 2, 2)
			put(t, b, "a", content)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			roots := append(slices.Clone(b.roots), t.TempDir())
			s, err := OpenStore(t.Context(), roots)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if err := move(s, roots); err != nil {
				t.Fatal(err)
			}
			if found, err := filepath.Glob(filepath.Join(roots[2], blocksDir, "*", "*")); err != nil || len(found) == 0 {
				t.Errorf("the new disk has no block, %v", err)
			}
			wantContent(t, openAt(t, "test", 0, roots...), "a", content)
		})
	}
}
