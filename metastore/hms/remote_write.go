package hms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// remoteTx is the writing half of a Remote. What the contract promises and the metastore would not
// do is decided here, before it is asked; nobody else writes meanwhile who keeps to the lock.
type remoteTx struct {
	reader
	ours bool
}

// asIs tells the metastore to keep what it is given.
func asIs() *environmentContext {
	return &environmentContext{Properties: map[string]string{"DO_NOT_UPDATE_STATS": "true"}}
}

func unsupported(op, object, what string) error {
	return failed(op, object, fmt.Errorf("%s: the protocol of the Hive Metastore does not carry it: %w", what, errors.ErrUnsupported))
}

// CreateDatabase implements metastore.Tx.
func (x *remoteTx) CreateDatabase(ctx context.Context, d *metastore.Database) error {
	name := strings.ToLower(d.Name)
	err := d.Validate()
	if err == nil {
		err = meaning(x.call(ctx, "create_database", &requestArgs[*database]{sentDatabase(d)}, nil, throwsAOM), metastore.ErrNoSuchDatabase)
	}
	if err != nil {
		return failed("create database", name, err)
	}
	return nil
}

func sentDatabase(d *metastore.Database) *database {
	out := *d
	out.Name, out.Parameters = strings.ToLower(d.Name), sent(d.Parameters)
	return wireDatabase(&out, d.Location)
}

// AlterDatabase implements metastore.Tx.
func (x *remoteTx) AlterDatabase(ctx context.Context, d *metastore.Database) error {
	name := strings.ToLower(d.Name)
	_, err := x.database(ctx, name)
	if err == nil {
		err = d.Validate()
	}
	if err == nil {
		err = meaning(x.call(ctx, "alter_database", &struct {
			Name     string    `thrift:"1"`
			Database *database `thrift:"2"`
		}{name, sentDatabase(d)}, nil, throwsMN), metastore.ErrNoSuchDatabase)
	}
	if err != nil {
		return failed("alter database", name, err)
	}
	return nil
}

// DropDatabase implements metastore.Tx.
func (x *remoteTx) DropDatabase(ctx context.Context, name string) error {
	name = strings.ToLower(name)
	_, err := x.database(ctx, name)
	if err == nil && name == metastore.DefaultDatabase {
		err = fmt.Errorf("%w: the default database cannot be dropped", metastore.ErrInvalid)
	}
	if err == nil {
		err = meaning(x.call(ctx, "drop_database", &dropDatabaseArgs{Name: name}, nil, throwsNPM), metastore.ErrNoSuchDatabase)
		var operation *invalidOperation
		if errors.As(err, &operation) {
			err = fmt.Errorf("%w (%s)", metastore.ErrNotEmpty, operation.Message)
		}
	}
	if err != nil {
		return failed("drop database", name, err)
	}
	return nil
}

// CreateTable implements metastore.Tx.
func (x *remoteTx) CreateTable(ctx context.Context, t *metastore.Table) error {
	name := lower(t.TableName)
	err := t.Validate()
	if err == nil {
		_, err = x.database(ctx, name.Database)
	}
	if err == nil {
		err = meaning(x.call(ctx, "create_table", &createTableArgs{x.sentTable(t)}, nil, throwsAOMN), metastore.ErrNoSuchDatabase)
	}
	if err != nil {
		return failed("create table", name.String(), err)
	}
	return nil
}

// sentTable is a table as it is sent, with the version that it must replace.
func (x *remoteTx) sentTable(t *metastore.Table) *table {
	out := t.Clone()
	out.TableName = lower(t.TableName)
	lowerColumns(out.Storage.Columns)
	lowerColumns(out.PartitionKeys)
	out.Parameters = sent(t.Parameters)
	switch {
	case !x.ours:
		delete(out.Parameters, openName+strings.TrimPrefix(metastore.SharedParameter, hidden)) // see readTable
	case t.Version != 0:
		out.Parameters[versionParam] = strconv.FormatInt(t.Version, 10)
	}
	return wireTable(out)
}

func lowerColumns(columns []metastore.Column) {
	for i := range columns {
		columns[i].Name = strings.ToLower(columns[i].Name)
	}
}

