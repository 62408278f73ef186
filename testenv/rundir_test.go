package testenv

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestSweep removes what dead runs have left, and nothing else.
func TestSweep(t *testing.T) {
	root := t.TempDir()
	mkdir := func(name string) string {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Join(path, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	old := time.Now().Add(-time.Hour)

	live := mkdir(runPrefix + "live")
	lock, err := lockFile(filepath.Join(live, lockName))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	dead := mkdir(runPrefix + "dead")
	if err := os.WriteFile(filepath.Join(dead, lockName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	making := mkdir(runPrefix + "making")
	halfMade := mkdir(runPrefix + "half-made")
	if err := os.Chtimes(halfMade, old, old); err != nil {
		t.Fatal(err)
	}
	other := mkdir("something-else")
	if err := os.Chtimes(other, old, old); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(root, runPrefix+"link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}

	sweep(root)
	for path, kept := range map[string]bool{live: true, dead: false, making: true, halfMade: false, other: true, link: true} {
		if _, err := os.Lstat(path); (err == nil) != kept {
			t.Errorf("%s: kept %v, want %v", filepath.Base(path), err == nil, kept)
		}
	}
}

func TestKeptDirectoryIsUsedOnce(t *testing.T) {
	dir := t.TempDir()
	first, err := openRunDir("x", dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openRunDir("x", dir); err == nil || !strings.Contains(err.Error(), "in use by another testenv") {
		t.Errorf("second use: %v, want that it is in use", err)
	}
	if err := first.close(); err != nil {
		t.Fatal(err)
	}
	second, err := openRunDir("x", dir)
	if err != nil {
		t.Fatalf("use after the end: %v", err)
	}
	if err := second.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("the directory was removed, and it is the user's: %v", err)
	}
}

func TestUniqueName(t *testing.T) {
	for _, name := range []string{"a", "Übergröße/mit Leerzeichen", strings.Repeat("long", 30), "--"} {
		t.Run(name, func(t *testing.T) {
			a, b := uniqueName(t, "-"), uniqueName(t, "-")
			if a == b {
				t.Errorf("%s twice", a)
			}
			if len(a) > 63 || strings.Trim(a, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.Contains(a, "--") || strings.HasSuffix(a, "-") {
				t.Errorf("%q is no name for a bucket", a)
			}
		})
	}
}

// TestRunDirIsFreeOnceClosed: a process that has the lock's file open, as one that is just being started has all
// files of this one, does not keep the directory from the next.
func TestRunDirIsFreeOnceClosed(t *testing.T) {
	dir := t.TempDir()
	d, err := openRunDir("test", dir)
	if err != nil {
		t.Fatal(err)
	}
	heir := exec.Command("sleep", "600")
	heir.ExtraFiles = []*os.File{d.lock}
	if err := heir.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(heir.Process.Kill(), heir.Wait()) })
	if _, err := openRunDir("test", dir); err == nil {
		t.Error("it was opened twice")
	}
	if err := d.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openRunDir("test", dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.close(); err != nil {
		t.Error(err)
	}
}
