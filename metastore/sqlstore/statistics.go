package sqlstore

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// columnCondition restricts statistics to columns.
func columnCondition(columns []string) (string, []any) {
	if len(columns) == 0 {
		return "", nil
	}
	args := make([]any, len(columns))
	for i, c := range columns {
		args[i] = strings.ToLower(c)
	}
	return " AND s.column_name IN " + placeholders(len(columns)), args
}

// TableStatistics implements metastore.Reader.
func (r reader) TableStatistics(ctx context.Context, name metastore.TableName, columns ...string) (*metastore.Statistics, error) {
	name = lowerName(name)
	t, err := r.tableRow(ctx, name)
	if err != nil {
		return nil, fail("get statistics", name.String(), err)
	}
	found, err := r.columnStatistics(ctx, t.id, "", columns)
	if err != nil {
		return nil, fail("get statistics", name.String(), err)
	}
	return &metastore.Statistics{Columns: found}, nil
}

func (r reader) columnStatistics(ctx context.Context, table int64, part string, columns []string) ([]metastore.ColumnStatistics, error) {
	where, args := columnCondition(columns)
	return bodies[metastore.ColumnStatistics](ctx, r.session,
		`SELECT s.body FROM column_stats s WHERE s.table_id = ? AND s.partition_name = ?`+where+` ORDER BY s.column_name`,
		append([]any{table, part}, args...)...)
}

// Statistics implements metastore.Reader.
func (r reader) Statistics(
	ctx context.Context, name metastore.TableName, p partitions.Predicate, columns ...string,
) iter.Seq2[*metastore.Statistics, error] {
	name = lowerName(name)
	return func(yield func(*metastore.Statistics, error) bool) {
		c, err := r.scope(ctx, name, p)
		after := ""
		for more := err == nil; more; {
			var page []*metastore.Statistics
			if page, more, err = r.statisticsPage(ctx, c, &after, columns); err != nil {
				break
			}
			for _, s := range page {
				if !yield(s, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(nil, fail("get statistics", name.String(), err))
		}
	}
}

// statisticsPage reads the statistics of the partitions after a name, which it moves on.
func (r reader) statisticsPage(
	ctx context.Context, c scope, after *string, columns []string,
) (page []*metastore.Statistics, more bool, err error) {
	names, n, err := r.namePage(ctx, c, after)
	if err != nil {
		return nil, false, err
	}
	byName := map[string]*metastore.Statistics{}
	where, wanted := columnCondition(columns)
	for chunk := range slices.Chunk(names, pageSize) {
		in, args := r.in("s.partition_name", chunk)
		args = append([]any{c.t.id}, args...)
		err := r.each(ctx, func(scan func(...any) error) error {
			var name, body string
			var one metastore.ColumnStatistics
			if err := scan(&name, &body); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &one); err != nil {
				return err
			}
			s := byName[name]
			if s == nil {
				values, err := c.t.keys.ParseName(name)
				if err != nil {
					return err
				}
				s = &metastore.Statistics{Values: values}
				byName[name] = s
				page = append(page, s)
			}
			s.Columns = append(s.Columns, one)
			return nil
		}, `SELECT s.partition_name, s.body FROM column_stats s WHERE s.table_id = ? AND `+in+where+` ORDER BY s.partition_name, s.column_name`, append(args, wanted...)...)
		if err != nil {
			return nil, false, err
		}
	}
	return page, n == namesPage, nil
}

// partitionName is the name under which statistics are kept: empty for those of the table.
func (row tableRow) partitionName(v partitions.Values) (string, error) {
	if v == nil {
		return "", nil
	}
	part, err := row.named(v)
	return part.name, err
}

// SetStatistics implements metastore.Tx.
func (t *tx) SetStatistics(ctx context.Context, name metastore.TableName, all ...*metastore.Statistics) error {
	name = lowerName(name)
	return t.atomically(ctx, "set statistics", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for chunk := range slices.Chunk(all, pageSize) {
			if err := t.setStatistics(ctx, row, chunk, seen); err != nil {
				return err
			}
		}
		return nil
	})
}

