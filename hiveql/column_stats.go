package hiveql

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// columnStats are the statistics of one column by the names that DESCRIBE FORMATTED gives them.
// Those that a type does not have are left out.
type columnStats map[string]string

const (
	// columnStatsParam holds, as JSON, the statistics of the columns of a table or partition.
	columnStatsParam = hiddenParams + "column_stats"
	// accurateParam is Hive's note of which statistics agree with the data.
	accurateParam = "COLUMN_STATS_ACCURATE"
)

// statNames are the statistics in the order of DESCRIBE FORMATTED.
func statNames() []string {
	return []string{"min", "max", "num_nulls", "distinct_count", "avg_col_len", "max_col_len", "num_trues", "num_falses",
		"bit_vector"}
}

// columnStatsOf reads the statistics of columns by their names; what cannot be read is none.
func columnStatsOf(params map[string]string) map[string]columnStats {
	all := map[string]columnStats{}
	if text := params[columnStatsParam]; text != "" {
		if json.Unmarshal([]byte(text), &all) != nil {
			return map[string]columnStats{}
		}
	}
	return all
}

func setColumnStats(params *map[string]string, changed map[string]columnStats) error {
	all := columnStatsOf(*params)
	maps.Copy(all, changed)
	text, err := json.Marshal(all)
	if err == nil {
		setParam(params, columnStatsParam, string(text))
	}
	return err
}

// accuracy is what COLUMN_STATS_ACCURATE says, in Hive's JSON.
type accuracy struct {
	Basic   string            `json:"BASIC_STATS,omitempty"`
	Columns map[string]string `json:"COLUMN_STATS,omitempty"`
}

func accuracyOf(params map[string]string) accuracy {
	var a accuracy
	if json.Unmarshal([]byte(params[accurateParam]), &a) != nil {
		return accuracy{}
	}
	return a
}

// setAccurate notes that the basic statistics, and those of cols, agree with the data.
func setAccurate(params *map[string]string, cols []metastore.Column) {
	a := accuracyOf(*params)
	a.Basic = "true"
	for _, c := range cols {
		if !c.Type.Primitive() {
			continue
		}
		if a.Columns == nil {
			a.Columns = map[string]string{}
		}
		a.Columns[c.Name] = "true"
	}
	if text, err := json.Marshal(a); err == nil {
		setParam(params, accurateParam, string(text))
	}
}

// forgetColumnStats takes away the statistics of columns that are not among those now, or have
// another type.
func forgetColumnStats(params *map[string]string, before, now []metastore.Column) error {
	all, a := columnStatsOf(*params), accuracyOf(*params)
	for _, c := range before {
		if !slices.ContainsFunc(now, func(n metastore.Column) bool { return n.Name == c.Name && n.Type.Equal(c.Type) }) {
			delete(all, c.Name)
			delete(a.Columns, c.Name)
		}
	}
	if _, ok := (*params)[accurateParam]; ok {
		text, err := json.Marshal(a)
		if err != nil {
			return err
		}
		setParam(params, accurateParam, string(text))
	}
	if _, ok := (*params)[columnStatsParam]; !ok {
		return nil
	}
	text, err := json.Marshal(all)
	if err == nil {
		setParam(params, columnStatsParam, string(text))
	}
	return err
}

// measure is an expression whose value is one statistic of a column.
type measure struct {
	column, stat, sql string
	fixed             string // the statistic itself, where there is nothing to compute
}

// measures are what ANALYZE computes for a column, by its type; none for complex ones.
func measures(c metastore.Column) []measure {
	col := quoted(c.Name)
	m := func(stat, format string) measure {
		return measure{column: c.Name, stat: stat, sql: strings.ReplaceAll(format, "$", col)}
	}
	if !c.Type.Primitive() {
		return nil
	}
	nulls := m("num_nulls", "count(1) - count($)")
	distinct := []measure{m("distinct_count", "count(DISTINCT $)"), {column: c.Name, stat: "bit_vector", fixed: "HL"}}
	switch c.Type.Kind {
	case hivetype.Boolean:
		return []measure{nulls, m("num_trues", "count(CASE WHEN $ THEN 1 END)"), m("num_falses", "count(CASE WHEN NOT $ THEN 1 END)")}
	case hivetype.Binary:
		return []measure{nulls, m("avg_col_len", "avg(length($))"), m("max_col_len", "max(length($))")}
	case hivetype.String, hivetype.Varchar, hivetype.Char:
		return append(distinct, nulls, m("avg_col_len", "avg(length($))"), m("max_col_len", "max(length($))"))
	case hivetype.Float, hivetype.Double:
		return append(distinct, nulls, m("min", "min(CAST($ AS DOUBLE))"), m("max", "max(CAST($ AS DOUBLE))"))
	}
	return append(distinct, nulls, m("min", "min($)"), m("max", "max($)"))
}

