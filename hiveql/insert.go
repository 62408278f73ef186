package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	copier "github.com/skepdata/skep/copy"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
	"github.com/skepdata/skep/storage"
)

// maxReplans is how often a statement is planned again because a table was changed under it.
const maxReplans = 20

var errNoExecutor = errors.New("this program has no engine to run queries")

// query runs a SELECT.
func (s *Session) query(ctx context.Context, r *Result, q *syntax.Query) error {
	return s.replanning(ctx, func() error {
		plan, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q)
		if err != nil {
			return err
		}
		exec, err := s.executor()
		if err != nil {
			return err
		}
		src, err := s.newSource(ctx, plan, &r.counts)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithCancel(ctx)
		done := func() { cancel(); src.close() }
		rows, err := exec.Query(ctx, plan, src)
		if err != nil {
			done()
			return err
		}
		r.Rows = &queryRows{Rows: rows, source: r.Text, counts: &r.counts, zone: s.now().Location(), done: done,
			refuseCut: s.refusesNanos()}
		return nil
	})
}

// replanning runs fn again while the plan it makes is overtaken by writes.
func (s *Session) replanning(ctx context.Context, fn func() error) error {
	var err error
	for range maxReplans {
		if err = fn(); !errors.Is(err, errStale) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return err
}

// insert runs INSERT INTO and INSERT OVERWRITE.
func (s *Session) insert(ctx context.Context, r *Result, n *syntax.Insert) error {
	t, err := s.table(ctx, &n.Table)
	if err != nil {
		return err
	}
	if t.Type == metastore.View {
		return semantic(&n.Table, 10090, "A view cannot be used as target table for LOAD or INSERT '%s'", t.Name)
	}
	n, checks, err := s.constrained(ctx, t, n)
	if err != nil {
		return err
	}
	return s.replanning(ctx, func() error {
		w, err := analysis.AnalyzeInsert(ctx, s.cfg.Store, s.env(), n, checks...)
		if err != nil {
			return err
		}
		return s.write(ctx, r, w, false)
	})
}

// multiInsert runs FROM ... INSERT ... INSERT ...; each insert is a change of its own.
func (s *Session) multiInsert(ctx context.Context, r *Result, n *syntax.MultiInsert) error {
	for _, one := range n.Inserts {
		var err error
		switch ins := insertOf(n, one).(type) {
		case *syntax.Insert:
			err = s.insert(ctx, r, ins)
		case *syntax.InsertDirectory:
			err = s.insertDirectory(ctx, r, ins)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// insertOf is one insert of n as a statement of its own.
func insertOf(n *syntax.MultiInsert, one syntax.Stmt) syntax.Stmt {
	switch ins := one.(type) {
	case *syntax.Insert:
		c := *ins
		c.Query = fromSource(n, ins.Query)
		return &c
	case *syntax.InsertDirectory:
		c := *ins
		c.Query = fromSource(n, ins.Query)
		return &c
	}
	return one
}

// fromSource is the query of one insert of n, with the FROM they share.
func fromSource(n *syntax.MultiInsert, q *syntax.Query) *syntax.Query {
	c := *q
	c.With = append(slices.Clone(n.With), q.With...)
	if sel, ok := q.Body.(*syntax.Select); ok {
		full := *sel
		if len(full.From) == 0 {
			full.From = n.Source
		}
		c.Body = &full
	}
	return &c
}

// write carries out a planned write. With create, the table is made by it.
func (s *Session) write(ctx context.Context, r *Result, w *analysis.Write, create bool) error {
	exec, err := s.executor()
	if err != nil {
		return err
	}
	if err := readable(&w.Table.Storage, w.Table); err != nil {
		return err
	}
	static, err := s.staticTarget(ctx, w, create)
	if err != nil {
		return err
	}
	if static != nil && static.exists && w.IfNotExists {
		return nil
	}
	src, err := s.newSource(ctx, w.Query, &r.counts)
	if err != nil {
		return err
	}
	defer src.close()
	dir, err := s.stagingDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	output := Output{
		Dir: out, Table: s.outputTable(w, static), Dynamic: w.Dynamic(), TimestampUnit: s.timestampUnit(),
		MaxFileBytes: s.targetSize(), Measure: s.settings.isTrue(autogather),
	}
	written, err := exec.Write(ctx, w.Query, src, output)
	if err == nil {
		err = r.counts.whole(s.refusesNanos())
	}
	if err != nil {
		return err
	}
	st, err := s.stage(ctx, w, static, create, written, filepath.Join(dir, "up"))
	if err != nil {
		return err
	}
	j := &job{s: s, table: w.Table, create: create, overwrite: w.Overwrite, targets: st.targets, upload: st.upload}
	if len(j.targets) == 0 && !create {
		return nil // dynamic partitions and no rows
	}
	if err := j.run(ctx); err != nil {
		return err
	}
	for _, f := range written {
		r.counts.rowsWritten.Add(f.Rows)
		r.counts.bytesWritten.Add(f.Bytes)
		r.counts.filesWritten.Add(1)
	}
	s.report(r, w, st.targets)
	return nil
}

// report says what was written, as Hive does.
func (s *Session) report(r *Result, w *analysis.Write, targets []*target) {
	if !w.Table.Partitioned() {
		r.say("Loading data to table " + w.Table.String())
		return
	}
	for _, t := range targets {
		if name, err := w.Table.Keys().Name(t.values); err == nil {
			r.say("Loading data to table " + w.Table.String() + " partition " + name)
		}
	}
}

// staticPlace is the one place that a write without dynamic keys goes to.
type staticPlace struct {
	target
	exists bool
}

// staticTarget finds the target of a write without dynamic keys; nil for one with them.
func (s *Session) staticTarget(ctx context.Context, w *analysis.Write, create bool) (*staticPlace, error) {
	if w.Dynamic() > 0 {
		return nil, nil
	}
	if !w.Table.Partitioned() {
		return &staticPlace{target: target{location: w.Table.Storage.Location}}, nil
	}
	values, err := w.Table.Keys().Full(w.Spec)
	if err != nil {
		return nil, err
	}
	t, exists, err := s.partitionTarget(ctx, w.Table, values, create)
	if err != nil {
		return nil, err
	}
	return &staticPlace{target: *t, exists: exists}, nil
}

// partitionTarget is a partition as a target, where it is or where it will be.
func (s *Session) partitionTarget(
	ctx context.Context, t *metastore.Table, values partitions.Values, create bool,
) (*target, bool, error) {
	if !create {
		p, err := s.cfg.Store.Partition(ctx, t.TableName, values)
		if err == nil {
			return &target{values: values, location: p.Storage.Location, storage: &p.Storage}, true, nil
		}
		if !errors.Is(err, metastore.ErrNoSuchPartition) {
			return nil, false, err
		}
	}
	loc, err := locationOf(t, values)
	return &target{values: values, location: loc, storage: &t.Storage}, false, err
}

// outputTable is the table as the executor has to write it: with the format of the partition
// that rows are added to, and with the session's choice of compression. The columns are the
// table's also where the partition has older ones, so that no value is lost.
func (s *Session) outputTable(w *analysis.Write, static *staticPlace) *metastore.Table {
	t := w.Table.Clone()
	if static != nil && static.exists && !w.Overwrite {
		t.Storage = static.storage.Clone()
		t.Storage.Columns = w.Table.Storage.Columns
	}
	t.Storage.Compressed = strings.EqualFold(s.Setting("hive.exec.compress.output"), "true")
	for _, name := range []string{"mapred.output.compression.codec", "mapreduce.output.fileoutputformat.compress.codec"} {
		if v := s.Setting(name); v != "" && t.Storage.Compressed {
			setParam(&t.Parameters, "mapreduce.output.fileoutputformat.compress.codec", v)
		}
	}
	if v := s.Setting("parquet.compression"); v != "" && t.Parameters["parquet.compression"] == "" {
		setParam(&t.Parameters, "parquet.compression", v)
	}
	return t
}

// staged are written files, laid out as they will lie below their locations.
type staged struct {
	s       *Session
	dir     string
	targets []*target
	files   map[*target][]Written
	table   *metastore.Table
}

// stage sorts written files by their targets.
func (s *Session) stage(
	ctx context.Context, w *analysis.Write, static *staticPlace, create bool, files []Written, dir string,
) (*staged, error) {
	st := &staged{s: s, dir: dir, files: map[*target][]Written{}, table: w.Table}
	if static != nil {
		if w.Overwrite && static.storage != nil {
			static.storage = &w.Table.Storage
		}
		st.targets = append(st.targets, &static.target)
	}
	byName := map[string]*target{}
	for _, f := range files {
		t := st.targetOf(static)
		if t == nil {
			values, err := dynamicValues(w, f.Values)
			if err != nil {
				return nil, err
			}
			name, err := w.Table.Keys().Name(values)
			if err != nil {
				return nil, err
			}
			if t = byName[name]; t == nil {
				if t, err = s.dynamicTarget(ctx, w, values, create); err != nil {
					return nil, err
				}
				byName[name] = t
				st.targets = append(st.targets, t)
			}
		}
		st.files[t] = append(st.files[t], f)
		t.gather(w.Table, f)
		t.rows += f.Rows
		t.bytes += f.Bytes
		t.files++
	}
	return st, s.checkDynamic(w, len(byName))
}

func (st *staged) targetOf(static *staticPlace) *target {
	if static == nil {
		return nil
	}
	return &static.target
}

// dynamicValues are the values of a partition: those of the spec, then those of the rows.
func dynamicValues(w *analysis.Write, dynamic partitions.Values) (partitions.Values, error) {
	values := make(partitions.Values, 0, len(w.Spec))
	for _, f := range w.Spec {
		if f.Set {
			values = append(values, f.Value)
		}
	}
	values = append(values, dynamic...)
	return w.Table.Keys().Normalize(values)
}

// dynamicTarget is the target of one dynamic partition.
func (s *Session) dynamicTarget(
	ctx context.Context, w *analysis.Write, values partitions.Values, create bool,
) (*target, error) {
	t, exists, err := s.partitionTarget(ctx, w.Table, values, create)
	if err != nil {
		return nil, err
	}
	if exists && w.Overwrite {
		t.storage = &w.Table.Storage
	}
	if exists && !w.Overwrite && !sameFormat(t.storage, &w.Table.Storage) {
		name, _ := w.Table.Keys().Name(values)
		return nil, ddlFailed("partition %s of %s is stored in another format than its table; "+
			"insert into it with a static PARTITION", name, w.Table.TableName)
	}
	return t, nil
}

// checkDynamic guards against a wrong column becoming a partition key.
func (s *Session) checkDynamic(w *analysis.Write, n int) error {
	limit, err := strconv.Atoi(s.Setting("hive.exec.max.dynamic.partitions"))
	if err != nil || n <= limit {
		return nil
	}
	return &Error{Phase: Execution, Code: 2, SQLState: "42000", Task: moveTask,
		Msg: fmt.Sprintf("Number of dynamic partitions created is %d, which is more than %d", n, limit),
		Hint: fmt.Sprintf("check that the last columns of the query are the partition keys of %s, "+
			"or SET hive.exec.max.dynamic.partitions=%d", w.Table.TableName, n)}
}

// upload lays the files out as id names them and copies them to the stores.
func (st *staged) upload(ctx context.Context, id string) error {
	defer os.RemoveAll(st.dir)
	roots := map[string]string{} // directory of files -> URL it goes to
	for i, t := range st.targets {
		root, below := t.location, ""
		if rest, ok := strings.CutPrefix(t.location, st.table.Storage.Location+"/"); ok {
			root, below = st.table.Storage.Location, rest
		}
		dir := filepath.Join(st.dir, "table")
		if root != st.table.Storage.Location {
			dir = filepath.Join(st.dir, fmt.Sprint("elsewhere-", i))
		}
		if len(st.files[t]) == 0 {
			continue
		}
		roots[dir] = root
		to := filepath.Join(dir, filepath.FromSlash(below))
		if err := os.MkdirAll(to, 0o700); err != nil {
			return err
		}
		for k, f := range st.files[t] {
			name := fmt.Sprintf("%06d_0_%s%s", k, id, filepath.Ext(f.Path))
			if err := os.Rename(f.Path, filepath.Join(to, name)); err != nil {
				return err
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(roots)) {
		if err := st.s.transfer(ctx, dir, roots[dir]); err != nil {
			return err
		}
	}
	return nil
}

// transfer copies a local directory to a URL.
func (s *Session) transfer(ctx context.Context, dir, url string) error {
	from, err := s.cfg.directory(ctx, "file://"+filepath.ToSlash(dir))
	if err != nil {
		return err
	}
	to, err := s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	_, err = copier.Run(ctx, from, to, copier.Options{Workers: s.cfg.Parallel})
	return err
}

// insertDirectory runs INSERT OVERWRITE DIRECTORY: the rows become the files of a directory
// that belongs to no table.
func (s *Session) insertDirectory(ctx context.Context, r *Result, n *syntax.InsertDirectory) error {
	t := &metastore.Table{TableName: metastore.TableName{Database: s.db, Name: "directory"}}
	if err := s.describeStorage(&t.Storage, n.Row, n.Format, false); err != nil {
		return err
	}
	url, err := s.canonical(ctx, n.Path)
	if err != nil {
		return err
	}
	loc, err := s.cfg.directory(ctx, url)
	if err != nil {
		return err
	}
	return s.replanning(ctx, func() error {
		q, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), n.Query)
		if err != nil {
			return err
		}
		t.Storage.Columns = nil
		for _, c := range q.Output {
			t.Storage.Columns = append(t.Storage.Columns, metastore.Column{Name: strings.ToLower(c.Name), Type: c.Type})
		}
		t.Storage.Location = url
		return s.writeDirectory(ctx, r, q, t, loc)
	})
}

func (s *Session) writeDirectory(
	ctx context.Context, r *Result, q *analysis.Query, t *metastore.Table, loc storage.Location,
) error {
	exec, err := s.executor()
	if err != nil {
		return err
	}
	if err := readable(&t.Storage, t); err != nil {
		return err
	}
	src, err := s.newSource(ctx, q, &r.counts)
	if err != nil {
		return err
	}
	defer src.close()
	dir, err := s.stagingDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	w := &analysis.Write{Query: q, Table: t}
	written, err := exec.Write(ctx, q, src, Output{
		Dir: out, Table: s.outputTable(w, nil), TimestampUnit: s.timestampUnit(), MaxFileBytes: s.targetSize(),
	})
	if err == nil {
		err = r.counts.whole(s.refusesNanos())
	}
	if err != nil {
		return err
	}
	var old []string
	for o, err := range within(ctx, loc) {
		if err != nil {
			return err
		}
		old = append(old, o.Key)
	}
	st := &staged{s: s, dir: filepath.Join(dir, "up"), table: t, files: map[*target][]Written{}}
	st.targets = []*target{{location: t.Storage.Location}}
	st.files[st.targets[0]] = written
	if err := st.upload(ctx, newWriteID(0)); err != nil {
		return err
	}
	if err := loc.Bucket.Delete(ctx, old...); err != nil {
		return err
	}
	return s.untrackAt(ctx, t.Storage.Location)
}
