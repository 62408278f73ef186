package metastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// HiveRoles changes roles and privileges by the rules of Hive's metastore: what it takes without a word is no error, and what it
// refuses is a *Refused. All within a transaction of its caller's, which is to be given up where there is an error.
type HiveRoles struct{ Tx Tx }

// Refused is the error of a change of roles or privileges that Hive's metastore refuses.
type Refused struct {
	Text string // in Hive's words, which scripts and programs of Hive's look for: the message of a MetaException
	Err  error  // the reason, if it is one of a Tx; nil where the rule is Hive's own
}

func (e *Refused) Error() string { return e.Text }

func (e *Refused) Unwrap() error { return e.Err }

// The exceptions that Hive's metastore names where it has caught them.
const (
	noSuchObject  = "NoSuchObjectException"
	invalidObject = "InvalidObjectException"
)

func refused(err error, format string, args ...any) error {
	return &Refused{fmt.Sprintf(format, args...), err}
}

// caught is refused of what Hive's metastore throws within itself.
func caught(err error, class, format string, args ...any) error {
	return refused(err, "Got exception: org.apache.hadoop.hive.metastore.api."+class+" "+format, args...)
}

// Create makes a role.
func (h HiveRoles) Create(ctx context.Context, r *Role) error {
	if r.Name == PublicRole {
		return refused(nil, "public role implicitly exists. It can't be created.")
	}
	err := h.Tx.CreateRole(ctx, r)
	if errors.Is(err, ErrExists) {
		return caught(err, invalidObject, "Role %s already exists.", r.Name)
	}
	return err
}

// Drop removes a role; there need be none.
func (h HiveRoles) Drop(ctx context.Context, name string) error {
	if name == AdminRole || name == PublicRole {
		return refused(nil, "public,admin roles can't be dropped.")
	}
	if err := h.Tx.DropRole(ctx, name); !errors.Is(err, ErrNoSuchRole) {
		return err
	}
	return nil
}

// Grant gives a role to a principal.
func (h HiveRoles) Grant(ctx context.Context, g *RoleGrant) error {
	if g.Role == PublicRole {
		return refused(nil, "No user can be added to public. Since all users implicitly belong to public role.")
	}
	if err := h.exists(ctx, g.Role); err != nil {
		return err
	}
	if err := g.Validate(); err != nil {
		return err
	}
	err := h.Tx.GrantRole(ctx, g)
	switch {
	case errors.Is(err, ErrNoSuchRole):
		return h.noGrantee(err, g.To)
	case errors.Is(err, ErrExists):
		return caught(err, invalidObject, "Principal %s already has the role %s", g.To.Name, g.Role)
	case errors.Is(err, ErrInvalid): // as a grant, it is valid
		return refused(err, "Cannot grant role %s to %s as %[2]s already belongs to the role %[1]s. (no cycles allowed)", g.To.Name, g.Role)
	}
	return err
}

func (h HiveRoles) exists(ctx context.Context, role string) error {
	_, err := h.Tx.Role(ctx, role)
	if errors.Is(err, ErrNoSuchRole) {
		return caught(err, noSuchObject, "%s role can not be found.", role)
	}
	return err
}

// noGrantee is the error of a grant to a role that does not exist.
func (h HiveRoles) noGrantee(err error, to Principal) error {
	return caught(err, noSuchObject, "Role %s does not exist", to.Name)
}

// Revoke takes a role from a principal, who need not have it, or with onlyOption the right to grant it to others.
func (h HiveRoles) Revoke(ctx context.Context, role string, from Principal, onlyOption bool) error {
	if role == PublicRole {
		return refused(nil, "public role can't be revoked.")
	}
	if err := h.exists(ctx, role); err != nil {
		return err
	}
	err := h.Tx.RevokeRole(ctx, role, from, onlyOption)
	switch {
	case errors.Is(err, ErrNoGrantOption):
		return refused(err, "User %s does not have grant option with role %s", from.Name, role)
	case errors.Is(err, ErrNotGranted) && onlyOption:
		return refused(err, "User %s does not have role %s", from.Name, role)
	case errors.Is(err, ErrNotGranted):
		return nil
	}
	return err
}

