package hiveql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// showPartitions lists names of partitions; the metastore decides which.
func (s *Session) showPartitions(ctx context.Context, r *Result, n *syntax.Show) error {
	t, err := s.table(ctx, n.Name)
	if err != nil {
		return err
	}
	if !t.Partitioned() {
		return ddlFailed("Table %s is not a partitioned table", t.Name)
	}
	var match partitions.Predicate
	if n.Partition != nil {
		if match, err = s.specPredicate(t, n.Partition); err != nil {
			return err
		}
	}
	if n.Where != nil {
		where, err := partitions.ParseFilter(syntax.Print(namedNull(n.Where)))
		if err == nil {
			err = t.Keys().Check(where)
		}
		if err != nil {
			return semantic(n.Where, 10214, "SHOW PARTITIONS WHERE takes a condition on partition keys: %v", err)
		}
		if match = where; n.Partition != nil {
			spec, err := s.specPredicate(t, n.Partition)
			if err != nil {
				return err
			}
			match = partitions.And{spec, where}
		}
	}
	var found []partitions.Values
	for p, err := range s.cfg.Store.Partitions(ctx, t.TableName, match) {
		if err != nil {
			return err
		}
		found = append(found, p.Values)
	}
	if err := sortPartitions(t, found, n.OrderBy); err != nil {
		return err
	}
	if n.Limit != nil {
		if found, err = limited(found, n.Limit); err != nil {
			return err
		}
	}
	if s.inJSON() {
		return r.showJSON(jsonPartitions(t.Keys(), found))
	}
	names, err := s.shownNames(t.Keys(), found)
	if err == nil {
		r.showLines("partition", names)
	}
	return err
}

// shownNames are the names of partitions.
func (s *Session) shownNames(keys partitions.Keys, found []partitions.Values) ([]string, error) {
	names := make([]string, 0, len(found))
	for _, v := range found {
		name, err := keys.Name(v)
		if err != nil {
			return nil, err
		}
		if s.settings.isTrue("hive.decode.partition.name") {
			name = partitions.Unescape(name)
		}
		names = append(names, name)
	}
	return names, nil
}

// namedNull is a condition in which comparisons with the name of the NULL partition have become
// IS NULL and IS NOT NULL, whatever the type of the key.
func namedNull(x syntax.Expr) syntax.Expr {
	switch n := x.(type) {
	case *syntax.Unary:
		changed := *n
		changed.X = namedNull(n.X)
		return &changed
	case *syntax.Binary:
		changed := *n
		if n.Op == "AND" || n.Op == "OR" {
			changed.L, changed.R = namedNull(n.L), namedNull(n.R)
			return &changed
		}
		lit, ok := n.R.(*syntax.Literal)
		if ok && lit.Value == partitions.DefaultName && (n.Op == "=" || n.Op == "<>") {
			return &syntax.Is{Span: n.Span, X: n.L, What: "NULL", Not: n.Op == "<>"}
		}
	}
	return x
}

func sortPartitions(t *metastore.Table, found []partitions.Values, by []syntax.SortItem) error {
	keys := t.Keys()
	for i := len(by) - 1; i >= 0; i-- { // stable sorts, the last key first
		name, ok := by[i].X.(*syntax.Name)
		at := -1
		if ok {
			at = keys.Find(name.Ident.Name)
		}
		if at < 0 {
			return semantic(&by[i], 10002, "Invalid column reference: ORDER BY takes partition keys")
		}
		slices.SortStableFunc(found, func(a, b partitions.Values) int {
			c := compareKey(keys[at], a[at], b[at])
			if by[i].Desc {
				return -c
			}
			return c
		})
	}
	return nil
}

func compareKey(k partitions.Key, a, b string) int {
	if k.Type.Integer() {
		x, errX := strconv.ParseInt(a, 10, 64)
		y, errY := strconv.ParseInt(b, 10, 64)
		if errX == nil && errY == nil {
			return int(min(max(x-y, -1), 1))
		}
	}
	return strings.Compare(a, b)
}

func limited(found []partitions.Values, l *syntax.Limit) ([]partitions.Values, error) {
	number := func(x syntax.Expr) (int, error) {
		lit, ok := x.(*syntax.Literal)
		if !ok {
			return 0, semantic(x, 0, "LIMIT takes a number")
		}
		n, err := strconv.Atoi(lit.Value)
		if err != nil || n < 0 {
			return 0, semantic(x, 0, "LIMIT takes a number")
		}
		return min(n, len(found)), nil
	}
	if l.Offset != nil {
		n, err := number(l.Offset)
		if err != nil {
			return nil, err
		}
		found = found[n:]
	}
	n, err := number(l.Count)
	if err != nil {
		return nil, err
	}
	return found[:min(n, len(found))], nil
}
