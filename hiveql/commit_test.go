package hiveql_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/sqlstore"
	"github.com/skepdata/skep/storage"
	"github.com/skepdata/skep/storage/filestore"
	"github.com/skepdata/skep/storage/storagetest"
)

// world is a metastore and a bucket in memory, which engines share.
type world struct {
	t     testing.TB
	store metastore.Store
	mem   *storagetest.Mem
	grace string // skep.vacuum.grace
	track string // skep.track.files
	exec  hiveql.Executor
	home  string // the machine, as owners of writes on record name it
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlstore.Open(context.Background(), "sqlite://"+filepath.Join(t.TempDir(), "metastore.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &world{t: t, store: store, mem: storagetest.NewMem("mem://lake/"), grace: "0s", track: "true", exec: lines{}}
}

// session opens a session over the world, whose bucket and metastore may be wrapped.
func (w *world) session(b storage.Bucket, store metastore.Store) *hiveql.Session {
	return w.engine(b, store).NewSession()
}

// engine makes an engine over the world.
func (w *world) engine(b storage.Bucket, store metastore.Store) *hiveql.Engine {
	opener := &storage.Opener{}
	opener.Register(func(context.Context, string) (storage.Bucket, error) { return b, nil }, "mem")
	opener.Register(func(context.Context, string) (storage.Bucket, error) { return filestore.New("/") }, "file")
	return hiveql.New(hiveql.Config{
		Store: store, Storage: opener, Executor: w.exec, Warehouse: "mem://lake/wh", StagingDir: w.t.TempDir(),
		User: "hive", Now: func() time.Time { return time.Unix(1_700_000_000, 0).UTC() },
		Settings: map[string]string{"skep.vacuum.grace": w.grace, "skep.track.files": w.track},
	})
}

func (w *world) plain() *hiveql.Session { return w.session(w.mem, w.store) }

// eachWay runs a test on tables whose files the metastore lists, and on others.
func eachWay(t *testing.T, test func(t *testing.T, w func() *world)) {
	for _, track := range []string{"true", "false"} {
		t.Run("track="+track, func(t *testing.T) {
			test(t, func() *world {
				w := newWorld(t)
				w.track = track
				return w
			})
		})
	}
}

// run executes statements and gives the rows of the last one, sorted.
func run(s *hiveql.Session, src string) ([]string, error) {
	var rows []string
	for r, err := range s.Execute(context.Background(), src) {
		if err != nil {
			return nil, err
		}
		rows = nil
		if r.Rows == nil {
			continue
		}
		for r.Rows.Next() {
			var cells []string
			for i, v := range r.Rows.Row() {
				cells = append(cells, string(hivetype.AppendText(nil, v, r.Rows.Columns()[i].Type)))
			}
			rows = append(rows, strings.Join(cells, " "))
		}
		if err := r.Rows.Err(); err != nil {
			return nil, err
		}
	}
	slices.Sort(rows)
	return rows, nil
}

func must(t testing.TB, s *hiveql.Session, src string) []string {
	t.Helper()
	rows, err := run(s, src)
	if err != nil {
		t.Fatalf("%s\n%v", src, err)
	}
	return rows
}

func same(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// killer counts the effects on a bucket and a metastore, and lets none happen from the n-th on,
// as if the process had been killed there.
type killer struct {
	mu   sync.Mutex
	left int
	dead bool
}

var errDead = errors.New("the process is dead")

func (k *killer) step() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return errDead
	}
	if k.left--; k.left < 0 {
		k.dead = true
		return errDead
	}
	return nil
}

// mortalStore dies before or after transactions.
type mortalStore struct {
	metastore.Store
	k *killer
}

func (m mortalStore) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	if err := m.k.step(); err != nil {
		return err
	}
	if err := m.Store.Update(ctx, fn); err != nil {
		return err
	}
	return m.k.step() // the answer is lost
}

func (m mortalStore) Table(ctx context.Context, n metastore.TableName) (*metastore.Table, error) {
	m.k.mu.Lock()
	defer m.k.mu.Unlock()
	if m.k.dead {
		return nil, errDead
	}
	return m.Store.Table(ctx, n)
}

