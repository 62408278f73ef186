package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/skepdata/skep/internal/config"
	"github.com/skepdata/skep/storage/s3store"
)

// TestLoad runs the scripts in testdata. Their commands are
//
//	write path     writes a file below the home directory, $HOME
//	env            sets the environment to the lines NAME=VALUE, and HOME
//	load           loads the configuration and prints it; config=path names a file,
//	               and the lines of its input are settings of the command line
//	open           prints the location of each URL
func TestLoad(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{home: t.TempDir(), env: map[string]string{}}
		s.env["HOME"] = s.home
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			return strings.ReplaceAll(s.run(t, d), s.home, "$HOME")
		})
	})
}

type script struct {
	home string
	env  map[string]string
}

func (s *script) run(t *testing.T, d *datadriven.TestData) string {
	input := strings.ReplaceAll(d.Input, "$HOME", s.home)
	switch d.Cmd {
	case "write":
		path := filepath.Join(s.home, d.CmdArgs[0].Key)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(input), 0o600); err != nil {
			t.Fatal(err)
		}
		return ""
	case "env":
		s.env = pairs(input)
		s.env["HOME"] = s.home
		return ""
	case "load":
		c, err := s.load(d, input)
		if err != nil {
			return err.Error()
		}
		return describe(c)
	case "open":
		c, err := s.load(d, "")
		if err != nil {
			return err.Error()
		}
		return open(t, c, strings.Fields(input))
	}
	t.Fatalf("unknown command %q", d.Cmd)
	return ""
}

func (s *script) load(d *datadriven.TestData, overrides string) (*config.Config, error) {
	src := config.Source{Getenv: func(name string) string { return s.env[name] }, Overrides: pairs(overrides)}
	for _, arg := range d.CmdArgs {
		if arg.Key == "config" {
			src.File = filepath.Join(s.home, arg.Vals[0])
		}
	}
	return config.Load(src)
}

func pairs(lines string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if name != "" {
			m[name] = value
		}
	}
	return m
}

func describe(c *config.Config) string {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" && value != "0" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	line("metastore", c.Metastore)
	line("warehouse", c.Warehouse)
	line("block roots", strings.Join(c.BlockRoots, " "))
	line("default fs", c.DefaultFS)
	line("cache", c.CacheDir)
	line("s3", c.S3.String())
	line("s3 keys", strings.Join([]string{c.S3.AccessKey, c.S3.SecretKey, c.S3.SessionToken}, " "))
	line("s3 region", c.S3.Region)
	line("s3 addressing", string(c.S3.Addressing))
	line("s3 part size", fmt.Sprint(c.S3.PartSize))
	line("s3 workers", fmt.Sprint(c.S3.Workers))
	line("s3 attempts", fmt.Sprint(c.S3.Attempts))
	line("s3 ca file", c.S3.CAFile)
	line("s3 storage class", c.S3.StorageClass)
	return b.String()
}

func open(t *testing.T, c *config.Config, urls []string) string {
	o := c.Opener()
	defer func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}()
	var b strings.Builder
	for _, u := range urls {
		at, err := o.Open(t.Context(), u)
		if err != nil {
			fmt.Fprintln(&b, err)
			continue
		}
		fmt.Fprintf(&b, "%s in %s\n", at.URL(), at.Bucket.URL())
	}
	return b.String()
}

func TestS3BucketsShareOneClient(t *testing.T) {
	env := map[string]string{
		"HOME": t.TempDir(), "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
	}
	c, err := config.Load(config.Source{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	o := c.Opener()
	defer o.Close()
	clients := map[*s3store.Client]bool{}
	for _, u := range []string{"s3://one/", "s3a://two/x", "s3n://three/y/z"} {
		at, err := o.Open(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		clients[at.Bucket.(*s3store.Bucket).Client()] = true
	}
	if len(clients) != 1 {
		t.Errorf("%d clients, want one whose connections all buckets share", len(clients))
	}
}

func TestPrintsNoSecret(t *testing.T) {
	env := map[string]string{
		"HOME": "/home/bee", "SKEP_METASTORE": "postgres://bee:hidden1@db/meta",
		"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hidden2", "AWS_SESSION_TOKEN": "hidden3",
	}
	c, err := config.Load(config.Source{Getenv: func(name string) string { return env[name] }})
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(format, c); strings.Contains(text, "hidden") || !strings.Contains(text, "db/meta") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}
