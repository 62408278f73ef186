package metastore

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/skepdata/skep/partitions"
)

// The roles that every metastore has, and that cannot be dropped. Every user has PublicRole, without a RoleGrant. AdminRole
// has, from the beginning, the privilege All on everything.
const (
	AdminRole  = "admin"
	PublicRole = "public"
)

// PrincipalType says what a Principal is. The values are those of the Hive Metastore.
type PrincipalType string

// The types of principals.
const (
	UserPrincipal  PrincipalType = "USER"
	RolePrincipal  PrincipalType = "ROLE"
	GroupPrincipal PrincipalType = "GROUP"
)

// Principal is who may have roles and privileges. A metastore knows no users and groups: any name will do.
type Principal struct {
	Type PrincipalType `json:"type,omitempty"`
	Name string        `json:"name,omitempty"` // in upper and lower case as it was given
}

// String is USER ann.
func (p Principal) String() string { return string(p.Type) + " " + p.Name }

// Role is a name for privileges. A metastore keeps roles and privileges and enforces none.
type Role struct {
	Name       string    `json:"name"` // in upper and lower case as it was given
	Owner      string    `json:"owner,omitempty"`
	CreateTime time.Time `json:"created"`
}

// RoleGrant is a role that a principal has, which may be a role itself.
type RoleGrant struct {
	Role        string    `json:"role"`
	To          Principal `json:"to"`
	Grantor     Principal `json:"grantor"`
	GrantOption bool      `json:"grant_option,omitempty"` // whether To may grant it to others
	CreateTime  time.Time `json:"created"`
}

// SecurableKind says what a privilege is on.
type SecurableKind string

// The kinds of securables.
const (
	OnEverything      SecurableKind = "GLOBAL"
	OnDatabase        SecurableKind = "DATABASE"
	OnTable           SecurableKind = "TABLE"
	OnPartition       SecurableKind = "PARTITION"
	OnColumn          SecurableKind = "COLUMN"
	OnPartitionColumn SecurableKind = "PARTITION COLUMN"
)

// Securable is what a privilege is on. Its kind says which of the others are set.
type Securable struct {
	Kind     SecurableKind     `json:"kind"`
	Database string            `json:"database,omitempty"` // lower case
	Table    string            `json:"table,omitempty"`    // lower case
	Values   partitions.Values `json:"values,omitempty"`   // of the partition
	Column   string            `json:"column,omitempty"`   // lower case; it need not be one of the table
}

// Equal reports whether both are the same thing.
func (s Securable) Equal(t Securable) bool {
	return s.Kind == t.Kind && s.Database == t.Database && s.Table == t.Table && s.Column == t.Column && slices.Equal(s.Values, t.Values)
}

// Privilege is something that a principal may do with a securable.
type Privilege struct {
	Name        string    `json:"name"` // SELECT, INSERT ...; any name will do
	On          Securable `json:"on"`
	To          Principal `json:"to"`
	Grantor     Principal `json:"grantor"`
	GrantOption bool      `json:"grant_option,omitempty"` // whether To may grant it to others
	Authorizer  string    `json:"authorizer,omitempty"`   // the program that asks for it: SQL, RANGER ...
	CreateTime  time.Time `json:"created"`
}

// PrivilegeFilter says which privileges are meant: those that agree with all that is not empty in it. In On, Values stand for
// one partition and nil for each; a table for one and none for each; and so on. Only an empty Kind stands for every kind.
type PrivilegeFilter struct {
	On         Securable
	To         Principal
	Authorizer string
}

// Match reports whether the filter lets a privilege through, whose names are in lower case.
func (f PrivilegeFilter) Match(p *Privilege) bool {
	same := func(want, got string) bool { return want == "" || want == got }
	return same(string(f.On.Kind), string(p.On.Kind)) && same(strings.ToLower(f.On.Database), p.On.Database) &&
		same(strings.ToLower(f.On.Table), p.On.Table) && same(strings.ToLower(f.On.Column), p.On.Column) &&
		(f.On.Values == nil || slices.Equal(f.On.Values, p.On.Values)) &&
		same(string(f.To.Type), string(p.To.Type)) && same(f.To.Name, p.To.Name) && same(f.Authorizer, p.Authorizer)
}

