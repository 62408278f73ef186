package hms

import (
	"context"
	"iter"
	"maps"
	"strconv"
	"strings"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// A Remote of ours tells so with a method that no server of Hive has. It then sees the parameters
// that are hidden from others, under another name, and the versions of tables; and what it writes
// is kept as it is.
const (
	ownMethod = "skep_client"
	// openName begins the names of hidden parameters on the wire: the hidden skep.x is hiveql.skep.x.
	openName = "hiveql." + hidden
	// versionParam has the version of a table that a Remote has read and that it expects to replace.
	versionParam = openName + "version"
)

type ownClient struct{}

// own reports whether a call comes from a Remote of ours.
func own(ctx context.Context) bool {
	_, ok := thrift.ConnOf(ctx).Memory.(ownClient)
	return ok
}

// addOwn adds the method by which a Remote is known.
func (s *Service) addOwn(t *thrift.Service) {
	thrift.Handle(t, ownMethod, func(ctx context.Context, _ *noArgs) (int32, error) {
		thrift.ConnOf(ctx).Memory = ownClient{}
		return 1, nil
	}, throwsM...)
	s.addOwnLocks(t)
}

// store is the metastore as the client of a call sees it.
func (s *Service) store(ctx context.Context) metastore.Store {
	if own(ctx) {
		return openStore{openReader{s.Store}, storeBelow{s.Store}}
	}
	return s.Store
}

// opened gives hidden parameters the names that a Remote knows them by.
func opened(params map[string]string) map[string]string { return renamed(params, hidden, openName) }

// closed is the inverse of opened.
func closed(params map[string]string) map[string]string { return renamed(params, openName, hidden) }

func renamed(params map[string]string, from, to string) map[string]string {
	var out map[string]string
	for k, v := range params {
		if rest, ok := strings.CutPrefix(k, from); ok && k != restParam {
			if out == nil {
				out = maps.Clone(params)
			}
			delete(out, k)
			out[to+rest] = v
		}
	}
	if out == nil {
		return params
	}
	return out
}

// openReader is a metastore whose hidden parameters are not.
type openReader struct{ from metastore.Reader }

// Database implements metastore.Reader.
func (r openReader) Database(ctx context.Context, name string) (*metastore.Database, error) {
	d, err := r.from.Database(ctx, name)
	if err == nil {
		d.Parameters = opened(d.Parameters)
	}
	return d, err
}

// Table implements metastore.Reader.
func (r openReader) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	t, err := r.from.Table(ctx, name)
	if err == nil {
		openTable(t)
	}
	return t, err
}

func openTable(t *metastore.Table) {
	t.Parameters = maps.Clone(opened(t.Parameters))
	t.Parameters[versionParam] = strconv.FormatInt(t.Version, 10)
}

// AllTables implements metastore.Reader.
func (r openReader) AllTables(ctx context.Context, dbs, tables string) iter.Seq2[*metastore.Table, error] {
	return mapped(r.from.AllTables(ctx, dbs, tables), openTable)
}

// Partition implements metastore.Reader.
func (r openReader) Partition(
	ctx context.Context, name metastore.TableName, v partitions.Values,
) (*metastore.Partition, error) {
	p, err := r.from.Partition(ctx, name, v)
	if err == nil {
		openPartition(p)
	}
	return p, err
}

func openPartition(p *metastore.Partition) { p.Parameters = opened(p.Parameters) }

// Partitions implements metastore.Reader.
func (r openReader) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	return mapped(r.from.Partitions(ctx, name, p), openPartition)
}

// CountPartitions implements metastore.Reader.
func (r openReader) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (int, error) {
	return r.from.CountPartitions(ctx, name, p)
}

// PartitionsNamed implements metastore.Reader.
func (r openReader) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	return mapped(r.from.PartitionsNamed(ctx, name, vs), openPartition)
}

func mapped[T any](all iter.Seq2[*T, error], change func(*T)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for v, err := range all {
			if err == nil {
				change(v)
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// What openReader does not have comes from further down.
type (
	readerBelow struct{ metastore.Reader }
	openView    struct {
		openReader
		readerBelow
	}
	storeBelow struct{ metastore.Store }
	txBelow    struct{ metastore.Tx }
	openStore  struct {
		openReader
		storeBelow
	}
	openTx struct {
		openReader
		txBelow
	}
)

// Update implements metastore.Store.
func (s openStore) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	return s.Store.Update(ctx, func(tx metastore.Tx) error { return fn(openTx{openReader{tx}, txBelow{tx}}) })
}

// View implements metastore.Store.
func (s openStore) View(ctx context.Context, fn func(metastore.Reader) error) error {
	return s.Store.View(ctx, func(r metastore.Reader) error { return fn(openView{openReader{r}, readerBelow{r}}) })
}

// CreateDatabase implements metastore.Tx.
func (x openTx) CreateDatabase(ctx context.Context, d *metastore.Database) error {
	return x.Tx.CreateDatabase(ctx, closedDatabase(d))
}

// AlterDatabase implements metastore.Tx.
func (x openTx) AlterDatabase(ctx context.Context, d *metastore.Database) error {
	return x.Tx.AlterDatabase(ctx, closedDatabase(d))
}

func closedDatabase(d *metastore.Database) *metastore.Database {
	out := *d
	out.Parameters = closed(d.Parameters)
	return &out
}

// CreateTable implements metastore.Tx.
func (x openTx) CreateTable(ctx context.Context, t *metastore.Table) error {
	return x.Tx.CreateTable(ctx, closedTable(t))
}

// AlterTable implements metastore.Tx. The version is the one that the Remote says it has read.
func (x openTx) AlterTable(ctx context.Context, name metastore.TableName, t *metastore.Table) error {
	return x.Tx.AlterTable(ctx, name, closedTable(t))
}

func closedTable(t *metastore.Table) *metastore.Table {
	out := *t
	out.Parameters = maps.Clone(t.Parameters)
	out.Version, _ = strconv.ParseInt(out.Parameters[versionParam], 10, 64) // 0 where none is expected
	delete(out.Parameters, versionParam)
	out.Parameters = closed(out.Parameters)
	return &out
}

// AddPartitions implements metastore.Tx.
func (x openTx) AddPartitions(ctx context.Context, name metastore.TableName, ps []*metastore.Partition, ifNotExists bool) error {
	return x.Tx.AddPartitions(ctx, name, closedPartitions(ps), ifNotExists)
}

// AlterPartition implements metastore.Tx.
func (x openTx) AlterPartition(ctx context.Context, name metastore.TableName, p *metastore.Partition) error {
	return x.Tx.AlterPartitions(ctx, name, closedPartitions([]*metastore.Partition{p}))
}

// AlterPartitions implements metastore.Tx.
func (x openTx) AlterPartitions(ctx context.Context, name metastore.TableName, ps []*metastore.Partition) error {
	return x.Tx.AlterPartitions(ctx, name, closedPartitions(ps))
}

func closedPartitions(ps []*metastore.Partition) []*metastore.Partition {
	out := make([]*metastore.Partition, len(ps))
	for i, p := range ps {
		c := *p
		c.Parameters = closed(p.Parameters)
		out[i] = &c
	}
	return out
}
