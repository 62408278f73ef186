package metastoretest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/metastore"
)

// The principals of the tests.
var (
	ann   = metastore.Principal{Type: metastore.UserPrincipal, Name: "Ann"}
	bob   = metastore.Principal{Type: metastore.UserPrincipal, Name: "bob"}
	staff = metastore.Principal{Type: metastore.GroupPrincipal, Name: "staff/é"}
)

func asRole(name string) metastore.Principal {
	return metastore.Principal{Type: metastore.RolePrincipal, Name: name}
}

func (s suite) createRole(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.update(func(tx metastore.Tx) error { return tx.CreateRole(s.ctx, &metastore.Role{Name: name, Owner: "ann"}) })
	}
}

func (s suite) grantRole(role string, to metastore.Principal, option bool) {
	s.t.Helper()
	s.update(func(tx metastore.Tx) error {
		return tx.GrantRole(s.ctx, &metastore.RoleGrant{Role: role, To: to, Grantor: ann, GrantOption: option})
	})
}

// roles writes down who has roles: "r: USER Ann+, ROLE q", where + is the grant option.
func (s suite) roles(role string, to metastore.Principal) string {
	s.t.Helper()
	var lines []string
	for _, g := range must[[]*metastore.RoleGrant](s.t)(s.store.RoleGrants(s.ctx, role, to)) {
		text := fmt.Sprintf("%s: %s by %s", g.Role, g.To, g.Grantor.Name)
		if g.GrantOption {
			text += "+"
		}
		if d := time.Since(g.CreateTime); d < -time.Minute || d > time.Hour {
			s.t.Errorf("%s was granted %s ago", text, d)
		}
		lines = append(lines, text)
	}
	return strings.Join(lines, ", ")
}

func (s suite) roleNames() []string {
	s.t.Helper()
	var names []string
	for _, r := range must[[]*metastore.Role](s.t)(s.store.Roles(s.ctx)) {
		names = append(names, r.Name)
	}
	return names
}