// Same reports whether a principal that has p is not given q, because it is the same privilege on the same securable from the
// same grantor for the same program, or without one for any. Case of the grantor is ignored.
func (p *Privilege) Same(q *Privilege) bool {
	return p.To == q.To && p.Name == q.Name && (p.Authorizer == "" || p.Authorizer == q.Authorizer) && strings.EqualFold(p.Grantor.Name, q.Grantor.Name)
}

// Revokes reports whether q is what is taken away when p is revoked: the principal and the name, of which case is ignored, are
// those of p, and so are the grantor and the authorizer where p has them.
func (p *Privilege) Revokes(q *Privilege) bool {
	return p.To == q.To && strings.EqualFold(p.Name, q.Name) && (p.Grantor.Name == "" || p.Grantor == q.Grantor) &&
		(p.Authorizer == "" || p.Authorizer == q.Authorizer)
}

// Validate reports ErrInvalid, with the reason, for a role that no store may accept.
func (r *Role) Validate() error {
	if err := validPrincipal("role", r.Name); err != nil {
		return err
	}
	return validTexts("role "+r.Name, nil, r.Owner)
}

// Validate reports ErrInvalid, with the reason, for a grant that no store may accept.
func (g *RoleGrant) Validate() error {
	if err := cmp.Or(validPrincipal("role", g.Role), g.To.validate()); err != nil {
		return err
	}
	if g.Role == PublicRole {
		return fmt.Errorf("%w: every user has the role %s, which cannot be granted", ErrInvalid, PublicRole)
	}
	return validTexts("grant of role "+g.Role, nil, string(g.Grantor.Type), g.Grantor.Name)
}

// Validate reports ErrInvalid, with the reason, for a privilege that no store may accept.
func (p *Privilege) Validate() error {
	if err := cmp.Or(validPrincipal("privilege", p.Name), p.To.validate()); err != nil {
		return err
	}
	o := p.On
	table := o.Kind != OnEverything && o.Kind != OnDatabase
	part := o.Kind == OnPartition || o.Kind == OnPartitionColumn
	column := o.Kind == OnColumn || o.Kind == OnPartitionColumn
	switch o.Kind {
	case OnEverything, OnDatabase, OnTable, OnPartition, OnColumn, OnPartitionColumn:
	default:
		return fmt.Errorf("%w: there are no privileges on a %q", ErrInvalid, o.Kind)
	}
	if (o.Database != "") != (o.Kind != OnEverything) || (o.Table != "") != table || (o.Values != nil) != part || (o.Column != "") != column {
		return fmt.Errorf("%w: a privilege on a %s is not on %+v", ErrInvalid, o.Kind, o)
	}
	if len(o.Column) > maxColumn {
		return fmt.Errorf("%w column name: it has %d bytes, and the limit is %d", ErrInvalid, len(o.Column), maxColumn)
	}
	return validTexts("privilege "+p.Name, nil, o.Column, string(p.Grantor.Type), p.Grantor.Name, p.Authorizer)
}

// maxColumn is the length of the name of a column that a privilege is on, in bytes.
const maxColumn = 767

func (p Principal) validate() error {
	switch p.Type {
	case UserPrincipal, RolePrincipal, GroupPrincipal:
		return validPrincipal("principal", p.Name)
	}
	return fmt.Errorf("%w principal %s: it is neither USER, ROLE nor GROUP", ErrInvalid, p)
}

// validPrincipal accepts more than validName: groups of directories have dots and slashes in their names.
func validPrincipal(what, name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w name: a %s needs one", ErrInvalid, what)
	case len(name) > MaxName:
		return fmt.Errorf("%w %s name: it has %d bytes, and the limit is %d", ErrInvalid, what, len(name), MaxName)
	}
	return validTexts(what, nil, name)
}