// mortal gives a session that does only n more changes.
func (w *world) mortal(n int) (*hiveql.Session, *killer) {
	k := &killer{left: n}
	b := storagetest.Faulty(w.mem, func(op storagetest.Op) error {
		switch op.Kind {
		case storagetest.OpCommit, storagetest.OpDelete, storagetest.OpCopyFrom, storagetest.OpWritePart:
			return k.step()
		case storagetest.OpAbort:
			return nil
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.dead {
			return errDead
		}
		return nil
	})
	return w.session(b, mortalStore{w.store, k}), k
}

const setup = `
CREATE TABLE t (a INT) PARTITIONED BY (ds STRING);
INSERT INTO t PARTITION (ds) VALUES (1, 'x'), (3, 'y');
INSERT INTO t PARTITION (ds='x') VALUES (2);
CREATE TABLE u (a INT);
INSERT INTO u VALUES (1), (2);
INSERT INTO u VALUES (3)`

// TestDeathAtEveryStep ends a statement before each of its effects. A reader then sees the
// table as it was or as it should be, and running the statement again makes it what it should
// be, with nothing left over.
func TestDeathAtEveryStep(t *testing.T) { eachWay(t, testDeathAtEveryStep) }

func testDeathAtEveryStep(t *testing.T, world func() *world) {
	for name, c := range map[string]struct {
		statement, query string
		before, after    []string
		again            []string // after the statement was run again
		files            int      // of the table, in the end
	}{
		"overwrite partitions": {
			"INSERT OVERWRITE TABLE t PARTITION (ds) VALUES (10, 'x'), (11, 'z')", "SELECT a, ds FROM t",
			[]string{"1 x", "2 x", "3 y"}, []string{"10 x", "11 z", "3 y"}, nil, 3,
		},
		"overwrite one partition": {
			"INSERT OVERWRITE TABLE t PARTITION (ds='x') VALUES (10)", "SELECT a, ds FROM t",
			[]string{"1 x", "2 x", "3 y"}, []string{"10 x", "3 y"}, nil, 2,
		},
		"overwrite a table": {
			"INSERT OVERWRITE TABLE u VALUES (7), (8)", "SELECT a FROM u", []string{"1", "2", "3"}, []string{"7", "8"}, nil, 1,
		},
		"insert": {
			"INSERT INTO t PARTITION (ds) VALUES (4, 'x'), (5, 'z')", "SELECT a, ds FROM t",
			[]string{"1 x", "2 x", "3 y"}, []string{"1 x", "2 x", "3 y", "4 x", "5 z"},
			[]string{"1 x", "2 x", "3 y", "4 x", "4 x", "5 z", "5 z"}, 0,
		},
		"concatenate": {
			"ALTER TABLE u CONCATENATE", "SELECT a FROM u", []string{"1", "2", "3"}, []string{"1", "2", "3"}, nil, 1,
		},
		"optimize": {
			"OPTIMIZE TABLE t WHERE ds = 'x'", "SELECT a, ds FROM t",
			[]string{"1 x", "2 x", "3 y"}, []string{"1 x", "2 x", "3 y"}, nil, 2,
		},
		"truncate": {"TRUNCATE TABLE u", "SELECT a FROM u", []string{"1", "2", "3"}, nil, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			steps := 0
			for finished := false; !finished; steps++ {
				w := world()
				must(t, w.plain(), setup)
				s, k := w.mortal(steps)
				_, err := run(s, c.statement)
				finished = !k.dead
				got := must(t, w.plain(), c.query)
				if !slices.Equal(got, c.before) && !slices.Equal(got, c.after) {
					t.Fatalf("after step %d a reader sees %q", steps, got)
				}
				if err == nil && !slices.Equal(got, c.after) {
					t.Fatalf("after step %d the statement succeeded, and a reader sees %q", steps, got)
				}
				done := slices.Equal(got, c.after)
				if c.again == nil || !done {
					must(t, w.plain(), c.statement)
					same(t, fmt.Sprintf("run again after step %d", steps), must(t, w.plain(), c.query), c.after...)
				} else {
					must(t, w.plain(), c.statement)
					same(t, fmt.Sprintf("run twice, step %d", steps), must(t, w.plain(), c.query), c.again...)
				}
				w.checkClean(t, finished)
			}
			if steps < 4 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}

// TestCreateAsDies ends CREATE TABLE AS before each of its effects.
func TestCreateAsDies(t *testing.T) {
	for steps, finished := 0, false; !finished; steps++ {
		w := newWorld(t)
		must(t, w.plain(), setup)
		s, k := w.mortal(steps)
		_, err := run(s, "CREATE TABLE c AS SELECT a FROM u")
		finished = !k.dead
		_, missing := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: "c"})
		if err == nil && missing != nil {
			t.Fatalf("after step %d the statement succeeded, and there is no table", steps)
		}
		if missing == nil {
			same(t, fmt.Sprintf("after step %d", steps), must(t, w.plain(), "SELECT a FROM c"), "1", "2", "3")
		}
		create := "CREATE TABLE IF NOT EXISTS c AS SELECT a FROM u"
		if steps%2 == 0 { // what is left must not get into another table of the name either
			create = "CREATE TABLE IF NOT EXISTS c (a INT); INSERT OVERWRITE TABLE c SELECT a FROM u"
		}
		must(t, w.plain(), create)
		same(t, fmt.Sprintf("again after step %d", steps), must(t, w.plain(), "SELECT a FROM c"), "1", "2", "3")
		must(t, w.plain(), "DROP TABLE c; CREATE TABLE c (a INT)")
		same(t, "after DROP", must(t, w.plain(), "SELECT a FROM c"))
	}
}

// TestFilesOfCreateAsStay: what CREATE TABLE AS has made stays where the table becomes an external one and is
// dropped, and a managed table of the name has its rows, as in Hive. IMPORT does not take the place for empty.
func TestFilesOfCreateAsStay(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup+`; EXPORT TABLE u TO 'mem://lake/out'; CREATE TABLE c AS SELECT a FROM u;
		ALTER TABLE c SET TBLPROPERTIES ('EXTERNAL'='TRUE'); DROP TABLE c`)
	if _, err := run(w.plain(), "IMPORT TABLE c FROM 'mem://lake/out'"); err == nil || !strings.Contains(err.Error(), "contains data files") {
		t.Errorf("imported: %v", err)
	}
	same(t, "rows", must(t, w.plain(), "CREATE TABLE c (a INT); SELECT a FROM c"), "1", "2", "3")
}