// statText is a computed value as DESCRIBE FORMATTED shows it.
func statText(stat string, v hivetype.Value, t hivetype.Type) string {
	if v == nil {
		switch stat {
		case "avg_col_len":
			return "0.0"
		case "max_col_len":
			return "0"
		}
		return ""
	}
	text := string(hivetype.AppendText(nil, v, t))
	switch {
	case t.Kind == hivetype.Decimal && strings.Contains(text, "."):
		return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
	case t.Kind == hivetype.Timestamp || t.Kind == hivetype.TimestampLocalTZ:
		text, _, _ = strings.Cut(text, ".")
	}
	return text
}

// analyzed are the statistics of one partition, or of a table without partition keys.
type analyzed struct {
	values  []string // of the partition keys
	rows    int64
	columns map[string]columnStats
}

// analyzeRows reads the data of a table, or of the partitions that a spec names, and computes
// the number of rows and the statistics of cols.
func (s *Session) analyzeRows(
	ctx context.Context, t *metastore.Table, spec *syntax.PartitionSpec, cols []metastore.Column,
) ([]analyzed, error) {
	var wanted []measure
	items := []string{}
	for _, k := range t.PartitionKeys {
		items = append(items, quoted(k.Name))
	}
	items = append(items, "count(1)")
	for _, c := range cols {
		for _, m := range measures(c) {
			wanted = append(wanted, m)
			if m.fixed == "" {
				items = append(items, m.sql)
			}
		}
	}
	sql := "SELECT " + strings.Join(items, ", ") + " FROM " + quoted(t.Database) + "." + quoted(t.Name) + specCondition(spec)
	if t.Partitioned() {
		sql += " GROUP BY " + strings.Join(items[:len(t.PartitionKeys)], ", ")
	}
	var found []analyzed
	err := s.eachRow(ctx, sql, func(row []hivetype.Value, types []hivetype.Type) {
		found = append(found, analyzedRow(t, row, types, wanted))
	})
	return found, err
}

func analyzedRow(t *metastore.Table, row []hivetype.Value, types []hivetype.Type, wanted []measure) analyzed {
	a := analyzed{columns: map[string]columnStats{}}
	n := len(t.PartitionKeys)
	for i := range n {
		a.values = append(a.values, keyText(row[i], types[i]))
	}
	a.rows, _ = row[n].(int64)
	at := n + 1
	defer a.tidy(t)
	for _, m := range wanted {
		stats := a.columns[m.column]
		if stats == nil {
			stats = columnStats{}
			a.columns[m.column] = stats
		}
		if m.fixed != "" {
			stats[m.stat] = m.fixed
			continue
		}
		stats[m.stat] = statText(m.stat, row[at], types[at])
		at++
	}
	return a
}

// tidy gives columns of no rows the statistics that Hive gives them.
func (a *analyzed) tidy(t *metastore.Table) {
	if a.rows > 0 {
		return
	}
	for name, stats := range a.columns {
		delete(stats, "bit_vector")
		at := t.Storage.Column(name)
		if at < 0 {
			continue
		}
		zero := ""
		switch typ := t.Storage.Columns[at].Type; {
		case typ.Integer():
			zero = "0"
		case typ.Kind == hivetype.Float || typ.Kind == hivetype.Double:
			zero = "0.0"
		}
		for _, stat := range []string{"min", "max"} {
			if _, ok := stats[stat]; ok && zero != "" {
				stats[stat] = zero
			}
		}
	}
}

// specCondition is the WHERE that selects the partitions of a spec.
func specCondition(spec *syntax.PartitionSpec) string {
	if spec == nil {
		return ""
	}
	var conds []string
	for _, f := range spec.Fields {
		if f.Value != nil {
			conds = append(conds, quoted(f.Key.Name)+" = "+syntax.Print(f.Value))
		}
	}
	if len(conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conds, " AND ")
}

