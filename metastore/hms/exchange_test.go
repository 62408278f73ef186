package hms_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	hive "github.com/beltran/gohive/hive_metastore"

	"github.com/skepdata/skep/metastore/hms"
)

// directories are those of the machine.
type directories struct{}

func pathOf(url string) string { return strings.TrimPrefix(url, "file://") }

func (directories) MakeDir(_ context.Context, url string) error {
	return os.MkdirAll(pathOf(url), 0o700)
}

func (directories) Copy(_ context.Context, from, to string) error {
	if files, err := filepath.Glob(pathOf(to) + "/*"); err != nil || len(files) > 0 {
		return fmt.Errorf("there are files in %s already", to)
	}
	if _, err := os.Stat(pathOf(from)); os.IsNotExist(err) {
		return nil
	}
	return os.CopyFS(pathOf(to), os.DirFS(pathOf(from)))
}

func (directories) Remove(_ context.Context, url string) error { return os.RemoveAll(pathOf(url)) }

// gohiveExchange moves partitions from one table to another, with their data.
func gohiveExchange(t *testing.T, open opener) {
	root := "file://" + t.TempDir()
	c := gohive(t, serve(t, hms.Config{Store: open(t), Files: directories{}, Warehouse: root}))
	ctx := t.Context()
	web(t, c, events("ds string", "hr int"))
	to := events("ds string", "hr int")
	to.TableName = "kept"
	if err := c.CreateTable(ctx, to); err != nil {
		t.Fatal(err)
	}
	for _, v := range [][]string{{"a", "1"}, {"a", "2"}, {"b", "1"}} {
		if _, err := c.AppendPartition(ctx, "web", "events", v); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(pathOf(root)+"/web.db/events/ds="+v[0]+"/hr="+v[1]+"/f", []byte(v[1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.AppendPartition(ctx, "web", "kept", []string{"b", "1"}); err != nil {
		t.Fatal(err)
	}
	moved, err := c.ExchangePartitions(ctx, map[string]string{"ds": "a", "hr": ""}, "web", "events", "web", "kept")
	if err != nil || len(moved) != 2 || moved[0].TableName != "kept" || moved[1].Sd.Location != root+"/web.db/kept/ds=a/hr=2" {
		t.Fatalf("%v, %v", moved, err)
	}
	for name, want := range map[string]int{"events": 1, "kept": 3} {
		if names, err := c.GetPartitionNames(ctx, "web", name, -1); err != nil || len(names) != want {
			t.Errorf("%s: %v, %v", name, names, err)
		}
	}
	if text, err := os.ReadFile(pathOf(root) + "/web.db/kept/ds=a/hr=2/f"); err != nil || string(text) != "2" {
		t.Errorf("%s, %v", text, err)
	}
	if _, err := os.Stat(pathOf(root) + "/web.db/events/ds=a/hr=2"); !os.IsNotExist(err) {
		t.Errorf("the old data: %v", err)
	}
	for want, spec := range map[string]map[string]string{
		"exist already": {"ds": "b", "hr": "1"}, "No partition is found": {"ds": "nope"}, "Invalid partition key": {"hr": "1"},
	} {
		var meta *hive.MetaException
		if _, err := c.ExchangePartition(ctx, spec, "web", "events", "web", "kept"); !errors.As(err, &meta) || !strings.Contains(meta.Message, want) {
			t.Errorf("%v: %v", spec, err)
		}
	}
	if _, err := os.Stat(pathOf(root) + "/web.db/events/ds=b/hr=1/f"); err != nil {
		t.Errorf("what was not moved is gone: %v", err)
	}
}
