package hiveql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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
	began := time.Now()
	return s.replanning(ctx, func() error {
		plan, err := analysis.AnalyzeQuery(ctx, s.cfg.Store, s.env(), q)
		if err != nil {
			return err
		}
		exec, err := s.executor()
		if err != nil {
			return err
		}
		running, cancel := context.WithCancel(ctx)
		src, settled, err := s.foresee(ctx, plan, &r.counts, began, cancel)
		if err != nil {
			cancel()
			return err
		}
		defer settled() //nolint:errcheck // again, so that nothing goes on whatever happens
		done := func() { cancel(); src.close() }
		rows, err := exec.Query(running, plan, src)
		if errListed := settled(); errListed != nil {
			if err == nil {
				_ = rows.Close()
			}
			err = errListed
		}
		if err != nil {
			done()
			return err
		}
		r.Rows = &queryRows{Rows: rows, source: r.Text, counts: &r.counts, zone: s.now().Location(), done: done,
			refuseCut: s.refusesNanos(), columns: headed(rows.Columns())}
		return nil
	})
}

// headed gives the columns of a query the names that results have.
func headed(cols []analysis.Output) []analysis.Output {
	cols = slices.Clone(cols)
	for i, c := range cols {
		if c.Heading != "" {
			cols[i].Name = c.Heading
		}
	}
	return cols
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
	t, err := s.dataTable(ctx, &n.Table)
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
	if err := s.distinctOutputs(n); err != nil {
		return err
	}
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

// distinctOutputs refuses a table, or a partition that is named in full, that two inserts write.
func (s *Session) distinctOutputs(n *syntax.MultiInsert) error {
	seen := map[string]bool{}
	for _, one := range n.Inserts {
		ins, ok := one.(*syntax.Insert)
		if !ok {
			continue
		}
		name, err := s.tableName(&ins.Table)
		if err != nil {
			return err
		}
		output := name.String()
		if p := ins.Partition; p != nil {
			if slices.ContainsFunc(p.Fields, func(f syntax.PartitionField) bool { return f.Value == nil }) {
				continue
			}
			output += " " + syntax.Print(p)
		}
		if seen[output] {
			return semantic(&ins.Table, 10087, "The same output cannot be present multiple times: %s", name)
		}
		seen[output] = true
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
	return again(func(units *Units) error { return s.writeRows(ctx, r, w, src, static, create, units) })
}

// again calls fn until the units of timestamps are decided.
func again(fn func(*Units) error) error {
	units := &Units{}
	for {
		if err := fn(units); !errors.Is(err, ErrAgain) {
			return err
		}
	}
}

// writeRows runs the query of a write and commits its files.
func (s *Session) writeRows(
	ctx context.Context, r *Result, w *analysis.Write, src *source, static *staticPlace, create bool, units *Units,
) error {
	exec, err := s.executor()
	if err != nil {
		return err
	}
	if static != nil {
		fresh := *static
		static = &fresh
	}
	u, err := s.newUploads(ctx)
	if err != nil {
		return err
	}
	defer u.close()
	out, err := u.outDir()
	if err != nil {
		return err
	}
	j := &job{s: s, table: w.Table, create: create, overwrite: w.Overwrite}
	sink := newWriting(u, w, static, j)
	err = exec.Write(u.ctx, w.Query, src, Output{
		Dir: out, Table: s.outputTable(w, static), Dynamic: w.Dynamic(), TimestampUnit: s.timestampUnit(), Zone: s.env().Now.Location(),
		MaxFileBytes: s.targetSize(), Measure: s.settings.isTrue(autogather) && s.settings.isTrue(basicAutogather), Sink: sink, Units: units,
	})
	if err == nil {
		err = r.counts.whole(s.refusesNanos())
	}
	if err = u.explain(err); err != nil {
		u.close()
		return j.undo(ctx, err)
	}
	if len(j.targets) == 0 && !create {
		return nil // dynamic partitions and no rows
	}
	sink.sortTargets()
	j.upload = func(context.Context, string) error { return sink.wait() }
	if err := j.run(ctx); err != nil {
		return err
	}
	for _, t := range j.targets {
		r.counts.rowsWritten.Add(t.rows)
		r.counts.bytesWritten.Add(t.bytes)
		r.counts.filesWritten.Add(t.files)
	}
	s.report(r, w, j.targets)
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
	var p *metastore.Partition
	if !create {
		there, err := s.cfg.Store.Partition(ctx, t.TableName, values)
		switch {
		case err == nil:
			p = there
		case !errors.Is(err, metastore.ErrNoSuchPartition):
			return nil, false, err
		}
	}
	to, err := targetAt(t, values, p)
	return to, p != nil, err
}

// targetAt is a partition as a target: p, or, where that is nil, one that will be made.
func targetAt(t *metastore.Table, values partitions.Values, p *metastore.Partition) (*target, error) {
	if p != nil {
		return &target{values: values, location: p.Storage.Location, storage: &p.Storage}, nil
	}
	loc, err := locationOf(t, values)
	return &target{values: values, location: loc, storage: &t.Storage}, err
}

// parquetCompression is a property of tables, in any case, and a setting for those without it.
const parquetCompression = "parquet.compression"

// paramOf is a parameter whose name may be written in any case.
func paramOf(params map[string]string, name string) string {
	for k, v := range params {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return ""
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
	s.avroOptions(t)
	if v := s.Setting(parquetCompression); v != "" && paramOf(t.Parameters, parquetCompression) == "" {
		setParam(&t.Parameters, parquetCompression, v)
	}
	return t
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
		for i, c := range q.Output {
			name := strings.ToLower(c.Name)
			if strings.HasSuffix(t.Storage.SerDe.Library, ".JsonSerDe") { // whose readers know them by Hive's names
				name = fmt.Sprintf("_col%d", i)
			}
			t.Storage.Columns = append(t.Storage.Columns, metastore.Column{Name: name, Type: c.Type})
		}
		t.Storage.Location = url
		return s.writeDirectory(ctx, r, q, t, loc)
	})
}

func (s *Session) writeDirectory(
	ctx context.Context, r *Result, q *analysis.Query, t *metastore.Table, loc storage.Location,
) error {
	if err := readable(&t.Storage, t); err != nil {
		return err
	}
	src, err := s.newSource(ctx, q, &r.counts)
	if err != nil {
		return err
	}
	defer src.close()
	_ = s.vacuumStaging(ctx, false, &Vacuumed{}) // what cannot be removed is no reason not to write
	place, id := t.Storage.Location, newWriteID(0)
	if err := s.recoverIntents(ctx, s.db, place); err != nil {
		return err
	}
	record, err := s.intend(ctx, s.db, id, stateWriting, place)
	if err != nil {
		return err
	}
	err = again(func(units *Units) error { return s.sendDirectory(ctx, r, q, t, src, units, id) })
	if err == nil {
		err = s.noteReplaced(ctx, loc, place, id)
	}
	if err == nil {
		err = s.further(ctx, s.db, id, record, stateCleaning, place)
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if s.recoverIntent(ctx, s.db, intent{id: id, state: stateWriting, place: place}) != nil {
			_ = s.disownIntent(ctx, s.db, id, place) // without that it is done when this process has ended
		}
		return err
	}
	if err := s.finishDirectory(ctx, s.db, id, place); err != nil {
		return fmt.Errorf("the rows are written, but files that were replaced are left; "+
			"a later write to the database %s, or hiveql vacuum, removes them: %w", s.db, err)
	}
	if err := s.untrackAt(ctx, place); err != nil {
		return fmt.Errorf("the rows are written, but tables that lie there may not show them: %w", err)
	}
	return nil
}

// noteReplaced lists what INSERT OVERWRITE DIRECTORY replaces: all that is not its own.
func (s *Session) noteReplaced(ctx context.Context, loc storage.Location, place, id string) error {
	one := replaced{Place: place}
	for o, err := range within(ctx, loc) {
		if err != nil {
			return err
		}
		if own, _ := idOf(o.Key); own != id {
			one.Files = append(one.Files, replacedFileOf(o.Key[len(loc.Prefix):], o))
		}
	}
	return s.cfg.writeReplaced(ctx, place, id, []replaced{one})
}

// sendDirectory runs the query and sends its files.
func (s *Session) sendDirectory(
	ctx context.Context, r *Result, q *analysis.Query, t *metastore.Table, src *source, units *Units, id string,
) error {
	exec, err := s.executor()
	if err != nil {
		return err
	}
	u, err := s.newUploads(ctx)
	if err != nil {
		return err
	}
	defer u.close()
	out, err := u.outDir()
	if err != nil {
		return err
	}
	sink := &placeSink{uploads: u, location: t.Storage.Location}
	sink.name = func(k int) string { return fmt.Sprintf("%06d_0_%s", k, id) }
	err = exec.Write(u.ctx, q, src, Output{
		Dir: out, Table: s.outputTable(&analysis.Write{Query: q, Table: t}, nil), TimestampUnit: s.timestampUnit(), Zone: s.env().Now.Location(),
		MaxFileBytes: s.targetSize(), Sink: sink, Units: units,
	})
	if err == nil {
		err = r.counts.whole(s.refusesNanos())
	}
	if err == nil {
		err = u.wait()
	}
	if err = u.explain(err); errors.Is(err, ErrAgain) {
		u.close()
		if err := s.removeFilesOf(ctx, t.Storage.Location, id); err != nil {
			return err
		}
	}
	return err
}
