package syntax

import (
	"slices"
	"strings"
)

// hint says what to do about a token that is not what was expected, or nothing. Much of it is for people who
// come from other SQL: Athena's, MySQL's, PostgreSQL's.
func (p *parser) hint(t *token, what string) string {
	before := ""
	if p.i > 0 {
		before = strings.ToUpper(p.word(-1))
	}
	for _, h := range []func(t *token, what, before string) string{p.hintOfName, p.hintOfWord, p.hintOfPlace} {
		if hint := h(t, what, before); hint != "" {
			return hint
		}
	}
	return ""
}

// hintOfName is about what cannot be a name as it is written.
func (p *parser) hintOfName(t *token, what, before string) string {
	switch {
	case what != "a name" && what != "an expression":
		return ""
	case what == "a name" && t.kind == tString && p.src[t.off] == '"':
		return "names are put in backquotes; what is in double quotes is a string"
	case what == "a name" && before == "WITH" && t.text == "(":
		return "WITH (...) is Athena's; Hive has STORED AS, LOCATION and TBLPROPERTIES before AS SELECT"
	case what == "a name" && t.text == "IF":
		return "it is IF NOT EXISTS before what is made, and IF EXISTS before what is dropped"
	case what == "an expression" && t.text == "ARRAY":
		return "arrays are made by array(1, 2)"
	case before == ",":
		return "there is nothing behind the comma before it"
	case t.kind == tCharset:
		return "put names that begin with _ in backquotes"
	case t.kind == tWord && t.reserved && !clauseWord(t.text):
		return t.text + " is a reserved word; put it in backquotes to use it as a name"
	}
	return ""
}

// hintOfWord looks for a word that was meant: at the place itself, or before it, where it was taken for a name.
func (p *parser) hintOfWord(t *token, what, before string) string {
	switch what {
	case "a statement":
		if strings.EqualFold(p.found(t), "UNLOAD") {
			return "INSERT OVERWRITE DIRECTORY 's3://...' STORED AS PARQUET SELECT ... writes what a query gives"
		}
		return meant(strings.ToUpper(p.found(t)), "SELECT", "INSERT", "CREATE", "DROP", "ALTER", "SHOW", "DESCRIBE", "EXPLAIN", "WITH",
			"FROM", "LOAD", "TRUNCATE", "MSCK", "ANALYZE", "OPTIMIZE", "USE", "SET", "EXPORT", "IMPORT")
	case "a query":
		return meant(strings.ToUpper(p.found(t)), "VALUES", "SELECT", "FROM", "WITH")
	case "the end of the statement", "')'":
		if before == "TOP" && t.kind == tInteger {
			return "the number of rows comes last: LIMIT " + p.src[t.off:t.end]
		}
		clauses := []string{"FROM", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "JOIN", "LEFT", "RIGHT", "INNER", "UNION", "LATERAL"}
		if hint := meant(before, clauses...); hint != "" {
			return hint
		}
		return meant(strings.ToUpper(p.src[t.off:t.end]), clauses...)
	}
	return ""
}

// hintOfPlace is about words and signs that other SQL has in such a place.
func (p *parser) hintOfPlace(t *token, what, before string) string {
	switch {
	case what == "a string" && t.kind == tWord:
		return "put it in quotes"
	case what == "'('" && (before == "VARCHAR" || before == "CHAR"):
		return before + " needs a length, as in " + before + "(100); STRING has none"
	case what == "a type" && strings.EqualFold(p.found(t), "TEXT"):
		return "it is STRING"
	case what != "the end of the statement":
		return ""
	case t.text == ":":
		return "types are changed by CAST(x AS type)"
	case before == "UNNEST" && t.text == "(":
		return "rows are made of arrays by LATERAL VIEW explode(array) t AS x"
	case t.text == "PARTITION":
		return "a table is PARTITIONED BY (name type, ...)"
	case t.text == "ORDER" && p.word(1) != "BY":
		return "it is ORDER BY"
	case t.text == "ORDER", strings.EqualFold(p.found(t), "OFFSET"):
		return "it is ORDER BY ... LIMIT ... OFFSET ..., in this order"
	}
	return ""
}

// meant is a hint that one of the words was meant, of which word is one slip away.
func meant(word string, words ...string) string {
	if len(word) < 3 {
		return ""
	}
	if i := slices.IndexFunc(words, func(w string) bool { return w != word && oneSlip(word, w) }); i >= 0 {
		return "did you mean " + words[i] + "?"
	}
	return ""
}

// oneSlip reports whether a becomes b by a letter more, less or another, or by two neighbours that change places.
func oneSlip(a, b string) bool {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	x, y := a[i:], b[i:]
	switch {
	case len(x) == len(y)+1:
		return x[1:] == y
	case len(y) == len(x)+1:
		return y[1:] == x
	case len(x) != len(y) || x == "":
		return false
	case x[1:] == y[1:]:
		return true
	}
	return len(x) > 1 && x[0] == y[1] && x[1] == y[0] && x[2:] == y[2:]
}