// checkClean fails where something of the protocol is left. The record of a write that died
// stays while its process, this test, is alive.
func (w *world) checkClean(t *testing.T, finished bool) {
	t.Helper()
	recorded := map[string]bool{}
	for _, name := range []string{"t", "u"} {
		table, err := w.store.Table(t.Context(), metastore.TableName{Database: "default", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range table.Parameters {
			left := strings.HasPrefix(k, "skep.write.") && (finished || strings.HasPrefix(v, "clean"))
			recorded[strings.TrimPrefix(k, "skep.write.")] = true
			if left {
				t.Errorf("%s still has %s=%s", name, k, v)
			}
		}
	}
	for _, key := range w.mem.Keys() {
		if _, id, list := strings.Cut(key, ".skep-replaced-"); list && (finished || !recorded[id]) {
			t.Errorf("%s is left", key)
		}
	}
}

// TestDeadWritersAreCleanedUp takes back a write whose process is gone.
func TestDeadWritersAreCleanedUp(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), setup)
	before := w.mem.Keys()
	for steps := 3; len(w.mem.Keys()) == len(before); steps++ { // until a file of the write is there
		s, _ := w.mortal(steps)
		if _, err := run(s, "INSERT INTO t PARTITION (ds) VALUES (7, 'x'), (8, 'new')"); err == nil {
			t.Fatal("it did not die")
		}
	}
	name := metastore.TableName{Database: "default", Name: "t"}
	err := w.store.Update(t.Context(), func(tx metastore.Tx) error {
		table, err := tx.Table(t.Context(), name)
		if err != nil {
			return err
		}
		for k, v := range table.Parameters {
			if words := strings.Fields(v); strings.HasPrefix(k, "skep.write.") {
				table.Parameters[k] = words[0] + " " + words[1] + " 1073741824 1" // nobody's number
			}
		}
		return tx.AlterTable(t.Context(), name, table)
	})
	if err != nil {
		t.Fatal(err)
	}
	must(t, w.plain(), "INSERT INTO t PARTITION (ds='z') VALUES (9)")
	for _, k := range before {
		if _, ok := w.mem.Content(k); !ok {
			t.Errorf("%s is gone", k)
		}
	}
	if n := len(w.mem.Keys()); n != len(before)+1 {
		t.Errorf("%d files, want %d: %q", n, len(before)+1, w.mem.Keys())
	}
	w.checkClean(t, true)
}

// TestPruning counts what a query with a partition filter asks of the store.
func TestPruning(t *testing.T) {
	w := newWorld(t)
	must(t, w.plain(), "CREATE TABLE t (a INT) PARTITIONED BY (ds STRING, hr INT)")
	for i := range 10 {
		must(t, w.plain(), fmt.Sprintf("INSERT INTO t PARTITION (ds='d%d', hr) VALUES (1, 1), (2, 2)", i))
	}
	b := storagetest.NewCounting(w.mem)
	s := w.session(b, w.store)
	same(t, "rows", must(t, s, "SELECT a, ds, hr FROM t WHERE ds = 'd3' AND hr > 1"), "2 d3 2")
	for _, prefix := range b.Lists() {
		if prefix != "wh/t/ds=d3/hr=2/" {
			t.Errorf("listed %s", prefix)
		}
	}
	for _, key := range b.Opens() {
		if !strings.HasPrefix(key, "wh/t/ds=d3/hr=2/") {
			t.Errorf("opened %s", key)
		}
	}
	if n := b.Counts(); n.List != 0 || n.Open != 1 || n.Stat != 0 {
		t.Errorf("%d lists, %d opens, %d stats; want one open, because the files are tracked", n.List, n.Open, n.Stat)
	}
	must(t, w.plain(), "MSCK REPAIR TABLE t")
	b.Reset()
	same(t, "rows after MSCK", must(t, s, "SELECT a, ds, hr FROM t WHERE ds = 'd3' AND hr > 1"), "2 d3 2")
	if n := b.Counts(); n.List != 1 || n.Open != 1 || n.Stat != 0 {
		t.Errorf("%d lists, %d opens, %d stats; want one list and one open", n.List, n.Open, n.Stat)
	}
	b.Reset()
	same(t, "nothing", must(t, s, "SELECT a FROM t WHERE ds = 'none'"))
	if n := b.Counts(); n.List+n.Open+n.Stat != 0 {
		t.Errorf("a query of no partition did %+v", n)
	}
	b.Reset()
	same(t, "names", must(t, s, "SHOW PARTITIONS t PARTITION (hr=1)")[:1], "ds=d0/hr=1")
	if n := b.Counts(); n.List+n.Open+n.Stat != 0 {
		t.Errorf("SHOW PARTITIONS did %+v", n)
	}
}
