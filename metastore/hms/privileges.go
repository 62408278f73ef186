package hms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
)

// The numbers of what privileges are on. That of a column is also that of a column of a partition, which has values.
var objectTypes = map[string]int32{"GLOBAL": 1, "DATABASE": 2, "TABLE": 3, "PARTITION": 4, "COLUMN": 5}

// addPrivileges adds the methods for privileges. They are kept and given back; nothing here asks whether somebody has one.
func (s *Service) addPrivileges(t *thrift.Service) {
	thrift.Handle(t, "get_privilege_set", s.privilegeSet, throwsM...)
	thrift.Handle(t, "list_privileges", s.listPrivileges, throwsM...)
	thrift.Handle(t, "grant_privileges", func(ctx context.Context, a *requestArgs[privilegeBag]) (bool, error) {
		return true, s.grantAll(ctx, &a.Request)
	}, throwsM...)
	thrift.Handle(t, "revoke_privileges", func(ctx context.Context, a *requestArgs[privilegeBag]) (bool, error) {
		return true, s.revokeAll(ctx, &a.Request, false)
	}, throwsM...)
	thrift.Handle(t, "grant_revoke_privileges", func(ctx context.Context, a *requestArgs[grantRevokePrivilegeRequest]) (*grantRevoked, error) {
		switch r := a.Request; r.RequestType {
		case toGrant:
			return &grantRevoked{true}, s.grantAll(ctx, r.Privileges)
		case toRevoke:
			return &grantRevoked{true}, s.revokeAll(ctx, r.Privileges, r.RevokeGrantOption)
		}
		return nil, metaf("Unknown request type null")
	}, throwsM...)
	thrift.Handle(t, "refresh_privileges", func(ctx context.Context, a *refreshPrivilegesArgs) (*grantRevoked, error) {
		return &grantRevoked{true}, s.refresh(ctx, a)
	}, throwsM...)
}

// securable reads what a privilege is on.
func securable(in *hiveObjectRef) (on metastore.Securable, err error) {
	if in == nil {
		return on, metaf("a privilege is on nothing")
	}
	if err := knownCatalog(in.CatName); err != nil {
		return on, err
	}
	on.Kind = metastore.SecurableKind(nameOf(objectTypes, in.ObjectType))
	if on.Kind == metastore.OnEverything {
		return on, nil
	}
	if on.Database, err = databaseName(in.DbName); err != nil || on.Kind == metastore.OnDatabase {
		return on, err
	}
	on.Table = strings.ToLower(in.ObjectName)
	if on.Kind == metastore.OnColumn {
		on.Column = strings.ToLower(in.ColumnName)
		if len(in.PartValues) > 0 {
			on.Kind = metastore.OnPartitionColumn
		}
	}
	if on.Kind != metastore.OnTable && len(in.PartValues) > 0 {
		on.Values = orDefault(in.PartValues)
	}
	return on, nil
}

func wireSecurable(on *metastore.Securable) *hiveObjectRef {
	kind := on.Kind
	if kind == metastore.OnPartitionColumn {
		kind = metastore.OnColumn
	}
	out := &hiveObjectRef{
		ObjectType: objectTypes[string(kind)], DbName: on.Database, ObjectName: on.Table, PartValues: on.Values, ColumnName: on.Column,
	}
	if kind != metastore.OnEverything {
		out.CatName = catalog
	}
	return out
}

func wirePrivilege(p *metastore.Privilege) *hiveObjectPrivilege {
	return &hiveObjectPrivilege{wireSecurable(&p.On), p.To.Name, principalTypes[string(p.To.Type)], wireGrant(p), p.Authorizer}
}

func wireGrant(p *metastore.Privilege) *privilegeGrantInfo {
	return &privilegeGrantInfo{p.Name, seconds(p.CreateTime), p.Grantor.Name, principalTypes[string(p.Grantor.Type)], p.GrantOption}
}

// privileges reads a bag: an element may have several names, with commas between them.
func (b *privilegeBag) privileges() ([]*metastore.Privilege, error) {
	var all []*metastore.Privilege
	if b == nil {
		return nil, nil
	}
	for _, in := range b.Privileges {
		if in == nil || in.GrantInfo == nil {
			return nil, metaf("a privilege has no grant")
		}
		on, err := securable(in.HiveObject)
		if err != nil {
			return nil, metaf("%v", err)
		}
		for name := range strings.SplitSeq(in.GrantInfo.Privilege, ",") {
			all = append(all, &metastore.Privilege{
				Name: name, On: on, To: principalOf(in.PrincipalType, in.PrincipalName), Authorizer: in.Authorizer,
				Grantor: principalOf(in.GrantInfo.GrantorType, in.GrantInfo.Grantor), GrantOption: in.GrantInfo.GrantOption,
			})
		}
	}
	return all, nil
}

