package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/skepdata/skep/metastore"
)

// makeRoles makes the roles that every metastore has, and the privilege of one of them. It may be cut off and run again.
func makeRoles(ctx context.Context, q session) error {
	var n int
	if err := q.one(ctx, `SELECT count(*) FROM privileges`, nil, &n); err != nil || n > 0 {
		return err
	}
	now := decodeTime(encodeTime(time.Now()))
	for _, name := range []string{metastore.AdminRole, metastore.PublicRole} {
		if err := q.one(ctx, `SELECT count(*) FROM roles WHERE name = ?`, with(name), &n); err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		role := metastore.Role{Name: name, Owner: name, CreateTime: now}
		if _, err := q.exec(ctx, insertRole, name, encode(role)); err != nil {
			return err
		}
	}
	admin := metastore.Principal{Type: metastore.RolePrincipal, Name: metastore.AdminRole}
	const id = 1 // which is never given out: it is that of the default database
	return q.insertPrivilege(ctx, id, place{}, &metastore.Privilege{
		Name: "All", On: metastore.Securable{Kind: metastore.OnEverything}, To: admin, Grantor: admin, GrantOption: true, Authorizer: "SQL", CreateTime: now,
	})
}

const insertRole = `INSERT INTO roles (name, body) VALUES (?, ?)`

// Role implements metastore.Reader.
func (r reader) Role(ctx context.Context, name string) (*metastore.Role, error) {
	role, err := r.role(ctx, name)
	if err != nil {
		return nil, fail("get role", name, err)
	}
	return role, nil
}

func (r reader) role(ctx context.Context, name string) (*metastore.Role, error) {
	found, err := bodies[*metastore.Role](ctx, r.session, `SELECT body FROM roles WHERE name = ?`, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: %w", name, metastore.ErrNoSuchRole)
	}
	return found[0], nil
}

// Roles implements metastore.Reader.
func (r reader) Roles(ctx context.Context) ([]*metastore.Role, error) {
	roles, err := bodies[*metastore.Role](ctx, r.session, `SELECT body FROM roles ORDER BY name`)
	if err != nil {
		return nil, fail("list", "roles", err)
	}
	return roles, nil
}

// RoleGrants implements metastore.Reader.
func (r reader) RoleGrants(ctx context.Context, role string, to metastore.Principal) ([]*metastore.RoleGrant, error) {
	grants, err := r.roleGrants(ctx, role, to)
	if err != nil {
		return nil, fail("list grants of role", role, err)
	}
	return grants, nil
}

func (r reader) roleGrants(ctx context.Context, role string, to metastore.Principal) ([]*metastore.RoleGrant, error) {
	where, args := "1 = 1", []any{}
	for _, c := range [][2]string{{"role", role}, {"principal_type", string(to.Type)}, {"principal", to.Name}} {
		if c[1] != "" {
			where += " AND " + c[0] + " = ?"
			args = append(args, c[1])
		}
	}
	return bodies[*metastore.RoleGrant](ctx, r.session,
		`SELECT body FROM role_grants WHERE `+where+` ORDER BY role, principal_type, principal`, args...)
}

// CreateRole implements metastore.Tx.
func (t *tx) CreateRole(ctx context.Context, role *metastore.Role) error {
	return t.atomically(ctx, "create role", role.Name, func() error {
		if err := role.Validate(); err != nil {
			return err
		}
		if _, err := t.role(ctx, role.Name); err == nil {
			return metastore.ErrExists
		} else if !errors.Is(err, metastore.ErrNoSuchRole) {
			return err
		}
		now := *role
		now.CreateTime = decodeTime(encodeTime(role.CreateTime))
		if _, err := t.exec(ctx, insertRole, now.Name, encode(now)); err != nil {
			return err
		}
		return t.log(ctx, metastore.CreatedRole, metastore.TableName{}, nil, stateJSON{Role: &now})
	})
}

