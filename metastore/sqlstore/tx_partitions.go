package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// insertRows is how many partitions one INSERT adds; the databases take some 30,000 arguments.
const insertRows = 500

const insertPartitions = `
INSERT INTO partitions (table_id, name, k0, k1, k2, k3, descriptor_id, location, parameters, created) `

const partitionColumns = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

// AddPartitions implements metastore.Tx.
func (t *tx) AddPartitions(
	ctx context.Context, name metastore.TableName, ps []*metastore.Partition, ifNotExists bool,
) error {
	name = lowerName(name)
	return t.atomically(ctx, "add partitions", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		inherited, err := t.inherited(ctx, row)
		if err != nil {
			return err
		}
		ids := descriptorIDs{}
		blind := t.d.duplicate != nil && !ifNotExists
		for chunk := range slices.Chunk(ps, pageSize) {
			added, err := t.addable(ctx, row, chunk, ifNotExists, blind)
			if err != nil {
				return err
			}
			err = t.insertPartitions(ctx, row, added, ids)
			if blind && err != nil && t.d.duplicate(err) {
				_, known := t.addable(ctx, row, chunk, false, false) // which says what is there
				err = cmp.Or(known, err)
			}
			if err == nil {
				err = t.inherit(ctx, row, inherited, added)
			}
			if err != nil {
				return err
			}
			if err := t.logPartitions(ctx, metastore.AddedPartitions, name, nil, added); err != nil {
				return err
			}
		}
		return nil
	})
}

// addable checks partitions and leaves those that are not there yet, once each; with blind, it does not
// look whether they are there.
func (t *tx) addable(
	ctx context.Context, row tableRow, ps []*metastore.Partition, ifNotExists, blind bool,
) (added []partition, err error) {
	seen := map[string]bool{}
	names := make([]string, len(ps))
	for i, p := range ps {
		part, err := row.partition(p)
		if err != nil {
			return nil, err
		}
		names[i] = part.name
	}
	if !blind {
		if err := t.existing(ctx, row, names, func(name string) { seen[name] = true }); err != nil {
			return nil, err
		}
	}
	for i, p := range ps {
		if seen[names[i]] && !ifNotExists {
			return nil, fail("add partition", row.name.String()+"/"+names[i], metastore.ErrExists)
		}
		if seen[names[i]] {
			continue
		}
		seen[names[i]] = true
		now := *p
		now.CreateTime = decodeTime(encodeTime(p.CreateTime))
		added = append(added, partition{names[i], &now})
	}
	return added, nil
}

// existing finds those of the names that partitions have.
func (t *tx) existing(ctx context.Context, row tableRow, names []string, found func(string)) error {
	take := func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		found(name)
		return err
	}
	if t.d.arrays {
		return t.each(ctx, take, `SELECT p.name FROM `+byName, names, row.id)
	}
	in, args := t.in("name", names)
	return t.each(ctx, take, `SELECT name FROM partitions WHERE table_id = ? AND `+in, append([]any{row.id}, args...)...)
}

