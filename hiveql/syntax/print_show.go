package syntax

import "strings"

func (p *printer) show(s *Show) {
	p.w("SHOW ")
	p.when(s.Extended, "EXTENDED ")
	p.when(s.Sorted, "SORTED ")
	p.w(s.What)
	switch s.What {
	case "COLUMNS":
		p.w(" IN ")
		p.objectName(*s.Name)
	case "CONF":
		p.optional(" ", s.Property)
		return
	default:
		if s.Name != nil {
			p.w(" ")
			p.objectName(*s.Name)
		}
	}
	if s.In != nil {
		p.w(" IN ")
		p.ident(*s.In)
	}
	p.optional(" LIKE ", s.Like)
	p.partition(s.Partition)
	if s.Property != nil {
		p.optional("(", s.Property)
		p.w(")")
	}
	p.condition(" WHERE ", s.Where)
	p.sortBy(" ORDER BY ", s.OrderBy)
	if s.Limit != nil {
		p.w(" ")
		p.limit(s.Limit)
	}
}

func (p *printer) describe(s *Describe) {
	p.w("DESCRIBE ")
	p.when(s.What != "TABLE", s.What+" ")
	if s.Mode != "" {
		p.w(s.Mode, " ")
	}
	if s.What == "FUNCTION" {
		p.describedFunction(s.Name)
		return
	}
	p.objectName(s.Name)
	p.partition(s.Partition)
	for i, c := range s.Column {
		p.when(i == 0, " ")
		p.when(i > 0, ".")
		p.ident(c)
	}
}

func (p *printer) describedFunction(n ObjectName) {
	if len(n.Parts) != 1 {
		p.objectName(n)
		return
	}
	if part := n.Parts[0]; part.Quoted {
		p.str(part.Name)
	} else {
		p.w(part.Name)
	}
}

func (p *printer) set(s *Set) {
	p.w("SET")
	switch {
	case s.All:
		p.w(" -v")
	case s.Key != "" || s.Value != nil:
		p.w(" ")
		p.command(s.Key)
	}
	if s.Value != nil {
		p.w("=")
		p.command(*s.Value)
	}
}

// command prints the text of a client command, whose semicolons need a backslash.
func (p *printer) command(text string) { p.w(strings.ReplaceAll(text, ";", `\;`)) }
