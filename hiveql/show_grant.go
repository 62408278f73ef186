package hiveql

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// showRoles runs SHOW of roles and of who has which privileges.
func (s *Session) showRoles(ctx context.Context, r *Result, n *syntax.ShowRoles) error {
	switch n.What {
	case "ROLES":
		roles, err := s.cfg.Store.Roles(ctx)
		if err != nil {
			return err
		}
		var names []string
		for _, role := range roles {
			names = append(names, role.Name)
		}
		slices.Sort(names)
		r.showLines("role", names)
		return nil
	case "CURRENT ROLES":
		names, err := s.role, error(nil)
		if names == nil {
			if names, err = s.allRoles(ctx); err != nil {
				return err
			}
		}
		r.showLines("role", names)
		return nil
	case "ROLE GRANT":
		return s.showRoleGrant(ctx, r, n)
	case "PRINCIPALS":
		return s.showPrincipals(ctx, r, n)
	}
	return s.showGrant(ctx, r, n)
}

// grantTime is a time in milliseconds, of whole seconds.
func grantTime(t time.Time) string { return strconv.FormatInt(t.Unix()*1000, 10) }

// showRoleGrant lists the roles that a principal has itself. Every user has one.
func (s *Session) showRoleGrant(ctx context.Context, r *Result, n *syntax.ShowRoles) error {
	of := s.principal(*n.Of)
	grants, err := s.cfg.Store.RoleGrants(ctx, "", of)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, g := range grants {
		rows = append(rows, []string{g.Role, strconv.FormatBool(g.GrantOption), grantTime(g.CreateTime), g.Grantor.Name})
	}
	if of.Type == metastore.UserPrincipal {
		rows = append(rows, []string{metastore.PublicRole, "false", "0", ""})
	}
	slices.SortStableFunc(rows, slices.Compare)
	r.show([]string{"role", "grant_option", "grant_time", "grantor"}, rows)
	return nil
}

// showPrincipals lists who has a role.
func (s *Session) showPrincipals(ctx context.Context, r *Result, n *syntax.ShowRoles) error {
	grants, err := s.cfg.Store.RoleGrants(ctx, s.roleName(n.Role), metastore.Principal{})
	if err != nil {
		return err
	}
	var rows [][]string
	for _, g := range grants {
		rows = append(rows, []string{g.To.Name, string(g.To.Type), strconv.FormatBool(g.GrantOption), g.Grantor.Name,
			string(g.Grantor.Type), grantTime(g.CreateTime)})
	}
	slices.SortStableFunc(rows, slices.Compare)
	r.show([]string{"principal_name", "principal_type", "grant_option", "grantor", "grantor_type", "grant_time"}, rows)
	return nil
}

// showGrant lists privileges: of a principal or of all, on something or on everything.
func (s *Session) showGrant(ctx context.Context, r *Result, n *syntax.ShowRoles) error {
	filters, err := s.shownPrivileges(ctx, n.On)
	if err != nil {
		return err
	}
	var all []*metastore.Privilege
	for _, f := range filters {
		if n.Of != nil {
			f.To = s.principal(*n.Of)
		}
		for p, err := range s.cfg.Store.Privileges(ctx, f) {
			if err != nil {
				return err
			}
			if s.legacyAuthorization() || p.On.Kind != metastore.OnEverything || p.To.Name != metastore.AdminRole {
				all = append(all, p)
			}
		}
	}
	slices.SortStableFunc(all, comparePrivileges)
	var rows [][]string
	for _, p := range all {
		part, column := "", ""
		if p.On.Values != nil {
			part = "[" + strings.Join(p.On.Values, ", ") + "]"
		}
		if p.On.Column != "" {
			column = "[" + p.On.Column + "]"
		}
		rows = append(rows, []string{p.On.Database, p.On.Table, part, column, p.To.Name, string(p.To.Type), p.Name,
			strconv.FormatBool(p.GrantOption), grantTime(p.CreateTime), p.Grantor.Name})
	}
	r.show([]string{"database", "table", "partition", "column", "principal_name", "principal_type", "privilege", "grant_option",
		"grant_time", "grantor"}, rows)
	return nil
}

// shownPrivileges are the filters for what SHOW GRANT ... ON names.
func (s *Session) shownPrivileges(ctx context.Context, n *syntax.GrantObject) ([]metastore.PrivilegeFilter, error) {
	if n == nil || n.Kind == "ALL" {
		return []metastore.PrivilegeFilter{{}}, nil
	}
	on, err := s.securable(ctx, n)
	if err != nil {
		return nil, err
	}
	if len(n.Columns) == 0 {
		return []metastore.PrivilegeFilter{{On: on}}, nil
	}
	var filters []metastore.PrivilegeFilter
	for _, c := range n.Columns {
		filters = append(filters, metastore.PrivilegeFilter{On: onColumn(on, c.Object())})
	}
	return filters, nil
}

// comparePrivileges orders privileges as Hive lists them.
func comparePrivileges(p, q *metastore.Privilege) int {
	return cmp.Or(
		cmp.Compare(kindOrder(p.On.Kind), kindOrder(q.On.Kind)), cmp.Compare(p.On.Database, q.On.Database),
		cmp.Compare(p.On.Table, q.On.Table), slices.Compare(p.On.Values, q.On.Values), cmp.Compare(p.On.Column, q.On.Column),
		cmp.Compare(p.To.Name, q.To.Name), cmp.Compare(typeOrder(p.To.Type), typeOrder(q.To.Type)), cmp.Compare(p.Name, q.Name),
	)
}

func kindOrder(k metastore.SecurableKind) int {
	return slices.Index([]metastore.SecurableKind{metastore.OnEverything, metastore.OnDatabase, metastore.OnTable,
		metastore.OnPartition, metastore.OnColumn, metastore.OnPartitionColumn}, k)
}

func typeOrder(t metastore.PrincipalType) int {
	return slices.Index([]metastore.PrincipalType{metastore.UserPrincipal, metastore.GroupPrincipal, metastore.RolePrincipal}, t)
}
