package sqlstore

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/skepdata/skep/partitions"
)

// keyColumns is how many keys have a k column.
const keyColumns = 4

// maxList bounds the literals of one condition; the database allows 32766 in a query.
const maxList = 5000

// pruned is a predicate divided between the database and us.
type pruned struct {
	sql      string // "" or " AND ..."
	args     []any
	residual *partitions.Matcher // nil when the database decides everything
	narrow   bool                // a key has one value, or is between two
}

// prune divides p. What the database gets is implied by p, and the residual, which is all of p,
// is there unless it is the same.
func prune(keys partitions.Keys, p partitions.Predicate) (pruned, error) {
	matcher, err := keys.Compile(p)
	if err != nil {
		return pruned{}, err
	}
	c := condition{keys: keys, exact: true}
	text := c.translate(partitions.Simplify(p))
	var out pruned
	if text != anything {
		out.sql, out.args = " AND "+text, c.args
	}
	if !c.exact {
		out.residual = matcher
	}
	for _, sides := range c.bounds {
		out.narrow = out.narrow || sides == below|above
	}
	return out, nil
}

// anything is the translation of what the database cannot decide.
const anything = "1=1"

// condition collects the arguments of a translation. Since Simplify has left negations only on
// conditions that are not translated, every part may be replaced by a weaker one.
type condition struct {
	keys   partitions.Keys
	args   []any
	exact  bool
	either int // how many ORs this is in
	bounds [keyColumns]side
}

// side is on which sides something is bounded.
type side uint8

const (
	below side = 1 << iota
	above
)

// sides are those on which a comparison bounds a key.
func sides(op partitions.Op) side {
	switch op {
	case partitions.Eq:
		return below | above
	case partitions.Lt, partitions.Le:
		return above
	case partitions.Gt, partitions.Ge:
		return below
	}
	return 0
}

// bound notes that a key is bounded, unless that holds only of one of several cases.
func (c *condition) bound(key int, s side) {
	if c.either == 0 {
		c.bounds[key] |= s
	}
}

func (c *condition) translate(p partitions.Predicate) string {
	switch p := p.(type) {
	case partitions.True:
		return anything
	case partitions.And:
		return c.list(p, " AND ", "1=1")
	case partitions.Or:
		c.either++
		defer func() { c.either-- }()
		return c.list(p, " OR ", "1=0")
	case partitions.Compare:
		return c.compare(p.Key, []string{p.Value}, string(p.Op)+" ?", sides(p.Op))
	case partitions.In:
		if len(p.Values) <= maxList-len(c.args) {
			return c.compare(p.Key, p.Values, "IN (?"+strings.Repeat(", ?", len(p.Values)-1)+")", below|above)
		}
	case partitions.IsNull:
		return c.null(p.Key, "IS NULL")
	case partitions.Like:
		return c.like(p)
	case partitions.Not:
		switch p := p.P.(type) {
		case partitions.In:
			if len(p.Values) <= maxList-len(c.args) {
				return c.compare(p.Key, p.Values, "NOT IN (?"+strings.Repeat(", ?", len(p.Values)-1)+")", 0)
			}
		case partitions.IsNull:
			return c.null(p.Key, "IS NOT NULL")
		}
	}
	c.exact = false
	return anything
}

// like translates LIKE on a key of text to the range of what begins as the pattern does. The rest
// of the pattern is not for the database, whose LIKE ignores case.
func (c *condition) like(l partitions.Like) string {
	c.exact = false
	i := c.keys.Find(l.Key)
	n := strings.IndexAny(l.Pattern, `%_\`)
	if n <= 0 || i < 0 || i >= keyColumns || !c.keys[i].Type.Text() || len(c.args)+2 > maxList {
		return anything
	}
	prefix := []byte(l.Pattern[:n])
	last := len(prefix) - 1
	if prefix[last] >= utf8.RuneSelf-1 {
		return anything // adding one would not leave text
	}
	next := slices.Clone(prefix)
	next[last]++
	c.args = append(c.args, string(prefix), string(next))
	c.bound(i, below|above)
	return fmt.Sprintf("(p.k%d >= ? AND p.k%d < ?)", i, i)
}

// null translates IS NULL for keys of text. In the k columns of others NULL also stands for
// values that are not of the key's type, which are not NULL.
func (c *condition) null(key, rest string) string {
	i := c.keys.Find(key)
	if i < 0 || i >= keyColumns || !c.keys[i].Type.Text() {
		c.exact = false
		return anything
	}
	return fmt.Sprintf("p.k%d %s", i, rest)
}

func (c *condition) list(ps []partitions.Predicate, op, empty string) string {
	if len(ps) == 0 {
		return empty
	}
	texts, before := make([]string, 0, len(ps)), len(c.args)
	for _, p := range ps {
		text := c.translate(p)
		if text == anything && op == " OR " {
			c.args = c.args[:before]
			c.exact = false
			return anything
		}
		if text != anything {
			texts = append(texts, text)
		}
	}
	if len(texts) == 0 {
		return anything
	}
	return "(" + strings.Join(texts, op) + ")"
}

// compare translates a comparison of a key whose literals the k columns can express.
func (c *condition) compare(key string, literals []string, rest string, s side) string {
	i := c.keys.Find(key)
	if i < 0 || i >= keyColumns || !c.keys[i].Sortable() || len(c.args)+len(literals) > maxList {
		c.exact = false
		return anything
	}
	args := make([]any, len(literals))
	for j, literal := range literals {
		sortValue, ok := c.keys[i].SortValue(literal)
		if !ok { // 1.5 for an int key, or the text that stands for NULL
			c.exact = false
			return anything
		}
		args[j] = sortValue
	}
	c.args = append(c.args, args...)
	c.bound(i, s)
	return fmt.Sprintf("p.k%d %s", i, rest)
}