var roleTests = []contract{
	{"there are admin and public, and admin may do everything", func(t *testing.T, s suite) {
		if got := s.roleNames(); !slices.Equal(got, []string{"admin", "public"}) {
			t.Fatalf("got %v", got)
		}
		if got := s.privileges(metastore.PrivilegeFilter{}); got != "All on GLOBAL to ROLE admin by admin+ (SQL)" {
			t.Fatalf("got %s", got)
		}
		for _, name := range []string{"admin", "public"} {
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.DropRole(s.ctx, name) })
		}
		s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error {
			return tx.GrantRole(s.ctx, &metastore.RoleGrant{Role: "public", To: ann, Grantor: bob})
		})
	}, 0},
	{"a role is there until it is dropped, with the name to the letter", func(t *testing.T, s suite) {
		s.createRole("b", "A b/ü.", "a")
		if got := s.roleNames(); !slices.Equal(got, []string{"A b/ü.", "a", "admin", "b", "public"}) {
			t.Fatalf("got %q", got)
		}
		s.fails(metastore.ErrExists, func(tx metastore.Tx) error { return tx.CreateRole(s.ctx, &metastore.Role{Name: "a"}) })
		for _, name := range []string{"", strings.Repeat("x", metastore.MaxName+1), "a\x00"} {
			s.fails(metastore.ErrInvalid, func(tx metastore.Tx) error { return tx.CreateRole(s.ctx, &metastore.Role{Name: name}) })
		}
		s.createRole(strings.Repeat("x", metastore.MaxName))
		if r, err := s.store.Role(s.ctx, "A b/ü."); err != nil || r.Name != "A b/ü." {
			t.Fatalf("got %+v, %v", r, err)
		}
		s.update(func(tx metastore.Tx) error { return tx.DropRole(s.ctx, "a") })
		for _, name := range []string{"a", "B"} {
			_, err := s.store.Role(s.ctx, name)
			is(t, err, metastore.ErrNoSuchRole)
			s.fails(metastore.ErrNoSuchRole, func(tx metastore.Tx) error { return tx.DropRole(s.ctx, name) })
		}
	}, 0},
	{"a role keeps its owner and time", func(t *testing.T, s suite) {
		want := &metastore.Role{Name: "r", Owner: "Zoë", CreateTime: time.Date(2001, 2, 3, 4, 5, 6, 7000, time.UTC)}
		s.update(func(tx metastore.Tx) error { return tx.CreateRole(s.ctx, want) })
		s.equal(must[*metastore.Role](t)(s.store.Role(s.ctx, "r")), want)
	}, RoleOwners},
	{"a role is granted to users, groups and roles", func(t *testing.T, s suite) {
		s.createRole("q", "r")
		s.grantRole("r", ann, true)
		s.grantRole("r", staff, false)
		s.grantRole("r", asRole("q"), false)
		s.grantRole("q", ann, false)
		for _, c := range []struct {
			role string
			to   metastore.Principal
			want string
		}{
			{"r", metastore.Principal{}, "r: GROUP staff/é by Ann, r: ROLE q by Ann, r: USER Ann by Ann+"},
			{"", ann, "q: USER Ann by Ann, r: USER Ann by Ann+"},
			{"r", ann, "r: USER Ann by Ann+"},
			{"", metastore.Principal{Type: metastore.GroupPrincipal, Name: "Ann"}, ""},
			{"", metastore.Principal{Type: metastore.UserPrincipal, Name: "ann"}, ""},
			{"nothing", metastore.Principal{}, ""},
			{"", metastore.Principal{}, "q: USER Ann by Ann, r: GROUP staff/é by Ann, r: ROLE q by Ann, r: USER Ann by Ann+"},
		} {
			if got := s.roles(c.role, c.to); got != c.want {
				t.Errorf("%s %s: got %s\nwant %s", c.role, c.to, got, c.want)
			}
		}
	}, 0},
	{"what cannot be granted says why", func(t *testing.T, s suite) {
		s.createRole("p", "q", "r")
		s.grantRole("r", ann, true)
		s.grantRole("r", asRole("q"), false)
		s.grantRole("q", asRole("p"), false)
		for _, c := range []struct {
			grant metastore.RoleGrant
			want  error
		}{
			{metastore.RoleGrant{Role: "r", To: ann}, metastore.ErrExists},
			{metastore.RoleGrant{Role: "nothing", To: ann}, metastore.ErrNoSuchRole},
			{metastore.RoleGrant{Role: "r", To: asRole("nothing")}, metastore.ErrNoSuchRole},
			{metastore.RoleGrant{Role: "p", To: asRole("p")}, metastore.ErrInvalid},
			{metastore.RoleGrant{Role: "p", To: asRole("r")}, metastore.ErrInvalid}, // which q has, which p has
			{metastore.RoleGrant{Role: "r", To: metastore.Principal{Name: "x"}}, metastore.ErrInvalid},
			{metastore.RoleGrant{Role: "r", To: metastore.Principal{Type: metastore.UserPrincipal}}, metastore.ErrInvalid},
		} {
			s.fails(c.want, func(tx metastore.Tx) error { return tx.GrantRole(s.ctx, &c.grant) })
		}
		s.grantRole("r", asRole("p"), false) // once more by another way is no circle
	}, 0},
	{"revoking takes a role away, or the right to grant it", func(t *testing.T, s suite) {
		s.createRole("r")
		s.grantRole("r", ann, true)
		s.grantRole("r", bob, false)
		s.update(func(tx metastore.Tx) error { return tx.RevokeRole(s.ctx, "r", ann, true) })
		if got := s.roles("r", metastore.Principal{}); got != "r: USER Ann by Ann, r: USER bob by Ann" {
			t.Fatalf("got %s", got)
		}
		s.fails(metastore.ErrNoGrantOption, func(tx metastore.Tx) error { return tx.RevokeRole(s.ctx, "r", ann, true) })
		s.update(func(tx metastore.Tx) error { return tx.RevokeRole(s.ctx, "r", bob, false) })
		s.fails(metastore.ErrNotGranted, func(tx metastore.Tx) error { return tx.RevokeRole(s.ctx, "r", bob, false) })
		s.fails(metastore.ErrNotGranted, func(tx metastore.Tx) error { return tx.RevokeRole(s.ctx, "r", staff, true) })
		if got := s.roles("", metastore.Principal{}); got != "r: USER Ann by Ann" {
			t.Fatalf("got %s", got)
		}
	}, 0},
	{"dropping a role takes with it who has it, what it has, and its privileges", func(t *testing.T, s suite) {
		s.createRole("p", "q", "r")
		s.grantRole("q", ann, false)
		s.grantRole("q", asRole("r"), false)
		s.grantRole("p", asRole("q"), false)
		s.grantRole("p", ann, false)
		on := metastore.Securable{Kind: metastore.OnDatabase, Database: "default"}
		s.grant(privilege("SELECT", on, asRole("q"), false), privilege("SELECT", on, asRole("p"), false),
			privilege("SELECT", on, metastore.Principal{Type: metastore.UserPrincipal, Name: "q"}, false))
		s.update(func(tx metastore.Tx) error { return tx.DropRole(s.ctx, "q") })
		if got := s.roles("", metastore.Principal{}); got != "p: USER Ann by Ann" {
			t.Errorf("got %s", got)
		}
		want := "SELECT on DATABASE default to ROLE p by Ann (SQL), SELECT on DATABASE default to USER q by Ann (SQL)"
		if got := s.privileges(metastore.PrivilegeFilter{On: on}); got != want {
			t.Errorf("got %s", got)
		}
	}, 0},
}
