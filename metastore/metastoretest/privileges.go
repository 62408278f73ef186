package metastoretest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

func privilege(name string, on metastore.Securable, to metastore.Principal, option bool) *metastore.Privilege {
	return &metastore.Privilege{Name: name, On: on, To: to, Grantor: ann, GrantOption: option, Authorizer: "SQL"}
}

func (s suite) grant(ps ...*metastore.Privilege) {
	s.t.Helper()
	s.update(func(tx metastore.Tx) error { return tx.GrantPrivileges(s.ctx, ps) })
}

// privileges writes down privileges: "SELECT on TABLE d.t to USER Ann by bob+ (SQL)", where + is the grant option.
func (s suite) privileges(f metastore.PrivilegeFilter) string {
	s.t.Helper()
	var lines []string
	for _, p := range collect(s.t, s.store.Privileges(s.ctx, f)) {
		on := string(p.On.Kind)
		if p.On.Database != "" {
			on += " " + p.On.Database
		}
		if p.On.Table != "" {
			on += "." + p.On.Table
		}
		if p.On.Values != nil {
			on += fmt.Sprintf("%q", []string(p.On.Values))
		}
		if p.On.Column != "" {
			on += "(" + p.On.Column + ")"
		}
		text := fmt.Sprintf("%s on %s to %s by %s", p.Name, on, p.To, p.Grantor.Name)
		if p.GrantOption {
			text += "+"
		}
		if d := time.Since(p.CreateTime); d < -time.Minute || d > time.Hour {
			s.t.Errorf("%s was granted %s ago", text, d)
		}
		lines = append(lines, text+" ("+p.Authorizer+")")
	}
	return strings.Join(lines, ", ")
}

func (s suite) have(f metastore.PrivilegeFilter, want ...string) {
	s.t.Helper()
	if got := s.privileges(f); got != strings.Join(want, ", ") {
		s.t.Errorf("%+v\ngot  %s\nwant %s", f, got, strings.Join(want, ", "))
	}
}

// The securables of the tests.
var (
	onDefault = metastore.Securable{Kind: metastore.OnDatabase, Database: "default"}
	onT1      = metastore.Securable{Kind: metastore.OnTable, Database: t1.Database, Table: t1.Name}
	onA       = metastore.Securable{Kind: metastore.OnColumn, Database: t1.Database, Table: t1.Name, Column: "a"}
)

func onPart(values ...string) metastore.Securable {
	return metastore.Securable{Kind: metastore.OnPartition, Database: t1.Database, Table: t1.Name, Values: values}
}

func onPartA(values ...string) metastore.Securable {
	on := onPart(values...)
	on.Kind, on.Column = metastore.OnPartitionColumn, "a"
	return on
}

// everywhere grants a privilege on one thing of each kind, and says what privileges there are.
func (s suite) everywhere() []string {
	s.t.Helper()
	s.createTable(t1, "ds", "string", "n", "int")
	s.add(t1, partitions.Values{"x/ü=1", "1"}, partitions.Values{"y", "2"})
	upper := onA
	upper.Database, upper.Table, upper.Column = "DEFAULT", strings.ToUpper(t1.Name), "A"
	s.grant(privilege("CREATE", metastore.Securable{Kind: metastore.OnEverything}, ann, false), privilege("CREATE", onDefault, staff, true),
		privilege("SELECT", onT1, ann, true), privilege("SELECT", onPart("x/ü=1", "1"), ann, false), privilege("UPDATE", upper, ann, false),
		privilege("SELECT", onPartA("x/ü=1", "1"), ann, false))
	t := t1.String()
	return []string{
		"CREATE on GLOBAL to USER Ann by Ann (SQL)", "CREATE on DATABASE default to GROUP staff/é by Ann+ (SQL)",
		"SELECT on TABLE " + t + " to USER Ann by Ann+ (SQL)", "SELECT on PARTITION " + t + `["x/ü=1" "1"] to USER Ann by Ann (SQL)`,
		"UPDATE on COLUMN " + t + "(a) to USER Ann by Ann (SQL)", "SELECT on PARTITION COLUMN " + t + `["x/ü=1" "1"](a) to USER Ann by Ann (SQL)`,
	}
}

