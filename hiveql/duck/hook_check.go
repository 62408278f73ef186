package duck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/skepdata/skep/hiveql"
)

// hooked reports whether DuckDB reads files through the hook in this build: another linker, or
// a DuckDB that reads by other functions, would read holes as zeros. It is found out once, when
// the first file is to come by parts. Without the hook such files are brought whole.
func (e *Executor) hooked() bool {
	e.hookOnce.Do(func() { e.hookWorks = e.checkHook() == nil })
	return e.hookWorks
}

// checkHook has DuckDB read a Parquet file of which nothing is there.
func (e *Executor) checkHook() error {
	dir, err := os.MkdirTemp(e.tempDir, "hook-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c, err := e.connect()
	if err != nil {
		return err
	}
	defer c.close()
	ctx := context.Background()
	whole, holes := filepath.Join(dir, "whole.parquet"), filepath.Join(dir, "holes.parquet")
	if err := c.exec(ctx, "COPY (SELECT 'brought' AS word) TO "+quote(whole)+" (FORMAT parquet)"); err != nil {
		return err
	}
	content, err := os.ReadFile(whole)
	if err != nil {
		return err
	}
	if err := os.WriteFile(holes, make([]byte, len(content)), 0o600); err != nil {
		return err
	}
	var failed error
	local := hiveql.Local{Path: holes, Parts: &patch{content}, Release: func() {}}
	end := hooks.read(ctx, local, &reading{fail: func(err error) { failed = err }, touch: func(int64, int64) bool { return false }})
	defer end()
	rows, err := c.query(ctx, "SELECT word FROM read_parquet("+quote(holes)+")")
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return err
	case len(rows) != 1 || rows[0][0] != "brought":
		return fmt.Errorf("DuckDB read %v", rows)
	}
	return nil
}

// patch is a file in memory.
type patch struct{ content []byte }

func (p *patch) ReadAt(_ context.Context, b []byte, off int64) (int, error) {
	return bytes.NewReader(p.content).ReadAt(b, off)
}

func (p *patch) ReadOn(ctx context.Context, b []byte, off int64) (int, error) {
	return p.ReadAt(ctx, b, off)
}

func (p *patch) Hold(context.Context, int64, int64) (release func(), err error) {
	return func() {}, errors.ErrUnsupported
}

func (p *patch) Prefetch(int64, int64) {}

func (p *patch) Missing(int64, int64) int64 { return 0 }

func (p *patch) ReadTable() *hiveql.PartTable { return nil }

func (p *patch) Verify([]uint32) error { return nil }

func (p *patch) Confirm(context.Context, int64, int64) error { return nil }

func (p *patch) ReadConfirmed(ctx context.Context, b []byte, off int64) (int, error) {
	return p.ReadAt(ctx, b, off)
}

func (p *patch) ConfirmAhead(int64, int64) {}

func (p *patch) ConfirmWhole() bool { return true }

func (p *patch) Unconfirmed(int64, int64) int64 { return 0 }

func (p *patch) Sure() bool { return true }

func (p *patch) Prove(context.Context) error { return nil }

func (p *patch) Marked(int64, int64, int) (bool, int) { return true, 0 }

func (p *patch) Mark(int64, int64, int, int) error { return nil }

func (p *patch) Again(context.Context, int64, int64) (bool, error) { return false, nil }

func (p *patch) Recheck(context.Context, int64, int64) error { return nil }
