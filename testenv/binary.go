package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// minioModule is the server that the tests are written against.
const minioModule = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"

// minioBinary finds the MinIO server: on PATH, in the cache directory, or by building it
// there, which only one process does while the others wait.
func minioBinary(ctx context.Context) (string, error) {
	if path, err := exec.LookPath("minio"); err == nil {
		return path, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	bin := filepath.Join(cache, "skep", "bin")
	path := filepath.Join(bin, "minio")
	if executable(path) {
		return path, nil
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	lock, err := awaitLock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if executable(path) { // built by the one we waited for
		return path, nil
	}
	return path, buildMinIO(ctx, path)
}

// buildMinIO installs the pinned version as path, whole or not at all. The caller holds the
// lock.
func buildMinIO(ctx context.Context, path string) error {
	fmt.Fprintf(os.Stderr, "testenv: building the MinIO server into %s, once; this takes about 2.5 minutes\n", path)
	if err := removeAll(filepath.Join(filepath.Dir(path), "build-*")); err != nil { // of builds that were killed
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(path), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, "go", "install", minioModule)
	cmd.Dir = tmp // outside of any module
	cmd.Env = append(os.Environ(), "GOBIN="+tmp, "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go install %s: %w: %s", minioModule, err, strings.TrimSpace(string(out)))
	}
	return os.Rename(filepath.Join(tmp, "minio"), path)
}

func removeAll(pattern string) error {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	for _, path := range paths {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// awaitLock locks a file, waiting for as long as another process holds it.
func awaitLock(ctx context.Context, path string) (*os.File, error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		lock, err := lockFile(path)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for %s: %w", path, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// systemBinary finds a program of the distribution: on PATH, or in one of the directories
// that the patterns match, the last by name first, which is the newest version.
func systemBinary(name, aptPackage string, patterns ...string) (string, error) {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(pattern, name))
		if err != nil {
			return "", err
		}
		for i := len(paths) - 1; i >= 0; i-- {
			if executable(paths[i]) {
				return paths[i], nil
			}
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is not installed: apt-get install %s", name, aptPackage)
}
