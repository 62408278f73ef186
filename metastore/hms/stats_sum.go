package hms

import (
	"context"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/distinct"
)

// aggregate joins the statistics of partitions.
func (s *Service) aggregate(ctx context.Context, a *requestArgs[partitionsStatsRequest]) (*aggrStats, error) {
	joined := map[string]*columnSum{}
	out := &aggrStats{ColStats: []*columnStatisticsObj{}}
	err := s.partitionStatistics(ctx, a.Request, func(_ string, found *metastore.Statistics) {
		out.PartsFound++
		for i := range found.Columns {
			c := &found.Columns[i]
			if joined[c.Column] == nil {
				joined[c.Column] = newColumnSum(c)
				continue
			}
			joined[c.Column].add(c)
		}
	})
	for _, name := range a.Request.ColNames {
		if sum := joined[strings.ToLower(name)]; sum != nil {
			c := sum.result()
			c.BitVector = nil // as Hive answers
			out.ColStats = append(out.ColStats, wireStatistics(c))
		}
	}
	return out, err
}

// columnSum are the statistics of a column of several parts together. The number of distinct values is
// that of their bit vectors, if all have one; otherwise the largest of one part, as Hive has it.
type columnSum struct {
	c      metastore.ColumnStatistics
	parts  int64
	most   int64            // distinct values of all, if no two are equal
	sketch *distinct.Sketch // of all; nil if it is not known
}

func newColumnSum(c *metastore.ColumnStatistics) *columnSum {
	return &columnSum{c: *c, parts: 1, most: max(c.Distinct, 0), sketch: sketchOf(c)}
}

// sketchOf is that of the values of a column; nil where there is none.
func sketchOf(c *metastore.ColumnStatistics) *distinct.Sketch {
	if len(c.BitVector) == 0 && c.Distinct == 0 && c.Nulls > 0 { // there are no values
		return &distinct.Sketch{}
	}
	s, err := distinct.Parse(c.BitVector)
	if err != nil {
		return nil
	}
	return s
}

// add adds those of one more part.
func (s *columnSum) add(more *metastore.ColumnStatistics) {
	s.parts++
	c := &s.c
	c.Nulls, c.Trues, c.Falses = added(c.Nulls, more.Nulls), added(c.Trues, more.Trues), added(c.Falses, more.Falses)
	c.Distinct, c.MaxLength = max(c.Distinct, more.Distinct), max(c.MaxLength, more.MaxLength)
	c.AvgLength += (more.AvgLength - c.AvgLength) / float64(s.parts)
	s.most += max(more.Distinct, 0)
	if o := sketchOf(more); s.sketch != nil && o != nil {
		s.sketch.Merge(o)
	} else {
		s.sketch = nil
	}
	if less(c.Kind, more.Low, c.Low) {
		c.Low = more.Low
	}
	if less(c.Kind, c.High, more.High) {
		c.High = more.High
	}
}

// added is the sum of two numbers, -1 where one is not known.
func added(a, b int64) int64 {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

func (s *columnSum) result() *metastore.ColumnStatistics {
	if s.parts == 1 {
		return &s.c
	}
	s.c.BitVector = nil
	if s.sketch != nil {
		s.c.Distinct = min(max(s.sketch.Count(), s.c.Distinct), s.most)
		s.c.BitVector = s.sketch.Bytes()
	}
	return &s.c
}

// less compares the texts of low and high values; an empty one is not known, and no bound.
func less(kind, a, b string) bool {
	switch {
	case a == "" || b == "":
		return a != "" && b == ""
	case kind == "date" || kind == "timestamp":
		return a < b
	}
	x, y := float(a), float(b)
	return x != nil && y != nil && *x < *y
}
