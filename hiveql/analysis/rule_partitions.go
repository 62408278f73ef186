package analysis

import (
	"fmt"
	"iter"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// choosePartitions asks the catalog, for every scan of a partitioned table, for the partitions
// that can hold rows of the result.
//
// It carries conditions down the plan, from filters and joins to the scans. The conditions
// themselves stay where they are: a condition that reaches a scan only says which rows will not
// be missed. Of those that reach it, the ones that a partitions.Predicate can say are decided by
// the catalog; the others that use nothing but partition keys are computed here, partition by
// partition. All of them are kept with the scan, for whoever reads the files.
func choosePartitions(a *analyzer, q *Query) error {
	var err error
	a.descendAll(q, func(s *Scan, known []Expr) {
		s.Known = over(known, idsOf(s))
		if err == nil && s.Table.Partitioned() && s.Partitions == nil {
			err = a.prune(s, known)
		}
	})
	return err
}

// prune sets the partitions of a scan, given conditions that all its useful rows meet.
func (a *analyzer) prune(s *Scan, known []Expr) error {
	keys := keysOf(s)
	var said partitions.And
	var left []Expr
	s.Partitions = []*metastore.Partition{}
	for _, x := range known {
		switch y := foldExpr(x); {
		case constFalse(y):
			s.Predicate = partitions.False()
			return nil
		case !onlyKeys(y, keys):
		default:
			t := predicateOf(s.Table, keys, y)
			if t == nil {
				left = append(left, y)
				continue
			}
			said = append(said, t)
		}
	}
	if len(said) > 0 {
		s.Predicate = partitions.Simplify(said)
	}
	holds := func(v partitions.Values) bool { return mayHold(s.Table, keys, v, left) }
	projected, err := metastore.Project(s.Table, a.env.Now)
	if err != nil {
		return err
	}
	var list iter.Seq2[*metastore.Partition, error]
	switch {
	case projected != nil: // nothing is stored
		list = projected.Partitions(s.Predicate)
	case len(left) > 0:
		list = a.cat.chosen(s.Table, s.Predicate, holds)
	default:
		list = a.cat.partitions(s.Table.TableName, s.Predicate)
	}
	for p, err := range list {
		if err != nil {
			return fmt.Errorf("partitions of %s: %w", s.Table.TableName, err)
		}
		if holds(p.Values) {
			s.Partitions = append(s.Partitions, p)
		}
	}
	return nil
}

func constFalse(x Expr) bool {
	c, ok := x.(*Const)
	return ok && c.Value != true
}

// onlyKeys reports whether x uses partition keys and nothing else.
func onlyKeys(x Expr, keys map[int]int) bool {
	ok, some := true, false
	visit(x, func(x Expr) bool {
		switch x := x.(type) {
		case *Ref:
			some = true
			if _, isKey := keys[x.ID]; !isKey {
				ok = false
			}
		case *Scalar, *Exists, *InQuery:
			ok = false
		}
		return ok
	})
	return ok && some
}

// mayHold computes the conditions for the values of one partition. What cannot be computed may hold.
func mayHold(t *metastore.Table, keys map[int]int, vs partitions.Values, conds []Expr) bool {
	if len(conds) == 0 {
		return true
	}
	values := map[int]hivetype.Value{}
	for id, i := range keys {
		if i >= len(vs) {
			return true
		}
		if v, ok := keyValue(t.PartitionKeys[i].Type, vs[i]); ok {
			values[id] = v
		}
	}
	for _, x := range conds {
		if v, ok := evaluate(x, values); ok && v != true {
			return false
		}
	}
	return true
}

// keyValue is the value that rows of a partition have in a key.
func keyValue(t hivetype.Type, s string) (hivetype.Value, bool) {
	if s == partitions.DefaultName || s == "" {
		return nil, true
	}
	return hivetype.ParseValue(s, t)
}

// predicateOf says a condition on keys in the catalog's terms, or returns nil where that cannot
// be done exactly.
func predicateOf(t *metastore.Table, keys map[int]int, x Expr) partitions.Predicate {
	sub := func(x Expr) partitions.Predicate { return predicateOf(t, keys, x) }
	switch x := x.(type) {
	case *Ref:
		return nil
	case *In:
		key, ok := keyOfExpr(t, keys, x.X)
		if !ok {
			return nil
		}
		in := partitions.In{Key: key.Name}
		for _, e := range x.List {
			v, ok := keyConst(key, e)
			if !ok {
				return nil
			}
			in.Values = append(in.Values, v)
		}
		if x.Not {
			return partitions.Not{P: in}
		}
		return in
	case *Call:
		switch x.Func {
		case opAnd, opOr:
			var list []partitions.Predicate
			for _, y := range operands(x, x.Func) {
				p := sub(y)
				if p == nil {
					return nil
				}
				list = append(list, p)
			}
			if x.Func == opAnd {
				return partitions.And(list)
			}
			return partitions.Or(list)
		case opNot:
			if p := sub(x.Args[0]); p != nil {
				return partitions.Not{P: p}
			}
		case opIsNull, opIsNotNull:
			ref, ok := x.Args[0].(*Ref)
			if !ok {
				return nil
			}
			var p partitions.Predicate = partitions.IsNull{Key: t.PartitionKeys[keys[ref.ID]].Name}
			if x.Func == opIsNotNull {
				p = partitions.Not{P: p}
			}
			return p
		default:
			return comparePredicate(t, keys, x)
		}
	}
	return nil
}

var mirrored = map[*Function]*Function{opEq: opEq, opNe: opNe, opLt: opGt, opLe: opGe, opGt: opLt, opGe: opLe}

func comparePredicate(t *metastore.Table, keys map[int]int, x *Call) partitions.Predicate {
	op := mirrored[x.Func]
	if op == nil {
		return nil
	}
	l, r := x.Args[0], x.Args[1]
	if _, isConst := l.(*Const); isConst {
		l, r = r, l
	} else {
		op = x.Func
	}
	key, ok := keyOfExpr(t, keys, l)
	if !ok {
		return nil
	}
	v, ok := keyConst(key, r)
	if !ok {
		return nil
	}
	return partitions.Compare{Key: key.Name, Op: partitions.Op(op.Name), Value: v}
}

// keyOfExpr is the key that x is, as it is or widened without loss: an integer as a larger one
// or a decimal.
func keyOfExpr(t *metastore.Table, keys map[int]int, x Expr) (metastore.Column, bool) {
	if c, ok := x.(*Cast); ok && exact(c.X.Type()) && exact(c.T) && widens(c.X.Type(), c.T) {
		x = c.X
	}
	ref, ok := x.(*Ref)
	if !ok {
		return metastore.Column{}, false
	}
	key := t.PartitionKeys[keys[ref.ID]]
	switch {
	case key.Type.Integer(), key.Type.Kind == hivetype.String, key.Type.Kind == hivetype.Date:
		return key, true
	}
	return key, false
}

func widens(from, to hivetype.Type) bool {
	if from.Integer() && to.Integer() {
		return from.Kind <= to.Kind
	}
	d := hivetype.AsDecimal(from)
	return to.Kind == hivetype.Decimal && to.Scale >= d.Scale && to.Precision-to.Scale >= d.Precision-d.Scale
}

// keyConst is a constant as text that compares with values of the key.
func keyConst(key metastore.Column, x Expr) (string, bool) {
	c, ok := x.(*Const)
	if !ok || c.Value == nil {
		return "", false
	}
	if !c.T.Equal(key.Type) {
		v, ok := integral(c.Value)
		if !key.Type.Integer() || !ok || !fits(v, key.Type) {
			return "", false
		}
		c = &Const{Value: v, T: key.Type}
	}
	s := string(hivetype.AppendText(nil, c.Value, c.T))
	return s, s != "" && s != partitions.DefaultName
}

// integral is the integer that an integer or a decimal is.
func integral(v hivetype.Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case hivetype.Dec:
		r, ok := v.Round(hivetype.MaxPrecision, 0)
		if !ok || r.Cmp(v) != 0 || !r.Unscaled.IsInt64() {
			return 0, false
		}
		return r.Unscaled.Int64(), true
	}
	return 0, false
}
