package syntax

// clauseStart reports whether token i begins a clause that gets a line of its own.
func clauseStart(f *formatter, i int) bool {
	t := &f.toks[i]
	next := ""
	if i+1 < len(f.toks) {
		next = f.toks[i+1].text
	}
	if i > 0 && f.toks[i-1].text == "." {
		return false
	}
	switch t.text {
	case "SELECT", "FROM", "WHERE", "HAVING", "QUALIFY", "UNION", "INTERSECT", "EXCEPT", "MINUS", "VALUES", "LATERAL", "WITH":
		return true
	case "GROUP", "ORDER", "CLUSTER", "DISTRIBUTE", "SORT", "PARTITIONED", "CLUSTERED", "SKEWED":
		return next == "BY" || next == "ON"
	case "WINDOW":
		return next != "("
	case "INSERT":
		return next == "INTO" || next == "OVERWRITE"
	case "LIMIT":
		return i+1 < len(f.toks) && f.toks[i+1].kind == tInteger
	case "JOIN":
		return !joinWord(f, i-1)
	case "LEFT", "RIGHT", "FULL", "INNER", "CROSS":
		return next == "JOIN" || next == "OUTER" || next == "SEMI" || next == "ANTI"
	case "ROW":
		return next == "FORMAT"
	case "STORED":
		return next == "AS" || next == "BY"
	case "LOCATION":
		return i+1 < len(f.toks) && f.toks[i+1].kind == tString
	case "TBLPROPERTIES":
		return next == "(" && i > 0 && f.toks[i-1].text != "SET" && f.toks[i-1].text != "UNSET"
	}
	return false
}

func joinWord(f *formatter, i int) bool {
	if i < 0 {
		return false
	}
	switch f.toks[i].text {
	case "LEFT", "RIGHT", "FULL", "INNER", "CROSS", "OUTER", "SEMI", "ANTI":
		return true
	}
	return false
}

// clauses lays out tokens, each clause on a line of its own but the first, which goes on where
// the text is.
func (f *formatter) clauses(from, to, indent int) {
	end := f.clauseEnd(from, to)
	f.clause(from, end, indent)
	for i := end; i < to; {
		end := f.clauseEnd(i, to)
		f.before(i, from, indent, true)
		f.clause(i, end, indent)
		i = end
	}
}

