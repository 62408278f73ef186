package hiveql

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// accurateParam is Hive's note of which statistics agree with the data.
const accurateParam = "COLUMN_STATS_ACCURATE"

// rawParam is Hive's raw data size, which is not one of bytes in every format (Written.Raw).
const rawParam = "rawDataSize"

// columnStats are the statistics of one column by the names that DESCRIBE FORMATTED gives them.
// Those that a type does not have are left out.
type columnStats map[string]string

// statNames are the statistics in the order of DESCRIBE FORMATTED.
func statNames() []string {
	return []string{"min", "max", "num_nulls", "distinct_count", "avg_col_len", "max_col_len", "num_trues", "num_falses",
		"bit_vector"}
}

// shownStats are statistics of a column as DESCRIBE FORMATTED shows them. What is of another type
// than the column, because the column has changed, is none.
func shownStats(c *metastore.ColumnStatistics, t hivetype.Type) columnStats {
	stats := columnStats{}
	if c.Kind != metastore.StatisticsKind(t) {
		return stats
	}
	number := func(name string, n int64) {
		if n >= 0 {
			stats[name] = strconv.FormatInt(n, 10)
		}
	}
	number("num_nulls", c.Nulls)
	switch c.Kind {
	case "boolean":
		number("num_trues", c.Trues)
		number("num_falses", c.Falses)
		return stats
	case "string", "binary":
		number("max_col_len", c.MaxLength)
		if c.AvgLength >= 0 {
			stats["avg_col_len"] = doubleText(c.AvgLength)
		}
	default:
		stats["min"], stats["max"] = boundText(c.Low, c.Kind), boundText(c.High, c.Kind)
	}
	if c.Kind == "binary" {
		return stats
	}
	number("distinct_count", c.Distinct)
	// Hive keeps a sketch of the values that ANALYZE has counted, and shows its kind.
	if len(c.BitVector) > 0 || c.Distinct > 0 && c.Analyzed.Unix() > 0 {
		stats["bit_vector"] = "HL"
	}
	return stats
}

func doubleText(f float64) string {
	return string(hivetype.AppendText(nil, f, hivetype.Of(hivetype.Double)))
}

// boundText is a low or high value as it is shown.
func boundText(text, kind string) string {
	switch kind {
	case "double":
		if f, err := strconv.ParseFloat(text, 64); err == nil {
			return doubleText(f)
		}
	case "decimal":
		if strings.Contains(text, ".") {
			return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
	case "timestamp":
		text, _, _ = strings.Cut(text, ".")
	}
	return text
}

// setStat sets one statistic, by the name that DESCRIBE FORMATTED gives it.
func setStat(c *metastore.ColumnStatistics, stat, text string) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		n = -1
	}
	switch stat {
	case "min":
		c.Low = text
	case "max":
		c.High = text
	case "num_nulls":
		c.Nulls = n
	case "distinct_count":
		c.Distinct = n
	case "max_col_len":
		c.MaxLength = n
	case "num_trues":
		c.Trues = n
	case "num_falses":
		c.Falses = n
	case "avg_col_len":
		if c.AvgLength, err = strconv.ParseFloat(text, 64); err != nil {
			c.AvgLength = -1
		}
	}
}

// unknownStats are those of a column of which nothing is known.
func unknownStats(c metastore.Column) metastore.ColumnStatistics {
	return metastore.ColumnStatistics{
		Column: c.Name, Type: c.Type.String(), Kind: metastore.StatisticsKind(c.Type),
		Nulls: -1, Distinct: -1, AvgLength: -1, MaxLength: -1, Trues: -1, Falses: -1,
	}
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

// forgetAccuracy takes back what is said of columns that are not among those now, or have another
// type. Their statistics go by themselves.
func forgetAccuracy(params *map[string]string, before, now []metastore.Column) error {
	if _, ok := (*params)[accurateParam]; !ok {
		return nil
	}
	a := accuracyOf(*params)
	for _, c := range before {
		if !slices.ContainsFunc(now, func(n metastore.Column) bool { return n.Name == c.Name && n.Type.Equal(c.Type) }) {
			delete(a.Columns, c.Name)
		}
	}
	text, err := json.Marshal(a)
	if err == nil {
		setParam(params, accurateParam, string(text))
	}
	return err
}

// measure is an expression whose value is one statistic of a column.
type measure struct{ column, stat, sql string }

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
	distinct := []measure{m("distinct_count", "count(DISTINCT $)")}
	if c.Type.Kind != hivetype.Timestamp && c.Type.Kind != hivetype.TimestampLocalTZ { // of which Hive keeps whole seconds
		distinct = append(distinct, m("bit_vector", "compute_bit_vector_hll($)"))
	}
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
	columns []metastore.ColumnStatistics
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
			items = append(items, m.sql)
		}
	}
	sql := "SELECT " + strings.Join(items, ", ") + " FROM " + quoted(t.Database) + "." + quoted(t.Name) + specCondition(spec)
	if t.Partitioned() {
		sql += " GROUP BY " + strings.Join(items[:len(t.PartitionKeys)], ", ")
	}
	var found []analyzed
	err := s.eachRow(ctx, sql, func(row []hivetype.Value, types []hivetype.Type) {
		found = append(found, s.analyzedRow(t, row, types, wanted))
	})
	return found, err
}

