package hiveql

import (
	"context"
	"maps"
	"slices"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/distinct"
	"github.com/skepdata/skep/partitions"
)

// Statistics of columns that INSERT keeps, as Hive does by hive.stats.column.autogather: what the
// footers and dictionaries of the files say that it has just written, which costs next to nothing. Lengths
// of text are not among that, and numbers of distinct values only where they are low.

// knowledge is what becomes of the statistics of columns that the metastore has of a place.
type knowledge int

const (
	keepKnown knowledge = iota // they hold, or nobody can say
	newKnown                   // those of the rows written now take their place
	addKnown                   // those are added to them
)

// gather adds what is known of a file to the statistics of its target. Nothing is known of the
// target when nothing is of one file.
func (t *target) gather(table *metastore.Table, f Written) {
	first := t.files == 0
	if f.Columns == nil || !first && t.columns == nil {
		t.columns = nil
		return
	}
	var all []metastore.ColumnStatistics
	for i, w := range f.Columns {
		col := table.Storage.Columns[i]
		c := unknownStats(col)
		if c.Kind == "" || w.Nulls < 0 {
			continue
		}
		c.Nulls = w.Nulls
		if c.Kind != "boolean" && c.Kind != "string" && c.Kind != "binary" && w.Min != nil && w.Max != nil {
			c.Low, c.High = statText("min", w.Min, col.Type), statText("max", w.Max, col.Type)
		}
		switch {
		case c.Nulls == f.Rows: // there are no values, which is known
			c.Distinct = 0
		case c.Kind != "boolean" && c.Kind != "binary":
			c.Distinct = w.Distinct
			if w.Sketch != nil {
				c.BitVector = w.Sketch.Bytes()
			}
		}
		all = append(all, c)
	}
	if first {
		t.columns = all
		return
	}
	t.columns = addAll(t.columns, all)
}

// addStats makes the statistics of some rows those of further rows, too. What is not known of one of
// them is not known of both.
func addStats(c, more *metastore.ColumnStatistics) {
	switch {
	case more.Distinct == 0: // there are no values
	case c.Distinct == 0:
		c.Low, c.High, c.Distinct, c.BitVector = more.Low, more.High, more.Distinct, more.BitVector
		c.AvgLength, c.MaxLength = more.AvgLength, more.MaxLength
	default:
		c.Distinct, c.BitVector = addDistinct(c, more)
		c.Low = bound(c.Low, more.Low, c.Kind, -1)
		c.High = bound(c.High, more.High, c.Kind, 1)
		c.AvgLength, c.MaxLength = -1, -1
	}
	sum := func(a, b int64) int64 {
		if a < 0 || b < 0 {
			return -1
		}
		return a + b
	}
	c.Nulls, c.Trues, c.Falses = sum(c.Nulls, more.Nulls), sum(c.Trues, more.Trues), sum(c.Falses, more.Falses)
}

// addDistinct counts the different values of two parts, neither of which is without any: by their
// sketches, which know them, and exactly where no value of one can be in the other.
func addDistinct(a, b *metastore.ColumnStatistics) (n int64, bitVector []byte) {
	apart := a.Distinct > 0 && b.Distinct > 0 && (allBelow(a, b) || allBelow(b, a))
	if len(a.BitVector) > 0 && len(b.BitVector) > 0 {
		x, err := distinct.Parse(a.BitVector)
		y, err2 := distinct.Parse(b.BitVector)
		if err == nil && err2 == nil {
			x.Merge(y)
			n = max(x.Count(), a.Distinct, b.Distinct)
			if a.Distinct > 0 && b.Distinct > 0 {
				n = min(n, a.Distinct+b.Distinct)
			}
			if apart {
				n = a.Distinct + b.Distinct
			}
			return n, x.Bytes()
		}
	}
	if apart {
		return a.Distinct + b.Distinct, nil
	}
	return -1, nil
}

// allBelow reports whether all values of a are known to be lower than those of b.
func allBelow(a, b *metastore.ColumnStatistics) bool {
	return a.High != "" && b.Low != "" && a.High != b.Low && bound(a.High, b.Low, a.Kind, 1) == b.Low
}

// bound is the lower of two bounds, or the higher one where sign is 1; "" where one is not known.
func bound(a, b, kind string, sign int) string {
	t, ok := map[string]hivetype.Type{
		"long": hivetype.Of(hivetype.BigInt), "double": hivetype.Of(hivetype.Double), "date": hivetype.Of(hivetype.Date),
		"timestamp": hivetype.Of(hivetype.Timestamp), "decimal": hivetype.DecimalOf(hivetype.MaxPrecision, hivetype.MaxPrecision/2),
	}[kind]
	if !ok {
		return ""
	}
	x, ok1 := hivetype.ParseValue(a, t)
	y, ok2 := hivetype.ParseValue(b, t)
	switch {
	case !ok1 || !ok2 || x == nil || y == nil:
		return ""
	case hivetype.Compare(x, y, t)*sign >= 0:
		return a
	}
	return b
}

