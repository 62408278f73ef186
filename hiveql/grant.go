package hiveql

import (
	"context"
	"errors"
	"fmt"
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
	return s.cfg.Store.Update(ctx, func(tx metastore.Tx) error {
		for _, p := range all {
			err := error(nil)
			if n.Revoke {
				err = s.revoke(ctx, tx, p, n.Option)
			} else {
				err = s.grant(ctx, tx, p)
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

func (s *Session) grant(ctx context.Context, tx metastore.Tx, p *metastore.Privilege) error {
	const doing = "Error granting privileges"
	err := tx.GrantPrivileges(ctx, []*metastore.Privilege{p})
	switch {
	case errors.Is(err, metastore.ErrNoSuchRole):
		return s.metaFailed(doing, caughtNone+"Role %s does not exist", p.To.Name)
	case errors.Is(err, metastore.ErrExists):
		return s.metaFailed(doing, caughtExists+"%s is already granted%s by %s", p.Name, grantedOn(ctx, tx, &p.On), p.Grantor.Name)
	}
	return err
}

// grantedOn is how Hive says what a privilege is on that is granted already.
func grantedOn(ctx context.Context, tx metastore.Tx, on *metastore.Securable) string {
	switch on.Kind {
	case metastore.OnEverything:
		return ""
	case metastore.OnDatabase:
		return " on database " + on.Database
	}
	place := on.Database + "," + on.Table
	kind := "table"
	if on.Values != nil {
		kind = "partition"
		place += "," + partitionName(ctx, tx, on)
	}
	if on.Column != "" {
		kind = "column " + on.Column
	}
	return fmt.Sprintf(" on %s [%s]", kind, place)
}

// partitionName is the name of the partition that a privilege is on, or its values where that cannot be told.
func partitionName(ctx context.Context, tx metastore.Tx, on *metastore.Securable) string {
	if t, err := tx.Table(ctx, metastore.TableName{Database: on.Database, Name: on.Table}); err == nil {
		if name, err := t.Keys().Name(on.Values); err == nil {
			return name
		}
	}
	return strings.Join(on.Values, "/")
}

// revoke takes a privilege away: in Hive's SQL standards based authorization one that the session's user has granted, in the older
// one whoever has.
func (s *Session) revoke(ctx context.Context, tx metastore.Tx, p *metastore.Privilege, onlyOption bool) error {
	const doing = "Error revoking privileges"
	q := *p
	q.Authorizer = ""
	if s.legacyAuthorization() {
		q.Grantor = metastore.Principal{}
	}
	err := tx.RevokePrivileges(ctx, []*metastore.Privilege{&q}, onlyOption)
	switch {
	case errors.Is(err, metastore.ErrNoGrantOption):
		return s.metaFailed(doing, "User %s does not have grant option with privilege %s", p.To.Name, p.Name)
	case errors.Is(err, metastore.ErrNotGranted) && s.legacyAuthorization():
		return s.metaFailed(doing, caughtExists+"%s", notGranted(ctx, tx, p))
	case errors.Is(err, metastore.ErrNotGranted):
		return ddlFailed("Cannot find privilege Privilege [name=%s, columns=%s] for Principal [name=%s, type=%s] on %s granted by %s",
			p.Name, columnsOf(&p.On), p.To.Name, p.To.Type, objectText(&p.On), p.Grantor.Name)
	}
	return err
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

// notGranted is how Hive's metastore says that a privilege cannot be revoked.
func notGranted(ctx context.Context, tx metastore.Tx, p *metastore.Privilege) string {
	on := &p.On
	text := fmt.Sprintf("No grant (%s) found  on table %s", p.Name, on.Table)
	switch on.Kind {
	case metastore.OnEverything:
		return "No user grant found for privileges " + p.Name
	case metastore.OnDatabase:
		return fmt.Sprintf("No database grant found for privileges %s on database %s", p.Name, on.Database)
	}
	if on.Values != nil {
		text += ", partition is " + partitionName(ctx, tx, on)
	}
	if on.Column != "" {
		text += ", column name = " + on.Column
	}
	return text + ", database is " + on.Database
}
