package hiveql

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// temporaryPrefix begins the names of the databases in which the metastore keeps the temporary
// tables of one session each. They are never listed.
const temporaryPrefix = "skep_temporary_"

// ownerParam says, on such a database, whose process's it is.
const ownerParam = hiddenParams + "owner"

// temporaries is the metastore as one session sees it: its temporary tables hide others of the
// same names. They are kept like all tables, under other names in a database of the session's, so
// that writes to them go the way of all writes.
type temporaries struct {
	metastore.Store
	db    string // of the session's temporary tables; it is made with the first one
	made  int    // tables so far
	names map[metastore.TableName]metastore.TableName
}

func newTemporaries(store metastore.Store) *temporaries {
	return &temporaries{Store: store, db: fmt.Sprintf("%s%08x", temporaryPrefix, rand.Uint32()),
		names: map[metastore.TableName]metastore.TableName{}}
}

// has reports whether a name is that of a temporary table.
func (t *temporaries) has(name metastore.TableName) bool {
	_, ok := t.names[lowerName(name)]
	return ok
}

// kept is the name under which the metastore has a table.
func (t *temporaries) kept(name metastore.TableName) metastore.TableName {
	return (&temporaryReader{t.Store, t.names}).kept(name)
}

// fresh is the name under which the next temporary table is kept.
func (t *temporaries) fresh(name metastore.TableName) metastore.TableName {
	t.made++
	return metastore.TableName{Database: t.db, Name: fmt.Sprintf("%s_%d", name.Name, t.made)}
}

func lowerName(n metastore.TableName) metastore.TableName {
	return metastore.TableName{Database: strings.ToLower(n.Database), Name: strings.ToLower(n.Name)}
}

// Databases leaves out those of temporary tables.
func (t *temporaries) Databases(ctx context.Context, pattern string) ([]string, error) {
	return lastingDatabases(ctx, t.Store, pattern)
}

func lastingDatabases(ctx context.Context, r metastore.Reader, pattern string) ([]string, error) {
	names, err := r.Databases(ctx, pattern)
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, temporaryPrefix) }), err
}

// Table finds a temporary table first.
func (t *temporaries) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	return (&temporaryReader{t.Store, t.names}).Table(ctx, name)
}

// Tables are those of the database and the session's.
func (t *temporaries) Tables(ctx context.Context, db, pattern string) ([]string, error) {
	return (&temporaryReader{t.Store, t.names}).Tables(ctx, db, pattern)
}

// Partition is one of the table that the name means in the session.
func (t *temporaries) Partition(ctx context.Context, name metastore.TableName, v partitions.Values) (*metastore.Partition, error) {
	return (&temporaryReader{t.Store, t.names}).Partition(ctx, name, v)
}

// Partitions are those of the table that the name means in the session.
func (t *temporaries) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	return (&temporaryReader{t.Store, t.names}).Partitions(ctx, name, p)
}

// PartitionNames are those of the table that the name means in the session; so it is with the
// methods below.
func (t *temporaries) PartitionNames(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[string, error] {
	return (&temporaryReader{t.Store, t.names}).PartitionNames(ctx, name, p)
}

func (t *temporaries) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (int, error) {
	return (&temporaryReader{t.Store, t.names}).CountPartitions(ctx, name, p)
}

func (t *temporaries) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	return (&temporaryReader{t.Store, t.names}).PartitionsNamed(ctx, name, vs)
}

func (t *temporaries) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	return (&temporaryReader{t.Store, t.names}).Constraints(ctx, name)
}

func (t *temporaries) TableStatistics(ctx context.Context, name metastore.TableName, columns ...string) (*metastore.Statistics, error) {
	return (&temporaryReader{t.Store, t.names}).TableStatistics(ctx, name, columns...)
}

func (t *temporaries) Statistics(
	ctx context.Context, name metastore.TableName, p partitions.Predicate, columns ...string,
) iter.Seq2[*metastore.Statistics, error] {
	return (&temporaryReader{t.Store, t.names}).Statistics(ctx, name, p, columns...)
}

