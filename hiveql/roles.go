package hiveql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// Roles and privileges are kept in the metastore and shown, as Hive does with them; nothing here asks for them. Therefore everybody
// may create and grant them, which in Hive only a user with the role admin may, and the role admin can be taken by everybody.

// legacyAuthorization reports whether the session follows Hive's older authorization, which hive.security.authorization.manager
// names: names of roles in upper and lower case, and ALL as a privilege of its own.
func (s *Session) legacyAuthorization() bool {
	return strings.HasSuffix(s.Setting("hive.security.authorization.manager"), "HiveAuthorizationProvider")
}

// authorizer is how Hive notes who has asked for a privilege.
func (s *Session) authorizer() string {
	if s.legacyAuthorization() {
		return "v1"
	}
	return "SQL"
}

// roleName is the name under which the metastore has a role.
func (s *Session) roleName(n syntax.Ident) string {
	if s.legacyAuthorization() {
		return n.Name
	}
	return strings.ToLower(n.Name)
}

func (s *Session) principal(n syntax.Principal) metastore.Principal {
	p := metastore.Principal{Type: metastore.PrincipalType(n.Type), Name: n.Name.Name}
	if p.Type == metastore.RolePrincipal {
		p.Name = s.roleName(n.Name)
	}
	return p
}

// itself is the user of the session.
func (s *Session) itself() metastore.Principal {
	return metastore.Principal{Type: metastore.UserPrincipal, Name: s.cfg.User}
}

// authorization runs the statements about roles and privileges.
func (s *Session) authorization(ctx context.Context, r *Result) (err error) {
	switch n := r.Statement.(type) {
	case *syntax.RoleCommand:
		switch n.What {
		case "CREATE":
			return s.createRole(ctx, n)
		case "DROP":
			return s.dropRole(ctx, n)
		}
		return s.setRole(ctx, n)
	case *syntax.GrantRole:
		return s.grantRoles(ctx, n)
	case *syntax.Grant:
		return s.grantPrivileges(ctx, n)
	case *syntax.ShowRoles:
		return s.showRoles(ctx, r, n)
	}
	return unsupported(r.Statement, "this statement")
}

// metaFailed is the error of something that the metastore has refused. Hive's two kinds of authorization word it each its way.
func (s *Session) metaFailed(doing, format string, args ...any) *Error {
	text := fmt.Sprintf(format, args...)
	if s.legacyAuthorization() {
		return ddlFailed("org.apache.hadoop.hive.ql.metadata.HiveException: MetaException(message:%s)", text)
	}
	return ddlFailed("%s: %s", doing, text)
}

// Hive's metastore names the exceptions that it has caught.
const (
	caught       = "Got exception: org.apache.hadoop.hive.metastore.api."
	caughtExists = caught + "InvalidObjectException "
	caughtNone   = caught + "NoSuchObjectException "
)

func (s *Session) createRole(ctx context.Context, n *syntax.RoleCommand) error {
	const doing = "Error create role"
	name := s.roleName(n.Name)
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "ALL", "DEFAULT", "NONE":
		return ddlFailed("Role name cannot be one of the reserved roles: [ALL, DEFAULT, NONE]")
	}
	if name == metastore.PublicRole {
		return s.metaFailed(doing, "public role implicitly exists. It can't be created.")
	}
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		return tx.CreateRole(ctx, &metastore.Role{Name: name, CreateTime: s.cfg.Now()})
	})
	if errors.Is(err, metastore.ErrExists) {
		return s.metaFailed(doing, caughtExists+"Role %s already exists.", name)
	}
	return err
}

// dropRole is content where there is no such role, as Hive is.
func (s *Session) dropRole(ctx context.Context, n *syntax.RoleCommand) error {
	name := s.roleName(n.Name)
	if name == metastore.AdminRole || name == metastore.PublicRole {
		return s.metaFailed("Error dropping role", "public,admin roles can't be dropped.")
	}
	err := s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return tx.DropRole(ctx, name) })
	if errors.Is(err, metastore.ErrNoSuchRole) {
		return nil
	}
	return err
}

