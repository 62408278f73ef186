package hms

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// Role implements metastore.Reader. Owners and times of roles are not carried.
func (r reader) Role(ctx context.Context, name string) (*metastore.Role, error) {
	err := r.roleExists(ctx, name)
	if err != nil {
		return nil, failed("get role", name, err)
	}
	return &metastore.Role{Name: name}, nil
}

func (r reader) roleExists(ctx context.Context, name string) error {
	names, err := r.roleNames(ctx)
	if err == nil && !slices.Contains(names, name) {
		err = fmt.Errorf("%s: %w", name, metastore.ErrNoSuchRole)
	}
	return err
}

func (r reader) roleNames(ctx context.Context) ([]string, error) {
	var names []string
	err := r.call(ctx, "get_role_names", &noArgs{}, &names, throwsM)
	slices.Sort(names)
	return names, err
}

// Roles implements metastore.Reader.
func (r reader) Roles(ctx context.Context) ([]*metastore.Role, error) {
	names, err := r.roleNames(ctx)
	if err != nil {
		return nil, failed("list", "roles", err)
	}
	roles := make([]*metastore.Role, len(names))
	for i, name := range names {
		roles[i] = &metastore.Role{Name: name}
	}
	return roles, nil
}

// RoleGrants implements metastore.Reader.
func (r reader) RoleGrants(ctx context.Context, role string, to metastore.Principal) ([]*metastore.RoleGrant, error) {
	grants, err := r.roleGrants(ctx, role, to)
	if err != nil {
		return nil, failed("list grants of role", role, err)
	}
	return grants, nil
}

func (r reader) roleGrants(ctx context.Context, role string, to metastore.Principal) (out []*metastore.RoleGrant, err error) {
	var got principalGrants
	all := []string{role}
	switch {
	case to.Name != "" && to.Type != "":
		request := requestArgs[principalArgs]{principalArgs{to.Name, principalTypes[string(to.Type)]}}
		err = r.call(ctx, "get_role_grants_for_principal", &request, &got, throwsM)
		all = nil
	case role == "":
		all, err = r.roleNames(ctx)
	}
	for _, name := range all {
		var more principalGrants
		if err == nil {
			err = r.call(ctx, "get_principals_in_role", &requestArgs[oneName]{oneName{name}}, &more, throwsM)
		}
		got.Grants = append(got.Grants, more.Grants...)
	}
	for _, g := range got.Grants {
		if g.RoleName == metastore.PublicRole || role != "" && g.RoleName != role { // every user has the first
			continue
		}
		out = append(out, &metastore.RoleGrant{
			Role: g.RoleName, To: principalOf(g.PrincipalType, g.PrincipalName), Grantor: principalOf(g.GrantorPrincipalType, g.GrantorName),
			GrantOption: g.GrantOption, CreateTime: fromSeconds(g.GrantTime),
		})
	}
	key := func(g *metastore.RoleGrant) []string { return []string{g.Role, string(g.To.Type), g.To.Name} }
	slices.SortFunc(out, func(a, b *metastore.RoleGrant) int { return slices.Compare(key(a), key(b)) })
	return out, err
}

// CreateRole implements metastore.Tx.
func (x *remoteTx) CreateRole(ctx context.Context, in *metastore.Role) error {
	err := in.Validate()
	if err == nil {
		switch err = x.roleExists(ctx, in.Name); {
		case err == nil:
			err = metastore.ErrExists
		case errors.Is(err, metastore.ErrNoSuchRole):
			var done bool
			err = x.call(ctx, "create_role", &requestArgs[role]{role{in.Name, 0, in.Owner}}, &done, throwsM)
		}
	}
	if err != nil {
		return failed("create role", in.Name, err)
	}
	return nil
}

