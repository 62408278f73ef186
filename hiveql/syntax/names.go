package syntax

import (
	"slices"
	"strings"
)

// Keywords are all words that the grammar knows, in upper case and in order.
func Keywords() []string {
	var list []string
	for w := range keywords {
		list = append(list, w)
	}
	slices.Sort(list)
	return list
}

// Fragment is what is known of a statement that is being typed.
type Fragment struct {
	// Word is the word that the text ends in, without the names in front of it; it may be
	// empty, and begins with a backquote if one is open.
	Word string
	// Qualifier are the names, separated by dots, in front of Word: a table, or a database.
	Qualifier []string
	// Before is the keyword in front of Word, in upper case, if it is one.
	Before string
	// Tables are the tables that the statement names so far behind words such as FROM and INTO.
	Tables []FragmentTable
	// Text is whether the text ends within a string or a comment, where nothing is to be completed.
	Text bool
}

// FragmentTable is a table that a fragment names, with its alias, or "".
type FragmentTable struct {
	Parts []string
	Alias string
}

// ParseFragment looks at the last statement of src, which ends where somebody is typing.
func ParseFragment(src string) Fragment {
	lx := newLexer(src)
	toks := lx.statement()
	for lx.off < len(src) {
		lx.off++
		toks = lx.statement()
	}
	toks = toks[:len(toks)-1] // tEOF
	f := Fragment{}
	end := 0
	if n := len(toks); n > 0 {
		end = toks[n-1].end
	}
	if i := strings.LastIndex(src[end:], "--"); i >= 0 && !strings.Contains(src[end+i:], "\n") {
		f.Text = true
		return f
	}
	if n := len(toks); n > 0 && toks[n-1].end == len(src) {
		toks = f.lastWord(src, toks)
	}
	if f.Text {
		return f
	}
	if n := len(toks); n > 0 {
		f.Before = toks[n-1].text
	}
	f.tables(src, toks)
	return f
}

// lastWord takes the word that is being typed, and what qualifies it, off the tokens.
func (f *Fragment) lastWord(src string, toks []token) []token {
	last := &toks[len(toks)-1]
	switch {
	case last.kind == tWord || last.kind == tInteger && isWord(src[last.off]):
		f.Word = src[last.off:last.end]
		toks = toks[:len(toks)-1]
	case last.kind == tBad && src[last.off] == '`':
		f.Word = src[last.off:last.end]
		toks = toks[:len(toks)-1]
	case last.kind == tBad:
		f.Text = true
		return toks
	}
	for len(toks) > 0 && toks[len(toks)-1].text == "." {
		toks = toks[:len(toks)-1]
		name, ok := nameOf(src, toks)
		if !ok {
			break
		}
		f.Qualifier = append([]string{name}, f.Qualifier...)
		toks = toks[:len(toks)-1]
	}
	return toks
}

func nameOf(src string, toks []token) (string, bool) {
	if len(toks) == 0 {
		return "", false
	}
	t := &toks[len(toks)-1]
	switch {
	case t.kind == tQuoted:
		return src[t.off+1 : t.end-1], true
	case t.kind == tWord && !t.reserved:
		return src[t.off:t.end], true
	}
	return "", false
}

// tables finds names behind words that tables stand behind.
func (f *Fragment) tables(src string, toks []token) {
	list := false // whether a comma may bring another table
	for i := 0; i < len(toks); i++ {
		switch toks[i].text {
		case "FROM", "JOIN", "INTO", "TABLE", "UPDATE", "DESCRIBE", "DESC", "VIEW":
			list = toks[i].text == "FROM"
		case ",":
			if !list {
				continue
			}
		default:
			if toks[i].kind == tWord && toks[i].reserved || toks[i].text == "(" {
				list = false
			}
			continue
		}
		var t FragmentTable
		for i+1 < len(toks) {
			name, ok := nameOf(src, toks[:i+2])
			if !ok {
				break
			}
			t.Parts = append(t.Parts, name)
			i++
			if i+1 >= len(toks) || toks[i+1].text != "." {
				break
			}
			i++
		}
		if len(t.Parts) == 0 {
			continue
		}
		if i+1 < len(toks) && toks[i+1].text == "AS" {
			i++
		}
		if alias, ok := nameOf(src, toks[:min(i+2, len(toks))]); ok && i+1 < len(toks) && toks[i+1].text == "" {
			t.Alias = alias
			i++
		}
		f.Tables = append(f.Tables, t)
	}
}
