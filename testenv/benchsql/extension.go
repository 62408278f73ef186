package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// loadExtension makes an extension of DuckDB known that is linked with our programs and not
// registered in them, as tpch. DuckDB loads extensions from files: shared objects with a footer
// that says for which DuckDB they are.
func (p *plain) loadExtension(ctx context.Context, name, dir string) error {
	platform := runtime.GOOS + "_" + runtime.GOARCH
	version := duckdb.LibraryVersion()
	path := filepath.Join(dir, name+".duckdb_extension")
	if err := linkExtension(ctx, name, path); err != nil {
		return fmt.Errorf("link DuckDB's extension %s: %w", name, err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(extensionFooter(version, platform))
	if err := f.Close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	return p.run("LOAD " + quoted(path))
}

// linkExtension links the extension's library into a shared object.
func linkExtension(ctx context.Context, name, path string) error {
	library, err := extensionLibrary(ctx, name)
	if err != nil {
		return err
	}
	link := exec.CommandContext(ctx, "g++", "-shared", "-fPIC", "-o", path,
		"-Wl,--whole-archive", library, "-Wl,--no-whole-archive")
	if text, err := link.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(text))
	}
	return nil
}

// extensionLibrary is the library in the Go module that brings DuckDB.
func extensionLibrary(ctx context.Context, name string) (string, error) {
	module := "github.com/duckdb/duckdb-go-bindings/lib/" + runtime.GOOS + "-" + runtime.GOARCH
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find %s: %w", module, err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "lib"+name+"_extension.a"), nil
}

// extensionFooter is a WebAssembly custom section of 512 bytes: eight fields of 32 bytes, the last
// one first, and room for a signature.
func extensionFooter(version, platform string) []byte {
	b := []byte{0x00, 0x93, 0x04, 0x10}
	b = append(b, "duckdb_signature"...)
	b = append(b, 0x80, 0x04)
	for _, field := range []string{"", "", "", "CPP", version, version, platform, "4"} {
		b = append(b, field...)
		b = append(b, make([]byte, 32-len(field))...)
	}
	return append(b, make([]byte, 256)...)
}
