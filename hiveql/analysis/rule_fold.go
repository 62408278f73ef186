package analysis

// foldConstants computes what does not depend on the row. Most is folded where it is resolved;
// this finds what conversions made constant afterwards, and conditions that one side decides.
func foldConstants(_ *analyzer, q *Query) error {
	eachRel(q.Root, func(r Rel) {
		mapOwn(r, foldExpr)
	})
	return nil
}

// foldExpr folds x and its parts, and takes apart AND and OR with a constant side.
func foldExpr(x Expr) Expr {
	return replace(x, func(x Expr) (Expr, bool) {
		if _, ok := x.(*Const); ok {
			return x, true
		}
		c, ok := x.(*Call)
		if !ok || (c.Func != opAnd && c.Func != opOr) {
			y := folded(x)
			return y, y != x
		}
		l, r := foldExpr(c.Args[0]), foldExpr(c.Args[1])
		neutral := c.Func == opAnd
		switch {
		case isConst(l, neutral):
			return r, true
		case isConst(r, neutral):
			return l, true
		case isConst(l, !neutral):
			return l, true
		case isConst(r, !neutral):
			return r, true
		}
		return foldIfConstant(&Call{Func: c.Func, Args: []Expr{l, r}, T: c.T}), true
	})
}

func foldIfConstant(x Expr) Expr {
	if constantParts(x) {
		return folded(x)
	}
	return x
}

func isConst(x Expr, v bool) bool {
	c, ok := x.(*Const)
	return ok && c.Value == v
}