// DropRole implements metastore.Tx.
func (x *remoteTx) DropRole(ctx context.Context, name string) error {
	err := x.roleExists(ctx, name)
	if err == nil && (name == metastore.AdminRole || name == metastore.PublicRole) {
		err = fmt.Errorf("%w: every metastore has the role %s", metastore.ErrInvalid, name)
	}
	if err == nil {
		var done bool
		err = x.call(ctx, "drop_role", &oneName{name}, &done, throwsM)
	}
	if err != nil {
		return failed("drop role", name, err)
	}
	return nil
}

// GrantRole implements metastore.Tx.
func (x *remoteTx) GrantRole(ctx context.Context, g *metastore.RoleGrant) error {
	err := func() error {
		if err := g.Validate(); err != nil {
			return err
		}
		if err := x.roleExists(ctx, g.Role); err != nil {
			return err
		}
		if g.To.Type == metastore.RolePrincipal {
			if err := x.roleExists(ctx, g.To.Name); err != nil {
				return err
			}
		}
		if had, err := x.roleGrants(ctx, g.Role, g.To); err != nil || len(had) > 0 {
			return errors.Join(err, metastore.ErrExists)
		}
		request := grantRevokeRoleRequest{
			toGrant, g.Role, g.To.Name, principalTypes[string(g.To.Type)], g.Grantor.Name, max(1, principalTypes[string(g.Grantor.Type)]), g.GrantOption,
		}
		err := x.call(ctx, "grant_revoke_role", &requestArgs[grantRevokeRoleRequest]{request}, &grantRevoked{}, throwsM)
		if err != nil && strings.Contains(err.Error(), "no cycles allowed") {
			err = fmt.Errorf("%w: %w", metastore.ErrInvalid, err)
		}
		return err
	}()
	if err != nil {
		return failed("grant role", g.Role, err)
	}
	return nil
}

// RevokeRole implements metastore.Tx.
func (x *remoteTx) RevokeRole(ctx context.Context, role string, from metastore.Principal, onlyOption bool) error {
	had, err := x.roleGrants(ctx, role, from)
	switch {
	case err != nil:
	case len(had) == 0:
		err = fmt.Errorf("to %s: %w", from, metastore.ErrNotGranted)
	case onlyOption && !had[0].GrantOption:
		err = fmt.Errorf("to %s: %w", from, metastore.ErrNoGrantOption)
	default:
		request := grantRevokeRoleRequest{RequestType: toRevoke, RoleName: role, Name: from.Name, Type: principalTypes[string(from.Type)], GrantOption: onlyOption}
		err = x.call(ctx, "grant_revoke_role", &requestArgs[grantRevokeRoleRequest]{request}, &grantRevoked{}, throwsM)
	}
	if err != nil {
		return failed("revoke role", role, err)
	}
	return nil
}

// Privileges implements metastore.Reader.
func (r reader) Privileges(ctx context.Context, f metastore.PrivilegeFilter) iter.Seq2[*metastore.Privilege, error] {
	return func(yield func(*metastore.Privilege, error) bool) {
		args := &listPrivilegesArgs{Object: &hiveObjectRef{}}
		if whole(f.On) { // otherwise it cannot be asked for what is meant, but for more
			args.Object = wireSecurable(&f.On)
		}
		if f.To.Name != "" && f.To.Type != "" {
			args.Name, args.Type = &f.To.Name, principalTypes[string(f.To.Type)]
		}
		var list []*hiveObjectPrivilege
		err := r.call(ctx, "list_privileges", args, &list, throwsM)
		for _, in := range list {
			var p *metastore.Privilege
			if err == nil {
				p, err = storePrivilege(in)
			}
			if err != nil {
				break
			}
			if f.Match(p) && !yield(p, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, failed("list", "privileges", err))
		}
	}
}

// whole reports whether nothing is left out that something of its kind has.
func whole(on metastore.Securable) bool {
	return (&metastore.Privilege{Name: "x", On: on, To: metastore.Principal{Type: metastore.UserPrincipal, Name: "x"}}).Validate() == nil
}