// DropRole implements metastore.Tx.
func (t *tx) DropRole(ctx context.Context, name string) error {
	return t.atomically(ctx, "drop role", name, func() error {
		if name == metastore.AdminRole || name == metastore.PublicRole {
			return fmt.Errorf("%w: every metastore has the role %s", metastore.ErrInvalid, name)
		}
		old, err := t.role(ctx, name)
		if err != nil {
			return err
		}
		for _, statement := range []string{
			`DELETE FROM roles WHERE name = ?`,
			`DELETE FROM role_grants WHERE role = ?`,
			`DELETE FROM role_grants WHERE principal = ? AND principal_type = 'ROLE'`,
			`DELETE FROM privileges WHERE principal = ? AND principal_type = 'ROLE'`,
		} {
			if _, err := t.exec(ctx, statement, name); err != nil {
				return err
			}
		}
		return t.log(ctx, metastore.DroppedRole, metastore.TableName{}, &stateJSON{Role: old}, stateJSON{})
	})
}

// GrantRole implements metastore.Tx.
func (t *tx) GrantRole(ctx context.Context, g *metastore.RoleGrant) error {
	return t.atomically(ctx, "grant role", g.Role, func() error {
		if err := g.Validate(); err != nil {
			return err
		}
		if err := t.grantable(ctx, g); err != nil {
			return err
		}
		now := *g
		now.CreateTime = decodeTime(encodeTime(g.CreateTime))
		_, err := t.exec(ctx, `INSERT INTO role_grants (role, principal_type, principal, body) VALUES (?, ?, ?, ?)`,
			now.Role, string(now.To.Type), now.To.Name, encode(now))
		if err != nil {
			return err
		}
		return t.log(ctx, metastore.GrantedRole, metastore.TableName{}, nil, stateJSON{RoleGrants: []*metastore.RoleGrant{&now}})
	})
}

// grantable reports why a role cannot be granted.
func (t *tx) grantable(ctx context.Context, g *metastore.RoleGrant) error {
	if _, err := t.role(ctx, g.Role); err != nil {
		return err
	}
	if g.To.Type == metastore.RolePrincipal {
		itsOwn, err := metastore.RolesOf(ctx, t, metastore.Principal{Type: metastore.RolePrincipal, Name: g.Role})
		if err != nil {
			return err
		}
		if g.To.Name == g.Role || slices.Contains(itsOwn, g.To.Name) {
			return fmt.Errorf("%w: it has the role %s itself", metastore.ErrInvalid, g.To.Name)
		}
	}
	had, err := t.roleGrants(ctx, g.Role, g.To)
	if err == nil && len(had) > 0 {
		err = fmt.Errorf("to %s: %w", g.To, metastore.ErrExists)
	}
	if err == nil && g.To.Type == metastore.RolePrincipal {
		_, err = t.role(ctx, g.To.Name)
	}
	return err
}

// RevokeRole implements metastore.Tx.
func (t *tx) RevokeRole(ctx context.Context, role string, from metastore.Principal, onlyOption bool) error {
	return t.atomically(ctx, "revoke role", role, func() error {
		if from.Type == "" || from.Name == "" || role == "" {
			return fmt.Errorf("%w: a role is revoked from a principal", metastore.ErrInvalid)
		}
		had, err := t.roleGrants(ctx, role, from)
		if err != nil {
			return err
		}
		if len(had) == 0 {
			return fmt.Errorf("to %s: %w", from, metastore.ErrNotGranted)
		}
		was := &stateJSON{RoleGrants: had}
		const where = ` WHERE role = ? AND principal_type = ? AND principal = ?`
		if !onlyOption {
			if _, err := t.exec(ctx, `DELETE FROM role_grants`+where, role, string(from.Type), from.Name); err != nil {
				return err
			}
			return t.log(ctx, metastore.RevokedRole, metastore.TableName{}, was, stateJSON{})
		}
		if !had[0].GrantOption {
			return fmt.Errorf("to %s: %w", from, metastore.ErrNoGrantOption)
		}
		now := *had[0]
		now.GrantOption = false
		if _, err := t.exec(ctx, `UPDATE role_grants SET body = ?`+where, encode(now), role, string(from.Type), from.Name); err != nil {
			return err
		}
		return t.log(ctx, metastore.RevokedRole, metastore.TableName{}, was, stateJSON{RoleGrants: []*metastore.RoleGrant{&now}})
	})
}