// AlterTable implements metastore.Tx.
func (x *remoteTx) AlterTable(ctx context.Context, name metastore.TableName, t *metastore.Table) error {
	name = lower(name)
	err := func() error {
		old, err := x.table(ctx, name)
		if err != nil {
			return err
		}
		if err := x.replaceable(ctx, old, t); err != nil {
			return err
		}
		args := &alterTableArgs{name.Database, name.Name, x.sentTable(t), asIs()}
		err = x.call(ctx, "alter_table_with_environment_context", args, nil, throwsPM)
		return meaning(err, metastore.ErrNoSuchTable)
	}()
	if err != nil {
		return failed("alter table", name.String(), err)
	}
	return nil
}

// replaceable reports why t cannot replace old.
func (x *remoteTx) replaceable(ctx context.Context, old, t *metastore.Table) error {
	if err := t.Validate(); err != nil {
		return err
	}
	if t.Version != 0 && t.Version != old.Version {
		return metastore.ErrConflict
	}
	if to := lower(t.TableName); to != old.TableName {
		if _, err := x.database(ctx, to.Database); err != nil {
			return err
		}
		_, err := x.table(ctx, to)
		if err == nil {
			return metastore.ErrExists
		}
		if !errors.Is(err, metastore.ErrNoSuchTable) {
			return err
		}
	}
	sameKeys := slices.EqualFunc(old.PartitionKeys, t.PartitionKeys, func(a, b metastore.Column) bool {
		return strings.EqualFold(a.Name, b.Name) && a.Type.Equal(b.Type)
	})
	if sameKeys || !old.Partitioned() {
		return nil
	}
	names, err := x.names(ctx, old, nil)
	if err == nil && len(names) > 0 {
		err = fmt.Errorf("%w partition keys: they cannot change while there are partitions", metastore.ErrInvalid)
	}
	return err
}

// DropTable implements metastore.Tx. The data stays.
func (x *remoteTx) DropTable(ctx context.Context, name metastore.TableName) error {
	name = lower(name)
	_, err := x.table(ctx, name)
	if err == nil {
		err = meaning(x.call(ctx, "drop_table", &dropTableArgs{DB: name.Database, Name: name.Name}, nil, throwsNM), metastore.ErrNoSuchTable)
	}
	if err != nil {
		return failed("drop table", name.String(), err)
	}
	return nil
}

// AddPartitions implements metastore.Tx.
func (x *remoteTx) AddPartitions(
	ctx context.Context, name metastore.TableName, ps []*metastore.Partition, ifNotExists bool,
) error {
	name = lower(name)
	t, names, err := x.checked(ctx, name, ps)
	if err != nil {
		return failed("add partitions", name.String(), err)
	}
	seen := map[string]bool{}
	var added []*metastore.Partition
	for i, part := range names {
		if seen[part] && !ifNotExists {
			return failed("add partition", name.String()+"/"+part, metastore.ErrExists)
		}
		if !seen[part] {
			added = append(added, ps[i])
		}
		seen[part] = true
	}
	if !ifNotExists {
		for chunk := range slices.Chunk(names, partitionBatch) {
			found, err := x.named(ctx, t, chunk)
			if err == nil && len(found) > 0 {
				err = metastore.ErrExists
			}
			if err != nil {
				return failed("add partition", name.String(), err)
			}
		}
	}
	no := false
	for chunk := range slices.Chunk(added, partitionBatch) {
		request := addPartitionsRequest{
			DbName: t.Database, TblName: t.Name, Parts: sentPartitions(t, chunk), IfNotExists: ifNotExists, NeedResult: &no,
		}
		var result struct{}
		err := x.call(ctx, "add_partitions_req", &requestArgs[addPartitionsRequest]{request}, &result, throwsOAM)
		if err != nil {
			return failed("add partitions", name.String(), meaning(err, metastore.ErrNoSuchTable))
		}
	}
	return nil
}

