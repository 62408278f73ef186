package analysis

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
)

// AnalyzeView plans the query of a view that is made now, and gives its text as it is kept: source
// is where the query was parsed from, and what it names says by itself what it means, so that the
// view stays what it is when tables change. Tables have their database, columns their table, and
// in the place of * are the columns it stands for.
//
// The text is "" where that cannot be said in the words of the source.
func AnalyzeView(ctx context.Context, cat Catalog, env Env, q *syntax.Query, source string) (*Query, string, error) {
	a := newAnalyzer(bind(ctx, cat), env)
	a.spelled = &spelling{}
	plan, err := a.wholeQuery(q)
	if err != nil {
		return nil, "", err
	}
	if err := a.optimize(plan); err != nil {
		return nil, "", err
	}
	text, ok := a.spelled.text(source, q)
	if !ok {
		return plan, "", nil
	}
	// Names that say more may be ambiguous where they were not, as those of columns of equal names.
	again, err := syntax.Parse(text)
	if err != nil || len(again) != 1 {
		return plan, "", nil
	}
	if s, ok := again[0].(*syntax.QueryStmt); ok {
		if p, err := AnalyzeQuery(ctx, cat, env, s.Query); err == nil && sameOutput(p, plan) {
			return plan, text, nil
		}
	}
	return plan, "", nil
}

func sameOutput(a, b *Query) bool {
	return slices.EqualFunc(a.Output, b.Output, func(x, y Output) bool { return x.Name == y.Name && x.Type.Equal(y.Type) })
}

// spelling collects what stands in a query's source for what.
type spelling struct {
	parts []spelled
	wrong bool // one place means two things
}

type spelled struct {
	from, to int // of the source
	text     string
}

func (s *spelling) put(from, to syntax.Node, text string) {
	p := spelled{from.Pos().Offset, to.End().Offset, text}
	i, found := slices.BinarySearchFunc(s.parts, p, func(a, b spelled) int { return a.from - b.from })
	switch {
	case !found:
		s.parts = slices.Insert(s.parts, i, p)
	case s.parts[i] != p:
		s.wrong = true
	}
}

// text is the source of q with everything put in its place.
func (s *spelling) text(source string, q *syntax.Query) (string, bool) {
	at, end := q.Pos().Offset, q.End().Offset
	if s.wrong || at < 0 || end > len(source) {
		return "", false
	}
	var b strings.Builder
	for _, p := range s.parts {
		if p.from < at || p.to < p.from || p.to > end {
			return "", false
		}
		b.WriteString(source[at:p.from])
		b.WriteString(p.text)
		at = p.to
	}
	b.WriteString(source[at:end])
	return b.String(), true
}

func quotedName(parts ...string) string {
	quoted := make([]string, len(parts))
	for i, p := range parts {
		quoted[i] = "`" + strings.ReplaceAll(p, "`", "``") + "`"
	}
	return strings.Join(quoted, ".")
}

// spellTable notes a table of FROM.
func (a *analyzer) spellTable(n *syntax.ObjectName, database, name string) {
	if a.spelled != nil {
		a.spelled.put(n, n, quotedName(database, name))
	}
}

// spellColumn notes the parts of a name that are a column of a source.
func (r *resolver) spellColumn(parts []syntax.Ident, c Column) {
	if r.a.spelled == nil {
		return
	}
	if s := r.sc.sourceOf(c.ID); s != nil && s.alias != "" && s.hidden == nil {
		r.a.spelled.put(&parts[0], &parts[len(parts)-1], quotedName(s.alias, strings.ToLower(c.Name)))
	}
}

// spellStar notes the columns of a *.
func (b *block) spellStar(star *syntax.Star, cols []Column) {
	if b.a.spelled == nil {
		return
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = quotedName(strings.ToLower(c.Name))
		if s := b.sc.sourceOf(c.ID); s != nil && s.alias != "" && s.hidden == nil {
			names[i] = quotedName(s.alias) + "." + names[i]
		}
	}
	b.a.spelled.put(star, star, strings.Join(names, ", "))
}

// spellName notes the name of an item that comes from its place in the list, which moves when the
// columns of a * stand in front of it.
func (b *block) spellName(x syntax.Expr, name string, place int) {
	if b.a.spelled == nil || len(b.items) == place {
		return
	}
	if name == impliedName(&syntax.Literal{}, place) {
		end := syntax.Span{From: x.End(), To: x.End()}
		b.a.spelled.put(end, end, " AS "+quotedName(name))
	}
}

// sourceOf finds the source of a column.
func (sc *scope) sourceOf(id int) *source {
	for s := sc; s != nil; s = s.outer {
		for _, src := range s.sources {
			if slices.ContainsFunc(src.cols, func(c Column) bool { return c.ID == id }) {
				return src
			}
		}
	}
	return nil
}