var privilegeTests = []contract{
	{"privileges are found by what they are on, by principal and by authorizer", func(t *testing.T, s suite) {
		all := s.everywhere()
		s.have(metastore.PrivilegeFilter{To: ann}, all[0], all[2], all[3], all[4], all[5])
		s.have(metastore.PrivilegeFilter{To: bob})
		s.have(metastore.PrivilegeFilter{On: onDefault}, all[1])
		s.have(metastore.PrivilegeFilter{On: onDefault, To: ann})
		s.have(metastore.PrivilegeFilter{On: onT1, Authorizer: "SQL"}, all[2])
		s.have(metastore.PrivilegeFilter{On: onT1, Authorizer: "RANGER"})
		s.have(metastore.PrivilegeFilter{On: onPart("x/ü=1", "1")}, all[3])
		s.have(metastore.PrivilegeFilter{On: onPart("y", "2")})
		s.have(metastore.PrivilegeFilter{On: onA}, all[4])
		s.have(metastore.PrivilegeFilter{On: onPartA("x/ü=1", "1")}, all[5])
		s.have(metastore.PrivilegeFilter{On: onPart()}, all[3])
		some := onA
		some.Column = ""
		s.have(metastore.PrivilegeFilter{On: some}, all[4])
		for i, kind := range []metastore.SecurableKind{
			metastore.OnEverything, metastore.OnDatabase, metastore.OnTable, metastore.OnPartition, metastore.OnColumn, metastore.OnPartitionColumn,
		} {
			f := metastore.PrivilegeFilter{On: metastore.Securable{Kind: kind}, To: ann}
			if i == 1 {
				f.To = staff
			}
			s.have(f, all[i])
		}
		s.have(metastore.PrivilegeFilter{On: metastore.Securable{Kind: metastore.OnTable, Database: "nothing", Table: "t"}})
		s.have(metastore.PrivilegeFilter{On: metastore.Securable{Kind: metastore.OnDatabase, Database: "nothing"}})
	}, 0},
	{"who grants the same again is told, and nothing is granted", func(t *testing.T, s suite) {
		all := s.everywhere()
		again := func(change func(*metastore.Privilege)) *metastore.Privilege {
			p := privilege("SELECT", onT1, ann, false)
			change(p)
			return p
		}
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error {
			return tx.GrantPrivileges(s.ctx, []*metastore.Privilege{privilege("INSERT", onT1, bob, false), again(func(p *metastore.Privilege) { p.Grantor.Name = "ANN" })})
		})
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error {
			return tx.GrantPrivileges(s.ctx, []*metastore.Privilege{privilege("INSERT", onT1, bob, false), privilege("INSERT", onT1, bob, false)})
		})
		s.have(metastore.PrivilegeFilter{On: onT1}, all[2])
		s.grant(again(func(p *metastore.Privilege) { p.Grantor = bob }), again(func(p *metastore.Privilege) { p.Authorizer = "RANGER" }))
		s.have(metastore.PrivilegeFilter{On: onT1}, all[2], "SELECT on TABLE "+t1.String()+" to USER Ann by bob (SQL)",
			"SELECT on TABLE "+t1.String()+" to USER Ann by Ann (RANGER)")
	}, 0},
	{"what cannot be granted says why", func(t *testing.T, s suite) {
		s.createTable(t1, "ds", "string", "n", "int")
		for _, c := range []struct {
			p    *metastore.Privilege
			want error
		}{
			{privilege("SELECT", metastore.Securable{Kind: metastore.OnDatabase, Database: "nothing"}, ann, false), metastore.ErrNoSuchDatabase},
			{privilege("SELECT", metastore.Securable{Kind: metastore.OnTable, Database: "default", Table: "nothing"}, ann, false), metastore.ErrNoSuchTable},
			{privilege("SELECT", onPart("x", "1"), ann, false), metastore.ErrNoSuchPartition},
			{privilege("SELECT", onPart("x"), ann, false), metastore.ErrInvalid},
			{privilege("SELECT", onPart(), ann, false), metastore.ErrInvalid},
			{privilege("SELECT", metastore.Securable{Kind: "URI"}, ann, false), metastore.ErrInvalid},
			{privilege("", onT1, ann, false), metastore.ErrInvalid},
			{privilege("SELECT", onT1, metastore.Principal{Type: "X", Name: "x"}, false), metastore.ErrInvalid},
			{privilege("SELECT", onT1, asRole("nothing"), false), metastore.ErrNoSuchRole},
		} {
			s.fails(c.want, func(tx metastore.Tx) error { return tx.GrantPrivileges(s.ctx, []*metastore.Privilege{c.p}) })
		}
		s.have(metastore.PrivilegeFilter{To: ann})
	}, 0},
	{"revoking takes the oldest of a name, or the right to grant it", func(t *testing.T, s suite) {
		all := s.everywhere()
		byBob := privilege("SELECT", onT1, ann, false)
		byBob.Grantor = bob
		s.grant(byBob)
		revoke := func(p *metastore.Privilege, onlyOption bool) func(metastore.Tx) error {
			return func(tx metastore.Tx) error { return tx.RevokePrivileges(s.ctx, []*metastore.Privilege{p}, onlyOption) }
		}
		anybodys := &metastore.Privilege{Name: "select", On: onT1, To: ann}
		s.update(revoke(anybodys, true))
		bobs := "SELECT on TABLE " + t1.String() + " to USER Ann by bob (SQL)"
		s.have(metastore.PrivilegeFilter{On: onT1}, strings.Replace(all[2], "+", "", 1), bobs)
		s.fails(metastore.ErrNoGrantOption, revoke(anybodys, true))
		s.update(revoke(anybodys, false))
		s.have(metastore.PrivilegeFilter{On: onT1}, bobs)
		s.fails(metastore.ErrNotGranted, revoke(privilege("SELECT", onT1, ann, false), false)) // that of Ann is gone
		s.update(revoke(byBob, false))
		for _, p := range []*metastore.Privilege{
			anybodys, {Name: "SELECT", On: onDefault, To: ann}, {Name: "UPDATE", On: onA, To: bob}, {Name: "SELECT", On: onPart("y", "2"), To: ann},
		} {
			s.fails(metastore.ErrNotGranted, revoke(p, false))
		}
		for i, p := range []*metastore.Privilege{
			{Name: "CREATE", On: metastore.Securable{Kind: metastore.OnEverything}, To: ann}, {Name: "CREATE", On: onDefault, To: staff},
			{Name: "SELECT", On: onPart("x/ü=1", "1"), To: ann}, {Name: "UPDATE", On: onA, To: ann}, {Name: "SELECT", On: onPartA("x/ü=1", "1"), To: ann},
		} {
			s.update(revoke(p, false))
			if got := s.privileges(metastore.PrivilegeFilter{On: p.On, To: p.To}); got != "" {
				t.Errorf("%d is left: %s", i, got)
			}
		}
	}, 0},
	{"an older privilege of another grantor stays when one is revoked by its grantor", func(t *testing.T, s suite) {
		s.createTable(t1)
		byBob := privilege("SELECT", onT1, ann, false)
		byBob.Grantor = bob
		s.grant(privilege("SELECT", onT1, ann, false), byBob)
		s.update(func(tx metastore.Tx) error { return tx.RevokePrivileges(s.ctx, []*metastore.Privilege{byBob}, false) })
		s.have(metastore.PrivilegeFilter{On: onT1}, "SELECT on TABLE "+t1.String()+" to USER Ann by Ann (SQL)")
	}, RoleOwners},
	{"privileges follow a table and a partition to other names", func(t *testing.T, s suite) {
		all := s.everywhere()
		s.createDatabase("d")
		table := s.table(t1)
		table.TableName = metastore.TableName{Database: "d", Name: "moved"}
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		s.update(func(tx metastore.Tx) error {
			return tx.RenamePartition(s.ctx, table.TableName, partitions.Values{"x/ü=1", "1"}, partitions.Values{"z", "3"})
		})
		rename := strings.NewReplacer(t1.String(), "d.moved", `"x/ü=1" "1"`, `"z" "3"`).Replace
		s.have(metastore.PrivilegeFilter{To: ann}, all[0], rename(all[2]), rename(all[3]), rename(all[4]), rename(all[5]))
		s.have(metastore.PrivilegeFilter{On: onT1})
	}, 0},
	{"privileges go with what they are on", func(t *testing.T, s suite) {
		all := s.everywhere()
		s.update(func(tx metastore.Tx) error { return tx.DropPartitions(s.ctx, t1, partitions.Values{"x/ü=1", "1"}) })
		s.have(metastore.PrivilegeFilter{To: ann}, all[0], all[2], all[4])
		s.add(t1, partitions.Values{"x/ü=1", "1"})
		s.update(func(tx metastore.Tx) error { return tx.DropTable(s.ctx, t1) })
		s.have(metastore.PrivilegeFilter{To: ann}, all[0])
		s.createTable(t1, "ds", "string", "n", "int")
		s.have(metastore.PrivilegeFilter{On: onT1})
		s.createDatabase("d")
		on := metastore.Securable{Kind: metastore.OnDatabase, Database: "d"}
		s.grant(privilege("CREATE", on, ann, false))
		s.update(func(tx metastore.Tx) error { return tx.DropDatabase(s.ctx, "d") })
		s.createDatabase("d")
		s.have(metastore.PrivilegeFilter{On: on})
		s.have(metastore.PrivilegeFilter{To: ann}, all[0])
	}, 0},
	{"partitions of a table that says so begin with its privileges", func(t *testing.T, s suite) {
		all := s.everywhere()
		table := s.table(t1)
		table.Parameters = map[string]string{"PARTITION_LEVEL_PRIVILEGE": "true"}
		s.update(func(tx metastore.Tx) error { return tx.AlterTable(s.ctx, t1, table) })
		s.have(metastore.PrivilegeFilter{On: onPart("y", "2")})
		s.add(t1, partitions.Values{"z", "3"}, partitions.Values{"z", "4"})
		as := func(text, kind, values string) string {
			_, rest, _ := strings.Cut(text, t1.String())
			name, _, _ := strings.Cut(text, " ")
			return name + " on " + kind + " " + t1.String() + values + rest
		}
		s.have(metastore.PrivilegeFilter{On: onPart("z", "3")}, as(all[2], "PARTITION", `["z" "3"]`))
		s.have(metastore.PrivilegeFilter{On: onPartA("z", "4")}, as(all[4], "PARTITION COLUMN", `["z" "4"]`))
	}, 0},
	{"many privileges are read in the order in which they were granted", func(t *testing.T, s suite) {
		s.createTable(t1)
		var ps []*metastore.Privilege
		for i := range 1203 {
			ps = append(ps, privilege(fmt.Sprint("p", i), onT1, ann, false))
		}
		s.grant(ps...)
		got := collect(t, s.store.Privileges(s.ctx, metastore.PrivilegeFilter{On: onT1}))
		for i, p := range got {
			if p.Name != fmt.Sprint("p", i) {
				t.Fatalf("%d is %s", i, p.Name)
			}
		}
		if len(got) != len(ps) {
			t.Fatalf("got %d", len(got))
		}
	}, 0},
	{"roles and privileges are in the change log, and undone with their transaction", func(t *testing.T, s suite) {
		_ = s.store.Update(s.ctx, func(tx metastore.Tx) error {
			if err := tx.CreateRole(s.ctx, &metastore.Role{Name: "r"}); err != nil {
				return err
			}
			return errStop
		})
		s.createRole("r")
		s.grantRole("r", ann, true)
		s.createTable(t1)
		s.grant(privilege("SELECT", onT1, ann, true))
		select1 := []*metastore.Privilege{privilege("SELECT", onT1, ann, true)}
		s.update(func(tx metastore.Tx) error { return tx.RevokePrivileges(s.ctx, select1, true) })
		s.update(func(tx metastore.Tx) error { return tx.RevokePrivileges(s.ctx, select1, false) })
		s.update(func(tx metastore.Tx) error { return tx.RevokeRole(s.ctx, "r", ann, false) })
		s.update(func(tx metastore.Tx) error { return tx.DropRole(s.ctx, "r") })
		var kinds []string
		got := collect(t, s.store.Changes(s.ctx, 0))
		for _, c := range got {
			kinds = append(kinds, string(c.Kind))
		}
		want := "create role, grant role, create table, grant privileges, revoke privileges, revoke privileges, revoke role, drop role"
		if strings.Join(kinds, ", ") != want {
			t.Fatalf("got %v", kinds)
		}
		if got[0].After.Role.Name != "r" || !got[1].After.RoleGrants[0].GrantOption || got[3].Object != t1 || got[3].After.Privileges[0].Name != "SELECT" ||
			got[4].After.Privileges[0].GrantOption || !got[4].Before.Privileges[0].GrantOption || len(got[5].After.Privileges) != 0 ||
			got[6].Before.RoleGrants[0].To != ann || got[7].Before.Role.Name != "r" {
			t.Errorf("got %+v", got)
		}
	}, Log | Transactions},
}
