package hiveql

import (
	"context"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// Completion is what a word that somebody is typing could become.
type Completion struct {
	Word       string   // the end of the text that a candidate takes the place of
	Candidates []string // in order, each once
}

// Complete says how text, which ends where somebody is typing, could go on: with keywords,
// functions, databases, tables, and columns of the tables that the statement names. What the
// metastore does not answer is left out.
func (s *Session) Complete(ctx context.Context, text string) Completion {
	if word, ok := settingBegun(text); ok {
		return Completion{Word: word, Candidates: startingWith(s.settings.names(), word)}
	}
	f := syntax.ParseFragment(text)
	c := Completion{Word: f.Word}
	if f.Text {
		return c
	}
	var names []string
	switch {
	case len(f.Qualifier) > 0:
		names = s.completeQualified(ctx, f)
	case f.Before == "USE" || f.Before == "DATABASE" || f.Before == "SCHEMA":
		names = quotedNames(s.databaseNames(ctx))
	case placeOfTable(f.Before):
		names = quotedNames(append(s.tableNames(ctx, s.db), s.databaseNames(ctx)...))
		names = append(names, keywordsLike(f.Word)...)
	default:
		for _, t := range f.Tables {
			names = append(names, quotedNames(s.columnNames(ctx, t.Parts))...)
			names = append(names, quotedNames([]string{t.Alias, t.Parts[len(t.Parts)-1]})...)
		}
		for _, fn := range analysis.Functions() {
			names = append(names, fn.Name+"(")
		}
		names = append(names, keywordsLike(f.Word)...)
	}
	c.Candidates = startingWith(names, f.Word)
	return c
}

// settingBegun is the name of a setting that text ends in, if text is a SET or RESET.
func settingBegun(text string) (string, bool) {
	verb, rest, ok := strings.Cut(strings.TrimLeft(text[strings.LastIndexByte(text, ';')+1:], " \t\r\n"), " ")
	rest = strings.TrimLeft(rest, " ")
	if !ok || !strings.EqualFold(verb, "set") && !strings.EqualFold(verb, "reset") || strings.ContainsAny(rest, "= \n") {
		return "", false
	}
	return rest, true
}

// placeOfTable reports whether a table stands behind a word.
func placeOfTable(before string) bool {
	switch before {
	case "FROM", "JOIN", "INTO", "TABLE", "VIEW", "DESCRIBE", "DESC", "PARTITIONS", "EXTENDED", "FORMATTED", "TRUNCATE":
		return true
	}
	return false
}

// completeQualified finds what may stand behind a dot: tables of a database, or columns of a
// table or an alias.
func (s *Session) completeQualified(ctx context.Context, f syntax.Fragment) []string {
	last := f.Qualifier[len(f.Qualifier)-1]
	var names []string
	for _, t := range f.Tables {
		if strings.EqualFold(t.Alias, last) || strings.EqualFold(t.Parts[len(t.Parts)-1], last) {
			names = append(names, s.columnNames(ctx, t.Parts)...)
		}
	}
	if len(f.Qualifier) == 1 && len(names) == 0 {
		names = s.tableNames(ctx, strings.ToLower(last))
	}
	if len(names) == 0 {
		names = s.columnNames(ctx, f.Qualifier)
	}
	return quotedNames(names)
}

func (s *Session) databaseNames(ctx context.Context) []string {
	names, err := s.cfg.Store.Databases(ctx, "")
	if err != nil {
		return nil
	}
	return names
}

func (s *Session) tableNames(ctx context.Context, db string) []string {
	names, err := s.cfg.Store.Tables(ctx, db, "")
	if err != nil {
		return nil
	}
	return names
}

func (s *Session) columnNames(ctx context.Context, parts []string) []string {
	name := metastore.TableName{Database: s.db, Name: strings.ToLower(parts[len(parts)-1])}
	if len(parts) == 2 {
		name.Database = strings.ToLower(parts[0])
	}
	t, err := s.cfg.Store.Table(ctx, name)
	if err != nil {
		return nil
	}
	var names []string
	for _, c := range slices.Concat(t.Storage.Columns, t.PartitionKeys) {
		names = append(names, c.Name)
	}
	return names
}

func quotedNames(names []string) []string {
	var out []string
	for _, n := range names {
		if n != "" {
			out = append(out, syntax.QuoteIdent(n))
		}
	}
	return out
}

// keywordsLike are the keywords, in the case in which the word has been begun.
func keywordsLike(word string) []string {
	list := syntax.Keywords()
	if word != "" && word == strings.ToLower(word) {
		for i, w := range list {
			list[i] = strings.ToLower(w)
		}
	}
	return list
}

func startingWith(names []string, word string) []string {
	var kept []string
	for _, n := range names {
		if len(n) >= len(word) && strings.EqualFold(n[:len(word)], word) {
			kept = append(kept, n)
		}
	}
	slices.Sort(kept)
	return slices.Compact(kept)
}
