package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/storagetest"
)

// pieces is an executor that writes some files of one row each, and lets a test look after each.
type pieces struct {
	lines
	files int
	bytes int
	after func(dir string) error
}

func (p pieces) Write(_ context.Context, _ *analysis.Query, _ hiveql.Source, out hiveql.Output) error {
	for i := range p.files {
		text := fmt.Sprintf("%0*d\n", p.bytes-1, i)
		if err := out.Sink.Grow(int64(len(text))); err != nil {
			return err
		}
		f := hiveql.Written{Path: filepath.Join(out.Dir, fmt.Sprint(i)), Rows: 1, Bytes: int64(len(text))}
		if out.Dynamic > 0 {
			f.Values = partitions.Values{fmt.Sprint(i % 7)}
		}
		if err := os.WriteFile(f.Path, []byte(text), 0o600); err != nil {
			return err
		}
		if err := p.after(filepath.Dir(out.Dir)); err != nil {
			return err
		}
		if err := out.Sink.Take(f); err != nil {
			return err
		}
	}
	return nil
}

// bytesBelow is how many bytes the files of a directory have, which others remove meanwhile.
func bytesBelow(t *testing.T, dir string) (sum int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || d.Name() == "owner" {
			return err
		}
		if info, err := d.Info(); err == nil {
			sum += info.Size()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// Files are sent while others are written, and no more of them wait than there is room for.
func TestStagingIsBounded(t *testing.T) {
	const files, bytes = 60, 300
	for _, insert := range []string{"INTO TABLE t PARTITION (ds)", "OVERWRITE TABLE t PARTITION (ds)", "OVERWRITE TABLE u"} {
		w := newWorld(t)
		must(t, w.plain(), setup)
		var most int64
		w.exec = pieces{files: files, bytes: bytes, after: func(dir string) error {
			most = max(most, bytesBelow(t, dir))
			return nil
		}}
		// Sending begins when as many files wait as can be sent at once.
		var sending atomic.Int64
		full := make(chan struct{})
		slow := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
			if op.Kind == storagetest.OpCommit {
				if sending.Add(1) == 16 {
					close(full)
				}
				<-full
			}
			return nil
		})
		s := w.session(slow, w.store)
		must(t, s, "SET skep.staging.limit=6KB; SET hive.exec.max.dynamic.partitions=7; INSERT "+insert+" SELECT a"+map[bool]string{true: ", 'x' AS ds"}[strings.Contains(insert, "ds")]+" FROM u")
		if most > 6000 {
			t.Errorf("%s: %d bytes were staged, of 6000", insert, most)
		}
		w.exec = lines{}
		table, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(insert, "INTO TABLE "), "OVERWRITE TABLE "), " ")
		want := files
		if strings.HasPrefix(insert, "INTO") {
			want += 3
		}
		if rows := must(t, w.plain(), "SELECT a FROM "+table); strings.HasPrefix(insert, "OVERWRITE TABLE t") {
			if !slices.Contains(rows, "59") {
				t.Errorf("%s: %d rows", insert, len(rows))
			}
		} else if len(rows) != want {
			t.Errorf("%s: %d rows, want %d", insert, len(rows), want)
		}
	}
}

// A file that cannot be sent ends the statement while its query runs, and so does a query that fails
// when files have been sent. Of neither anything is left.
func TestUploadsEndWithTheirWrite(t *testing.T) {
	broken := errors.New("broken by the test")
	for name, c := range map[string]struct {
		store bool // it is the store that fails
	}{"store": {true}, "query": {false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			must(t, w.plain(), setup)
			before := w.mem.Keys()
			var sent, written atomic.Int64
			once := make(chan struct{})
			b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
				switch {
				case op.Kind != storagetest.OpCommit || !strings.HasPrefix(op.Key, "wh/t/"):
				case c.store && sent.Load() == 3:
					return &storage.Error{Op: "commit", URL: op.Key, Err: broken}
				case sent.Add(1) == 3:
					close(once)
				}
				return nil
			})
			w.exec = pieces{files: 1_000_000, bytes: 10, after: func(string) error {
				if written.Add(1) > 3 {
					<-once // so that some have been sent
					if !c.store {
						return broken
					}
				}
				return nil
			}}
			s := w.session(b, w.store)
			_, err := run(s, "SET skep.staging.limit=1KB; INSERT OVERWRITE TABLE t PARTITION (ds) SELECT a, 'x' AS ds FROM u")
			if !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			if n := written.Load(); n == 1_000_000 {
				t.Error("the query was not stopped")
			}
			w.exec = lines{}
			same(t, "files", w.mem.Keys(), before...)
			same(t, "rows", must(t, w.plain(), "SELECT a, ds FROM t"), "1 x", "2 x", "3 y")
			w.checkClean(t, true)
		})
	}
}
