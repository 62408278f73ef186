package partitions

import (
	"fmt"
	"slices"
	"strings"
)

// False is the condition that no partition satisfies.
func False() Predicate { return Or{} }

// String is TRUE.
func (True) String() string { return "TRUE" }

// String joins the operands with AND.
func (a And) String() string {
	if len(a) == 0 {
		return "TRUE"
	}
	return join(a, " AND ")
}

// String joins the operands with OR.
func (o Or) String() string {
	if len(o) == 0 {
		return "FALSE"
	}
	return join(o, " OR ")
}

func join(ps []Predicate, op string) string {
	if len(ps) == 1 {
		return ps[0].String()
	}
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
		if compound(p) {
			texts[i] = "(" + texts[i] + ")"
		}
	}
	return strings.Join(texts, op)
}

// compound reports whether p prints as operands joined by AND or OR.
func compound(p Predicate) bool {
	switch p := p.(type) {
	case And:
		return len(p) > 1 || (len(p) == 1 && compound(p[0]))
	case Or:
		return len(p) > 1 || (len(p) == 1 && compound(p[0]))
	}
	return false
}

// String puts NOT where SQL has it: before IN, LIKE and NULL, otherwise in front.
func (n Not) String() string {
	switch p := n.P.(type) {
	case In:
		if len(p.Values) > 0 {
			return quoteKey(p.Key) + " NOT IN (" + quoteAll(p.Values) + ")"
		}
	case Like:
		return quoteKey(p.Key) + " NOT LIKE " + quote(p.Pattern)
	case IsNull:
		return quoteKey(p.Key) + " IS NOT NULL"
	}
	return "NOT (" + n.P.String() + ")"
}

// String is key op 'value'.
func (c Compare) String() string { return quoteKey(c.Key) + " " + string(c.Op) + " " + quote(c.Value) }

// String is key IN ('a', 'b'), or FALSE without values.
func (i In) String() string {
	if len(i.Values) == 0 {
		return "FALSE"
	}
	return quoteKey(i.Key) + " IN (" + quoteAll(i.Values) + ")"
}

// String is key LIKE 'pattern'.
func (l Like) String() string { return quoteKey(l.Key) + " LIKE " + quote(l.Pattern) }

// String is key IS NULL.
func (n IsNull) String() string { return quoteKey(n.Key) + " IS NULL" }

func quoteAll(values []string) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = quote(v)
	}
	return strings.Join(texts, ", ")
}