// View is of the metastore by the session's names.
func (t *temporaries) View(ctx context.Context, fn func(metastore.Reader) error) error {
	return t.Store.View(ctx, func(r metastore.Reader) error { return fn(&temporaryView{temporaryReader{r, t.names}, readerBelow{r}}) })
}

// Update runs fn. The session's names change when it is committed.
func (t *temporaries) Update(ctx context.Context, fn func(metastore.Tx) error) error {
	var names map[metastore.TableName]metastore.TableName
	err := t.Store.Update(ctx, func(tx metastore.Tx) error {
		names = maps.Clone(t.names)
		return fn(&temporaryTx{Tx: tx, temporaryReader: temporaryReader{tx, names}, of: t})
	})
	if err == nil {
		t.names = names
	}
	return err
}

// temporaryReader finds tables by the names of a session.
type temporaryReader struct {
	from  metastore.Reader
	names map[metastore.TableName]metastore.TableName
}

// kept is the name under which the metastore has a table.
func (r *temporaryReader) kept(name metastore.TableName) metastore.TableName {
	if hidden, ok := r.names[lowerName(name)]; ok {
		return hidden
	}
	return name
}

func (r *temporaryReader) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	t, err := r.from.Table(ctx, r.kept(name))
	if err == nil && r.kept(name) != name {
		t.TableName = lowerName(name)
	}
	return t, err
}

