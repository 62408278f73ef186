// Command symbols checks by which functions of the C library DuckDB opens and reads files.
//
//	go run ./testenv/symbols
//	go run ./testenv/symbols bin/hiveql-linux-arm64
//
// A hook stands before open, close, read, pread, write and pwrite (hiveql/duck/hook.c). It would be passed by, and
// parts of files be read that are not there, if DuckDB came to use another function: this looks at
// the libraries that the program is linked with, of every Linux platform that there is one for,
// without running them. Programs that are named must have the hook linked in. It exits with 1 if a function is used that the hook does not know.
package main

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

func main() {
	if err := run(context.Background(), os.Stdout, os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "symbols: %v\n", err)
		os.Exit(1)
	}
}

// hooked are the functions that the hook stands before.
var hooked = []string{"close", "open", "pread", "pwrite", "read", "write"}

// others would read or write a file, or open one, past the hook.
var others = []string{
	"__open64_2", "__open_2", "__openat_2", "__pread64_chk", "__pread_chk", "__read_chk", "copy_file_range", "io_uring_setup",
	"open64", "openat", "openat64", "pread64", "preadv", "preadv2", "preadv64", "preadv64v2",
	"pwrite64", "pwritev", "pwritev2", "pwritev64", "pwritev64v2", "readv", "sendfile", "splice", "writev",
}

func run(ctx context.Context, out io.Writer, programs []string) error {
	var failed error
	for _, path := range programs {
		missing, err := unhooked(path)
		if err != nil {
			return err
		}
		if len(missing) > 0 {
			failed = errors.Join(failed, fmt.Errorf("%s: the hook does not stand before %s", path, missing))
		}
	}
	for _, platform := range []string{"linux-amd64", "linux-arm64"} {
		path, err := library(ctx, platform)
		if err != nil {
			return err
		}
		calls, err := fileCalls(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: %s\n", platform, strings.Join(calls, " "))
		if !slices.Equal(calls, hooked) {
			failed = errors.Join(failed, fmt.Errorf("%s: files are read by %s, and the hook knows %s", platform, calls, hooked))
		}
	}
	return failed
}

// library is the path of DuckDB's library for a platform, in the module that brings it.
func library(ctx context.Context, platform string) (string, error) {
	const module = "github.com/duckdb/duckdb-go-bindings/lib/"
	text, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+platform).Output()
	if err != nil {
		return "", fmt.Errorf("download %s%s: %w", module, platform, err)
	}
	var found struct{ Dir string }
	if err := json.Unmarshal(text, &found); err != nil {
		return "", err
	}
	return filepath.Join(found.Dir, "libduckdb_static.a"), nil
}

// unhooked are the functions before which a program does not have the hook. The linker names what
// stands before open __wrap_open.
func unhooked(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer func() { _ = f.Close() }() // it is only read
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	missing := slices.Clone(hooked)
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF {
			missing = slices.DeleteFunc(missing, func(name string) bool { return s.Name == "__wrap_"+name })
		}
	}
	return missing, nil
}

// fileCalls are the functions for files that the objects of a static library call, in order.
func fileCalls(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var calls []string
	err = members(b, func(name string, content []byte) error {
		f, err := elf.NewFile(bytes.NewReader(content))
		if err != nil {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		symbols, err := f.Symbols()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			return fmt.Errorf("%s: %s: %w", path, name, err)
		}
		for _, s := range symbols {
			if s.Section == elf.SHN_UNDEF && (slices.Contains(hooked, s.Name) || slices.Contains(others, s.Name)) && !slices.Contains(calls, s.Name) {
				calls = append(calls, s.Name)
			}
		}
		return nil
	})
	slices.Sort(calls)
	return calls, err
}

// members calls f for the objects in an archive of ar: files with a header of 60 bytes each, which
// says the name and the size in digits.
func members(b []byte, f func(name string, content []byte) error) error {
	const magic, header = "!<arch>\n", 60
	if !bytes.HasPrefix(b, []byte(magic)) {
		return errors.New("it is no archive")
	}
	for b = b[len(magic):]; len(b) >= header; {
		name := strings.TrimRight(string(b[:16]), " ")
		size, err := strconv.Atoi(strings.TrimSpace(string(b[48:58])))
		if err != nil || size > len(b)-header {
			return fmt.Errorf("the archive is damaged at %q", name)
		}
		content := b[header : header+size]
		if bytes.HasPrefix(content, []byte(elf.ELFMAG)) {
			if err := f(name, content); err != nil {
				return err
			}
		}
		b = b[min(header+size+size%2, len(b)):]
	}
	return nil
}