// grantAll grants what is in a bag. As in Hive, what is on a table or partition that does not exist is passed over.
func (s *Service) grantAll(ctx context.Context, bag *privilegeBag) error {
	all, err := bag.privileges()
	if err != nil {
		return err
	}
	return s.update(ctx, func(ctx context.Context, tx metastore.Tx) error { return s.grantIn(ctx, tx, all) })
}

func (s *Service) grantIn(ctx context.Context, tx metastore.Tx, all []*metastore.Privilege) error {
	for _, p := range all {
		p.CreateTime = s.Now()
		err := metastore.HiveRoles{Tx: tx}.GrantPrivilege(ctx, p)
		var refused *metastore.Refused
		switch {
		case errors.As(err, &refused):
			return err
		case errors.Is(err, metastore.ErrNoSuchDatabase), errors.Is(err, metastore.ErrNoSuchTable), errors.Is(err, metastore.ErrNoSuchPartition):
		case err != nil:
			return err
		}
	}
	return nil
}

// revokeAll revokes what is in a bag. Of the same privilege from several grantors the oldest goes, whoever asks. As in Hive, those
// without a name are passed over.
func (s *Service) revokeAll(ctx context.Context, bag *privilegeBag, onlyOption bool) error {
	all, err := bag.privileges()
	if err != nil {
		return err
	}
	return s.changeRoles(ctx, func(ctx context.Context, h metastore.HiveRoles) error {
		for _, p := range all {
			if strings.TrimSpace(p.Name) == "" {
				continue
			}
			q := *p
			q.Grantor, q.Authorizer = metastore.Principal{}, ""
			if err := h.RevokePrivilege(ctx, &q, onlyOption); err != nil {
				return err
			}
		}
		return nil
	})
}

// refresh makes the privileges on something that a program has asked for those of a bag, and leaves those alone that are in it
// and there already.
func (s *Service) refresh(ctx context.Context, a *refreshPrivilegesArgs) error {
	on, err := securable(a.Object)
	if err != nil {
		return metaf("%v", err)
	}
	switch on.Kind {
	case metastore.OnDatabase, metastore.OnTable, metastore.OnColumn:
	default:
		return metaf("Unexpected object type %s", on.Kind)
	}
	on.Column = "" // of all columns at once
	var wanted []*metastore.Privilege
	if a.Request != nil {
		if wanted, err = a.Request.Privileges.privileges(); err != nil {
			return err
		}
	}
	same := func(p metastore.Privilege) string {
		p.CreateTime = time.Time{}
		return fmt.Sprintf("%#v", p)
	}
	return s.update(ctx, func(ctx context.Context, tx metastore.Tx) error {
		lacking := map[string]*metastore.Privilege{}
		for _, p := range wanted {
			lacking[same(*p)] = p
		}
		var old []*metastore.Privilege
		for p, err := range tx.Privileges(ctx, metastore.PrivilegeFilter{On: on, Authorizer: a.Authorizer}) {
			if err != nil {
				return err
			}
			if lacking[same(*p)] == nil {
				old = append(old, p)
			}
			delete(lacking, same(*p))
		}
		if err := tx.RevokePrivileges(ctx, old, false); err != nil {
			return err
		}
		var grants []*metastore.Privilege
		for _, p := range wanted {
			if lacking[same(*p)] != nil {
				grants = append(grants, p)
				delete(lacking, same(*p))
			}
		}
		return s.grantIn(ctx, tx, grants)
	})
}

// listPrivileges lists the privileges of a principal, or without one of all, on something, or on all of a kind, or on everything.
func (s *Service) listPrivileges(ctx context.Context, a *listPrivilegesArgs) ([]*hiveObjectPrivilege, error) {
	if a.Object == nil {
		return nil, metaf("it is not said on what the privileges are")
	}
	on, err := securable(a.Object)
	if err != nil {
		return nil, metaf("%v", err)
	}
	f := metastore.PrivilegeFilter{On: on}
	if a.Name != nil {
		if f.To = principalOf(a.Type, *a.Name); *a.Name == "" {
			return []*hiveObjectPrivilege{}, nil
		}
	}
	kinds := []metastore.SecurableKind{on.Kind}
	if on.Kind == "" {
		f.On = metastore.Securable{}
		kinds = []metastore.SecurableKind{
			metastore.OnEverything, metastore.OnDatabase, metastore.OnTable, metastore.OnPartition, metastore.OnColumn, metastore.OnPartitionColumn,
		}
	}
	var out []*hiveObjectPrivilege
	err = s.store(ctx).View(ctx, func(r metastore.Reader) error {
		out = []*hiveObjectPrivilege{}
		for _, f.On.Kind = range kinds {
			for p, err := range r.Privileges(ctx, f) {
				if err != nil {
					return err
				}
				out = append(out, wirePrivilege(p))
			}
		}
		return nil
	})
	return out, err
}
