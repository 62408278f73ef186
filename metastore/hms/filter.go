package hms

import (
	"regexp"
	"strings"

	"github.com/skepdata/skep/partitions"
)

// parseFilter reads the filter language of get_partitions_by_filter, which is that of Filter.g in
// Hive 2.3 to 4:
//
//	filter  = and {OR and}        and = term {AND term}
//	term    = "(" filter ")" | key op literal | literal op key | key [NOT] BETWEEN literal AND literal
//	        | key [NOT] IN list | "(" key ")" [NOT] IN list
//	        | "(" STRUCT "(" key, ... ")" ")" [NOT] IN "(" CONST STRUCT "(" literal, ... ")", ... ")"
//	op      = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=" | LIKE
//	literal = 'text' | "text" | number | [DATE] date | TIMESTAMP 'text'
//
// LIKE takes a regular expression of Java that must match the whole. The values of a key are
// compared by its type whatever the literal looks like, which is more than Hive accepts. like
// makes the predicate for a pattern that is more than a LIKE of SQL can say.
func parseFilter(text string, like func(key string, re *regexp.Regexp) (partitions.Predicate, error)) (partitions.Predicate, error) {
	if strings.TrimSpace(text) == "" {
		return partitions.True{}, nil
	}
	tokens, err := lexFilter(text)
	if err != nil {
		return nil, err
	}
	p := &filterParser{tokens: tokens, like: like}
	pred, err := p.or()
	if err == nil && p.peek().kind != endToken {
		err = p.unexpected()
	}
	return pred, err
}

type filterParser struct {
	tokens []token
	at     int
	depth  int
	like   func(key string, re *regexp.Regexp) (partitions.Predicate, error)
}

func (p *filterParser) peek() token { return p.tokens[p.at] }

func (p *filterParser) ahead(n int) token { return p.tokens[min(p.at+n, len(p.tokens)-1)] }

func (p *filterParser) next() token {
	t := p.peek()
	if t.kind != endToken {
		p.at++
	}
	return t
}

func (p *filterParser) accept(word string) bool {
	if p.peek().is(word) {
		p.at++
		return true
	}
	return false
}

func (p *filterParser) expect(word string) error {
	if !p.accept(word) {
		return p.unexpected()
	}
	return nil
}

func (p *filterParser) unexpected() error {
	t := p.peek()
	if t.kind == endToken {
		return metaf("Error parsing partition filter: it ends too early")
	}
	return metaf("Error parsing partition filter: unexpected %q", t.text)
}