func (s *Session) analyzedRow(t *metastore.Table, row []hivetype.Value, types []hivetype.Type, wanted []measure) analyzed {
	a := analyzed{}
	n := len(t.PartitionKeys)
	for i := range n {
		a.values = append(a.values, keyText(row[i], types[i]))
	}
	a.rows, _ = row[n].(int64)
	for i, m := range wanted {
		if len(a.columns) == 0 || a.columns[len(a.columns)-1].Column != m.column {
			c := unknownStats(t.Storage.Columns[t.Storage.Column(m.column)])
			c.Analyzed = s.cfg.Now()
			a.columns = append(a.columns, c)
		}
		c := &a.columns[len(a.columns)-1]
		if m.stat == "bit_vector" {
			c.BitVector, _ = row[n+1+i].([]byte)
			continue
		}
		text := statText(m.stat, row[n+1+i], types[n+1+i])
		if bound := m.stat == "min" || m.stat == "max"; bound && a.rows == 0 {
			text = map[string]string{"long": "0", "double": "0.0"}[c.Kind] // as Hive says of no rows
		}
		setStat(c, m.stat, text)
	}
	return a
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

// updateColumnStats runs UPDATE STATISTICS FOR COLUMN, of a partition, or where v is nil of a table.
func updateColumnStats(
	ctx context.Context, tx metastore.Tx, name metastore.TableName, v partitions.Values, col metastore.Column, n *syntax.UpdateStatistics,
) error {
	stats, err := columnStatistics(ctx, tx, name, v, col)
	if err != nil {
		return err
	}
	if stats == nil || stats.Kind != metastore.StatisticsKind(col.Type) {
		c := unknownStats(col)
		c.Analyzed = time.Unix(0, 0)
		stats = &c
	}
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
		setStat(stats, stat, text)
	}
	stats.Nulls = max(stats.Nulls, 0)
	if stats.Kind != "boolean" && stats.Kind != "binary" {
		stats.Distinct = max(stats.Distinct, 0)
	}
	return tx.SetStatistics(ctx, name, &metastore.Statistics{Values: v, Columns: []metastore.ColumnStatistics{*stats}})
}

// columnStatistics are those of a column, nil where there are none.
func columnStatistics(
	ctx context.Context, r metastore.Reader, name metastore.TableName, v partitions.Values, col metastore.Column,
) (*metastore.ColumnStatistics, error) {
	if v == nil {
		found, err := r.TableStatistics(ctx, name, col.Name)
		if err != nil || len(found.Columns) == 0 {
			return nil, err
		}
		return &found.Columns[0], nil
	}
	t, err := r.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	spec := make(partitions.Spec, len(v))
	for i, k := range t.PartitionKeys {
		spec[i] = partitions.SpecField{Name: k.Name, Value: v[i], Set: true}
	}
	exactly, err := t.Keys().Predicate(spec)
	if err != nil {
		return nil, err
	}
	for found, err := range r.Statistics(ctx, name, exactly, col.Name) {
		if err != nil {
			return nil, err
		}
		if slices.Equal(found.Values, v) && len(found.Columns) > 0 {
			return &found.Columns[0], nil
		}
	}
	return nil, nil
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
	return doubleText(f), nil
}

// statsLimit is the size, in bytes, up to which the statistics of a column are computed when
// somebody asks for them.
const statsLimit = 256 << 20

// statsToShow are the statistics of a column that DESCRIBE FORMATTED shows. INSERT keeps what costs
// nothing: of a table whose rows INSERT has written the others are computed here, as long as the
// data is small and hive.stats.column.autogather is true.
func (s *Session) statsToShow(
	ctx context.Context, t *metastore.Table, p *metastore.Partition, spec *syntax.PartitionSpec, col metastore.Column,
) (columnStats, error) {
	params := t.Parameters
	var values partitions.Values
	if p != nil {
		params, values = p.Parameters, p.Values
	}
	kept, err := columnStatistics(ctx, s.cfg.Store, t.TableName, values, col)
	if err != nil {
		return nil, err
	}
	var known columnStats
	if kept != nil {
		known = shownStats(kept, col.Type)
	}
	if kept != nil && !gatheredOnly(kept) {
		return known, nil
	}
	size, err := strconv.ParseInt(params["totalSize"], 10, 64)
	if err != nil || size == 0 || size > statsLimit || accuracyOf(params).Columns[col.Name] == "" || s.cfg.Executor == nil ||
		!s.settings.isTrue(autogather) || t.Partitioned() && p == nil {
		return known, nil
	}
	if err := readable(&t.Storage, t); err != nil {
		return known, nil // what cannot be read has no statistics
	}
	found, err := s.analyzeRows(ctx, t, spec, []metastore.Column{col})
	if err != nil {
		return nil, fmt.Errorf("compute the statistics of %s.%s: %w", t.TableName, col.Name, err)
	}
	if len(found) == 0 || len(found[0].columns) == 0 {
		return known, nil
	}
	return shownStats(&found[0].columns[0], col.Type), nil
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
