package syntax

// Statements about roles and privileges.
type (
	// Grant is GRANT or REVOKE of privileges.
	Grant struct {
		Span
		Revoke     bool
		Privileges []GrantedPrivilege
		On         *GrantObject // nil for everything there is
		To         []Principal
		Option     bool // WITH GRANT OPTION, or GRANT OPTION FOR, which alone is revoked then
	}
	// GrantRole is GRANT or REVOKE of roles.
	GrantRole struct {
		Span
		Revoke bool
		Roles  []Ident
		To     []Principal
		Option bool // WITH ADMIN OPTION, or ADMIN OPTION FOR, which alone is revoked then
	}
	// RoleCommand is CREATE ROLE, DROP ROLE or SET ROLE.
	RoleCommand struct {
		Span
		What string // "CREATE", "DROP", "SET"
		Name Ident  // of SET ROLE also the words ALL and NONE
	}
	// ShowRoles is SHOW of roles and of who has which privileges.
	ShowRoles struct {
		Span
		What string // "ROLES", "CURRENT ROLES", "ROLE GRANT", "PRINCIPALS", "GRANT"
		Role Ident  // of SHOW PRINCIPALS
		Of   *Principal
		On   *GrantObject // of SHOW GRANT
	}
	// Principal is who may have roles and privileges.
	Principal struct {
		Span
		Type string // "USER", "GROUP", "ROLE"
		Name Ident
	}
	// GrantedPrivilege is a privilege, or one on columns.
	GrantedPrivilege struct {
		Span
		Name    string // "ALL", "ALTER", "UPDATE", "CREATE", "DROP", "LOCK", "SELECT", "SHOW_DATABASE", "INSERT", "DELETE"
		Columns []Ident
	}
	// GrantObject is what a privilege is on.
	GrantObject struct {
		Span
		Kind      string     // "TABLE", "DATABASE", "URI", "SERVER"; "ALL" of SHOW GRANT
		Name      ObjectName // of the table, the database or the server
		URI       string
		Columns   []Ident // of SHOW GRANT
		Partition *PartitionSpec
	}
)

func (*Grant) stmt()       {}
func (*GrantRole) stmt()   {}
func (*RoleCommand) stmt() {}
func (*ShowRoles) stmt()   {}
