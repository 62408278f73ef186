package hiveql

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// writing is a write whose query runs: it sends the files that the executor makes to their places,
// under the name of the write, which begins with the first of them.
type writing struct {
	*uploads
	w       *analysis.Write
	static  *staticPlace
	job     *job
	byName  map[string]*target // of dynamic partitions
	maximum int                // of those
	// expected are the dynamic partitions that were looked up, by valuesKey; nil are those that are not there.
	expected map[string]*metastore.Partition
	files    []sentFile
}

func newWriting(u *uploads, w *analysis.Write, static *staticPlace, j *job) *writing {
	g := &writing{uploads: u, w: w, static: static, job: j, byName: map[string]*target{}}
	g.maximum, _ = strconv.Atoi(u.s.Setting("hive.exec.max.dynamic.partitions")) // set checks it
	if static != nil {
		if w.Overwrite && static.storage != nil {
			static.storage = &w.Table.Storage
		}
		j.targets = append(j.targets, &static.target)
	}
	return g
}

// Take implements Sink.
func (g *writing) Take(f Written) error {
	t, err := g.targetOf(f)
	if err != nil {
		return err
	}
	if err := g.job.start(g.ctx); err != nil {
		return err
	}
	name := fmt.Sprintf("%06d_0_%s%s", t.files, g.job.id, filepath.Ext(f.Path))
	t.gather(g.w.Table, f)
	t.rows += f.Rows
	t.bytes += f.Bytes
	t.raw += f.Raw
	t.files++
	url, err := g.send(f.Path, f.Bytes, g.w.Table.Storage.Location, t.location, name)
	g.files = append(g.files, sentFile{t, url, trackedFile{Name: name, Size: f.Bytes}})
	return err
}

// sentFile is a file that was handed over.
type sentFile struct {
	to  *target
	url string
	trackedFile
}

// wait waits until all files have been sent, and notes how the stores call them. Who knows that needs no
// listing, which over plain http may come with another bit than it was sent with.
func (g *writing) wait() error {
	if err := g.uploads.wait(); err != nil {
		return err
	}
	unknown := map[*target]bool{}
	for _, f := range g.files {
		f.trackedFile = trackedOf(f.Name, g.uploads.made[f.url])
		f.to.sent = append(f.to.sent, f.trackedFile)
		unknown[f.to] = unknown[f.to] || f.ETag == ""
	}
	for t, some := range unknown {
		if some {
			t.sent = nil
		}
	}
	return nil
}

// targetOf finds the target of a file.
func (g *writing) targetOf(f Written) (*target, error) {
	if g.static != nil {
		return &g.static.target, nil
	}
	values, err := dynamicValues(g.w, f.Values)
	if err != nil {
		return nil, err
	}
	name, err := g.w.Table.Keys().Name(values)
	if err != nil {
		return nil, err
	}
	t := g.byName[name]
	if t == nil {
		if t, err = g.dynamicTarget(values); err != nil {
			return nil, err
		}
		g.byName[name] = t
		g.job.targets = append(g.job.targets, t)
	}
	return t, g.checkDynamic()
}

// checkDynamic guards against a wrong column becoming a partition key.
func (g *writing) checkDynamic() error {
	n := len(g.byName)
	if n <= g.maximum {
		return nil
	}
	return &Error{Phase: Execution, Code: 2, SQLState: "42000", Task: moveTask,
		Msg: fmt.Sprintf("Number of dynamic partitions created is %d, which is more than %d", n, g.maximum),
		Hint: fmt.Sprintf("check that the last columns of the query are the partition keys of %s, "+
			"or SET hive.exec.max.dynamic.partitions to their number", g.w.Table.TableName)}
}

// sortTargets brings the targets into the order of their values.
func (g *writing) sortTargets() {
	slices.SortFunc(g.job.targets, func(a, b *target) int { return slices.Compare(a.values, b.values) })
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
func (g *writing) dynamicTarget(values partitions.Values) (*target, error) {
	w := g.w
	p, looked := g.expected[valuesKey(values)]
	t, exists, err := (*target)(nil), p != nil, error(nil)
	if looked {
		t, err = targetAt(w.Table, values, p)
	} else {
		t, exists, err = g.s.partitionTarget(g.ctx, w.Table, values, g.job.create)
	}
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

// Expect implements Sink: it looks up which partitions are there, in one query.
func (g *writing) Expect(values []partitions.Values) error {
	if g.job.create {
		return nil
	}
	if g.expected == nil {
		g.expected = map[string]*metastore.Partition{}
	}
	var all []partitions.Values
	for _, v := range values[:min(len(values), max(0, g.maximum+1-len(g.expected)))] { // more are an error
		full, err := dynamicValues(g.w, v)
		if err != nil {
			continue // which Take explains
		}
		all = append(all, full)
		g.expected[valuesKey(full)] = nil
	}
	there, err := partitionsOf(g.s.cfg.Store.PartitionsNamed(g.ctx, g.w.Table.TableName, all))
	maps.Copy(g.expected, there)
	return err
}

// placeSink sends the files of a write to one place.
type placeSink struct {
	*uploads
	location string
	name     func(k int) string // of its k-th file, but for the extension
	files    int
	bytes    int64
}

// Expect implements Sink.
func (p *placeSink) Expect([]partitions.Values) error { return nil }

// Take implements Sink.
func (p *placeSink) Take(f Written) error {
	name := p.name(p.files) + filepath.Ext(f.Path)
	p.files++
	p.bytes += f.Bytes
	_, err := p.send(f.Path, f.Bytes, p.location, p.location, name)
	return err
}
