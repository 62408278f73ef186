package analysis

// rule is one step from the plan as the query says it to the plan as it is run.
type rule struct {
	name  string
	apply func(*analyzer, *Query) error
}

// rules are applied in this order, each once. None of them changes what a query
// returns, where it says what that is.
func rules() []rule {
	return []rule{
		{"time zones", zonedCasts},                 // zones.go: of the session, where clocks become instants
		{"fold constants", foldConstants},          // rule_fold.go: what is the same for every row
		{"empty relations", emptyRelations},        // rule_empty.go: filters that nothing passes
		{"order limits", orderLimits},              // rule_limits.go: which rows LIMIT passes
		{"choose partitions", choosePartitions},    // rule_partitions.go: asks the catalog
		{"share WITH queries", shareQueries},       // rule_share.go
		{"drop unused columns", dropUnusedColumns}, // rule_columns.go
		{"find reductions", findReductions},        // reduce.go: what running a part first would spare
	}
}

func (a *analyzer) optimize(q *Query) error {
	for _, r := range rules() {
		if err := r.apply(a, q); err != nil {
			return err
		}
	}
	return nil
}

// eachRel calls f for r and every relation below it, those of subqueries included, the inputs
// first.
func eachRel(r Rel, f func(Rel)) {
	for _, in := range inputs(r) {
		eachRel(in, f)
	}
	eachSubquery(r, func(_ Expr, q Rel) { eachRel(q, f) })
	f(r)
}

// Scans are the scans of a query, those in subqueries included. Relations for which into says no
// are passed over, with what is below them; nil is all.
func (q *Query) Scans(into func(Rel) bool) []*Scan {
	var list []*Scan
	for _, root := range q.roots() {
		list = append(list, scansBelow(root, into)...)
	}
	return list
}

func scansBelow(r Rel, into func(Rel) bool) []*Scan {
	if into != nil && !into(r) {
		return nil
	}
	var list []*Scan
	if s, ok := r.(*Scan); ok {
		list = append(list, s)
	}
	for _, in := range inputs(r) {
		list = append(list, scansBelow(in, into)...)
	}
	eachSubquery(r, func(_ Expr, q Rel) { list = append(list, scansBelow(q, into)...) })
	return list
}

// eachSubquery calls f for the subqueries in r's own expressions, with the expression that each
// belongs to.
func eachSubquery(r Rel, f func(Expr, Rel)) {
	var look func(x Expr) bool
	look = func(x Expr) bool {
		q := queryOf(x)
		if q == nil {
			return true
		}
		f(x, *q)
		if in, ok := x.(*InQuery); ok {
			visit(in.X, look)
		}
		return false
	}
	mapOwn(r, func(x Expr) Expr {
		visit(x, look)
		return x
	})
}

// rewriteRels replaces every relation by what f makes of it, from the bottom.
func rewriteRels(r Rel, f func(Rel) Rel) Rel {
	mapInputs(r, func(in Rel) Rel { return rewriteRels(in, f) })
	eachSubquery(r, func(x Expr, _ Rel) {
		q := queryOf(x)
		*q = rewriteRels(*q, f)
	})
	return f(r)
}