var stringEscaper = strings.NewReplacer(
	`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", `\0`)

// quote writes s as a string literal in Hive's way.
func quote(s string) string { return "'" + stringEscaper.Replace(s) + "'" }

// quoteKey writes the name of a key, in back quotes where it could be read as something else.
func quoteKey(name string) string {
	plain := name != "" && !digit(name[0]) && !filterWord(name)
	for i := range len(name) {
		plain = plain && wordByte(name[i]) && name[i] < 0x80
	}
	if plain {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// Simplify returns a condition that is true, false and unknown for the same partitions, in a
// smaller form: without TRUE and nested AND or OR, with NOT moved inwards, without duplicates,
// and with several equalities of one key joined into IN. nil becomes True.
func Simplify(p Predicate) Predicate { return simplify(p, false) }

func simplify(p Predicate, negate bool) Predicate {
	switch p := p.(type) {
	case nil, True:
		if negate {
			return False()
		}
		return True{}
	case Not:
		return simplify(p.P, !negate)
	case And:
		return simplifyList(p, negate, negate)
	case Or:
		return simplifyList(p, negate, !negate)
	case Compare:
		if negate {
			p.Op = p.Op.negated()
		}
		return p
	case In:
		switch {
		case len(p.Values) == 0:
			return simplify(True{}, !negate)
		case len(p.Values) == 1 && negate:
			return Compare{p.Key, Ne, p.Values[0]}
		case len(p.Values) == 1:
			return Compare{p.Key, Eq, p.Values[0]}
		}
	}
	if negate {
		return Not{p}
	}
	return p
}

// simplifyList makes an Or (or an And) of ps, each negated if so asked.
func simplifyList(ps []Predicate, negate, or bool) Predicate {
	var out []Predicate
	seen := map[string]bool{}
	for _, p := range ps {
		p = simplify(p, negate)
		var parts []Predicate
		switch p := p.(type) {
		case True:
			if or {
				return p
			}
		case And:
			if parts = p; or {
				parts = []Predicate{p}
			}
		case Or:
			if len(p) == 0 && !or {
				return p
			}
			if parts = p; !or {
				parts = []Predicate{p}
			}
		default:
			parts = []Predicate{p}
		}
		for _, part := range parts {
			if text := part.String(); !seen[text] {
				seen[text] = true
				out = append(out, part)
			}
		}
	}
	if or {
		out = joinEqualities(out)
	}
	switch {
	case len(out) == 1:
		return out[0]
	case or:
		return Or(out)
	case len(out) == 0:
		return True{}
	}
	return And(out)
}

// joinEqualities turns a = 1 OR b = 2 OR a IN (3) into a IN (1, 3) OR b = 2.
func joinEqualities(ps []Predicate) []Predicate {
	type group struct {
		at     int // its place in out
		values []string
		seen   map[string]bool
	}
	var out []Predicate
	groups := map[string]*group{}
	for _, p := range ps {
		key, values, ok := equality(p)
		if !ok {
			out = append(out, p)
			continue
		}
		g := groups[key]
		if g == nil {
			g = &group{at: len(out), seen: map[string]bool{}}
			groups[key] = g
			out = append(out, p)
		}
		for _, v := range values {
			if !g.seen[v] {
				g.seen[v] = true
				g.values = append(g.values, v)
			}
		}
	}
	for key, g := range groups {
		if len(g.values) > 1 {
			out[g.at] = In{key, g.values}
		}
	}
	return out
}

func equality(p Predicate) (key string, values []string, ok bool) {
	switch p := p.(type) {
	case Compare:
		return p.Key, []string{p.Value}, p.Op == Eq
	case In:
		return p.Key, p.Values, true
	}
	return "", nil, false
}

func (op Op) negated() Op {
	switch op {
	case Eq:
		return Ne
	case Ne:
		return Eq
	case Lt:
		return Ge
	case Le:
		return Gt
	case Gt:
		return Le
	}
	return Lt
}

// flipped is the operator with its operands exchanged.
func (op Op) flipped() Op {
	switch op {
	case Lt:
		return Gt
	case Le:
		return Ge
	case Gt:
		return Lt
	case Ge:
		return Le
	}
	return op
}

// KeysOf lists the names of the keys that p mentions, each once, in order of appearance.
func KeysOf(p Predicate) []string {
	var names []string
	walk(p, func(p Predicate) {
		if key := keyOf(p); key != "" && !slices.Contains(names, key) {
			names = append(names, key)
		}
	})
	return names
}

func keyOf(p Predicate) string {
	switch p := p.(type) {
	case Compare:
		return p.Key
	case In:
		return p.Key
	case Like:
		return p.Key
	case IsNull:
		return p.Key
	}
	return ""
}

func walk(p Predicate, visit func(Predicate)) {
	visit(p)
	switch p := p.(type) {
	case And:
		for _, q := range p {
			walk(q, visit)
		}
	case Or:
		for _, q := range p {
			walk(q, visit)
		}
	case Not:
		walk(p.P, visit)
	}
}

// Check reports whether p can be decided for partitions with these keys: every key it names
// must exist and every value must be of its key's type. The error says which is not.
func (k Keys) Check(p Predicate) error {
	_, err := k.Compile(p)
	return err
}

func (k Keys) require(name string) (int, error) {
	i := k.Find(name)
	if i < 0 {
		return 0, fmt.Errorf("%q is not a partition key; the keys are %s", name, strings.Join(k.Names(), ", "))
	}
	return i, nil
}
