package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// TestFileCalls looks at the library that this platform links.
func TestFileCalls(t *testing.T) {
	module := "github.com/duckdb/duckdb-go-bindings/lib/" + runtime.GOOS + "-" + runtime.GOARCH
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	calls, err := fileCalls(filepath.Join(strings.TrimSpace(string(dir)), "libduckdb_static.a"))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" && !slices.Equal(calls, hooked) {
		t.Errorf("files are read by %v, and the hook knows %v", calls, hooked)
	}
}

// TestUnhooked: a program that does not link the hook is found.
func TestUnhooked(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		if missing, err := unhooked(sh); err != nil || !slices.Equal(missing, hooked) {
			t.Errorf("%v, %v", missing, err)
		}
	}
	if _, err := unhooked("symbols_test.go"); err == nil {
		t.Error("this is taken for a program")
	}
}

func TestMembers(t *testing.T) {
	object := func(name, size, content string) string {
		return (name + strings.Repeat(" ", 48))[:48] + (size + strings.Repeat(" ", 10))[:10] + "`\n" + content
	}
	var names []string
	archive := "!<arch>\n" + object("/", "3", "abc\n") + object("a.o/", "5", "\x7fELF1\n") + object("b.o/", "6", "\x7fELF12")
	err := members([]byte(archive), func(name string, content []byte) error {
		names = append(names, name+string(content[4:]))
		return nil
	})
	if err != nil || strings.Join(names, " ") != "a.o/1 b.o/12" {
		t.Errorf("%q, %v", names, err)
	}
	for _, bad := range []string{"", "!<arch>\n" + object("a", "x", ""), "!<arch>\n" + object("a", "9", "abc")} {
		if err := members([]byte(bad), func(string, []byte) error { return nil }); err == nil {
			t.Errorf("%q is taken for an archive", bad)
		}
	}
}
