package hiveql_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
)

// TestStagingOfDeadProcesses: what processes have left that were killed while they made, used or removed a
// staging directory goes with the next vacuum; what has no owner and something in it stays.
func TestStagingOfDeadProcesses(t *testing.T) {
	dir := t.TempDir()
	for name, files := range map[string][]string{
		"used": {"owner", "000000_0.parquet"}, "just-made": nil, "being-made": {"owner.new"}, "being-removed": {"owner"}, "others": {"notes"},
	} {
		one := filepath.Join(dir, "skep-write-"+name)
		err := os.Mkdir(one, 0o700)
		for _, file := range files {
			err = errors.Join(err, os.WriteFile(filepath.Join(one, file), []byte("nobody"), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	opener := &storage.Opener{}
	files, err := filestore.New("/")
	if err != nil {
		t.Fatal(err)
	}
	opener.Register(func(_ context.Context, _ string) (storage.Bucket, error) { return files, nil }, "file")
	s := hiveql.New(hiveql.Config{Store: w.store, Storage: opener, Executor: w.exec, StagingDir: dir}).NewSession()
	if v, err := s.Vacuum(t.Context(), "", "", false); err != nil || v.Staging != 2 {
		t.Errorf("vacuum: %+v, %v", v, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "skep-write-others" {
		t.Errorf("left: %v, %v", left, err)
	}
}
