package syntax

import (
	"slices"
	"strings"
)

// privilegeWords are the names of privileges. All but SHOW_DATABASE are keywords.
var privilegeWords = []string{"ALL", "ALTER", "UPDATE", "CREATE", "DROP", "LOCK", "SELECT", "SHOW_DATABASE", "INSERT", "DELETE"}

// grant parses GRANT and REVOKE, of privileges and of roles.
func (p *parser) grant() Stmt {
	start := p.i
	revoke := p.at("REVOKE")
	p.next()
	grantOption := revoke && p.accept("GRANT", "OPTION", "FOR")
	adminOption := revoke && !grantOption && p.accept("ADMIN", "OPTION", "FOR")
	if grantOption || !adminOption && p.atPrivilege() {
		n := &Grant{Revoke: revoke, Privileges: list(p, p.privilege), Option: grantOption}
		if p.accept("ON") {
			n.On = p.grantObject(false)
		}
		n.To = p.grantees(revoke)
		n.Option = n.Option || !revoke && p.accept("WITH", "GRANT", "OPTION")
		n.Span = p.span(start)
		return n
	}
	if p.at("ROLE") && p.isIdent(p.ahead(1)) {
		p.next()
	}
	n := &GrantRole{Revoke: revoke, Roles: p.idents(), Option: adminOption}
	n.To = p.grantees(revoke)
	n.Option = n.Option || !revoke && p.accept("WITH", "ADMIN", "OPTION")
	n.Span = p.span(start)
	return n
}

func (p *parser) atPrivilege() bool {
	return p.tok().kind == tWord && slices.Contains(privilegeWords, p.word(0))
}

func (p *parser) privilege() GrantedPrivilege {
	start := p.i
	n := GrantedPrivilege{Name: p.word(0)}
	if !p.atPrivilege() {
		p.failExpected("a privilege, such as SELECT or ALL")
		return n
	}
	p.next()
	if p.at("(") {
		n.Columns = p.parenIdents()
	}
	n.Span = p.span(start)
	return n
}

func (p *parser) grantees(revoke bool) []Principal {
	if revoke {
		p.expect("FROM")
	} else {
		p.expect("TO")
	}
	return list(p, p.principal)
}

func (p *parser) principal() Principal {
	start := p.i
	n := Principal{Type: p.tok().text}
	if !p.atAny("USER", "GROUP", "ROLE") {
		p.failExpected("USER, GROUP or ROLE")
		return n
	}
	p.next()
	n.Name = p.ident()
	n.Span = p.span(start)
	return n
}

// grantObject parses what a privilege is on. What SHOW GRANT shows may be everything, and columns.
func (p *parser) grantObject(shown bool) *GrantObject {
	start := p.i
	n := &GrantObject{Kind: "TABLE"}
	named := p.isIdent(p.ahead(1)) || formerName(p.ahead(1))
	switch {
	case shown && p.accept("ALL"):
		n.Kind = "ALL"
	case p.atAny("DATABASE", "SCHEMA") && named:
		p.next()
		n.Kind, n.Name = "DATABASE", p.plainName()
	case p.tok().kind == tWord && p.word(0) == "SERVER" && named:
		p.next()
		n.Kind, n.Name = "SERVER", p.plainName()
	case p.tok().kind == tWord && p.word(0) == "URI" && p.ahead(1).kind == tString:
		p.next()
		n.Kind, n.URI = "URI", p.str()
	default:
		p.accept("TABLE")
		n.Name = p.objectName()
		if shown && p.at("(") {
			n.Columns = p.parenIdents()
		}
		n.Partition = p.partitionSpec()
	}
	n.Span = p.span(start)
	return n
}

// plainName parses a name that has no database before it.
func (p *parser) plainName() ObjectName {
	start := p.i
	n := ObjectName{Parts: []Ident{p.ident()}}
	n.Span = p.span(start)
	return n
}

// roleCommand parses what follows CREATE, DROP and SET, whose word what is, from ROLE on.
func (p *parser) roleCommand(start int, what string) Stmt {
	p.expect("ROLE")
	n := &RoleCommand{What: what}
	word := p.word(0)
	if what == "SET" && p.tok().kind == tWord && (word == "ALL" || word == "NONE") {
		at := p.i
		p.next()
		n.Name = Ident{Span: p.span(at), Name: word, Quoted: true}
	} else {
		n.Name = p.ident()
	}
	if what == "SET" && isRoleWord(n.Name.Name) {
		n.Name.Name = strings.ToUpper(n.Name.Name)
	}
	n.Span = p.span(start)
	return n
}

// isRoleWord reports whether a name of SET ROLE is that of no role, however it is written.
func isRoleWord(name string) bool {
	return strings.EqualFold(name, "ALL") || strings.EqualFold(name, "NONE")
}

// showRoles parses what follows SHOW where it is about roles and privileges; it is nil where it is not.
func (p *parser) showRoles(start int) Stmt {
	n := &ShowRoles{}
	switch {
	case p.accept("ROLES"):
		n.What = "ROLES"
	case p.accept("CURRENT", "ROLES"):
		n.What = "CURRENT ROLES"
	case p.accept("PRINCIPALS"):
		n.What, n.Role = "PRINCIPALS", p.ident()
	case p.accept("ROLE", "GRANT"):
		of := p.principal()
		n.What, n.Of = "ROLE GRANT", &of
	case p.accept("GRANT"):
		n.What = "GRANT"
		if p.atAny("USER", "GROUP", "ROLE") {
			of := p.principal()
			n.Of = &of
		}
		if p.accept("ON") {
			n.On = p.grantObject(true)
		}
	default:
		return nil
	}
	n.Span = p.span(start)
	return n
}
