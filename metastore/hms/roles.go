package hms

import (
	"context"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// addRoles adds the methods for roles and who has them. They are kept and given back; nothing here asks whether somebody
// has one.
func (s *Service) addRoles(t *thrift.Service) {
	thrift.Handle(t, "create_role", func(ctx context.Context, a *requestArgs[role]) (bool, error) {
		return true, s.createRole(ctx, a.Request)
	}, throwsM...)
	thrift.Handle(t, "drop_role", func(ctx context.Context, a *oneName) (bool, error) {
		return true, s.changeRoles(ctx, func(ctx context.Context, h metastore.HiveRoles) error { return h.Drop(ctx, a.Name) })
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

// changeRoles changes roles and privileges as Hive does. What it refuses becomes a MetaException, as what no method declares does.
func (s *Service) changeRoles(ctx context.Context, fn func(context.Context, metastore.HiveRoles) error) error {
	return s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return fn(ctx, metastore.HiveRoles{Tx: tx}) })
}

func (s *Service) createRole(ctx context.Context, in role) error {
	return s.changeRoles(ctx, func(ctx context.Context, h metastore.HiveRoles) error {
		return h.Create(ctx, &metastore.Role{Name: in.RoleName, Owner: in.OwnerName, CreateTime: s.Now()})
	})
}

func (s *Service) grantRole(ctx context.Context, a *grantRoleArgs) error {
	return s.changeRoles(ctx, func(ctx context.Context, h metastore.HiveRoles) error {
		return h.Grant(ctx, &metastore.RoleGrant{
			Role: a.Role, To: principalOf(a.Type, a.Name), Grantor: principalOf(a.GrantorType, a.Grantor), GrantOption: a.GrantOption,
			CreateTime: s.Now(),
		})
	})
}

func (s *Service) revokeRole(ctx context.Context, a *revokeRoleArgs, onlyOption bool) error {
	return s.changeRoles(ctx, func(ctx context.Context, h metastore.HiveRoles) error {
		return h.Revoke(ctx, a.Role, principalOf(a.Type, a.Name), onlyOption)
	})
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
