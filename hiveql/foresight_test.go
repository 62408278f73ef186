package hiveql_test

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
)

// slow is a bucket that lists once it may, if it is to wait for that.
type slow struct {
	storage.Bucket
	may  chan struct{} // nil: at once
	fail error
}

func (s *slow) List(ctx context.Context, prefix string) iter.Seq2[storage.Object, error] {
	return func(yield func(storage.Object, error) bool) {
		if s.may != nil {
			select {
			case <-s.may:
			case <-ctx.Done():
			}
		}
		if s.fail != nil {
			yield(storage.Object{}, s.fail)
			return
		}
		s.Bucket.List(ctx, prefix)(yield)
	}
}

// tellingLines tell when a query is run.
type tellingLines struct {
	lines
	begun func()
}

func (l *tellingLines) Query(ctx context.Context, q *analysis.Query, src hiveql.Source) (hiveql.Rows, error) {
	if l.begun != nil {
		l.begun()
	}
	return l.lines.Query(ctx, q, src)
}

// TestForesight: a query of a table that others write to begins before its files have been listed, and answers with what is
// there.
func TestForesight(t *testing.T) {
	w := newWorld(t)
	b, exec := &slow{Bucket: w.mem}, &tellingLines{}
	opener := &storage.Opener{}
	opener.Register(func(context.Context, string) (storage.Bucket, error) { return b, nil }, "mem")
	opener.Register(func(context.Context, string) (storage.Bucket, error) { return filestore.New("/") }, "file")
	engine := hiveql.New(hiveql.Config{Store: w.store, Storage: opener, Executor: exec, Warehouse: "mem://lake/wh", StagingDir: t.TempDir()})
	s := engine.NewSession()
	must(t, s, "CREATE EXTERNAL TABLE x (a INT) PARTITIONED BY (ds STRING) LOCATION 'mem://lake/x'; ALTER TABLE x ADD PARTITION (ds='p') PARTITION (ds='q')")
	w.mem.Put("x/ds=p/one", "1\n")
	w.mem.Put("x/ds=q/two", "2\n")
	const query = "SELECT a FROM x"
	same(t, "at first", must(t, s, query), "1", "2")

	runs := 0
	early := func() { // the listing is let go by the query alone
		b.may = make(chan struct{})
		exec.begun = func() {
			if runs++; runs == 1 {
				close(b.may)
			}
		}
	}
	for _, c := range []struct {
		name   string
		change func()
		runs   int
		want   []string
	}{
		{"nothing has changed", func() {}, 1, []string{"1", "2"}},
		{"a file has come", func() { w.mem.Put("x/ds=q/three", "3\n") }, 2, []string{"1", "2", "3"}},
		{"a file is another", func() { w.mem.Put("x/ds=p/one", "7\n") }, 2, []string{"2", "3", "7"}},
		{"a file is gone", func() { _ = w.mem.Delete(t.Context(), "x/ds=q/three") }, 2, []string{"2", "7"}},
		{"nothing has changed since", func() {}, 1, []string{"2", "7"}},
	} {
		c.change()
		runs = 0
		early()
		same(t, c.name, must(t, s, query), c.want...)
		if runs != c.runs {
			t.Errorf("%s: the query was run %d times", c.name, runs)
		}
	}

	b.may, exec.begun = nil, nil
	must(t, s, "ALTER TABLE x PARTITION (ds='q') SET FILEFORMAT INPUTFORMAT 'a.B' OUTPUTFORMAT 'c.D' SERDE 'e.F'")
	if _, err := run(s, query); err == nil {
		t.Error("a format is read that nobody knows")
	}
	if err := w.mem.Delete(t.Context(), "x/ds=q/two"); err != nil {
		t.Fatal(err)
	}
	same(t, "the file that cannot be read is gone", must(t, s, query), "7")

	b.fail = errors.New("the store is on fire")
	runs = 0
	early()
	if _, err := run(s, query); !errors.Is(err, b.fail) {
		t.Errorf("the error is %v", err)
	}
}
