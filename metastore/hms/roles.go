package hms

import (
	"context"
	"errors"
	"fmt"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// gotException is how Hive tells of an exception that a method does not declare.
func gotException(class, format string, args ...any) error {
	return metaf("Got exception: org.apache.hadoop.hive.metastore.api.%s %s", class, fmt.Sprintf(format, args...))
}

// addRoles adds the methods for roles and who has them. They are kept and given back; nothing here asks whether somebody
// has one.
func (s *Service) addRoles(t *thrift.Service) {
	thrift.Handle(t, "create_role", func(ctx context.Context, a *requestArgs[role]) (bool, error) {
		return true, s.createRole(ctx, a.Request)
	}, throwsM...)
	thrift.Handle(t, "drop_role", func(ctx context.Context, a *oneName) (bool, error) {
		return true, s.dropRole(ctx, a.Name)
	}, throwsM...)
	thrift.Handle(t, "get_role_names", func(ctx context.Context, _ *noArgs) ([]string, error) {
		roles, err := s.store(ctx).Roles(ctx)
		names := []string{}
		for _, r := range roles {
			names = append(names, r.Name)
		}
		return names, err
	}, throwsM...)
	thrift.Handle(t, "list_roles", s.listRoles, throwsM...)
	thrift.Handle(t, "get_principals_in_role", func(ctx context.Context, a *requestArgs[oneName]) (*principalGrants, error) {
		grants, err := s.store(ctx).RoleGrants(ctx, a.Request.Name, metastore.Principal{})
		if a.Request.Name == "" {
			grants = nil
		}
		return wireRoleGrants(grants), err
	}, throwsM...)
	thrift.Handle(t, "get_role_grants_for_principal", func(ctx context.Context, a *requestArgs[principalArgs]) (*principalGrants, error) {
		grants, err := rolesOf(ctx, s.store(ctx), principalOf(a.Request.Type, a.Request.Name))
		return wireRoleGrants(grants), err
	}, throwsM...)
	thrift.Handle(t, "grant_role", func(ctx context.Context, a *grantRoleArgs) (bool, error) {
		return true, s.grantRole(ctx, a)
	}, throwsM...)
	thrift.Handle(t, "revoke_role", func(ctx context.Context, a *revokeRoleArgs) (bool, error) {
		return true, s.revokeRole(ctx, a, false)
	}, throwsM...)
	thrift.Handle(t, "grant_revoke_role", func(ctx context.Context, a *requestArgs[grantRevokeRoleRequest]) (*grantRevoked, error) {
		r := a.Request
		switch r.RequestType {
		case toGrant:
			return &grantRevoked{true}, s.grantRole(ctx, &grantRoleArgs{r.RoleName, r.Name, r.Type, r.Grantor, r.GrantorType, r.GrantOption})
		case toRevoke:
			return &grantRevoked{true}, s.revokeRole(ctx, &revokeRoleArgs{r.RoleName, r.Name, r.Type}, r.GrantOption)
		}
		return nil, metaf("Unknown request type null")
	}, throwsM...)
}

func principalOf(number int32, name string) metastore.Principal {
	return metastore.Principal{Type: metastore.PrincipalType(nameOf(principalTypes, number)), Name: name}
}

func (s *Service) createRole(ctx context.Context, in role) error {
	if in.RoleName == metastore.PublicRole {
		return metaf("public role implicitly exists. It can't be created.")
	}
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		return tx.CreateRole(ctx, &metastore.Role{Name: in.RoleName, Owner: in.OwnerName, CreateTime: s.Now()})
	})
	if errors.Is(err, metastore.ErrExists) {
		return gotException("InvalidObjectException", "Role %s already exists.", in.RoleName)
	}
	return err
}

// dropRole is content where there is no such role, as Hive is.
func (s *Service) dropRole(ctx context.Context, name string) error {
	if name == metastore.AdminRole || name == metastore.PublicRole {
		return metaf("public,admin roles can't be dropped.")
	}
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return tx.DropRole(ctx, name) })
	if errors.Is(err, metastore.ErrNoSuchRole) {
		return nil
	}
	return err
}

