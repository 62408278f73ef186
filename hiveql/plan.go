package hiveql

import "github.com/skepdata/skep/hiveql/analysis"

// scansOf lists the scans of a plan, those in subqueries included.
func scansOf(q *analysis.Query) []*analysis.Scan {
	var c scanCollector
	c.rel(q.Root)
	return c.scans
}

type scanCollector struct{ scans []*analysis.Scan }

func (c *scanCollector) rel(r analysis.Rel) {
	switch n := r.(type) {
	case *analysis.Scan:
		c.scans = append(c.scans, n)
	case *analysis.Filter:
		c.rel(n.Input)
		c.exprs(n.Cond)
	case *analysis.Project:
		c.rel(n.Input)
		c.computed(n.Exprs)
	case *analysis.Join:
		c.rel(n.L)
		c.rel(n.R)
		c.exprs(n.On)
	case *analysis.Aggregate:
		c.rel(n.Input)
		c.computed(n.Keys)
		for _, a := range n.Aggs {
			c.exprs(a.Args...)
			c.exprs(a.Filter)
		}
	case *analysis.Window:
		c.rel(n.Input)
		for _, f := range n.Funcs {
			c.exprs(f.Args...)
			c.exprs(f.PartitionBy...)
			c.keys(f.OrderBy)
		}
	case *analysis.Sort:
		c.rel(n.Input)
		c.keys(n.Keys)
	case *analysis.Limit:
		c.rel(n.Input)
	case *analysis.SetOp:
		c.rel(n.L)
		c.rel(n.R)
	case *analysis.Distinct:
		c.rel(n.Input)
	case *analysis.Values:
		for _, row := range n.Rows {
			c.exprs(row...)
		}
	case *analysis.Lateral:
		c.rel(n.Input)
		c.exprs(n.Args...)
	}
}

func (c *scanCollector) computed(list []analysis.Computed) {
	for _, x := range list {
		c.exprs(x.X)
	}
}

func (c *scanCollector) keys(list []analysis.SortKey) {
	for _, k := range list {
		c.exprs(k.X)
	}
}

// exprs looks for subqueries.
func (c *scanCollector) exprs(list ...analysis.Expr) {
	for _, x := range list {
		switch n := x.(type) {
		case *analysis.Call:
			c.exprs(n.Args...)
		case *analysis.Cast:
			c.exprs(n.X)
		case *analysis.Case:
			for _, w := range n.Whens {
				c.exprs(w.Cond, w.Then)
			}
			c.exprs(n.Else)
		case *analysis.In:
			c.exprs(n.X)
			c.exprs(n.List...)
		case *analysis.Scalar:
			c.rel(n.Query)
		case *analysis.Exists:
			c.rel(n.Query)
		case *analysis.InQuery:
			c.exprs(n.X)
			c.rel(n.Query)
		}
	}
}
