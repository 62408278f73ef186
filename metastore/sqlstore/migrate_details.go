package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// The parameters in which hiveql once kept details of tables, as JSON.
const (
	oldConstraints = "skep.constraints"
	oldStatistics  = "skep.column_stats"
	oldSkewed      = "skep.skewed"
)

// oldConstraint is an element of the list in oldConstraints.
type oldConstraint struct {
	Name          string   `json:"name"`
	Kind          string   `json:"kind"`
	Columns       []string `json:"columns"`
	Text          string   `json:"text"`
	Disabled      bool     `json:"disabled"`
	Parent        string   `json:"parent"`
	ParentColumns []string `json:"parent_columns"`
}

func (o oldConstraint) constraint() metastore.Constraint {
	c := metastore.Constraint{
		Name: o.Name, Kind: metastore.ConstraintKind(o.Kind), Columns: o.Columns, Expression: o.Text, References: o.ParentColumns,
	}
	c.Parent.Database, c.Parent.Name, _ = strings.Cut(o.Parent, ".")
	switch c.Kind {
	case metastore.NotNull, metastore.Default, metastore.Check:
		c.Enable, c.Rely = !o.Disabled, !o.Disabled
	}
	return c
}

// moveDetails moves constraints, statistics and SKEWED BY out of parameters. What is there already
// stays. It may be cut off and run again: a parameter goes after what it said is where it belongs.
func moveDetails(ctx context.Context, q session) error {
	if err := moveSkewed(ctx, q); err != nil {
		return err
	}
	after := int64(0)
	for {
		tables, err := oldDetailsOf(ctx, q, `
SELECT t.id, '', t.parameters, d.body FROM tables t JOIN descriptors d ON d.table_id = t.id AND d.id = t.descriptor_id
 WHERE t.id > ? ORDER BY t.id LIMIT ?`, after, tablePage)
		if err != nil {
			return err
		}
		for _, t := range tables {
			after = t.table
			if err := t.move(ctx, q, `UPDATE tables SET parameters = ? WHERE id = ?`, t.table); err != nil {
				return err
			}
			if err := movePartitions(ctx, q, t.table); err != nil {
				return err
			}
		}
		if len(tables) < tablePage {
			return nil
		}
	}
}

func movePartitions(ctx context.Context, q session, table int64) error {
	after := ""
	for {
		parts, err := oldDetailsOf(ctx, q, `
SELECT p.table_id, p.name, p.parameters, d.body FROM partitions p JOIN descriptors d ON d.table_id = p.table_id AND d.id = p.descriptor_id
 WHERE p.table_id = ? AND p.name > ? AND p.parameters LIKE '%`+oldStatistics+`%' ORDER BY p.name LIMIT ?`, table, after, pageSize)
		if err != nil {
			return err
		}
		for _, p := range parts {
			after = p.partition
			err := p.move(ctx, q, `UPDATE partitions SET parameters = ? WHERE table_id = ? AND name = ?`, p.table, p.partition)
			if err != nil {
				return err
			}
		}
		if len(parts) < pageSize {
			return nil
		}
	}
}

// oldDetails is a table, or a partition, that may have details in its parameters.
type oldDetails struct {
	table      int64
	partition  string
	parameters string
	body       string // of the descriptor
}

func oldDetailsOf(ctx context.Context, q session, query string, args ...any) (found []oldDetails, err error) {
	err = q.each(ctx, func(scan func(...any) error) error {
		var o oldDetails
		err := scan(&o.table, &o.partition, &o.parameters, &o.body)
		found = append(found, o)
		return err
	}, query, args...)
	return found, err
}

