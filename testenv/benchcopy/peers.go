package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// peer is a tool to race against, and how to build it.
type peer struct {
	name    string
	module  string
	version string
	pkg     string // within the module, as "/cmd/x"
	flags   []string
	// inTree builds in a copy of the module's source: its go.mod has directives that
	// go install refuses.
	inTree bool
}

// peers are the other tools, at the versions that results are comparable for.
var peers = []peer{
	{name: "s5cmd", module: "github.com/peak/s5cmd/v2", version: "v2.3.0", inTree: true},
	{name: "rclone", module: "github.com/rclone/rclone", version: "v1.76.0", flags: []string{"-tags", "cmount_no"}},
	{name: "mc", module: "github.com/minio/mc", version: "v0.0.0-20250313080218-cf909e1063a9"},
}

// binary finds the program in the cache directory, or builds it there once. Two builds at a
// time do not disturb each other: each puts its program in place whole.
func (p peer) binary(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, "skep", "bin")
	path := filepath.Join(bin, p.name+"-"+p.version)
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return path, nil
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(bin, "peer-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	fmt.Fprintf(progress, "benchcopy: building %s %s into %s, once; this takes minutes\n", p.name, p.version, bin)
	built, err := p.build(ctx, tmp)
	if err != nil {
		return "", fmt.Errorf("%s %s cannot be built: %w", p.name, p.version, err)
	}
	return path, os.Rename(built, path)
}

// build builds the program below tmp and returns its path.
func (p peer) build(ctx context.Context, tmp string) (string, error) {
	at := p.module + "@" + p.version
	if !p.inTree {
		args := append([]string{"install", "-trimpath"}, p.flags...)
		_, err := goCommand(ctx, tmp, []string{"GOBIN=" + tmp}, append(args, p.module+p.pkg+"@"+p.version)...)
		return filepath.Join(tmp, p.name), err
	}
	out, err := goCommand(ctx, tmp, nil, "mod", "download", "-json", at)
	if err != nil {
		return "", err
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return "", fmt.Errorf("go mod download -json %s: %w", at, err)
	}
	source := filepath.Join(tmp, "source")
	if err := os.CopyFS(source, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	built := filepath.Join(tmp, p.name)
	args := append([]string{"build", "-mod=mod", "-trimpath", "-o", built}, p.flags...)
	_, err = goCommand(ctx, source, nil, append(args, "."+p.pkg)...)
	return built, err
}

// goCommand runs the go command in dir, gently: one package at a time, and behind others.
func goCommand(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	line := append([]string{"go"}, args...)
	if nice, err := exec.LookPath("nice"); err == nil {
		line = append([]string{nice}, line...)
	}
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=-p=1", "GOWORK=off", "CGO_ENABLED=0")
	cmd.Env = append(cmd.Env, env...)
	var failure strings.Builder
	cmd.Stderr = &failure
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w: %s%s", strings.Join(args, " "), err, out, strings.TrimSpace(failure.String()))
	}
	return out, nil
}

// buildDistcp builds the program of this repository, as it is released, into dir.
func buildDistcp(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "distcp")
	_, err := goCommand(ctx, "", nil, "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "github.com/skepdata/skep/cmd/distcp")
	return path, err
}
