package syntax

// constraint parses a constraint of a column or a table, with its options.
func (p *parser) constraint() Constraint {
	start := p.i
	c := Constraint{}
	if p.accept("CONSTRAINT") {
		name := p.ident()
		c.Name = &name
	}
	p.constraintBody(&c)
	c.Options = p.constraintOptions()
	c.Span = p.span(start)
	return c
}

func (p *parser) constraintBody(c *Constraint) {
	switch {
	case p.accept("NOT", "NULL"):
		c.Kind = "NOT NULL"
	case p.accept("NULL"):
		c.Kind = "NULL"
	case p.accept("DEFAULT"):
		c.Kind, c.X = "DEFAULT", p.binary(levelBitOr)
	case p.accept("CHECK"):
		c.Kind, c.X = "CHECK", p.expr()
	case p.accept("PRIMARY", "KEY"):
		c.Kind, c.Columns = "PRIMARY KEY", p.optionalIdents()
	case p.accept("UNIQUE"):
		c.Kind, c.Columns = "UNIQUE", p.optionalIdents()
	case p.accept("FOREIGN", "KEY"):
		c.Kind, c.Columns = "FOREIGN KEY", p.parenIdents()
		p.expect("REFERENCES")
		p.references(c)
	case p.accept("REFERENCES"):
		c.Kind = "FOREIGN KEY"
		p.references(c)
	default:
		p.failExpected("a constraint")
	}
}

func (p *parser) references(c *Constraint) {
	parent := p.objectName()
	c.Parent, c.ParentColumns = &parent, p.parenIdents()
}

func (p *parser) optionalIdents() []Ident {
	if !p.at("(") {
		return nil
	}
	return p.parenIdents()
}

func (p *parser) constraintOptions() []string {
	var options []string
	for {
		switch {
		case p.atAny("ENABLE", "DISABLE", "VALIDATE", "NOVALIDATE", "ENFORCED", "RELY", "NORELY"):
			options = append(options, p.tok().text)
			p.next()
		case p.accept("NOT", "ENFORCED"):
			options = append(options, "NOT ENFORCED")
		default:
			return options
		}
	}
}

// skewed parses SKEWED BY (columns) ON (values) [STORED AS DIRECTORIES].
func (p *parser) skewed() *Skewed {
	start := p.i
	p.expect("SKEWED", "BY")
	s := &Skewed{Columns: p.parenIdents()}
	p.expect("ON")
	s.Values = parenList(p, p.skewedValue)
	s.Directories = p.accept("STORED", "AS", "DIRECTORIES")
	s.Span = p.span(start)
	return s
}

// skewedValue parses one value, or in parentheses one for each column.
func (p *parser) skewedValue() []Expr {
	if p.at("(") {
		return parenList(p, p.constant)
	}
	return []Expr{p.constant()}
}

// constant parses what may be a value in a list of skewed values.
func (p *parser) constant() Expr { return p.binary(levelAdd) }

// skewedLocations parses (value = 'url', (v, w) = 'url', ...).
func (p *parser) skewedLocations() []SkewedLocation {
	return parenList(p, func() SkewedLocation {
		start := p.i
		l := SkewedLocation{Values: p.skewedValue()}
		p.expect("=")
		l.Location = p.str()
		l.Span = p.span(start)
		return l
	})
}