// checked names partitions that are to be written.
func (x *remoteTx) checked(
	ctx context.Context, name metastore.TableName, ps []*metastore.Partition,
) (*metastore.Table, []string, error) {
	t, err := x.table(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	names := make([]string, len(ps))
	for i, p := range ps {
		if names[i], err = partitionName(t, p.Values); err != nil {
			return nil, nil, err
		}
		if err := p.Storage.Validate(); err != nil {
			return nil, nil, err
		}
	}
	return t, names, nil
}

func sentPartitions(t *metastore.Table, ps []*metastore.Partition) []*partition {
	out := make([]*partition, len(ps))
	for i, p := range ps {
		c := *p
		c.Values = orDefault(p.Values)
		c.Storage = p.Storage.Clone()
		lowerColumns(c.Storage.Columns)
		c.Parameters = sent(p.Parameters)
		out[i] = wirePartition(t.TableName, &c)
	}
	return out
}

// AlterPartition implements metastore.Tx.
func (x *remoteTx) AlterPartition(ctx context.Context, name metastore.TableName, p *metastore.Partition) error {
	return x.AlterPartitions(ctx, name, []*metastore.Partition{p})
}

// AlterPartitions implements metastore.Tx.
func (x *remoteTx) AlterPartitions(ctx context.Context, name metastore.TableName, ps []*metastore.Partition) error {
	name = lower(name)
	t, names, err := x.checked(ctx, name, ps)
	if err == nil {
		err = x.exist(ctx, t, names)
	}
	for chunk := range slices.Chunk(ps, partitionBatch) {
		if err != nil {
			break
		}
		args := &struct {
			DB      string              `thrift:"1"`
			Table   string              `thrift:"2"`
			Parts   []*partition        `thrift:"3"`
			Context *environmentContext `thrift:"4"`
		}{t.Database, t.Name, sentPartitions(t, chunk), asIs()}
		err = meaning(x.call(ctx, "alter_partitions_with_environment_context", args, nil, throwsPM), metastore.ErrNoSuchPartition)
	}
	if err != nil {
		return failed("alter partitions", name.String(), err)
	}
	return nil
}

// exist reports that one of the partitions does not exist, or is there twice.
func (x *remoteTx) exist(ctx context.Context, t *metastore.Table, names []string) error {
	for chunk := range slices.Chunk(names, partitionBatch) {
		found, err := x.named(ctx, t, chunk)
		if err != nil {
			return err
		}
		if len(found) < len(chunk) {
			return metastore.ErrNoSuchPartition
		}
	}
	return nil
}

// DropPartitions implements metastore.Tx. The data stays.
func (x *remoteTx) DropPartitions(ctx context.Context, name metastore.TableName, vs ...partitions.Values) error {
	name = lower(name)
	t, err := x.table(ctx, name)
	names := make([]string, len(vs))
	for i, v := range vs {
		if err == nil {
			names[i], err = partitionName(t, v)
		}
	}
	if err == nil {
		err = x.exist(ctx, t, names)
	}
	no := false
	for chunk := range slices.Chunk(names, partitionBatch) {
		if err != nil {
			break
		}
		var result struct{}
		err = meaning(x.call(ctx, "drop_partitions_req", &requestArgs[dropPartitionsRequest]{dropPartitionsRequest{
			DbName: t.Database, TblName: t.Name, Parts: &requestPartsSpec{Names: chunk}, IfExists: &no, NeedResult: &no,
		}}, &result, throwsNM), metastore.ErrNoSuchPartition)
	}
	if err != nil {
		return failed("drop partitions", name.String(), err)
	}
	return nil
}

// RenamePartition implements metastore.Tx.
func (x *remoteTx) RenamePartition(ctx context.Context, name metastore.TableName, from, to partitions.Values) error {
	name = lower(name)
	err := func() error {
		t, err := x.table(ctx, name)
		if err != nil {
			return err
		}
		oldName, err := partitionName(t, from)
		if err != nil {
			return err
		}
		newName, err := partitionName(t, to)
		if err != nil {
			return err
		}
		found, err := x.named(ctx, t, []string{oldName, newName})
		switch {
		case err != nil:
			return err
		case !slices.ContainsFunc(found, func(p *metastore.Partition) bool { return slices.Equal(p.Values, orDefault(from)) }):
			return metastore.ErrNoSuchPartition
		case oldName == newName:
			return nil
		case len(found) > 1:
			return metastore.ErrExists
		}
		now := *found[0]
		now.Values = to
		return meaning(x.call(ctx, "rename_partition", &struct {
			DB     string     `thrift:"1"`
			Table  string     `thrift:"2"`
			Values []string   `thrift:"3"`
			Now    *partition `thrift:"4"`
		}{t.Database, t.Name, orDefault(from), sentPartitions(t, []*metastore.Partition{&now})[0]}, nil, throwsPM), metastore.ErrNoSuchPartition)
	}()
	if err != nil {
		return failed("rename partition", name.String(), err)
	}
	return nil
}