// setStatistics sets those of at most pageSize partitions.
func (t *tx) setStatistics(ctx context.Context, row tableRow, all []*metastore.Statistics, seen map[string]bool) error {
	names := make([]string, len(all))
	var parts []partition
	for i, s := range all {
		name, err := row.partitionName(s.Values)
		if err != nil {
			return err
		}
		if seen[name] {
			return fmt.Errorf("%w: statistics of %s are given twice", metastore.ErrInvalid, cmp.Or(name, "the table"))
		}
		seen[name], names[i] = true, name
		if s.Values != nil {
			parts = append(parts, partition{name: name})
		}
	}
	if len(parts) > 0 {
		if _, err := t.present(ctx, "set statistics", row, parts); err != nil {
			return err
		}
	}
	old, err := t.statisticsOf(ctx, row.id, names)
	if err != nil {
		return err
	}
	var rows []any
	for i, s := range all {
		if len(s.Columns) == 0 {
			continue
		}
		now := storedStatistics(s)
		was := &metastore.Statistics{Values: s.Values}
		for _, c := range now.Columns {
			rows = append(rows, row.id, names[i], c.Column, encode(c))
			if o, ok := old[names[i]][c.Column]; ok {
				was.Columns = append(was.Columns, o)
			}
		}
		if len(was.Columns) > 0 {
			if err := t.deleteStatistics(ctx, row.id, names[i], columnsOf(was)...); err != nil {
				return err
			}
		}
		if err := t.log(ctx, metastore.SetStatistics, row.name, &stateJSON{Statistics: was}, stateJSON{Statistics: now}); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(rows, 4*insertRows) {
		_, err := t.exec(ctx, `INSERT INTO column_stats (table_id, partition_name, column_name, body) VALUES (?, ?, ?, ?)`+
			strings.Repeat(`, (?, ?, ?, ?)`, len(chunk)/4-1), chunk...)
		if err != nil {
			return err
		}
	}
	return nil
}

// storedStatistics are s as they are kept.
func storedStatistics(s *metastore.Statistics) *metastore.Statistics {
	now := &metastore.Statistics{Values: s.Values, Columns: slices.Clone(s.Columns)}
	for i := range now.Columns {
		c := &now.Columns[i]
		c.Column = strings.ToLower(c.Column)
		if c.Analyzed.IsZero() {
			c.Analyzed = decodeTime(encodeTime(time.Time{}))
		}
	}
	return now
}

func columnsOf(s *metastore.Statistics) []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = c.Column
	}
	return names
}

// statisticsOf reads all statistics of at most pageSize partitions, by partition and column.
func (r reader) statisticsOf(
	ctx context.Context, table int64, names []string,
) (map[string]map[string]metastore.ColumnStatistics, error) {
	found := map[string]map[string]metastore.ColumnStatistics{}
	in, args := r.in("partition_name", names)
	return found, r.each(ctx, func(scan func(...any) error) error {
		var name, body string
		var one metastore.ColumnStatistics
		if err := scan(&name, &body); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &one); err != nil {
			return err
		}
		if found[name] == nil {
			found[name] = map[string]metastore.ColumnStatistics{}
		}
		found[name][one.Column] = one
		return nil
	}, `SELECT partition_name, body FROM column_stats WHERE table_id = ? AND `+in, append([]any{table}, args...)...)
}

// forget deletes the statistics of columns that are gone, or have another type.
func (t *tx) forget(ctx context.Context, table int64, part string, before, now []metastore.Column) error {
	var gone []string
	for _, c := range before {
		same := func(n metastore.Column) bool { return strings.EqualFold(n.Name, c.Name) && n.Type.Equal(c.Type) }
		if !slices.ContainsFunc(now, same) {
			gone = append(gone, c.Name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return t.deleteStatistics(ctx, table, part, gone...)
}

// deleteStatistics deletes those of columns, of all where there are none.
func (t *tx) deleteStatistics(ctx context.Context, table int64, part string, columns ...string) error {
	args := []any{table, part}
	in := ""
	if len(columns) > 0 {
		in = " AND column_name IN " + placeholders(len(columns))
		for _, c := range columns {
			args = append(args, strings.ToLower(c))
		}
	}
	_, err := t.exec(ctx, `DELETE FROM column_stats WHERE table_id = ? AND partition_name = ?`+in, args...)
	return err
}

// DropStatistics implements metastore.Tx.
func (t *tx) DropStatistics(ctx context.Context, name metastore.TableName, v partitions.Values, columns ...string) error {
	name = lowerName(name)
	return t.atomically(ctx, "drop statistics", name.String(), func() error {
		row, err := t.tableRow(ctx, name)
		if err != nil {
			return err
		}
		part, err := row.partitionName(v)
		if err != nil {
			return err
		}
		if v != nil {
			if _, err := t.present(ctx, "drop statistics", row, []partition{{name: part}}); err != nil {
				return err
			}
		}
		old, err := t.columnStatistics(ctx, row.id, part, columns)
		if err != nil || len(old) == 0 {
			return err
		}
		if err := t.deleteStatistics(ctx, row.id, part, columns...); err != nil {
			return err
		}
		return t.log(ctx, metastore.DroppedStatistics, name, &stateJSON{Statistics: &metastore.Statistics{Values: v, Columns: old}}, stateJSON{})
	})
}
