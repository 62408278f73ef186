package hiveql

import (
	"context"
	"errors"
	"fmt"
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

// changeRoles changes roles and privileges: all of it or nothing.
func (s *Session) changeRoles(ctx context.Context, fn func(metastore.HiveRoles) error) error {
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error { return fn(metastore.HiveRoles{Tx: tx}) })
}

// metaRefused tells what Hive's metastore refuses as HiveServer2 does: its SQL standards based authorization says what it was doing,
// the older one that the metastore threw something.
func (s *Session) metaRefused(doing string, err error) error {
	var refused *metastore.Refused
	switch {
	case !errors.As(err, &refused):
		return err
	case s.legacyAuthorization():
		return ddlFailed("org.apache.hadoop.hive.ql.metadata.HiveException: MetaException(message:%s)", refused.Text)
	}
	return ddlFailed("%s: %s", doing, refused.Text)
}

func (s *Session) createRole(ctx context.Context, n *syntax.RoleCommand) error {
	name := s.roleName(n.Name)
	switch strings.ToUpper(strings.TrimSpace(name)) {
	case "ALL", "DEFAULT", "NONE":
		return ddlFailed("Role name cannot be one of the reserved roles: [ALL, DEFAULT, NONE]")
	}
	err := s.changeRoles(ctx, func(h metastore.HiveRoles) error {
		return h.Create(ctx, &metastore.Role{Name: name, CreateTime: s.cfg.Now()})
	})
	return s.metaRefused("Error create role", err)
}

func (s *Session) dropRole(ctx context.Context, n *syntax.RoleCommand) error {
	err := s.changeRoles(ctx, func(h metastore.HiveRoles) error { return h.Drop(ctx, s.roleName(n.Name)) })
	return s.metaRefused("Error dropping role", err)
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
func (s *Session) allRoles(ctx context.Context) (names []string, err error) {
	err = s.cfg.Store.View(ctx, func(r metastore.Reader) error {
		names, err = metastore.RolesOf(ctx, r, s.itself())
		return err
	})
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool { return name == metastore.AdminRole }), err
}

// grantRoles runs GRANT ROLE and REVOKE ROLE.
func (s *Session) grantRoles(ctx context.Context, n *syntax.GrantRole) error {
	return s.changeRoles(ctx, func(h metastore.HiveRoles) error {
		for _, principal := range n.To {
			to := s.principal(principal)
			for _, name := range n.Roles {
				role := s.roleName(name)
				var err error
				if n.Revoke {
					err = s.metaRefused(fmt.Sprintf("Error revoking roles for %s to role %s", to.Name, role), h.Revoke(ctx, role, to, n.Option))
				} else {
					err = s.metaRefused("Error granting role", h.Grant(ctx, &metastore.RoleGrant{
						Role: role, To: to, Grantor: s.itself(), GrantOption: n.Option, CreateTime: s.cfg.Now(),
					}))
				}
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}
