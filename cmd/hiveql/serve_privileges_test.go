package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apache "github.com/apache/thrift/lib/go/thrift"
	hive "github.com/beltran/gohive/hive_metastore"
)

// TestPrivilegesAreServed: roles and privileges that a script has granted are seen by a client of the metastore's protocol, and
// those that such a client has granted are seen, and taken away, by a script.
func TestPrivilegesAreServed(t *testing.T) {
	i := install(t)
	i.run(`CREATE TABLE t (a INT) PARTITIONED BY (ds STRING); ALTER TABLE t ADD PARTITION (ds = 'x/y'); CREATE ROLE analysts;
		GRANT SELECT (a) ON t TO USER ann WITH GRANT OPTION; GRANT INSERT ON t PARTITION (ds = 'x/y') TO ROLE analysts;
		GRANT analysts TO USER ann`)
	address, _ := i.startServe()
	socket := apache.NewTSocketConf(address, nil)
	if err := socket.Open(); err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	proto := apache.NewTBinaryProtocolConf(apache.NewTBufferedTransport(socket, 4096), nil)
	c := hive.NewThriftHiveMetastoreClient(apache.NewTStandardClient(proto, proto))

	column := &hive.HiveObjectRef{ObjectType: hive.HiveObjectType_COLUMN, DbName: "default", ObjectName: "t", ColumnName: "a"}
	got, err := c.ListPrivileges(t.Context(), "ann", hive.PrincipalType_USER, column)
	if err != nil || len(got) != 1 || got[0].GrantInfo.Privilege != "SELECT" || !got[0].GrantInfo.GrantOption || got[0].Authorizer != "SQL" {
		t.Errorf("on the column: %v, %v", got, err)
	}
	part := &hive.HiveObjectRef{ObjectType: hive.HiveObjectType_PARTITION, DbName: "default", ObjectName: "t", PartValues: []string{"x/y"}}
	got, err = c.ListPrivileges(t.Context(), "analysts", hive.PrincipalType_ROLE, part)
	if err != nil || len(got) != 1 || got[0].GrantInfo.Privilege != "INSERT" || !slices.Equal(got[0].HiveObject.PartValues, part.PartValues) {
		t.Errorf("on the partition: %v, %v", got, err)
	}
	roles, err := c.ListRoles(t.Context(), "ann", hive.PrincipalType_USER)
	if err != nil || len(roles) != 2 || roles[0].RoleName != "analysts" || roles[1].RoleName != "public" {
		t.Errorf("roles: %v, %v", roles, err)
	}

	grant := func(on *hive.HiveObjectRef) error {
		_, err := c.GrantPrivileges(t.Context(), &hive.PrivilegeBag{Privileges: []*hive.HiveObjectPrivilege{{
			HiveObject: on, PrincipalName: "bob", PrincipalType: hive.PrincipalType_USER, Authorizer: "SQL",
			GrantInfo: &hive.PrivilegeGrantInfo{Privilege: "DELETE", Grantor: "hive", GrantorType: hive.PrincipalType_USER},
		}}})
		return err
	}
	for _, on := range []*hive.HiveObjectRef{part, {ObjectType: hive.HiveObjectType_TABLE, DbName: "default", ObjectName: "T"}} {
		if err := grant(on); err != nil {
			t.Fatal(err)
		}
	}
	_, err = c.GrantRole(t.Context(), "analysts", "bob", hive.PrincipalType_USER, "ann", hive.PrincipalType_USER, true)
	if err != nil {
		t.Fatal(err)
	}
	var granted []string
	for _, row := range i.run("SHOW GRANT USER bob") {
		f := strings.Split(row, "\t") // but for the time and the grantor
		granted = append(granted, strings.Join(f[:8], " "))
	}
	if want := []string{"default t   bob USER DELETE false", "default t [x/y]  bob USER DELETE false"}; !slices.Equal(granted, want) {
		t.Errorf("of a client: %q", granted)
	}
	if rows := i.run("SHOW PRINCIPALS analysts"); len(rows) != 2 || !strings.HasPrefix(rows[1], "bob\tUSER\ttrue\tann\tUSER\t") {
		t.Errorf("of a client: %q", rows)
	}
	const again = "DELETE is already granted on partition [default,t,ds=x%2Fy] by hive"
	if err := grant(part); !strings.Contains(fmt.Sprint(err), again) {
		t.Errorf("again by a client: %v", err)
	}
	user := i.run("SHOW GRANT USER ann")
	as := strings.Split(user[0], "\t")[9] // who runs the scripts
	_, err = c.GrantPrivileges(t.Context(), &hive.PrivilegeBag{Privileges: []*hive.HiveObjectPrivilege{{
		HiveObject: part, PrincipalName: "bob", PrincipalType: hive.PrincipalType_USER, Authorizer: "SQL",
		GrantInfo: &hive.PrivilegeGrantInfo{Privilege: "UPDATE", Grantor: as, GrantorType: hive.PrincipalType_USER},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	i.run("REVOKE UPDATE ON t PARTITION (ds = 'x/y') FROM USER bob; REVOKE analysts FROM USER bob")
	got, err = c.ListPrivileges(t.Context(), "bob", hive.PrincipalType_USER, part)
	if err != nil || len(got) != 1 || got[0].GrantInfo.Privilege != "DELETE" {
		t.Errorf("after a script has revoked it: %v, %v", got, err)
	}
	members, err := c.GetPrincipalsInRole(t.Context(), &hive.GetPrincipalsInRoleRequest{RoleName: "analysts"})
	if err != nil || len(members.PrincipalGrants) != 1 || members.PrincipalGrants[0].PrincipalName != "ann" {
		t.Errorf("after a script has revoked it: %v, %v", members, err)
	}
}
