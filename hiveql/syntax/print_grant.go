package syntax

// authorization prints statements about roles and privileges.
func (p *printer) authorization(s Stmt) {
	switch s := s.(type) {
	case *Grant:
		p.grantWords(s.Revoke, s.Option, "GRANT OPTION FOR ")
		commas(p, s.Privileges, func(g GrantedPrivilege) {
			p.w(g.Name)
			if len(g.Columns) > 0 {
				p.w(" ")
				inParens(p, g.Columns, p.ident)
			}
		})
		p.grantObject(s.On)
		p.grantees(s.Revoke, s.To)
		p.when(s.Option && !s.Revoke, " WITH GRANT OPTION")
	case *GrantRole:
		p.grantWords(s.Revoke, s.Option, "ADMIN OPTION FOR ")
		p.w("ROLE ")
		p.idents(s.Roles)
		p.grantees(s.Revoke, s.To)
		p.when(s.Option && !s.Revoke, " WITH ADMIN OPTION")
	case *RoleCommand:
		p.w(s.What, " ROLE ")
		if s.What == "SET" && isRoleWord(s.Name.Name) {
			p.w(s.Name.Name)
		} else {
			p.ident(s.Name)
		}
	case *ShowRoles:
		p.w("SHOW ", s.What)
		if s.What == "PRINCIPALS" {
			p.w(" ")
			p.ident(s.Role)
		}
		if s.Of != nil {
			p.w(" ")
			p.principal(*s.Of)
		}
		p.grantObject(s.On)
	}
}

func (p *printer) grantWords(revoke, option bool, what string) {
	p.when(!revoke, "GRANT ")
	p.when(revoke, "REVOKE ")
	p.when(revoke && option, what)
}

func (p *printer) grantees(revoke bool, to []Principal) {
	p.when(!revoke, " TO ")
	p.when(revoke, " FROM ")
	commas(p, to, p.principal)
}

func (p *printer) principal(n Principal) {
	p.w(n.Type, " ")
	p.ident(n.Name)
}

func (p *printer) grantObject(n *GrantObject) {
	if n == nil {
		return
	}
	p.w(" ON ", n.Kind)
	switch n.Kind {
	case "ALL":
		return
	case "URI":
		p.w(" ")
		p.str(n.URI)
		return
	}
	p.w(" ")
	p.objectName(n.Name)
	if len(n.Columns) > 0 {
		p.w(" ")
		inParens(p, n.Columns, p.ident)
	}
	p.partition(n.Partition)
}