// gatheredOnly reports whether statistics are those that INSERT has kept, and ANALYZE could say more.
func gatheredOnly(c *metastore.ColumnStatistics) bool {
	if c.Analyzed.Unix() <= 0 { // somebody has set them
		return false
	}
	switch c.Kind {
	case "boolean":
		return c.Trues < 0
	case "binary":
		return c.MaxLength < 0
	case "string":
		return c.Distinct < 0 || c.MaxLength < 0
	}
	return c.Distinct < 0
}

// commitStatistics brings the statistics of columns up to date, after the places.
func (j *job) commitStatistics(ctx context.Context, tx metastore.Tx, t *metastore.Table) error {
	before, err := j.knownStatistics(ctx, tx, t)
	if err != nil {
		return err
	}
	var all []*metastore.Statistics
	for _, target := range j.targets {
		if target.knowledge == keepKnown || target.knowledge == addKnown && target.rows == 0 {
			continue
		}
		now := slices.Clone(target.columns)
		was := before[valuesKey(target.values)]
		if target.knowledge == addKnown {
			now = addAll(storedStats(was, target.before), now)
		}
		if was != nil || target.there && slices.Contains(target.values, partitions.DefaultName) { // which In does not find
			if err := tx.DropStatistics(ctx, t.TableName, target.values); err != nil {
				return err
			}
		}
		for i := range now {
			now[i].Analyzed = j.s.cfg.Now()
		}
		if len(now) > 0 {
			all = append(all, &metastore.Statistics{Values: target.values, Columns: now})
		}
	}
	if len(all) == 0 {
		return nil
	}
	return tx.SetStatistics(ctx, t.TableName, all...)
}

// addAll adds statistics of columns. Nothing is known of those that are not on both sides.
func addAll(was, more []metastore.ColumnStatistics) []metastore.ColumnStatistics {
	var all []metastore.ColumnStatistics
	for i := range more {
		at := slices.IndexFunc(was, func(c metastore.ColumnStatistics) bool {
			return c.Column == more[i].Column && c.Kind == more[i].Kind
		})
		if at >= 0 {
			sum := was[at]
			addStats(&sum, &more[i])
			all = append(all, sum)
		}
	}
	return all
}

// storedStats are those of statistics in a metastore that came from the data, of so many rows or -1. They
// may have been in one that cannot say that something is not known, and says 0 instead.
func storedStats(was []metastore.ColumnStatistics, rows int64) []metastore.ColumnStatistics {
	var all []metastore.ColumnStatistics
	for _, c := range was {
		if c.Analyzed.Unix() <= 0 {
			continue
		}
		switch {
		case rows >= 0 && c.Nulls == rows:
			c.Distinct = 0
		case c.Distinct == 0:
			c.Distinct = -1
		}
		all = append(all, c)
	}
	return all
}

// knownStatistics are those of the targets that are there, by their values.
func (j *job) knownStatistics(ctx context.Context, tx metastore.Tx, t *metastore.Table) (map[string][]metastore.ColumnStatistics, error) {
	known := map[string][]metastore.ColumnStatistics{}
	if j.create {
		return known, nil
	}
	if !t.Partitioned() {
		found, err := tx.TableStatistics(ctx, t.TableName)
		if err == nil && len(found.Columns) > 0 {
			known[valuesKey(nil)] = found.Columns
		}
		return known, err
	}
	firsts := map[string]bool{} // values of the first key
	for _, target := range j.targets {
		if target.knowledge != keepKnown && target.there {
			firsts[target.values[0]] = true
		}
	}
	for some := range slices.Chunk(slices.Sorted(maps.Keys(firsts)), 100) {
		for s, err := range tx.Statistics(ctx, t.TableName, firstKeyIs(t, some)) {
			if err != nil {
				return nil, err
			}
			known[valuesKey(s.Values)] = s.Columns
		}
	}
	return known, nil
}

// firstKeyIs is the condition that the first key has one of the values, of which one may be that of NULL.
func firstKeyIs(t *metastore.Table, values []string) partitions.Predicate {
	key := t.PartitionKeys[0].Name
	known := slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == partitions.DefaultName })
	in := partitions.In{Key: key, Values: known}
	switch {
	case len(known) == len(values):
		return in
	case len(known) == 0:
		return partitions.IsNull{Key: key}
	}
	return partitions.Or{in, partitions.IsNull{Key: key}}
}