func (r *temporaryReader) Tables(ctx context.Context, db, pattern string) ([]string, error) {
	list, err := r.from.Tables(ctx, db, pattern)
	if err != nil {
		return nil, err
	}
	for name := range r.names {
		if strings.EqualFold(name.Database, db) && metastore.MatchPattern(pattern, name.Name) {
			list = append(list, name.Name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (r *temporaryReader) Partition(ctx context.Context, name metastore.TableName, v partitions.Values) (*metastore.Partition, error) {
	return r.from.Partition(ctx, r.kept(name), v)
}

func (r *temporaryReader) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	return r.from.Partitions(ctx, r.kept(name), p)
}

func (r *temporaryReader) PartitionNames(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[string, error] {
	return r.from.PartitionNames(ctx, r.kept(name), p)
}

func (r *temporaryReader) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (int, error) {
	return r.from.CountPartitions(ctx, r.kept(name), p)
}

func (r *temporaryReader) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	return r.from.PartitionsNamed(ctx, r.kept(name), vs)
}

func (r *temporaryReader) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	return r.from.Constraints(ctx, r.kept(name))
}

func (r *temporaryReader) TableStatistics(ctx context.Context, name metastore.TableName, columns ...string) (*metastore.Statistics, error) {
	return r.from.TableStatistics(ctx, r.kept(name), columns...)
}

func (r *temporaryReader) Statistics(
	ctx context.Context, name metastore.TableName, p partitions.Predicate, columns ...string,
) iter.Seq2[*metastore.Statistics, error] {
	return r.from.Statistics(ctx, r.kept(name), p, columns...)
}

// temporaryView is one moment of the metastore in a session's names.
type temporaryView struct {
	temporaryReader
	readerBelow
}

// readerBelow has what temporaryReader does not.
type readerBelow struct{ metastore.Reader }

func (v *temporaryView) Databases(ctx context.Context, pattern string) ([]string, error) {
	return lastingDatabases(ctx, v.from, pattern)
}

// temporaryTx is a transaction in a session's names, which it changes.
type temporaryTx struct {
	metastore.Tx
	temporaryReader
	of *temporaries
}

// Table is ambiguous between the two halves; so are the others below.
func (x *temporaryTx) Table(ctx context.Context, name metastore.TableName) (*metastore.Table, error) {
	return x.temporaryReader.Table(ctx, name)
}

func (x *temporaryTx) Tables(ctx context.Context, db, pattern string) ([]string, error) {
	return x.temporaryReader.Tables(ctx, db, pattern)
}

func (x *temporaryTx) Partition(ctx context.Context, name metastore.TableName, v partitions.Values) (*metastore.Partition, error) {
	return x.temporaryReader.Partition(ctx, name, v)
}

func (x *temporaryTx) Partitions(
	ctx context.Context, name metastore.TableName, p partitions.Predicate,
) iter.Seq2[*metastore.Partition, error] {
	return x.temporaryReader.Partitions(ctx, name, p)
}

func (x *temporaryTx) PartitionNames(ctx context.Context, name metastore.TableName, p partitions.Predicate) iter.Seq2[string, error] {
	return x.temporaryReader.PartitionNames(ctx, name, p)
}

func (x *temporaryTx) CountPartitions(ctx context.Context, name metastore.TableName, p partitions.Predicate) (int, error) {
	return x.temporaryReader.CountPartitions(ctx, name, p)
}

func (x *temporaryTx) PartitionsNamed(
	ctx context.Context, name metastore.TableName, vs []partitions.Values,
) iter.Seq2[*metastore.Partition, error] {
	return x.temporaryReader.PartitionsNamed(ctx, name, vs)
}

func (x *temporaryTx) Constraints(ctx context.Context, name metastore.TableName) ([]metastore.Constraint, error) {
	return x.temporaryReader.Constraints(ctx, name)
}

func (x *temporaryTx) TableStatistics(ctx context.Context, name metastore.TableName, columns ...string) (*metastore.Statistics, error) {
	return x.temporaryReader.TableStatistics(ctx, name, columns...)
}

func (x *temporaryTx) Statistics(
	ctx context.Context, name metastore.TableName, p partitions.Predicate, columns ...string,
) iter.Seq2[*metastore.Statistics, error] {
	return x.temporaryReader.Statistics(ctx, name, p, columns...)
}

// CreateTable keeps a table that says that it is temporary where those of the session are.
func (x *temporaryTx) CreateTable(ctx context.Context, t *metastore.Table) error {
	if t.Parameters[temporaryParam] == "" {
		return x.Tx.CreateTable(ctx, t)
	}
	if _, err := x.Tx.Database(ctx, t.Database); err != nil {
		return err
	}
	name := lowerName(t.TableName)
	if _, ok := x.names[name]; ok {
		return &metastore.Error{Op: "create table", Object: name.String(), Err: metastore.ErrExists}
	}
	if _, err := x.Tx.Database(ctx, x.of.db); errors.Is(err, metastore.ErrNoSuchDatabase) {
		db := &metastore.Database{Name: x.of.db, Parameters: map[string]string{ownerParam: thisProcess().String()}}
		if err := x.CreateDatabase(ctx, db); err != nil {
			return err
		}
	}
	c := t.Clone()
	c.TableName = x.of.fresh(name)
	x.names[name] = c.TableName
	return x.Tx.CreateTable(ctx, c)
}

// AlterTable may give a table another name.
func (x *temporaryTx) AlterTable(ctx context.Context, name metastore.TableName, t *metastore.Table) error {
	hidden, ok := x.names[lowerName(name)]
	if !ok {
		return x.Tx.AlterTable(ctx, name, t)
	}
	to := lowerName(t.TableName)
	if _, taken := x.names[to]; taken && to != lowerName(name) {
		return &metastore.Error{Op: "alter table", Object: to.String(), Err: metastore.ErrExists}
	}
	c := t.Clone()
	c.TableName = hidden
	delete(x.names, lowerName(name))
	x.names[to] = hidden
	return x.Tx.AlterTable(ctx, hidden, c)
}

// DropTable drops a temporary table first.
func (x *temporaryTx) DropTable(ctx context.Context, name metastore.TableName) error {
	hidden := x.kept(name)
	delete(x.names, lowerName(name))
	return x.Tx.DropTable(ctx, hidden)
}

// AddPartitions and the others below change the table that the name means in the session.
func (x *temporaryTx) AddPartitions(ctx context.Context, name metastore.TableName, ps []*metastore.Partition, ifNotExists bool) error {
	return x.Tx.AddPartitions(ctx, x.kept(name), ps, ifNotExists)
}

func (x *temporaryTx) AlterPartition(ctx context.Context, name metastore.TableName, p *metastore.Partition) error {
	return x.Tx.AlterPartition(ctx, x.kept(name), p)
}

func (x *temporaryTx) AlterPartitions(ctx context.Context, name metastore.TableName, ps []*metastore.Partition) error {
	return x.Tx.AlterPartitions(ctx, x.kept(name), ps)
}

func (x *temporaryTx) DropPartitions(ctx context.Context, name metastore.TableName, vs ...partitions.Values) error {
	return x.Tx.DropPartitions(ctx, x.kept(name), vs...)
}

func (x *temporaryTx) RenamePartition(ctx context.Context, name metastore.TableName, from, to partitions.Values) error {
	return x.Tx.RenamePartition(ctx, x.kept(name), from, to)
}

func (x *temporaryTx) AddConstraints(ctx context.Context, name metastore.TableName, cs []metastore.Constraint) error {
	return x.Tx.AddConstraints(ctx, x.kept(name), cs)
}

func (x *temporaryTx) DropConstraint(ctx context.Context, name metastore.TableName, constraint string) error {
	return x.Tx.DropConstraint(ctx, x.kept(name), constraint)
}

func (x *temporaryTx) SetStatistics(ctx context.Context, name metastore.TableName, all ...*metastore.Statistics) error {
	return x.Tx.SetStatistics(ctx, x.kept(name), all...)
}

func (x *temporaryTx) DropStatistics(ctx context.Context, name metastore.TableName, v partitions.Values, columns ...string) error {
	return x.Tx.DropStatistics(ctx, x.kept(name), v, columns...)
}

// temporaryLocation is where a new temporary table's data goes: below the warehouse, apart from
// the tables it may hide.
func (s *Session) temporaryLocation(name metastore.TableName) string {
	return fmt.Sprintf("%s/%s.db/%s_%08x", s.cfg.Warehouse, s.temporary.db, name.Name, rand.Uint32())
}

// dropTemporary drops the session's temporary tables, those of one database or all of them, and at
// last the database in which they were kept.
func (s *Session) dropTemporary(ctx context.Context, db string) error {
	var errs []error
	for _, name := range slices.Collect(maps.Keys(s.temporary.names)) {
		if db == "" || name.Database == db {
			errs = append(errs, s.dropTable(ctx, name))
		}
	}
	if db == "" && s.temporary.made > 0 {
		err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropDatabase(ctx, s.temporary.db) })
		if !errors.Is(err, metastore.ErrNoSuchDatabase) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// sweepTemporary drops what sessions have left whose processes died.
func (s *Session) sweepTemporary(ctx context.Context) error {
	names, err := s.temporary.Store.Databases(ctx, temporaryPrefix+"*")
	if err != nil {
		return err
	}
	for _, name := range names {
		d, err := s.temporary.Store.Database(ctx, name)
		if err != nil {
			continue // another session has dropped it meanwhile
		}
		if who, known := parseOwner(d.Parameters[ownerParam]); !known || !who.dead() {
			continue
		}
		if err := s.dropLeft(ctx, name); err != nil {
			return fmt.Errorf("drop the temporary tables of a session that died: %w", err)
		}
	}
	return nil
}

func (s *Session) dropLeft(ctx context.Context, db string) error {
	tables, err := s.temporary.Store.Tables(ctx, db, "")
	if err != nil {
		return err
	}
	for _, t := range tables {
		err := s.dropTable(ctx, metastore.TableName{Database: db, Name: t})
		if err != nil && !errors.Is(err, metastore.ErrNoSuchTable) && !errors.Is(err, metastore.ErrNoSuchDatabase) {
			return err
		}
	}
	err = s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropDatabase(ctx, db) })
	if errors.Is(err, metastore.ErrNoSuchDatabase) {
		return nil
	}
	return err
}
