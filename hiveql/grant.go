package hiveql

import (
	"context"
	"errors"
	"strings"

	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// grantPrivileges runs GRANT and REVOKE of privileges: all of it or nothing.
func (s *Session) grantPrivileges(ctx context.Context, n *syntax.Grant) error {
	on, err := s.securable(ctx, n.On)
	if err != nil {
		return err
	}
	if n.Option && !n.Revoke && on.Values != nil {
		return s.grantRefused("Grant does not support partition level.")
	}
	var all []*metastore.Privilege
	for i := range n.Privileges {
		names, places, err := s.granted(&n.Privileges[i], on)
		if err != nil {
			return err
		}
		for _, to := range n.To {
			for _, name := range names {
				for _, place := range places {
					all = append(all, &metastore.Privilege{Name: name, On: place, To: s.principal(to), Grantor: s.itself(),
						GrantOption: n.Option, Authorizer: s.authorizer(), CreateTime: s.cfg.Now()})
				}
			}
		}
	}
	return s.changeRoles(ctx, func(h metastore.HiveRoles) error {
		for _, p := range all {
			var err error
			if n.Revoke {
				err = s.revoke(ctx, h, p, n.Option)
			} else {
				err = s.metaRefused("Error granting privileges", h.GrantPrivilege(ctx, p))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// grantRefused is the error of a statement that asks for what there is not.
func (s *Session) grantRefused(format string, args ...any) *Error {
	if s.legacyAuthorization() {
		format = "org.apache.hadoop.hive.ql.metadata.HiveException: " + format
	}
	return ddlFailed(format, args...)
}

// securable finds what a privilege is on. Where it is nil, that is everything.
func (s *Session) securable(ctx context.Context, n *syntax.GrantObject) (on metastore.Securable, err error) {
	on.Kind = metastore.OnEverything
	if n == nil {
		return on, nil
	}
	switch n.Kind {
	case "URI", "SERVER":
		return on, semantic(nil, 0, "Hive authorization does not support the URI or SERVER objects")
	case "DATABASE":
		on.Kind, on.Database = metastore.OnDatabase, n.Name.Parts[0].Object()
		_, err := s.cfg.Store.Database(ctx, on.Database)
		if errors.Is(err, metastore.ErrNoSuchDatabase) {
			return on, s.grantRefused("Database %s does not exists", on.Database)
		}
		return on, err
	}
	t, err := s.table(ctx, &n.Name)
	if err != nil {
		return on, err
	}
	on.Kind, on.Database, on.Table = metastore.OnTable, t.Database, t.Name
	if n.Partition == nil {
		return on, nil
	}
	if !t.Partitioned() {
		return on, semantic(n.Partition, 10241, "Table is not partitioned, but partition name is present: %s", syntax.Print(n.Partition))
	}
	part, err := s.chosenPartition(ctx, t, n.Partition)
	if err != nil {
		return on, err
	}
	on.Kind, on.Values = metastore.OnPartition, part.Values
	return on, nil
}

// sqlPrivileges are what ALL stands for in Hive's SQL standards based authorization.
var sqlPrivileges = []string{"SELECT", "INSERT", "UPDATE", "DELETE"}

// granted are the names of privileges that n stands for, and what they are on: columns where it has any.
func (s *Session) granted(n *syntax.GrantedPrivilege, on metastore.Securable) (names []string, places []metastore.Securable, err error) {
	legacy := s.legacyAuthorization()
	if legacy && (n.Name == "INSERT" || n.Name == "DELETE") {
		return nil, nil, semantic(nil, 0, "Undefined privilege %s", n.Name[:1]+strings.ToLower(n.Name[1:]))
	}
	names = []string{n.Name}
	if n.Name == "ALL" && !legacy && on.Kind != metastore.OnEverything {
		names = sqlPrivileges
	}
	if len(n.Columns) == 0 {
		return names, []metastore.Securable{on}, nil
	}
	var columns []string
	for _, c := range n.Columns {
		columns = append(columns, c.Object())
	}
	list := "[" + strings.Join(columns, ", ") + "]"
	switch {
	case on.Kind == metastore.OnEverything:
		return nil, nil, s.grantRefused("For user-level privileges, column sets should be null. columns=%s", list)
	case n.Name != "SELECT":
		return nil, nil, s.grantRefused("%s does not support column level privilege.", n.Name)
	case on.Kind == metastore.OnDatabase:
		return nil, nil, s.grantRefused("For user-level/database-level privileges, column sets should be null. columns=%s", list)
	}
	for _, c := range columns {
		places = append(places, onColumn(on, c))
	}
	return names, places, nil
}

// onColumn is a column of a table or partition.
func onColumn(on metastore.Securable, column string) metastore.Securable {
	on.Column = column
	if on.Kind = metastore.OnColumn; on.Values != nil {
		on.Kind = metastore.OnPartitionColumn
	}
	return on
}

// revoke takes a privilege away: in Hive's SQL standards based authorization, which looks before it asks the metastore, one that
// the session's user has granted, in the older one whoever has.
func (s *Session) revoke(ctx context.Context, h metastore.HiveRoles, p *metastore.Privilege, onlyOption bool) error {
	q := *p
	q.Authorizer = ""
	if s.legacyAuthorization() {
		q.Grantor = metastore.Principal{}
	}
	err := h.RevokePrivilege(ctx, &q, onlyOption)
	if errors.Is(err, metastore.ErrNotGranted) && !s.legacyAuthorization() {
		return ddlFailed("Cannot find privilege Privilege [name=%s, columns=%s] for Principal [name=%s, type=%s] on %s granted by %s",
			p.Name, columnsOf(&p.On), p.To.Name, p.To.Type, objectText(&p.On), p.Grantor.Name)
	}
	return s.metaRefused("Error revoking privileges", err)
}

func columnsOf(on *metastore.Securable) string {
	if on.Column == "" {
		return "null"
	}
	return "[" + on.Column + "]"
}

// objectText is how Hive prints what a privilege is on.
func objectText(on *metastore.Securable) string {
	switch on.Kind {
	case metastore.OnEverything:
		return "Object [type=GLOBAL, name=null]"
	case metastore.OnDatabase:
		return "Object [type=DATABASE, name=" + on.Database + "]"
	}
	part := ""
	if on.Values != nil {
		part = "[" + strings.Join(on.Values, ", ") + "]"
	}
	return "Object [type=TABLE_OR_VIEW, name=" + on.Database + "." + on.Table + part + "]"
}
