package hms

import (
	"context"
	"maps"
	"strings"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// privilegeSet is what a user, groups and the roles that they have may do with something. What they may do with everything is listed
// without their roles, as in Hive.
func (s *Service) privilegeSet(ctx context.Context, a *privilegeSetArgs) (out *principalPrivilegeSet, err error) {
	on, err := securable(a.Object)
	if err != nil {
		return nil, metaf("%v", err)
	}
	if on.Kind == "" {
		return nil, metaf("it is not said on what the privileges are")
	}
	err = s.store(ctx).View(ctx, func(r metastore.Reader) error {
		out, err = privilegesOf(ctx, r, on, asker{a.User, a.Groups})
		return err
	})
	return out, err
}

// privilegesOf makes the set. Who has none on a thing is in it nevertheless, with none, but for everything.
func privilegesOf(
	ctx context.Context, r metastore.Reader, on metastore.Securable, asks asker,
) (*principalPrivilegeSet, error) {
	set, err := newPrivilegeSet(ctx, r, on.Kind, asks)
	if err != nil {
		return nil, err
	}
	for p, err := range r.Privileges(ctx, metastore.PrivilegeFilter{On: on}) {
		if err != nil {
			return nil, err
		}
		set.add(p)
	}
	if on.Kind == metastore.OnEverything { // as in Hive
		maps.DeleteFunc(set.UserPrivileges, hasNone)
		maps.DeleteFunc(set.GroupPrivileges, hasNone)
		if len(set.UserPrivileges) == 0 {
			set.UserPrivileges = nil
		}
	}
	return set, nil
}

func hasNone(_ string, list []*privilegeGrantInfo) bool { return len(list) == 0 }

// newPrivilegeSet has the names of those whose privileges are to be added.
func newPrivilegeSet(
	ctx context.Context, r metastore.Reader, kind metastore.SecurableKind, asks asker,
) (*principalPrivilegeSet, error) {
	set := &principalPrivilegeSet{}
	var who []metastore.Principal
	named := func(names ...string) map[string][]*privilegeGrantInfo {
		out := map[string][]*privilegeGrantInfo{}
		for _, name := range names {
			out[name] = []*privilegeGrantInfo{}
		}
		return out
	}
	if asks.user != nil {
		set.UserPrivileges = named(*asks.user)
		who = append(who, metastore.Principal{Type: metastore.UserPrincipal, Name: *asks.user})
	}
	if len(asks.groups) > 0 {
		set.GroupPrivileges = named(asks.groups...)
		for _, g := range asks.groups {
			who = append(who, metastore.Principal{Type: metastore.GroupPrincipal, Name: g})
		}
	}
	if kind == metastore.OnEverything {
		return set, nil
	}
	roles, err := metastore.RolesOf(ctx, r, who...)
	if len(roles) > 0 {
		set.RolePrivileges = named(roles...)
	}
	return set, err
}

// of are the parts of the set.
func (s *principalPrivilegeSet) of() map[metastore.PrincipalType]map[string][]*privilegeGrantInfo {
	return map[metastore.PrincipalType]map[string][]*privilegeGrantInfo{
		metastore.UserPrincipal: s.UserPrivileges, metastore.GroupPrincipal: s.GroupPrivileges, metastore.RolePrincipal: s.RolePrivileges,
	}
}

// has reports whether somebody's name is in the set.
func (s *principalPrivilegeSet) has(p metastore.Principal) bool {
	_, ok := s.of()[p.Type][p.Name]
	return ok
}

// clone is a set to which others can be added.
func (s *principalPrivilegeSet) clone() *principalPrivilegeSet {
	return &principalPrivilegeSet{maps.Clone(s.UserPrivileges), maps.Clone(s.GroupPrivileges), maps.Clone(s.RolePrivileges)}
}

// add adds a privilege, if it is of somebody whose name is in the set.
func (s *principalPrivilegeSet) add(p *metastore.Privilege) {
	of := s.of()[p.To.Type]
	if list, ok := of[p.To.Name]; ok {
		of[p.To.Name] = append(list, wireGrant(p))
	}
}

// owned are the privileges that a client gives principals with a new table.
func (s *principalPrivilegeSet) owned(name metastore.TableName) []*metastore.Privilege {
	if s == nil {
		return nil
	}
	var all []*metastore.Privilege
	for kind, of := range s.of() {
		for principal, list := range of {
			for _, g := range list {
				if g == nil {
					continue
				}
				all = append(all, &metastore.Privilege{
					Name: g.Privilege, On: metastore.Securable{Kind: metastore.OnTable, Database: name.Database, Table: name.Name},
					To: metastore.Principal{Type: kind, Name: principal}, Grantor: principalOf(g.GrantorType, g.Grantor),
					GrantOption: g.GrantOption, Authorizer: "SQL",
				})
			}
		}
	}
	return all
}

// withPrivileges reports whether a table's partitions have privileges of their own.
func withPrivileges(t *metastore.Table) bool {
	return strings.EqualFold(t.Parameters["PARTITION_LEVEL_PRIVILEGE"], "TRUE")
}

// partitionSets gives the sets of privileges of the partitions of a table; nil where they have none of their own. It holds those of the
// user, the groups and their roles in memory.
func partitionSets(
	ctx context.Context, r metastore.Reader, t *metastore.Table, asks asker,
) (func(partitions.Values) *principalPrivilegeSet, error) {
	if !withPrivileges(t) {
		return func(partitions.Values) *principalPrivilegeSet { return nil }, nil
	}
	none, err := newPrivilegeSet(ctx, r, metastore.OnPartition, asks)
	if err != nil {
		return nil, err
	}
	of := map[string][]*metastore.Privilege{}
	on := metastore.Securable{Kind: metastore.OnPartition, Database: t.Database, Table: t.Name}
	for p, err := range r.Privileges(ctx, metastore.PrivilegeFilter{On: on}) {
		if err != nil {
			return nil, err
		}
		if none.has(p.To) {
			key := strings.Join(p.On.Values, "\x00")
			of[key] = append(of[key], p)
		}
	}
	return func(v partitions.Values) *principalPrivilegeSet {
		set := none.clone()
		for _, p := range of[strings.Join(v, "\x00")] {
			set.add(p)
		}
		return set
	}, nil
}