func storePrivilege(in *hiveObjectPrivilege) (*metastore.Privilege, error) {
	list, err := (&privilegeBag{[]*hiveObjectPrivilege{in}}).privileges()
	if err != nil {
		return nil, err
	}
	list[0].CreateTime = fromSeconds(in.GrantInfo.CreateTime)
	return list[0], nil
}

// GrantPrivileges implements metastore.Tx.
func (x *remoteTx) GrantPrivileges(ctx context.Context, ps []*metastore.Privilege) error {
	err := func() error {
		bag := privilegeBag{}
		var all []*metastore.Privilege
		for _, p := range ps {
			if err := p.Validate(); err != nil {
				return err
			}
			now := *p
			now.On.Database, now.On.Table, now.On.Column = strings.ToLower(p.On.Database), strings.ToLower(p.On.Table), strings.ToLower(p.On.Column)
			if err := x.grantable(ctx, &now); err != nil {
				return err
			}
			if slices.ContainsFunc(all, func(q *metastore.Privilege) bool { return q.On.Equal(now.On) && now.Same(q) }) {
				return fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrExists)
			}
			in := wirePrivilege(&now)
			in.GrantInfo.GrantorType = max(1, in.GrantInfo.GrantorType)
			all, bag.Privileges = append(all, &now), append(bag.Privileges, in)
		}
		var done bool
		return x.call(ctx, "grant_privileges", &requestArgs[privilegeBag]{bag}, &done, throwsM)
	}()
	if err != nil {
		return failed("grant privileges", "", err)
	}
	return nil
}

// grantable reports why a privilege cannot be granted. Hive passes over what is on something that does not exist.
func (x *remoteTx) grantable(ctx context.Context, p *metastore.Privilege) error {
	var err error
	switch p.On.Kind {
	case metastore.OnEverything:
	case metastore.OnDatabase:
		_, err = x.database(ctx, p.On.Database)
	default:
		_, _, err = x.place(ctx, metastore.TableName{Database: p.On.Database, Name: p.On.Table}, p.On.Values)
	}
	if err == nil && p.To.Type == metastore.RolePrincipal {
		err = x.roleExists(ctx, p.To.Name)
	}
	if err != nil {
		return err
	}
	for old, err := range x.Privileges(ctx, metastore.PrivilegeFilter{On: p.On, To: p.To}) {
		if err != nil {
			return err
		}
		if p.Same(old) {
			return fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrExists)
		}
	}
	return nil
}

// RevokePrivileges implements metastore.Tx. The metastore takes the oldest of the name: another cannot be said.
func (x *remoteTx) RevokePrivileges(ctx context.Context, ps []*metastore.Privilege, onlyOption bool) error {
	err := func() error {
		bag := privilegeBag{}
		for _, p := range ps {
			if err := p.Validate(); err != nil {
				return err
			}
			oldest := *p
			oldest.Grantor, oldest.Authorizer = metastore.Principal{}, ""
			var goes, found *metastore.Privilege
			for old, err := range x.Privileges(ctx, metastore.PrivilegeFilter{On: p.On, To: p.To}) {
				if err != nil {
					return err
				}
				if goes == nil && oldest.Revokes(old) {
					goes = old
				}
				if found == nil && p.Revokes(old) {
					found = old
				}
			}
			switch {
			case found == nil:
				return fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrNotGranted)
			case found != goes:
				return unsupported("revoke privileges", p.Name, "revoking a privilege that is not the oldest")
			case onlyOption && !found.GrantOption:
				return fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrNoGrantOption)
			}
			bag.Privileges = append(bag.Privileges, wirePrivilege(found))
		}
		request := grantRevokePrivilegeRequest{toRevoke, &bag, onlyOption}
		return x.call(ctx, "grant_revoke_privileges", &requestArgs[grantRevokePrivilegeRequest]{request}, &grantRevoked{}, throwsM)
	}()
	if err != nil {
		return failed("revoke privileges", "", err)
	}
	return nil
}