// setRole runs SET ROLE. It changes what SHOW CURRENT ROLES shows, and nothing else.
func (s *Session) setRole(ctx context.Context, n *syntax.RoleCommand) error {
	switch n.Name.Name {
	case "ALL":
		s.role = nil
		return nil
	case "NONE":
		s.role = []string{}
		return nil
	}
	has, err := s.allRoles(ctx)
	if err != nil {
		return err
	}
	for _, name := range append(has, metastore.AdminRole) {
		if strings.EqualFold(name, n.Name.Name) {
			s.role = []string{name}
			return nil
		}
	}
	return ddlFailed("%s doesn't belong to role %s", s.cfg.User, n.Name.Name)
}

// allRoles are the roles of the session's user, with those that these have, in order; without that of administrators, which is
// no current one unless it is set.
func (s *Session) allRoles(ctx context.Context) ([]string, error) {
	found := map[string]bool{metastore.PublicRole: true}
	next := []metastore.Principal{s.itself()}
	for len(next) > 0 {
		grants, err := s.cfg.Store.RoleGrants(ctx, "", next[0])
		if err != nil {
			return nil, err
		}
		next = next[1:]
		for _, g := range grants {
			if !found[g.Role] {
				found[g.Role] = true
				next = append(next, metastore.Principal{Type: metastore.RolePrincipal, Name: g.Role})
			}
		}
	}
	delete(found, metastore.AdminRole)
	return slices.Sorted(maps.Keys(found)), nil
}

// grantRoles runs GRANT ROLE and REVOKE ROLE: all of it or nothing.
func (s *Session) grantRoles(ctx context.Context, n *syntax.GrantRole) error {
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		for _, to := range n.To {
			for _, role := range n.Roles {
				change := s.grantRole
				if n.Revoke {
					change = s.revokeRole
				}
				if err := change(ctx, tx, s.roleName(role), s.principal(to), n.Option); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *Session) grantRole(ctx context.Context, tx metastore.Tx, role string, to metastore.Principal, option bool) error {
	const doing = "Error granting role"
	if role == metastore.PublicRole {
		return s.metaFailed(doing, "No user can be added to public. Since all users implicitly belong to public role.")
	}
	if err := s.roleExists(ctx, tx, doing, role); err != nil {
		return err
	}
	err := tx.GrantRole(ctx, &metastore.RoleGrant{Role: role, To: to, Grantor: s.itself(), GrantOption: option, CreateTime: s.cfg.Now()})
	switch {
	case errors.Is(err, metastore.ErrNoSuchRole):
		return s.metaFailed(doing, caughtNone+"Role %s does not exist", to.Name)
	case errors.Is(err, metastore.ErrExists):
		return s.metaFailed(doing, caughtExists+"Principal %s already has the role %s", to.Name, role)
	case errors.Is(err, metastore.ErrInvalid) && to.Type == metastore.RolePrincipal:
		return s.metaFailed(doing, "Cannot grant role %s to %s as %[2]s already belongs to the role %[1]s. (no cycles allowed)", to.Name, role)
	}
	return err
}

func (s *Session) roleExists(ctx context.Context, tx metastore.Tx, doing, role string) error {
	_, err := tx.Role(ctx, role)
	if errors.Is(err, metastore.ErrNoSuchRole) {
		return s.metaFailed(doing, caughtNone+"%s role can not be found.", role)
	}
	return err
}

// revokeRole is content where the principal has no such role, as Hive is.
func (s *Session) revokeRole(ctx context.Context, tx metastore.Tx, role string, from metastore.Principal, onlyOption bool) error {
	doing := fmt.Sprintf("Error revoking roles for %s to role %s", from.Name, role)
	if role == metastore.PublicRole {
		return s.metaFailed(doing, "public role can't be revoked.")
	}
	if err := s.roleExists(ctx, tx, doing, role); err != nil {
		return err
	}
	err := tx.RevokeRole(ctx, role, from, onlyOption)
	switch {
	case errors.Is(err, metastore.ErrNoGrantOption):
		return s.metaFailed(doing, "User %s does not have grant option with role %s", from.Name, role)
	case errors.Is(err, metastore.ErrNotGranted) && onlyOption:
		return s.metaFailed(doing, "User %s does not have role %s", from.Name, role)
	case errors.Is(err, metastore.ErrNotGranted):
		return nil
	}
	return err
}
