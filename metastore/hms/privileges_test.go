package hms_test

import (
	"slices"
	"strings"
	"testing"

	hive "github.com/beltran/gohive/hive_metastore"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
)

// TestPrivilegesOfPartitions: where a table's partitions have privileges of their own, who asks for partitions is told what he may do
// with them, himself and by his roles.
func TestPrivilegesOfPartitions(t *testing.T) {
	store := openStore(t)
	c := gohive(t, serve(t, hms.Config{Store: store}))
	ctx := t.Context()
	name := metastore.TableName{Database: "default", Name: "t"}
	ann := metastore.Principal{Type: metastore.UserPrincipal, Name: "ann"}
	analysts := metastore.Principal{Type: metastore.RolePrincipal, Name: "analysts"}
	on := metastore.Securable{Kind: metastore.OnTable, Database: "default", Table: "t"}
	must(t, store.Update(ctx, func(tx metastore.Tx) error {
		must(t, tx.CreateRole(ctx, &metastore.Role{Name: "analysts"}))
		must(t, tx.GrantRole(ctx, &metastore.RoleGrant{Role: "analysts", To: metastore.Principal{Type: metastore.GroupPrincipal, Name: "staff"}}))
		must(t, tx.CreateTable(ctx, &metastore.Table{
			TableName: name, Type: metastore.External, PartitionKeys: []metastore.Column{{Name: "ds", Type: hivetype.Of(hivetype.String)}},
			Parameters: map[string]string{"PARTITION_LEVEL_PRIVILEGE": "TRUE"},
		}))
		must(t, tx.GrantPrivileges(ctx, []*metastore.Privilege{{Name: "SELECT", On: on, To: ann}, {Name: "INSERT", On: on, To: analysts}}))
		must(t, tx.AddPartitions(ctx, name, []*metastore.Partition{{Values: []string{"1"}}, {Values: []string{"2"}}}, false))
		on.Kind, on.Values = metastore.OnPartition, []string{"2"}
		return tx.RevokePrivileges(ctx, []*metastore.Privilege{{Name: "INSERT", On: on, To: analysts}}, false)
	}))
	show := func(ps []*hive.Partition, err error) string {
		t.Helper()
		must(t, err)
		var lines []string
		for _, p := range ps {
			line := p.Values[0]
			if p.Privileges != nil {
				var roles []string
				for role, list := range p.Privileges.RolePrivileges {
					for _, g := range list {
						roles = append(roles, role+"="+g.Privilege)
					}
				}
				slices.Sort(roles)
				line += " " + p.Privileges.UserPrivileges["ann"][0].Privilege + " " + strings.Join(roles, ",")
			}
			lines = append(lines, line)
		}
		return strings.Join(lines, "; ")
	}
	one, err := c.GetPartitionWithAuth(ctx, "default", "t", []string{"1"}, "ann", []string{"staff"})
	for got, want := range map[string]string{
		show([]*hive.Partition{one}, err):                                                                 "1 SELECT analysts=INSERT",
		show(c.GetPartitionsWithAuth(ctx, "default", "t", -1, "ann", []string{"staff"})):                  "1 SELECT analysts=INSERT; 2 SELECT ",
		show(c.GetPartitionsPsWithAuth(ctx, "default", "t", []string{"2"}, -1, "ann", []string{"staff"})): "2 SELECT ",
		show(c.GetPartitionsPsWithAuth(ctx, "default", "t", []string{"1"}, -1, "ann", nil)):               "1 SELECT ",
		show(c.GetPartitions(ctx, "default", "t", -1)):                                                    "1; 2",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