func (p *filterParser) or() (partitions.Predicate, error) {
	first, err := p.and()
	if err != nil || !p.peek().is("or") {
		return first, err
	}
	list := partitions.Or{first}
	for p.accept("or") {
		one, err := p.and()
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (p *filterParser) and() (partitions.Predicate, error) {
	first, err := p.term()
	if err != nil || !p.peek().is("and") {
		return first, err
	}
	list := partitions.And{first}
	for p.accept("and") {
		one, err := p.term()
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// maxFilterDepth is how many parentheses may be open.
const maxFilterDepth = 500

func (p *filterParser) term() (partitions.Predicate, error) {
	t := p.peek()
	switch {
	case t.is("(") && p.ahead(1).is("struct"):
		return p.multiIn()
	case t.is("(") && p.ahead(1).kind == wordToken && p.ahead(2).is(")") && (p.ahead(3).is("in") || p.ahead(3).is("not")):
		p.next()
		key := p.next().text
		p.next()
		return p.ofKey(key)
	case t.is("("):
		if p.depth++; p.depth > maxFilterDepth {
			return nil, metaf("Error parsing partition filter: too many parentheses")
		}
		p.next()
		inner, err := p.or()
		if err == nil {
			err = p.expect(")")
		}
		p.depth--
		return inner, err
	case t.kind == wordToken && !p.literalAhead():
		p.next()
		return p.ofKey(t.text)
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	op, ok := filterOps[p.peek().text]
	if !ok || p.peek().kind != signToken {
		return nil, p.unexpected()
	}
	p.next()
	key := p.next()
	if key.kind != wordToken {
		p.at--
		return nil, p.unexpected()
	}
	return compare(key.text, flipped[op], value), nil
}

var filterOps = map[string]partitions.Op{
	"=": partitions.Eq, "==": partitions.Eq, "!=": partitions.Ne, "<>": partitions.Ne,
	"<": partitions.Lt, "<=": partitions.Le, ">": partitions.Gt, ">=": partitions.Ge,
}

var flipped = map[partitions.Op]partitions.Op{
	partitions.Eq: partitions.Eq, partitions.Ne: partitions.Ne, partitions.Lt: partitions.Gt,
	partitions.Le: partitions.Ge, partitions.Gt: partitions.Lt, partitions.Ge: partitions.Le,
}

// literalAhead reports whether what looks like a key begins a literal.
func (p *filterParser) literalAhead() bool {
	t := p.peek()
	return (t.is("date") || t.is("timestamp")) && (p.ahead(1).kind == textToken || p.ahead(1).kind == dateToken)
}

func (p *filterParser) literal() (string, error) {
	if p.literalAhead() {
		p.next()
	}
	t := p.peek()
	switch t.kind {
	case textToken, numberToken, dateToken:
		p.next()
		return t.text, nil
	}
	return "", p.unexpected()
}

// ofKey reads what follows a key.
func (p *filterParser) ofKey(key string) (partitions.Predicate, error) {
	t := p.next()
	if op, ok := filterOps[t.text]; ok && t.kind == signToken {
		value, err := p.literal()
		return compare(key, op, value), err
	}
	not := t.is("not")
	if not {
		t = p.next()
	}
	switch {
	case t.is("like") && !not:
		pattern, err := p.literal()
		if err != nil {
			return nil, err
		}
		return p.likes(key, pattern)
	case t.is("between"):
		return p.between(key, not)
	case t.is("in"):
		values, err := p.list()
		if err != nil {
			return nil, err
		}
		return negated(oneOf(key, values), not), nil
	}
	p.at = max(0, p.at-1)
	return nil, p.unexpected()
}

func negated(p partitions.Predicate, not bool) partitions.Predicate {
	if not {
		return partitions.Not{P: p}
	}
	return p
}

// compare compares; what the partition of NULL is called stands for NULL.
func compare(key string, op partitions.Op, value string) partitions.Predicate {
	if value != partitions.DefaultName || op != partitions.Eq && op != partitions.Ne {
		return partitions.Compare{Key: key, Op: op, Value: value}
	}
	return negated(partitions.IsNull{Key: key}, op == partitions.Ne)
}

func oneOf(key string, values []string) partitions.Predicate {
	var plain []string
	var null bool
	for _, v := range values {
		if null = null || v == partitions.DefaultName; v != partitions.DefaultName {
			plain = append(plain, v)
		}
	}
	if in := (partitions.In{Key: key, Values: plain}); !null {
		return in
	} else {
		return partitions.Or{in, partitions.IsNull{Key: key}}
	}
}

func (p *filterParser) between(key string, not bool) (partitions.Predicate, error) {
	low, err := p.literal()
	if err == nil {
		err = p.expect("and")
	}
	if err != nil {
		return nil, err
	}
	high, err := p.literal()
	both := partitions.And{compare(key, partitions.Ge, low), compare(key, partitions.Le, high)}
	return negated(both, not), err
}

func (p *filterParser) list() ([]string, error) {
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var values []string
	for {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if p.accept(")") {
			return values, nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

// multiIn reads (STRUCT(a, b)) IN (CONST STRUCT(1, 2), ...).
func (p *filterParser) multiIn() (partitions.Predicate, error) {
	p.next()
	p.next()
	if err := p.expect("("); err != nil {
		return nil, err
	}
	var keys []string
	for {
		t := p.next()
		if t.kind != wordToken {
			p.at--
			return nil, p.unexpected()
		}
		if keys = append(keys, t.text); p.accept(")") {
			break
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	not := p.accept("not")
	for _, word := range []string{"in", "("} {
		if err := p.expect(word); err != nil {
			return nil, err
		}
	}
	either := partitions.Or{}
	for {
		p.accept("const")
		if err := p.expect("struct"); err != nil {
			return nil, err
		}
		values, err := p.list()
		if err != nil {
			return nil, err
		}
		if len(values) != len(keys) {
			return nil, metaf("Error parsing partition filter: %d values for the keys %s", len(values), strings.Join(keys, ", "))
		}
		all := partitions.And{}
		for i, key := range keys {
			all = append(all, compare(key, partitions.Eq, values[i]))
		}
		if either = append(either, all); p.accept(")") {
			return negated(either, not), nil
		}
		if err := p.expect(","); err != nil {
			return nil, err
		}
	}
}

// likes makes a predicate of a regular expression. What Spark writes, text with .* at either end, is
// a LIKE of SQL.
func (p *filterParser) likes(key, pattern string) (partitions.Predicate, error) {
	if sql, ok := sqlLike(pattern); ok {
		return partitions.Like{Key: key, Pattern: sql}, nil
	}
	re, err := regexp.Compile("^(?s:" + pattern + ")$")
	if err != nil {
		return nil, metaf("Error parsing partition filter: the pattern %q is not understood: %v", pattern, err)
	}
	return p.like(key, re)
}

// sqlLike turns a regular expression into a pattern of SQL, if all it has are dots and .*.
func sqlLike(pattern string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case c == '.' && i+1 < len(pattern) && pattern[i+1] == '*':
			b.WriteByte('%')
			i++
		case c == '.':
			b.WriteByte('_')
		case c == '%' || c == '_':
			b.WriteByte('\\')
			b.WriteByte(c)
		case strings.IndexByte(`*+?()[]{}|^$\`, c) >= 0:
			return "", false
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}