// GrantPrivilege gives a principal a privilege. Where it is on a table or a partition that does not exist, the error is that of the
// Tx, and changes nothing: Hive's metastore passes over those.
func (h HiveRoles) GrantPrivilege(ctx context.Context, p *Privilege) error {
	err := h.Tx.GrantPrivileges(ctx, []*Privilege{p})
	switch {
	case errors.Is(err, ErrNoSuchDatabase) && p.On.Kind == OnDatabase:
		return h.noDatabase(err, p)
	case errors.Is(err, ErrNoSuchRole):
		return h.noGrantee(err, p.To)
	case errors.Is(err, ErrExists):
		return caught(err, invalidObject, "%s is already granted%s by %s", p.Name, h.grantedOn(ctx, &p.On), p.Grantor.Name)
	case errors.Is(err, ErrInvalid):
		return caught(err, invalidObject, "%v", err)
	}
	return err
}

// RevokePrivilege takes a privilege from a principal, or with onlyOption the right to grant it to others.
func (h HiveRoles) RevokePrivilege(ctx context.Context, p *Privilege, onlyOption bool) error {
	if p.On.Kind == OnDatabase {
		if _, err := h.Tx.Database(ctx, p.On.Database); errors.Is(err, ErrNoSuchDatabase) {
			return h.noDatabase(err, p)
		}
	}
	err := h.Tx.RevokePrivileges(ctx, []*Privilege{p}, onlyOption)
	switch {
	case errors.Is(err, ErrNoGrantOption):
		return refused(err, "User %s does not have grant option with privilege %s", p.To.Name, p.Name)
	case errors.Is(err, ErrNotGranted):
		return caught(err, invalidObject, "%s", h.notGranted(ctx, p))
	case errors.Is(err, ErrInvalid):
		return caught(err, invalidObject, "%v", err)
	}
	return err
}

// noDatabase is the error of a privilege on a database that does not exist, in Hive's only catalog.
func (h HiveRoles) noDatabase(err error, p *Privilege) error {
	return caught(err, noSuchObject, "There is no database hive.%s", p.On.Database)
}

// grantedOn is how Hive says what a privilege is on that is granted already.
func (h HiveRoles) grantedOn(ctx context.Context, on *Securable) string {
	place := on.Database + "," + on.Table
	if on.Values != nil {
		place += "," + h.partitionName(ctx, on)
	}
	switch on.Kind {
	case OnDatabase:
		return " on database " + on.Database
	case OnTable:
		return " on table [" + place + "]"
	case OnPartition:
		return " on partition [" + place + "]"
	case OnColumn, OnPartitionColumn:
		return " on column " + on.Column + " [" + place + "]"
	}
	return ""
}

// notGranted is how Hive says that there is no privilege to be revoked.
func (h HiveRoles) notGranted(ctx context.Context, p *Privilege) string {
	on := &p.On
	switch on.Kind {
	case OnEverything:
		return "No user grant found for privileges " + p.Name
	case OnDatabase:
		return fmt.Sprintf("No database grant found for privileges %s on database %s", p.Name, on.Database)
	}
	text := fmt.Sprintf("No grant (%s) found  on table %s", p.Name, on.Table)
	if on.Values != nil {
		text += ", partition is " + h.partitionName(ctx, on)
	}
	if on.Column != "" {
		text += ", column name = " + on.Column
	}
	return text + ", database is " + on.Database
}

// partitionName is the name of the partition that a privilege is on, or its values where that cannot be told.
func (h HiveRoles) partitionName(ctx context.Context, on *Securable) string {
	if t, err := h.Tx.Table(ctx, TableName{Database: on.Database, Name: on.Table}); err == nil {
		if name, err := t.Keys().Name(on.Values); err == nil {
			return name
		}
	}
	return strings.Join(on.Values, "/")
}

// RolesOf lists the roles that principals have, themselves and through others, each once. Every user has PublicRole.
func RolesOf(ctx context.Context, r Reader, of ...Principal) ([]string, error) {
	var roles []string
	add := func(role string) {
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
			of = append(of[:len(of):len(of)], Principal{RolePrincipal, role})
		}
	}
	for i := 0; i < len(of); i++ {
		p := of[i]
		if p.Type == "" || p.Name == "" { // which would be those of others too
			continue
		}
		grants, err := r.RoleGrants(ctx, "", p)
		if err != nil {
			return nil, err
		}
		for _, g := range grants {
			add(g.Role)
		}
		if p.Type == UserPrincipal {
			add(PublicRole)
		}
	}
	return roles, nil
}
