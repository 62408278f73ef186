package analysis

import (
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// scope is what names may mean at one place: the sources of a FROM clause, and around them the
// scope of the enclosing query, whose columns a correlated subquery may use.
type scope struct {
	outer   *scope
	sources []*source
	groups  bool // its HAVING is being resolved, so that subqueries may have its aggregates
}

// source is a table, subquery or lateral view in FROM.
type source struct {
	alias    string // lower case; "" where there is none
	database string // of a table without an alias, which may be called database.table
	cols     []Column
	// hidden columns are found by qualified name only: those that USING merged.
	hidden []bool
	// virtual columns are found by name but are no part of *.
	virtual []Column
	keys    []Column     // those of cols that are partition keys
	starred map[int]bool // as in result
}

func (s *source) isKey(c Column) bool {
	return slices.ContainsFunc(s.keys, func(k Column) bool { return k.ID == c.ID })
}

// find looks a column up within the source; -1 in ambiguous cases is told apart by n.
func (s *source) find(name string, qualified bool) (c Column, n int) {
	for i, col := range s.cols {
		if strings.EqualFold(col.Name, name) && (qualified || s.hidden == nil || !s.hidden[i]) {
			if n > 0 && s.starred[col.ID] {
				continue
			}
			if n == 0 {
				c = col
			}
			n++
		}
	}
	for _, col := range s.virtual {
		if n == 0 && strings.EqualFold(col.Name, name) {
			c, n = col, 1
		}
	}
	return c, n
}

// visible are the columns of *.
func (s *source) visible() []Column {
	if s.hidden == nil {
		return s.cols
	}
	var cols []Column
	for i, c := range s.cols {
		if !s.hidden[i] {
			cols = append(cols, c)
		}
	}
	return cols
}

func (s *source) hide(name string) {
	if s.hidden == nil {
		s.hidden = make([]bool, len(s.cols))
	}
	for i, c := range s.cols {
		if strings.EqualFold(c.Name, name) {
			s.hidden[i] = true
		}
	}
}

// unqualified finds a column of any source by its name alone. where lists the sources that
// have it.
func (sc *scope) unqualified(name string) (c Column, where []string) {
	for _, s := range sc.sources {
		if col, n := s.find(name, false); n > 0 {
			if len(where) == 0 {
				c = col
			}
			for range n {
				where = append(where, s.alias)
			}
		}
	}
	return c, where
}

// called finds the source with the alias.
func (sc *scope) called(alias string) *source {
	for _, s := range sc.sources {
		if s.alias != "" && strings.EqualFold(s.alias, alias) {
			return s
		}
	}
	return nil
}

// aliasOf is the alias of the source that a column is of, also where USING has merged it.
func (sc *scope) aliasOf(c Column) string {
	for _, s := range sc.sources {
		if s.alias != "" && slices.ContainsFunc(s.cols, func(o Column) bool { return o.ID == c.ID }) {
			return s.alias
		}
	}
	return ""
}

// qualifiedAs finds the source that is the table database.name.
func (sc *scope) qualifiedAs(database, name string) *source {
	for _, s := range sc.sources {
		if s.database != "" && strings.EqualFold(s.database, database) && strings.EqualFold(s.alias, name) {
			return s
		}
	}
	return nil
}

// all lists the columns that * stands for.
func (sc *scope) all() []Column {
	var cols []Column
	for _, s := range sc.sources {
		cols = append(cols, s.visible()...)
	}
	return cols
}

// checkAliases refuses two sources of one name.
func (sc *scope) checkAliases(n syntax.Node) error {
	var seen []string
	for _, s := range sc.sources {
		if s.alias == "" {
			continue
		}
		if slices.Contains(seen, s.alias) {
			e := failf(n, codeAmbiguousAlias, "Ambiguous table alias %s", near(s.alias))
			e.Hint = "give one of the two another alias"
			return e
		}
		seen = append(seen, s.alias)
	}
	return nil
}

// resolve finds what a dotted name means: a column, and how many of the parts it took; what
// follows are fields of a struct. A table's alias wins over a column of the same name.
func (sc *scope) resolve(n syntax.Node, parts []syntax.Ident) (c Column, used int, err error) {
	for s := sc; s != nil; s = s.outer {
		c, used, err := s.resolveHere(n, parts)
		if used > 0 || err != nil {
			return c, used, err
		}
	}
	return Column{}, 0, sc.unknown(n, parts)
}

func (sc *scope) resolveHere(n syntax.Node, parts []syntax.Ident) (c Column, used int, err error) {
	if len(parts) > 2 {
		if s := sc.qualifiedAs(parts[0].Name, parts[1].Name); s != nil {
			if c, err = columnOf(s, n, parts[2].Name); err == nil && c.ID > 0 {
				return c, 3, nil
			}
		}
	}
	if len(parts) > 1 {
		if s := sc.called(parts[0].Name); s != nil {
			if c, err = columnOf(s, n, parts[1].Name); err != nil || c.ID > 0 {
				return c, 2, err
			}
		}
	}
	c, where := sc.unqualified(parts[0].Name)
	switch len(where) {
	case 0:
		return Column{}, 0, nil
	case 1:
		return c, 1, nil
	}
	e := failf(n, codeAmbiguousColumn, "Ambiguous column reference %s", near(parts[0].Name))
	if slices.Contains(where, "") || len(slices.Compact(slices.Sorted(slices.Values(where)))) == 1 {
		e.Hint = "several columns have this name; give them aliases"
	} else {
		e.Hint = "it is a column of " + strings.Join(where, " and of ") + "; write " + where[0] + "." + parts[0].Name
	}
	return Column{}, 0, e
}

func columnOf(s *source, n syntax.Node, name string) (Column, error) {
	c, found := s.find(name, true)
	if found > 1 {
		e := failf(n, codeAmbiguousColumn, "Ambiguous column reference %s in %s", near(name), s.alias)
		e.Hint = "several columns of " + s.alias + " have this name; give them aliases"
		return Column{}, e
	}
	if found == 0 {
		return Column{}, nil
	}
	return c, nil
}

// unknown is the error about a name that means nothing, in the words Hive has for each case.
func (sc *scope) unknown(n syntax.Node, parts []syntax.Ident) *Error {
	first := parts[0].Name
	if len(parts) > 1 {
		for s := sc; s != nil; s = s.outer {
			if src := s.called(first); src != nil {
				e := failf(n, codeNoColumn, "Invalid column reference %s", near(parts[1].Name))
				e.Hint = Suggest(parts[1].Name, names(src.cols))
				return e
			}
		}
	}
	cols := names(sc.all())
	possible := cols
	if len(sc.sources) > 1 {
		possible = nil
		for _, s := range sc.sources {
			for _, c := range s.visible() {
				possible = append(possible, strings.TrimPrefix(s.alias+"."+c.Name, "."))
			}
		}
	}
	const most = 50
	if len(possible) > most {
		possible = append(slices.Clone(possible[:most]), "...")
	}
	e := failf(n, codeNoAliasOrColumn, "Invalid table alias or column reference %s: (possible column names are: %s)",
		near(first), strings.Join(possible, ", "))
	candidates := cols
	for s := sc; s != nil && len(parts) > 1; s = s.outer {
		for _, src := range s.sources {
			candidates = append(candidates, src.alias)
		}
	}
	e.Hint = Suggest(first, candidates)
	return e
}
