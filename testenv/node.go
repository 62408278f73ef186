package testenv

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// NodePackages finds Node.js, and gives the directory, for NODE_PATH, of the packages that the
// package-lock.json of dir names. They are fetched with npm once, into the cache directory.
func NodePackages(ctx context.Context, dir string) (node, modules string, err error) {
	if node, err = systemBinary("node", "nodejs npm"); err != nil {
		return "", "", err
	}
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", err
	}
	home := filepath.Join(cache, "skep", fmt.Sprintf("node-%x", sha256.Sum256(lock))[:21])
	modules = filepath.Join(home, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return node, modules, nil
	}
	if err := os.MkdirAll(filepath.Dir(home), 0o755); err != nil {
		return "", "", err
	}
	held, err := awaitLock(ctx, home+".lock")
	if err != nil {
		return "", "", err
	}
	defer held.Close()
	if _, err := os.Stat(modules); err == nil { // fetched by the one we waited for
		return node, modules, nil
	}
	return node, modules, fetchPackages(ctx, dir, home)
}

// fetchPackages fills home, whole or not at all. The caller holds the lock.
func fetchPackages(ctx context.Context, dir, home string) (err error) {
	npm, err := systemBinary("npm", "nodejs npm")
	if err != nil {
		return err
	}
	part := home + ".part"
	if err := errors.Join(os.RemoveAll(part), os.Mkdir(part, 0o755)); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	for _, name := range []string{"package.json", "package-lock.json"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(part, name), text, 0o644); err != nil {
			return err
		}
	}
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = part
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return os.Rename(part, home)
}