func (t *tx) insertPartitions(ctx context.Context, row tableRow, added []partition, ids descriptorIDs) error {
	for chunk := range slices.Chunk(added, insertRows) {
		rows := make([][]any, len(chunk))
		for i, p := range chunk {
			base, own := splitLocation(p.Storage.Location, p.name)
			id, err := ids.find(ctx, t, row.id, encodeDescriptor(&p.Storage), base)
			if err != nil {
				return err
			}
			keys := row.sortValues(p.Values)
			rows[i] = []any{row.id, p.name, keys[0], keys[1], keys[2], keys[3], id, own,
				encodeParameters(p.Parameters), p.CreateTime.UnixMicro()}
		}
		insert := t.insertList
		if t.d.arrays {
			insert = t.insertArrays
		}
		if err := insert(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// insertList inserts partitions with an argument for every value.
func (t *tx) insertList(ctx context.Context, rows [][]any) error {
	query := insertPartitions + "VALUES " + partitionColumns + strings.Repeat(", "+partitionColumns, len(rows)-1)
	_, err := t.exec(ctx, query, slices.Concat(rows...)...)
	return err
}

// insertArrays inserts partitions with an argument for every column.
func (t *tx) insertArrays(ctx context.Context, rows [][]any) error {
	columns := make([]any, len(rows[0]))
	for c := range columns {
		switch c {
		case 0, 6, 9:
			values := make([]int64, len(rows))
			for i, row := range rows {
				values[i] = row[c].(int64)
			}
			columns[c] = values
		default:
			values := make([]*string, len(rows))
			for i, row := range rows {
				if text, ok := row[c].(string); ok {
					values[i] = &text
				}
			}
			columns[c] = values
		}
	}
	_, err := t.exec(ctx, insertPartitions+`SELECT * FROM unnest(?::bigint[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[],
?::bigint[], ?::text[], ?::text[], ?::bigint[])`, columns...)
	return err
}

// partition checks a partition and names it.
func (row tableRow) partition(p *metastore.Partition) (partition, error) {
	part, err := row.named(p.Values)
	if err != nil {
		return part, err
	}
	return part, p.Storage.Validate()
}

func (row tableRow) named(v partitions.Values) (partition, error) {
	if len(row.keys) == 0 {
		return partition{}, fmt.Errorf("%w: the table is not partitioned", metastore.ErrInvalid)
	}
	name, err := row.keys.Name(v)
	switch {
	case err != nil:
		return partition{}, fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
	case len(name) > metastore.MaxPartitionName:
		return partition{}, fmt.Errorf("%w partition name: it has %d bytes, and the limit is %d; it begins with %.60s",
			metastore.ErrInvalid, len(name), metastore.MaxPartitionName, name)
	case strings.Contains(strings.Join(v, ""), "\x00"):
		return partition{}, fmt.Errorf("%w partition name %s: it contains a NUL character", metastore.ErrInvalid, name)
	}
	return partition{name: name}, nil
}

// sortValues are the k columns.
func (row tableRow) sortValues(v partitions.Values) (keys [keyColumns]any) {
	for i, key := range row.keys[:min(len(row.keys), keyColumns)] {
		if text, ok := key.SortValue(v[i]); ok {
			keys[i] = text
		}
	}
	return keys
}

// AlterPartition implements metastore.Tx.
func (t *tx) AlterPartition(ctx context.Context, name metastore.TableName, p *metastore.Partition) error {
	return t.AlterPartitions(ctx, name, []*metastore.Partition{p})
}

// AlterPartitions implements metastore.Tx.
func (t *tx) AlterPartitions(ctx context.Context, name metastore.TableName, ps []*metastore.Partition) error {
	name = lowerName(name)
	return t.atomically(ctx, "alter partitions", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		ids := descriptorIDs{}
		for chunk := range slices.Chunk(ps, pageSize) {
			var after []partition
			for _, p := range chunk {
				part, err := row.partition(p)
				if err != nil {
					return err
				}
				now := *p
				now.CreateTime = decodeTime(encodeTime(p.CreateTime))
				after = append(after, partition{part.name, &now})
			}
			before, err := t.present(ctx, "alter partition", row, after)
			if err != nil {
				return err
			}
			columns := map[string][]metastore.Column{}
			for _, p := range before {
				columns[p.name] = p.Storage.Columns
			}
			for _, p := range after {
				err := t.updatePartition(ctx, row, p, ids)
				if err == nil {
					err = t.forget(ctx, row.id, p.name, columns[p.name], p.Storage.Columns)
				}
				if err != nil {
					return fail("alter partition", name.String()+"/"+p.name, err)
				}
			}
			if err := t.logPartitions(ctx, metastore.AlteredPartitions, name, before, after); err != nil {
				return err
			}
		}
		return nil
	})
}

// present reads partitions that must exist.
func (t *tx) present(ctx context.Context, op string, row tableRow, ps []partition) ([]partition, error) {
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.name
	}
	found, err := t.reader.named(ctx, row, names)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, p := range found {
		seen[p.name] = true
	}
	for _, name := range names {
		if !seen[name] {
			return nil, fail(op, row.name.String()+"/"+name, metastore.ErrNoSuchPartition)
		}
	}
	return found, nil
}

func (t *tx) updatePartition(ctx context.Context, row tableRow, p partition, ids descriptorIDs) error {
	base, own := splitLocation(p.Storage.Location, p.name)
	id, err := ids.find(ctx, t, row.id, encodeDescriptor(&p.Storage), base)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, `
UPDATE partitions SET descriptor_id = ?, location = ?, parameters = ?, created = ? WHERE table_id = ? AND name = ?`,
		id, own, encodeParameters(p.Parameters), p.CreateTime.UnixMicro(), row.id, p.name)
	return err
}

