package partitions

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hivetype"
)

// maxPrefixes bounds what Prefixes returns; a condition that needs more gets shorter ones.
const maxPrefixes = 1000

// Prefixes returns prefixes of the names of partitions, below the table's directory, such that
// the name of every partition that satisfies p begins with one of them: what is worth listing.
// They are in byte order and none begins with another. No prefixes mean that nothing can
// match; the single prefix "" that everything may. Keys of text are pruned by equality, IN,
// LIKE and ranges, dates by their year; other types are not, because their directories may
// spell a value in several ways (hr=3, hr=03). Directories are assumed to spell key names in
// lower case, as Hive does.
func (k Keys) Prefixes(p Predicate) []string {
	p = Simplify(p)
	prefixes := []string{""}
	for _, key := range k {
		d := key.domain(p)
		if len(d) == 0 {
			return nil
		}
		if d.everything() || len(d)*len(prefixes) > maxPrefixes {
			break
		}
		open := false
		var longer []string
		for _, before := range prefixes {
			for _, r := range d {
				text, whole := r.directory()
				open = open || !whole
				longer = append(longer, before+Escape(strings.ToLower(key.Name))+"="+text)
			}
		}
		prefixes = longer
		if open {
			break
		}
	}
	slices.Sort(prefixes)
	return slices.CompactFunc(prefixes, func(a, b string) bool { return strings.HasPrefix(b, a) })
}

// span is a set of values of a key: those that begin with text, or only text itself if exact.
type span struct {
	text  string
	exact bool
}

// domain is the values that a key may have: a union of spans. None means none.
type domain []span

func anything() domain { return domain{{}} }

func (d domain) everything() bool {
	return slices.ContainsFunc(d, func(s span) bool { return s.text == "" && !s.exact })
}

// directory is the value as it begins in a directory name, and whether that is all of it. It
// stops before the first character that is escaped, because others escape less than Hive.
func (s span) directory() (text string, whole bool) {
	for i := range len(s.text) {
		if escaped(s.text[i]) || s.text[i] == '}' {
			return s.text[:i], false
		}
	}
	if s.exact {
		return s.text + "/", true
	}
	return s.text, false
}

// domain finds what values of the key can satisfy p.
func (k Key) domain(p Predicate) domain {
	switch p := p.(type) {
	case And:
		return k.domainOfAnd(p)
	case Or:
		var d domain
		for _, q := range p {
			d = append(d, k.domain(q)...)
		}
		return d
	}
	if !strings.EqualFold(keyOf(p), k.Name) {
		return anything()
	}
	switch p := p.(type) {
	case IsNull:
		return domain{{DefaultName, true}}
	case Compare:
		if p.Op == Eq {
			return domain{k.valueSet(p.Value)}
		}
	case In:
		var d domain
		for _, v := range p.Values {
			d = append(d, k.valueSet(v))
		}
		return d
	case Like:
		if i := strings.IndexAny(p.Pattern, `%_\`); i >= 0 {
			return domain{{p.Pattern[:i], false}}
		}
		return domain{{p.Pattern, true}}
	}
	return anything()
}

// valueSet is the set of texts that equal the literal.
func (k Key) valueSet(literal string) span {
	if k.bytewise() {
		return span{literal, true}
	}
	if v, ok := hivetype.ParseValue(literal, k.Type); ok && k.Type.Kind == hivetype.Date {
		// The month and the day may be spelled with one digit or two; the year, from 1000 on,
		// in one way only.
		text := string(hivetype.AppendText(nil, v, k.Type))
		if text[0] != '0' && text[0] != '-' {
			return span{text[:len("2024-")], false}
		}
	}
	return span{}
}

// domainOfAnd intersects what the operands allow, and derives a prefix from the bounds of a
// range: between 2024-01-01 and 2024-01-31 everything begins with 2024-01-.
func (k Key) domainOfAnd(and And) domain {
	d := anything()
	var low, high string
	var hasLow, hasHigh bool
	for _, q := range and {
		d = d.intersect(k.domain(q))
		c, ok := q.(Compare)
		if !ok || !strings.EqualFold(c.Key, k.Name) || !k.bytewise() {
			continue
		}
		switch c.Op {
		case Gt, Ge:
			if !hasLow || c.Value > low {
				low, hasLow = c.Value, true
			}
		case Lt, Le:
			if !hasHigh || c.Value < high {
				high, hasHigh = c.Value, true
			}
		}
	}
	if hasLow && hasHigh {
		if low > high {
			return nil
		}
		n := 0
		for n < len(low) && n < len(high) && low[n] == high[n] {
			n++
		}
		d = d.intersect(domain{{low[:n], false}})
	}
	return d
}

func (d domain) intersect(e domain) domain {
	if d.everything() {
		return e
	}
	if e.everything() || len(d)*len(e) > maxPrefixes*maxPrefixes {
		return d
	}
	var out domain
	for _, a := range d {
		for _, b := range e {
			switch {
			case a == b, b.contains(a):
				out = append(out, a)
			case a.contains(b):
				out = append(out, b)
			}
		}
	}
	return out
}

func (s span) contains(t span) bool {
	if s.exact {
		return t.exact && s.text == t.text
	}
	return strings.HasPrefix(t.text, s.text)
}