func (s *Service) grantRole(ctx context.Context, a *grantRoleArgs) error {
	if a.Role == metastore.PublicRole {
		return metaf("No user can be added to public. Since all users implicitly belong to public role.")
	}
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		if _, err := tx.Role(ctx, a.Role); err != nil {
			return roleNotFound(err, a.Role)
		}
		return tx.GrantRole(ctx, &metastore.RoleGrant{
			Role: a.Role, To: principalOf(a.Type, a.Name), Grantor: principalOf(a.GrantorType, a.Grantor), GrantOption: a.GrantOption,
			CreateTime: s.Now(),
		})
	})
	switch {
	case errors.Is(err, metastore.ErrNoSuchRole):
		return gotException("NoSuchObjectException", "Role %s does not exist", a.Name)
	case errors.Is(err, metastore.ErrExists):
		return gotException("InvalidObjectException", "Principal %s already has the role %s", a.Name, a.Role)
	case errors.Is(err, metastore.ErrInvalid) && a.Type == principalTypes["ROLE"] && a.Name != "":
		return metaf("Cannot grant role %s to %s as %s already belongs to the role %s. (no cycles allowed)", a.Name, a.Role, a.Role, a.Name)
	}
	return err
}

func roleNotFound(err error, name string) error {
	if errors.Is(err, metastore.ErrNoSuchRole) {
		return gotException("NoSuchObjectException", "%s role can not be found.", name)
	}
	return err
}

func (s *Service) revokeRole(ctx context.Context, a *revokeRoleArgs, onlyOption bool) error {
	if a.Role == metastore.PublicRole {
		return metaf("public role can't be revoked.")
	}
	err := s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		if _, err := tx.Role(ctx, a.Role); err != nil {
			return roleNotFound(err, a.Role)
		}
		return tx.RevokeRole(ctx, a.Role, principalOf(a.Type, a.Name), onlyOption)
	})
	switch {
	case errors.Is(err, metastore.ErrNoGrantOption):
		return metaf("User %s does not have grant option with role %s", a.Name, a.Role)
	case errors.Is(err, metastore.ErrNotGranted) && onlyOption:
		return metaf("User %s does not have role %s", a.Name, a.Role)
	case errors.Is(err, metastore.ErrNotGranted):
		return nil // as in Hive
	}
	return err
}

// rolesOf lists the roles that a principal has itself. Every user has one.
func rolesOf(ctx context.Context, r metastore.Reader, to metastore.Principal) ([]*metastore.RoleGrant, error) {
	if to.Name == "" || to.Type == "" {
		return nil, nil
	}
	grants, err := r.RoleGrants(ctx, "", to)
	if err == nil && to.Type == metastore.UserPrincipal {
		grants = append(grants, &metastore.RoleGrant{Role: metastore.PublicRole, To: to})
	}
	return grants, err
}

// allRolesOf lists the roles that principals have, themselves and through others.
func allRolesOf(ctx context.Context, r metastore.Reader, principals []metastore.Principal) ([]string, error) {
	var roles []string
	seen := map[string]bool{}
	for i := 0; i < len(principals); i++ {
		grants, err := rolesOf(ctx, r, principals[i])
		if err != nil {
			return nil, err
		}
		for _, g := range grants {
			if !seen[g.Role] {
				seen[g.Role] = true
				roles = append(roles, g.Role)
				principals = append(principals, metastore.Principal{Type: metastore.RolePrincipal, Name: g.Role})
			}
		}
	}
	return roles, nil
}

func (s *Service) listRoles(ctx context.Context, a *principalArgs) ([]*role, error) {
	var out []*role
	err := s.store(ctx).View(ctx, func(r metastore.Reader) error {
		out = []*role{}
		grants, err := rolesOf(ctx, r, principalOf(a.Type, a.Name))
		if err != nil {
			return err
		}
		for _, g := range grants {
			if g.Grantor.Name == "" && g.Role == metastore.PublicRole {
				out = append(out, &role{metastore.PublicRole, 0, metastore.PublicRole})
				continue
			}
			found, err := r.Role(ctx, g.Role)
			if err != nil {
				return err
			}
			out = append(out, &role{found.Name, seconds(found.CreateTime), found.Owner})
		}
		return nil
	})
	return out, err
}

func wireRoleGrants(grants []*metastore.RoleGrant) *principalGrants {
	out := &principalGrants{[]*rolePrincipalGrant{}}
	for _, g := range grants {
		out.Grants = append(out.Grants, &rolePrincipalGrant{
			g.Role, g.To.Name, principalTypes[string(g.To.Type)], g.GrantOption, seconds(g.CreateTime), g.Grantor.Name,
			principalTypes[string(g.Grantor.Type)],
		})
	}
	return out
}