// clauseEnd is where the clause that begins at i ends: at the next one outside of parentheses.
func (f *formatter) clauseEnd(i, to int) int {
	depth := 0
	for j := i; j < to; j++ {
		switch f.toks[j].text {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 && j > i && clauseStart(f, j) && !f.continues(i, j) {
			return j
		}
	}
	return to
}

// continues reports whether the word at j belongs to the clause that begins at i.
func (f *formatter) continues(i, j int) bool {
	switch f.toks[j].text {
	case "SELECT", "FROM":
		return f.toks[j].text == "FROM" && f.toks[j-1].text == "DISTINCT" // IS DISTINCT FROM
	case "WITH":
		return true // WITH SERDEPROPERTIES, WITH ROLLUP
	}
	return false
}

// clause lays out one clause: on one line, or with the items of its list on lines of their own.
func (f *formatter) clause(from, to, indent int) {
	if line, ok := f.flat(from, to); ok && f.col+len(line) < formatWidth && !f.holdsQuery(from, to) {
		f.w(line)
		return
	}
	breaks := f.itemBreaks(from, to)
	inner := indent
	if len(breaks) > 0 {
		inner = indent + 2
	}
	f.items(from, to, inner, breaks)
}

// holdsQuery reports whether a query stands in parentheses among the tokens.
func (f *formatter) holdsQuery(from, to int) bool {
	for i := from; i+1 < to; i++ {
		if f.toks[i].text == "(" && startsQuery(&f.toks[i+1]) {
			return true
		}
	}
	return false
}

// itemBreaks are the tokens in front of which a clause that is too long is broken: behind commas,
// and at AND and OR, outside of parentheses.
func (f *formatter) itemBreaks(from, to int) map[int]bool {
	breaks := map[int]bool{}
	depth, cases, between := 0, 0, false
	for i := from; i < to; i++ {
		switch f.toks[i].text {
		case "(":
			depth++
		case ")":
			depth--
		case "<", ">":
			if f.angle[i] && f.toks[i].text == "<" {
				depth++
			} else if f.angle[i] {
				depth--
			}
		case "CASE":
			cases++
		case "END":
			cases--
		case "BETWEEN":
			between = true
		case ",":
			if depth == 0 && cases == 0 && i+1 < to {
				breaks[i+1] = true
			}
		case "AND", "OR":
			if depth == 0 && cases == 0 && !between {
				breaks[i] = true
			}
			between = false
		}
	}
	return breaks
}

// nests reports whether a word is a type with other types in angle brackets behind it.
func nests(word string) bool {
	switch word {
	case "ARRAY", "MAP", "STRUCT", "UNIONTYPE":
		return true
	}
	return false
}

// keyword reports whether a word that could be a name is certainly none where it stands.
func (f *formatter) keyword(i int) bool {
	prev, next := "", ""
	if i > 0 {
		prev = f.toks[i-1].text
	}
	if i+1 < len(f.toks) {
		next = f.toks[i+1].text
	}
	word := f.toks[i].text
	if i == 0 {
		return word != ""
	}
	switch word {
	case "OVERWRITE":
		return prev == "INSERT" || next == "INTO"
	case "VIEW":
		return prev == "LATERAL" || prev == "CREATE" || prev == "DROP" || prev == "ALTER" || prev == "REPLACE"
	case "ASC", "DESC":
		name := f.toks[i-1].kind == tWord && !f.toks[i-1].reserved || f.toks[i-1].kind == tQuoted || prev == ")"
		return name && (next == "" && i+1 == len(f.toks) || next == "," || next == ")" || next == "NULLS" || next == "LIMIT")
	case "FORMAT":
		return prev == "ROW"
	case "DELIMITED", "SERDE":
		return prev == "FORMAT"
	case "FIELDS", "LINES", "ITEMS", "KEYS":
		return next == "TERMINATED"
	case "TERMINATED", "ESCAPED":
		return next == "BY"
	case "COLLECTION":
		return next == "ITEMS"
	case "COMMENT":
		return i+1 < len(f.toks) && f.toks[i+1].kind == tString && prev != "AS"
	case "ADD":
		return next == "IF" || next == "PARTITION" || next == "COLUMNS"
	case "COLUMNS":
		return next == "(" && (prev == "ADD" || prev == "REPLACE")
	case "RENAME":
		return next == "TO"
	case "SETS":
		return prev == "GROUPING"
	case "SEMI", "ANTI":
		return next == "JOIN"
	case "TEMPORARY":
		return prev == "CREATE"
	case "SERDEPROPERTIES":
		return prev == "WITH" || prev == "SET"
	}
	return false
}

// items writes tokens with line ends at the breaks; parentheses that do not fit are opened up.
func (f *formatter) items(from, to, indent int, breaks map[int]bool) {
	for i := from; i < to; i++ {
		if i > from {
			f.before(i, from, indent, breaks[i])
		}
		match := f.match(i, to)
		if match <= i+1 {
			f.w(f.word(i))
			continue
		}
		line, ok := f.flat(i, match+1)
		query := startsQuery(&f.toks[i+1])
		if ok && f.col+len(line) < formatWidth && (!query || len(line) < formatWidth/2) {
			f.w(line)
			i = match
			continue
		}
		f.open(i, match, indent, query)
		i = match
	}
}

// open writes parentheses with what is in them on lines of its own.
func (f *formatter) open(i, match, indent int, query bool) {
	f.w("(")
	if !f.commented(i + 1) {
		f.newline(indent + 2)
	}
	if f.commented(i + 1) {
		f.before(i+1, i+1, indent+2, false)
	}
	if query {
		f.clauses(i+1, match, indent+2)
	} else {
		f.items(i+1, match, indent+2, f.itemBreaks(i+1, match))
	}
	if f.commented(match) {
		f.before(match, match, indent, false)
	} else {
		f.newline(indent)
	}
	f.w(")")
}

// match is the token that closes the parenthesis at i; 0 if i opens none.
func (f *formatter) match(i, to int) int {
	if f.toks[i].text != "(" {
		return 0
	}
	if m := f.toks[i].match; m < to {
		return m
	}
	return 0
}