// DropPartitions implements metastore.Tx.
func (t *tx) DropPartitions(ctx context.Context, name metastore.TableName, vs ...partitions.Values) error {
	name = lowerName(name)
	return t.atomically(ctx, "drop partitions", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		for chunk := range slices.Chunk(vs, pageSize) {
			if err := t.dropChunk(ctx, row, chunk); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropChunk drops at most pageSize partitions, and what is known of them.
func (t *tx) dropChunk(ctx context.Context, row tableRow, vs []partitions.Values) error {
	var dropped []partition
	var names []string
	for _, v := range vs {
		part, err := row.named(v)
		if err != nil {
			return err
		}
		dropped = append(dropped, part)
		names = append(names, part.name)
	}
	before, err := t.present(ctx, "drop partition", row, dropped)
	if err != nil {
		return err
	}
	if len(before) < len(dropped) {
		return fmt.Errorf("%w: a partition is to be dropped twice", metastore.ErrNoSuchPartition)
	}
	for table, column := range map[string]string{"partitions": "name", "column_stats": "partition_name", "privileges": "partition_name"} {
		in, args := t.in(column, names)
		query := `DELETE FROM ` + table + ` WHERE table_id = ? AND ` + in
		if t.d.arrays { // for the reason of byName
			query = `DELETE FROM ` + table + ` p USING unnest(?::text[]) AS wanted (name) WHERE p.table_id = ? AND p.` + column + ` = wanted.name`
			args = []any{names, row.id}
		} else {
			args = append([]any{row.id}, args...)
		}
		if _, err := t.exec(ctx, query, args...); err != nil {
			return err
		}
	}
	return t.logPartitions(ctx, metastore.DroppedPartitions, row.name, before, nil)
}

// RenamePartition implements metastore.Tx.
func (t *tx) RenamePartition(ctx context.Context, name metastore.TableName, from, to partitions.Values) error {
	name = lowerName(name)
	return t.atomically(ctx, "rename partition", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		old, err := row.named(from)
		if err != nil {
			return err
		}
		renamed, err := row.named(to)
		if err != nil {
			return err
		}
		before, err := t.present(ctx, "rename partition", row, []partition{old})
		if err != nil || renamed.name == old.name {
			return err
		}
		now := *before[0].Partition
		now.Values = slices.Clone(to)
		after, err := t.addable(ctx, row, []*metastore.Partition{&now}, false, false)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, `DELETE FROM partitions WHERE table_id = ? AND name = ?`, row.id, old.name); err != nil {
			return err
		}
		if err := t.insertPartitions(ctx, row, after, descriptorIDs{}); err != nil {
			return err
		}
		for _, table := range []string{"column_stats", "privileges"} {
			_, err = t.exec(ctx, `UPDATE `+table+` SET partition_name = ? WHERE table_id = ? AND partition_name = ?`,
				renamed.name, row.id, old.name)
			if err != nil {
				return err
			}
		}
		return t.logPartitions(ctx, metastore.AlteredPartitions, name, before, after)
	})
}
