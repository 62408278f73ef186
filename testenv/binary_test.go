package testenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMinIOBinary looks for the server in the order that doc.go promises.
func TestMinIOBinary(t *testing.T) {
	cache, onPath := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", onPath)
	cached := filepath.Join(cache, "skep", "bin", "minio")
	program(t, cached, 0o755)
	if got, err := minioBinary(t.Context()); got != cached || err != nil {
		t.Errorf("got %s, %v, want the cached %s", got, err, cached)
	}
	installed := filepath.Join(onPath, "minio")
	program(t, installed, 0o755)
	if got, err := minioBinary(t.Context()); got != installed || err != nil {
		t.Errorf("got %s, %v, want %s from PATH", got, err, installed)
	}
}

// TestOneBuildAtATime: whoever finds the lock taken waits, and finds the binary there.
func TestOneBuildAtATime(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", t.TempDir())
	cached := filepath.Join(cache, "skep", "bin", "minio")
	if err := os.MkdirAll(filepath.Dir(cached), 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := lockFile(cached + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	impatient, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, errors.New("no patience"))
	defer cancel()
	if _, err := minioBinary(impatient); err == nil || !strings.Contains(err.Error(), "no patience") {
		t.Errorf("while another builds: %v, want that patience has ended", err)
	}
	program(t, cached, 0o755)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := minioBinary(t.Context()); got != cached || err != nil {
		t.Errorf("got %s, %v, want what the other has built", got, err)
	}
}

// TestFailedBuildSaysWhy: without a Go toolchain that works, the error is the tool's own.
func TestFailedBuildSaysWhy(t *testing.T) {
	tools := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	program(t, filepath.Join(tools, "go"), 0o755)
	t.Setenv("PATH", tools)
	_, err := minioBinary(t.Context())
	if err == nil || !strings.Contains(err.Error(), minioModule) || !strings.Contains(err.Error(), "not today") {
		t.Errorf("got %v, want the module and what the tool said", err)
	}
}

func TestSystemBinary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", filepath.Join(dir, "path"))
	older, newer := filepath.Join(dir, "14", "bin"), filepath.Join(dir, "15", "bin")
	pattern := filepath.Join(dir, "*", "bin")

	_, err := systemBinary("hive", "hive-server", pattern)
	if want := "hive is not installed: apt-get install hive-server"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	program(t, filepath.Join(dir, "path", "hive"), 0o755)
	program(t, filepath.Join(newer, "hive"), 0o644) // not executable
	for _, want := range []string{filepath.Join(dir, "path"), older} {
		if got, err := systemBinary("hive", "hive-server", pattern); got != filepath.Join(want, "hive") || err != nil {
			t.Errorf("got %s, %v, want the one in %s", got, err, want)
		}
		program(t, filepath.Join(older, "hive"), 0o755)
	}
	program(t, filepath.Join(newer, "postgres"), 0o755)
	program(t, filepath.Join(older, "postgres"), 0o755)
	if got, err := systemBinary("postgres", "postgresql", pattern); got != filepath.Join(newer, "postgres") || err != nil {
		t.Errorf("got %s, %v, want the newer", got, err)
	}
}

// program writes a shell script that fails.
func program(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho not today\nexit 1\n"), mode); err != nil {
		t.Fatal(err)
	}
}

func TestS3FromEnv(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want *S3
		fail string
	}{
		{nil, nil, ""},
		{map[string]string{EnvS3AccessKey: "a", EnvS3SecretKey: "s"}, nil, ""},
		{map[string]string{EnvS3Endpoint: "http://h"}, nil, EnvS3SecretKey},
		{map[string]string{EnvS3Endpoint: "http://h", EnvS3AccessKey: "a", EnvS3SecretKey: "s"},
			&S3{Endpoint: "http://h", AccessKey: "a", SecretKey: "s", Region: "us-east-1"}, ""},
		{map[string]string{EnvS3Endpoint: "http://h", EnvS3AccessKey: "a", EnvS3SecretKey: "s", EnvS3Region: "eu"},
			&S3{Endpoint: "http://h", AccessKey: "a", SecretKey: "s", Region: "eu"}, ""},
	} {
		got, err := s3FromEnv(func(name string) string { return c.env[name] })
		if (err != nil) != (c.fail != "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%v: %v, want an error about %q", c.env, err, c.fail)
		}
		if (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("%v: got %+v, want %+v", c.env, got, c.want)
		}
	}
}

func TestMySQLConfig(t *testing.T) {
	cfg, err := mysqlConfig("mysql://bee:st%40ing@host/db")
	if err != nil || cfg.Addr != "host:3306" || cfg.User != "bee" || cfg.Passwd != "st@ing" || cfg.DBName != "db" {
		t.Errorf("got %+v, %v", cfg, err)
	}
	for _, bad := range []string{"postgres://h/", "mysql://%zz", ""} {
		if _, err := mysqlConfig(bad); err == nil || !strings.Contains(err.Error(), EnvMySQLURL) {
			t.Errorf("%q: %v, want an error that names %s", bad, err, EnvMySQLURL)
		}
	}
}