// updateColumnStats runs UPDATE STATISTICS FOR COLUMN.
func updateColumnStats(params *map[string]string, col metastore.Column, n *syntax.UpdateStatistics) error {
	stats := columnStats{}
	maps.Copy(stats, columnStatsOf(*params)[col.Name])
	for i := range n.Properties {
		p := &n.Properties[i]
		stat, ok := map[string]string{
			"numDVs": "distinct_count", "numNulls": "num_nulls", "avgColLen": "avg_col_len", "maxColLen": "max_col_len",
			"lowValue": "min", "highValue": "max", "numTrues": "num_trues", "numFalses": "num_falses",
		}[p.Key]
		if !ok {
			return semantic(p, 0, "Unknown stat %s: the statistics of a column are numDVs, numNulls, avgColLen, maxColLen, "+
				"lowValue, highValue, numTrues and numFalses", p.Key)
		}
		text, err := givenStat(stat, p.Value, col.Type)
		if err != nil {
			return semantic(p, 0, "%s of %s cannot be '%s': %v", p.Key, col.Name, p.Value, err)
		}
		stats[stat] = text
	}
	if stats["num_nulls"] == "" {
		stats["num_nulls"] = "0"
	}
	if stats["distinct_count"] == "" && col.Type.Kind != hivetype.Boolean && col.Type.Kind != hivetype.Binary {
		stats["distinct_count"] = "0"
	}
	return setColumnStats(params, map[string]columnStats{col.Name: stats})
}

// givenStat puts a statistic that a user gives into the form in which it is shown.
func givenStat(stat, text string, t hivetype.Type) (string, error) {
	fraction := stat == "avg_col_len"
	switch {
	case stat == "min" || stat == "max":
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && t.Kind == hivetype.Timestamp {
			return time.Unix(n, 0).UTC().Format(time.DateTime), nil // Hive's seconds
		}
		if t.Kind != hivetype.Float && t.Kind != hivetype.Double {
			return text, nil
		}
		fraction = true
	case !fraction:
		n, err := strconv.ParseInt(text, 10, 64)
		return strconv.FormatInt(n, 10), err
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !fraction {
		return text, err
	}
	return string(hivetype.AppendText(nil, f, hivetype.Of(hivetype.Double))), nil
}

// statsLimit is the size, in bytes, up to which the statistics of a column are computed when
// somebody asks for them.
const statsLimit = 256 << 20

// statsToShow are the statistics of a column that DESCRIBE FORMATTED shows. INSERT computes
// none: of a table whose rows INSERT has written they are computed here, as long as the data
// is small and hive.stats.column.autogather is true.
func (s *Session) statsToShow(
	ctx context.Context, t *metastore.Table, p *metastore.Partition, spec *syntax.PartitionSpec, col metastore.Column,
) (columnStats, error) {
	params := t.Parameters
	if p != nil {
		params = p.Parameters
	}
	if stats, ok := columnStatsOf(params)[col.Name]; ok {
		return stats, nil
	}
	size, err := strconv.ParseInt(params["totalSize"], 10, 64)
	if err != nil || size == 0 || size > statsLimit || accuracyOf(params).Columns[col.Name] == "" || s.cfg.Executor == nil ||
		!strings.EqualFold(s.Setting("hive.stats.column.autogather"), "true") || t.Partitioned() && p == nil {
		return nil, nil
	}
	if err := readable(&t.Storage, t); err != nil {
		return nil, nil // what cannot be read has no statistics
	}
	found, err := s.analyzeRows(ctx, t, spec, []metastore.Column{col})
	if err != nil {
		return nil, fmt.Errorf("compute the statistics of %s.%s: %w", t.TableName, col.Name, err)
	}
	for _, a := range found {
		return a.columns[col.Name], nil
	}
	return nil, nil
}

// statColumns are the columns that ANALYZE ... FOR COLUMNS means: all of those that can have
// statistics, or the ones given.
func statColumns(t *metastore.Table, given []syntax.Ident) ([]metastore.Column, error) {
	if len(given) == 0 {
		return slices.DeleteFunc(slices.Clone(t.Storage.Columns), func(c metastore.Column) bool { return !c.Type.Primitive() }), nil
	}
	var cols []metastore.Column
	for i := range given {
		at := t.Storage.Column(given[i].Name)
		switch {
		case at < 0 && t.Keys().Find(given[i].Name) >= 0:
			continue // what is known of a key is its partitions
		case at < 0:
			return nil, semantic(&given[i], 10002, "Invalid column reference '%s'", given[i].Name)
		case !t.Storage.Columns[at].Type.Primitive():
			return nil, semantic(&given[i], 10260, "Column type not supported yet in compute column stats: %s is %s",
				given[i].Name, t.Storage.Columns[at].Type)
		}
		cols = append(cols, t.Storage.Columns[at])
	}
	return cols, nil
}
