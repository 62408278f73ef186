package partitions

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xwb1989/sqlparser"
)

// FilterError says what is wrong with the text of a filter, and where.
type FilterError struct {
	Text   string
	Column int // 1-based, in characters
	Msg    string
}

// Error names the column and shows the filter.
func (e *FilterError) Error() string {
	return fmt.Sprintf("partition filter, column %d: %s: %s", e.Column, e.Msg, e.Text)
}

// ParseFilter reads a condition as a user types it: comparisons (= <> != < <= > >=) of a key
// with a literal in either order, IN, BETWEEN, LIKE, IS NULL, their negations, AND, OR, NOT,
// TRUE, FALSE and parentheses. Literals are strings in either quotes, numbers, and DATE or
// TIMESTAMP before a string. Names of keys may stand in back quotes and are put in lower case.
// Whether the keys exist and the literals fit is for Keys.Check. The empty text is True.
// ParseFilter(p.String()) means the same as p. Errors are *FilterError.
func ParseFilter(s string) (Predicate, error) {
	if strings.TrimSpace(s) == "" {
		return True{}, nil
	}
	f := &filter{text: s}
	if err := f.scan(); err != nil {
		return nil, err
	}
	stmt, err := f.parse()
	if err != nil {
		return nil, err
	}
	query, ok := stmt.(*sqlparser.Select)
	if !ok || query.Where == nil || query.GroupBy != nil || query.OrderBy != nil || query.Limit != nil ||
		query.Having != nil {
		return nil, f.failf(0, "not a condition")
	}
	paren, ok := query.Where.Expr.(*sqlparser.ParenExpr)
	if !ok {
		return nil, f.failf(0, "parentheses do not match")
	}
	return f.predicate(paren.Expr)
}

// filter is the state of one ParseFilter: the tokens are written out again in a form that
// leaves the SQL parser nothing to interpret but the structure. Names stand in back quotes and
// literals are the numbered variables :v0, :v1 ...
type filter struct {
	text     string
	tokens   []filterToken
	literals []string
}

type filterToken struct {
	at  int    // in text, in bytes
	out string // as handed to the SQL parser
	raw string // as written
}

const filterPrefix = "select 1 from t where ("

func (f *filter) failf(at int, format string, args ...any) error {
	return &FilterError{
		Text: f.text, Column: utf8.RuneCountInString(f.text[:at]) + 1, Msg: fmt.Sprintf(format, args...),
	}
}

// parse runs the SQL parser and translates the place of its error.
func (f *filter) parse() (sqlparser.Statement, error) {
	var b strings.Builder
	b.WriteString(filterPrefix)
	ends := make([]int, len(f.tokens)) // where each token ends in what the parser sees
	for i, t := range f.tokens {
		b.WriteString(t.out)
		ends[i] = b.Len()
		b.WriteByte(' ')
	}
	b.WriteByte(')')
	stmt, err := sqlparser.Parse(b.String())
	if err == nil {
		return stmt, nil
	}
	if strings.Contains(err.Error(), "nesting level") { // its limit is 200
		return nil, f.failf(0, "conditions nested too deeply")
	}
	// The parser reports how far it had read, which is one character beyond the token it did
	// not expect.
	position := b.Len()
	if _, after, ok := strings.Cut(err.Error(), "at position "); ok {
		_, _ = fmt.Sscan(after, &position)
	}
	for i, t := range f.tokens {
		if position <= ends[i]+1 {
			return nil, f.failf(t.at, "unexpected %q", t.raw)
		}
	}
	return nil, f.failf(len(f.text), "the condition ends too early")
}

func (f *filter) predicate(e sqlparser.Expr) (Predicate, error) {
	switch e := e.(type) {
	case *sqlparser.ParenExpr:
		return f.predicate(e.Expr)
	case *sqlparser.AndExpr:
		ps, err := f.operands(e, func(e sqlparser.Expr) (left, right sqlparser.Expr, ok bool) {
			and, ok := e.(*sqlparser.AndExpr)
			if !ok {
				return nil, nil, false
			}
			return and.Left, and.Right, true
		})
		return And(ps), err
	case *sqlparser.OrExpr:
		ps, err := f.operands(e, func(e sqlparser.Expr) (left, right sqlparser.Expr, ok bool) {
			or, ok := e.(*sqlparser.OrExpr)
			if !ok {
				return nil, nil, false
			}
			return or.Left, or.Right, true
		})
		return Or(ps), err
	case *sqlparser.NotExpr:
		if twice, ok := e.Expr.(*sqlparser.NotExpr); ok { // NOT NOT x is x, unknown or not
			return f.predicate(twice.Expr)
		}
		p, err := f.predicate(e.Expr)
		return Not{p}, err
	case sqlparser.BoolVal:
		if e {
			return True{}, nil
		}
		return False(), nil
	case *sqlparser.IsExpr:
		return f.isExpr(e)
	case *sqlparser.RangeCond:
		return f.between(e)
	case *sqlparser.ComparisonExpr:
		return f.comparison(e)
	}
	return nil, f.failf(0, "expected conditions on partition keys, joined by AND and OR")
}