// move moves details, and then runs a statement that sets the parameters that are left.
func (o oldDetails) move(ctx context.Context, q session, update string, where ...any) error {
	if !strings.Contains(o.parameters, oldConstraints) && !strings.Contains(o.parameters, oldStatistics) {
		return nil
	}
	parameters, err := decodeParameters(o.parameters)
	if err != nil {
		return err
	}
	var constraints []oldConstraint
	if json.Unmarshal([]byte(parameters[oldConstraints]), &constraints) == nil { // what hiveql could not read, it took for none
		for _, c := range constraints {
			if err := insertConstraint(ctx, q, o.table, c.constraint()); err != nil {
				return err
			}
		}
	}
	var columns map[string]map[string]string
	if json.Unmarshal([]byte(parameters[oldStatistics]), &columns) == nil && len(columns) > 0 {
		d, err := decodeDescriptor(o.body, "")
		if err != nil {
			return err
		}
		for name, stats := range columns {
			if at := d.Column(name); at >= 0 {
				if err := o.insertStatistics(ctx, q, oldColumnStatistics(d.Columns[at], stats)); err != nil {
					return err
				}
			}
		}
	}
	delete(parameters, oldConstraints)
	delete(parameters, oldStatistics)
	_, err = q.exec(ctx, update, append([]any{encodeParameters(parameters)}, where...)...)
	return err
}

func insertConstraint(ctx context.Context, q session, table int64, c metastore.Constraint) error {
	_, err := q.exec(ctx, `INSERT INTO table_constraints (table_id, name, parent_db, parent_name, body) VALUES (?, ?, ?, ?, ?) `+q.d.keep,
		table, c.Name, c.Parent.Database, c.Parent.Name, encode(c))
	return err
}

func (o oldDetails) insertStatistics(ctx context.Context, q session, c metastore.ColumnStatistics) error {
	var one int
	err := q.one(ctx, `SELECT 1 FROM column_stats WHERE table_id = ? AND partition_name = ? AND column_name = ?`,
		with(o.table, o.partition, c.Column), &one)
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	_, err = q.exec(ctx, `INSERT INTO column_stats (table_id, partition_name, column_name, body) VALUES (?, ?, ?, ?)`,
		o.table, o.partition, c.Column, encode(c))
	return err
}

// oldColumnStatistics reads the texts of DESCRIBE FORMATTED, as which statistics were kept.
func oldColumnStatistics(column metastore.Column, stats map[string]string) metastore.ColumnStatistics {
	number := func(name string) int64 {
		n, err := strconv.ParseInt(stats[name], 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	c := metastore.ColumnStatistics{
		Column: strings.ToLower(column.Name), Type: column.Type.String(), Kind: metastore.StatisticsKind(column.Type),
		Low: stats["min"], High: stats["max"], Nulls: number("num_nulls"), Distinct: number("distinct_count"),
		MaxLength: number("max_col_len"), Trues: number("num_trues"), Falses: number("num_falses"), AvgLength: -1,
		Analyzed: time.Unix(0, 0).UTC(),
	}
	if f, err := strconv.ParseFloat(stats["avg_col_len"], 64); err == nil {
		c.AvgLength = f
	}
	if stats["bit_vector"] != "" || column.Type.Kind == hivetype.Boolean {
		c.Analyzed = decodeTime(encodeTime(time.Time{})) // ANALYZE has computed it; when was not kept
	}
	return c
}

// moveSkewed rewrites the descriptors that have SKEWED BY in a parameter.
func moveSkewed(ctx context.Context, q session) error {
	type row struct {
		table, id  int64
		base, body string
	}
	var rows []row
	err := q.each(ctx, func(scan func(...any) error) error {
		var r row
		err := scan(&r.table, &r.id, &r.base, &r.body)
		rows = append(rows, r)
		return err
	}, `SELECT table_id, id, base, body FROM descriptors WHERE body LIKE '%`+oldSkewed+`%'`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		var d descriptorJSON
		if err := json.Unmarshal([]byte(r.body), &d); err != nil {
			return err
		}
		text, ok := d.Parameters[oldSkewed]
		if !ok {
			continue
		}
		d.Skewed = &metastore.Skewed{}
		if json.Unmarshal([]byte(text), d.Skewed) != nil {
			continue // what hiveql could not read, it took for none
		}
		delete(d.Parameters, oldSkewed)
		body := encode(d)
		_, err := q.exec(ctx, `UPDATE descriptors SET body = ?, hash = ? WHERE table_id = ? AND id = ?`,
			body, descriptorHash(body, r.base), r.table, r.id)
		if err != nil {
			return err
		}
	}
	return nil
}
