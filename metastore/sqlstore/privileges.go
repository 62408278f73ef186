package sqlstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/skepdata/skep/metastore"
)

// place is where a securable is kept: the columns of the table privileges.
type place struct {
	database, table   int64
	partition, column string
}

// privilegeRow is a row of it.
type privilegeRow struct {
	id int64
	*metastore.Privilege
}

// privilegeJSON is the column body: what no column has.
type privilegeJSON struct {
	Name        string              `json:"name"`
	Grantor     metastore.Principal `json:"grantor"`
	GrantOption bool                `json:"grant_option,omitempty"`
	Created     int64               `json:"created"`
}

func privilegeBody(p *metastore.Privilege) string {
	return encode(privilegeJSON{p.Name, p.Grantor, p.GrantOption, p.CreateTime.UnixMicro()})
}

func (s session) insertPrivilege(ctx context.Context, id int64, at place, p *metastore.Privilege) error {
	_, err := s.exec(ctx, `
INSERT INTO privileges (id, kind, database_id, table_id, partition_name, column_name, principal_type, principal, authorizer, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, string(p.On.Kind), at.database, at.table, at.partition, at.column, string(p.To.Type), p.To.Name, p.Authorizer, privilegeBody(p))
	return err
}

// Privileges implements metastore.Reader.
func (r reader) Privileges(ctx context.Context, f metastore.PrivilegeFilter) iter.Seq2[*metastore.Privilege, error] {
	return func(yield func(*metastore.Privilege, error) bool) {
		for row, err := range r.privileges(ctx, f) {
			if err != nil {
				yield(nil, fail("list", "privileges", err))
				return
			}
			if !yield(row.Privilege, nil) {
				return
			}
		}
	}
}

// privileges reads page by page.
func (r reader) privileges(ctx context.Context, f metastore.PrivilegeFilter) iter.Seq2[privilegeRow, error] {
	return func(yield func(privilegeRow, error) bool) {
		where, args, err := r.wherePrivileges(ctx, f)
		if err != nil {
			if !nothingThere(err) {
				yield(privilegeRow{}, err)
			}
			return
		}
		keys := map[metastore.TableName]tableRow{}
		for after := int64(0); ; {
			page, err := r.privilegesAfter(ctx, after, where, args, keys)
			if err != nil {
				yield(privilegeRow{}, err)
				return
			}
			for _, row := range page {
				if after = row.id; !yield(row, nil) {
					return
				}
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func nothingThere(err error) bool {
	return errors.Is(err, metastore.ErrNoSuchDatabase) || errors.Is(err, metastore.ErrNoSuchTable) || errors.Is(err, metastore.ErrNoSuchPartition)
}

// wherePrivileges is the condition of a filter. Its error is that what it names is not there.
func (r reader) wherePrivileges(ctx context.Context, f metastore.PrivilegeFilter) (where string, args []any, err error) {
	add := func(column string, v any) {
		where += " AND " + column + " = ?"
		args = append(args, v)
	}
	on := f.On
	if on.Kind != "" {
		add("p.kind", string(on.Kind))
	}
	switch {
	case on.Kind == metastore.OnEverything:
		add("p.table_id", 0)
	case on.Table != "":
		row, err := r.tableRow(ctx, lowerName(metastore.TableName{Database: on.Database, Name: on.Table}))
		if err != nil {
			return "", nil, err
		}
		add("p.table_id", row.id)
		if on.Values != nil {
			part, err := row.named(on.Values)
			if err != nil {
				return "", nil, fmt.Errorf("%w: %w", metastore.ErrNoSuchPartition, err)
			}
			add("p.partition_name", part.name)
		}
	case on.Database != "":
		add("coalesce(td.name, d.name)", strings.ToLower(on.Database))
	}
	for column, v := range map[string]string{
		"p.column_name": strings.ToLower(on.Column), "p.principal_type": string(f.To.Type), "p.principal": f.To.Name, "p.authorizer": f.Authorizer,
	} {
		if v != "" {
			add(column, v)
		}
	}
	return where, args, nil
}

func (r reader) privilegesAfter(
	ctx context.Context, after int64, where string, args []any, keys map[metastore.TableName]tableRow,
) (page []privilegeRow, err error) {
	var names []string // of their partitions
	err = r.each(ctx, func(scan func(...any) error) error {
		p := &metastore.Privilege{}
		row := privilegeRow{0, p}
		var part, body string
		err := scan(&row.id, &p.On.Kind, &p.On.Database, &p.On.Table, &part, &p.On.Column, &p.To.Type, &p.To.Name, &p.Authorizer, &body)
		if err != nil {
			return err
		}
		var j privilegeJSON
		if err := json.Unmarshal([]byte(body), &j); err != nil {
			return fmt.Errorf("privilege %d: %w", row.id, err)
		}
		p.Name, p.Grantor, p.GrantOption, p.CreateTime = j.Name, j.Grantor, j.GrantOption, decodeTime(j.Created)
		page, names = append(page, row), append(names, part)
		return nil
	}, `
SELECT p.id, p.kind, coalesce(td.name, d.name, ''), coalesce(t.name, ''), p.partition_name, p.column_name, p.principal_type, p.principal,
       p.authorizer, p.body
  FROM privileges p LEFT JOIN tables t ON t.id = p.table_id LEFT JOIN dbs td ON td.id = t.database_id LEFT JOIN dbs d ON d.id = p.database_id
 WHERE p.id > ?`+where+` ORDER BY p.id LIMIT ?`, slices.Concat([]any{after}, args, []any{pageSize})...)
	if err != nil {
		return nil, err
	}
	for i, row := range page {
		if names[i] == "" {
			continue
		}
		name := metastore.TableName{Database: row.On.Database, Name: row.On.Table}
		t, ok := keys[name]
		if !ok {
			if t, err = r.tableRow(ctx, name); err != nil {
				return nil, err
			}
			keys[name] = t
		}
		if row.On.Values, err = t.keys.ParseName(names[i]); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// GrantPrivileges implements metastore.Tx.
func (t *tx) GrantPrivileges(ctx context.Context, ps []*metastore.Privilege) error {
	return t.atomically(ctx, "grant privileges", nameOn(ps), func() error {
		var granted []*metastore.Privilege
		for _, p := range ps {
			if err := p.Validate(); err != nil {
				return err
			}
			now := *p
			now.On.Database, now.On.Table, now.On.Column = strings.ToLower(p.On.Database), strings.ToLower(p.On.Table), strings.ToLower(p.On.Column)
			now.CreateTime = decodeTime(encodeTime(p.CreateTime))
			at, err := t.placeOf(ctx, &now.On)
			if err == nil && p.To.Type == metastore.RolePrincipal {
				_, err = t.role(ctx, p.To.Name)
			}
			if err != nil {
				return err
			}
			for old, err := range t.privileges(ctx, metastore.PrivilegeFilter{On: now.On, To: now.To}) {
				if err != nil {
					return err
				}
				if now.Same(old.Privilege) {
					return fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrExists)
				}
			}
			if err := t.insertPrivilege(ctx, t.newID(), at, &now); err != nil {
				return err
			}
			granted = append(granted, &now)
		}
		if len(granted) == 0 {
			return nil
		}
		return t.log(ctx, metastore.GrantedPrivileges, objectOf(granted), nil, stateJSON{Privileges: granted})
	})
}

// placeOf finds a securable, which must exist.
func (t *tx) placeOf(ctx context.Context, on *metastore.Securable) (at place, err error) {
	switch on.Kind {
	case metastore.OnEverything:
		return at, nil
	case metastore.OnDatabase:
		at.database, err = t.databaseID(ctx, on.Database)
		return at, err
	}
	row, err := t.tableRow(ctx, metastore.TableName{Database: on.Database, Name: on.Table})
	if err != nil {
		return at, err
	}
	at.table, at.column = row.id, on.Column
	if on.Values == nil {
		return at, nil
	}
	part, err := row.named(on.Values)
	if err != nil {
		return at, err
	}
	at.partition = part.name
	err = t.existing(ctx, row, []string{part.name}, func(string) { part.name = "" })
	if err == nil && part.name != "" {
		err = fmt.Errorf("%s: %w", part.name, metastore.ErrNoSuchPartition)
	}
	return at, err
}

// RevokePrivileges implements metastore.Tx.
func (t *tx) RevokePrivileges(ctx context.Context, ps []*metastore.Privilege, onlyOption bool) error {
	return t.atomically(ctx, "revoke privileges", nameOn(ps), func() error {
		var was, left []*metastore.Privilege
		for _, p := range ps {
			if err := p.Validate(); err != nil {
				return err
			}
			old, err := t.granted(ctx, p)
			if err != nil {
				return err
			}
			was = append(was, old.Privilege)
			if !onlyOption {
				_, err = t.exec(ctx, `DELETE FROM privileges WHERE id = ?`, old.id)
			} else {
				if !old.GrantOption {
					return fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrNoGrantOption)
				}
				now := *old.Privilege
				now.GrantOption = false
				left = append(left, &now)
				_, err = t.exec(ctx, `UPDATE privileges SET body = ? WHERE id = ?`, privilegeBody(&now), old.id)
			}
			if err != nil {
				return err
			}
		}
		if len(was) == 0 {
			return nil
		}
		return t.log(ctx, metastore.RevokedPrivileges, objectOf(was), &stateJSON{Privileges: was}, stateJSON{Privileges: left})
	})
}

// granted finds what a revocation takes away.
func (t *tx) granted(ctx context.Context, p *metastore.Privilege) (privilegeRow, error) {
	for old, err := range t.privileges(ctx, metastore.PrivilegeFilter{On: p.On, To: p.To}) {
		if err != nil || p.Revokes(old.Privilege) {
			return old, err
		}
	}
	return privilegeRow{}, fmt.Errorf("%s to %s: %w", p.Name, p.To, metastore.ErrNotGranted)
}

// nameOn is what privileges are on, for messages.
func nameOn(ps []*metastore.Privilege) string {
	if len(ps) == 0 {
		return "none"
	}
	on := ps[0].On
	return strings.TrimRight(fmt.Sprintf("on %s %s.%s", on.Kind, on.Database, on.Table), ". ")
}

// objectOf is what the change log says that privileges are on.
func objectOf(ps []*metastore.Privilege) metastore.TableName {
	return metastore.TableName{Database: ps[0].On.Database, Name: ps[0].On.Table}
}

// partitionPrivileges is the parameter of tables whose partitions begin with the table's privileges.
const partitionPrivileges = "PARTITION_LEVEL_PRIVILEGE"

// inherited are the privileges that new partitions of a table begin with.
func (t *tx) inherited(ctx context.Context, row tableRow) (list []*metastore.Privilege, err error) {
	var text string
	if err := t.one(ctx, `SELECT parameters FROM tables WHERE id = ?`, with(row.id), &text); err != nil || !strings.Contains(text, partitionPrivileges) {
		return nil, err
	}
	parameters, err := decodeParameters(text)
	if err != nil || !strings.EqualFold(parameters[partitionPrivileges], "TRUE") {
		return nil, err
	}
	for _, kind := range []metastore.SecurableKind{metastore.OnTable, metastore.OnColumn} {
		on := metastore.Securable{Kind: kind, Database: row.name.Database, Table: row.name.Name}
		for p, err := range t.privileges(ctx, metastore.PrivilegeFilter{On: on}) {
			if err != nil {
				return nil, err
			}
			list = append(list, p.Privilege)
		}
	}
	return list, nil
}

// inherit gives them to partitions that have been added.
func (t *tx) inherit(ctx context.Context, row tableRow, list []*metastore.Privilege, added []partition) error {
	for _, part := range added {
		for _, p := range list {
			now := *p
			now.On.Kind = metastore.OnPartition
			if p.On.Kind == metastore.OnColumn {
				now.On.Kind = metastore.OnPartitionColumn
			}
			now.CreateTime = decodeTime(encodeTime(part.CreateTime))
			if err := t.insertPrivilege(ctx, t.newID(), place{0, row.id, part.name, p.On.Column}, &now); err != nil {
				return err
			}
		}
	}
	return nil
}