// operands unwinds a chain such as a AND b AND c, which the SQL parser nests to the left, without
// recursion: long lists of alternatives are common.
func (f *filter) operands(
	e sqlparser.Expr, split func(sqlparser.Expr) (left, right sqlparser.Expr, ok bool),
) ([]Predicate, error) {
	var ps []Predicate
	for {
		left, right, ok := split(e)
		if !ok {
			right = e
		}
		p, err := f.predicate(right)
		if err != nil {
			return nil, err
		}
		ps = append(ps, p)
		if !ok {
			slices.Reverse(ps)
			return ps, nil
		}
		e = left
	}
}

func (f *filter) isExpr(e *sqlparser.IsExpr) (Predicate, error) {
	key, ok := keyName(e.Expr)
	switch {
	case ok && e.Operator == sqlparser.IsNullStr:
		return IsNull{key}, nil
	case ok && e.Operator == sqlparser.IsNotNullStr:
		return Not{IsNull{key}}, nil
	}
	return nil, f.failf(0, "only key IS NULL and key IS NOT NULL are supported")
}

func (f *filter) between(e *sqlparser.RangeCond) (Predicate, error) {
	key, ok := keyName(e.Left)
	from, okFrom := f.literal(e.From)
	to, okTo := f.literal(e.To)
	if !ok || !okFrom || !okTo {
		return nil, f.failf(0, "BETWEEN needs the name of a key, and literals")
	}
	p := And{Compare{key, Ge, from}, Compare{key, Le, to}}
	if e.Operator == sqlparser.NotBetweenStr {
		return Not{p}, nil
	}
	return p, nil
}

func (f *filter) comparison(e *sqlparser.ComparisonExpr) (Predicate, error) {
	key, keyLeft := keyName(e.Left)
	value, literalRight := f.literal(e.Right)
	switch e.Operator {
	case sqlparser.InStr, sqlparser.NotInStr:
		return f.in(e)
	case sqlparser.LikeStr, sqlparser.NotLikeStr:
		if !keyLeft || !literalRight || e.Escape != nil {
			return nil, f.failf(0, "LIKE needs the name of a key on its left and a string on its right")
		}
		if e.Operator == sqlparser.NotLikeStr {
			return Not{Like{key, value}}, nil
		}
		return Like{key, value}, nil
	}
	op := Op(e.Operator)
	if op == "!=" {
		op = Ne
	}
	switch op {
	case Eq, Ne, Lt, Le, Gt, Ge:
	default:
		return nil, f.failf(0, "the operator %s is not supported yet", e.Operator)
	}
	if !keyLeft {
		op = op.flipped()
		key, keyLeft = keyName(e.Right)
		value, literalRight = f.literal(e.Left)
	}
	if !keyLeft || !literalRight {
		return nil, f.failf(0, "a comparison needs the name of a key and a literal")
	}
	return Compare{key, op, value}, nil
}

func (f *filter) in(e *sqlparser.ComparisonExpr) (Predicate, error) {
	key, ok := keyName(e.Left)
	list, isList := e.Right.(sqlparser.ValTuple)
	if !ok || !isList {
		return nil, f.failf(0, "IN needs the name of a key and a list of literals")
	}
	in := In{Key: key}
	for _, item := range list {
		value, ok := f.literal(item)
		if !ok {
			return nil, f.failf(0, "IN needs the name of a key and a list of literals")
		}
		in.Values = append(in.Values, value)
	}
	if e.Operator == sqlparser.NotInStr {
		return Not{in}, nil
	}
	return in, nil
}

func keyName(e sqlparser.Expr) (string, bool) {
	c, ok := e.(*sqlparser.ColName)
	if !ok || !c.Qualifier.IsEmpty() {
		return "", false
	}
	return strings.ToLower(c.Name.String()), true
}

func (f *filter) literal(e sqlparser.Expr) (string, bool) {
	v, ok := e.(*sqlparser.SQLVal)
	if !ok || v.Type != sqlparser.ValArg {
		return "", false
	}
	var i int
	if _, err := fmt.Sscanf(string(v.Val), ":v%d", &i); err != nil || i < 0 || i >= len(f.literals) {
		return "", false
	}
	return f.literals[i], true
}
