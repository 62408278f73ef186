package hms

type role struct {
	RoleName   string `thrift:"1,omitempty"`
	CreateTime int32  `thrift:"2"`
	OwnerName  string `thrift:"3,omitempty"`
}

type rolePrincipalGrant struct {
	RoleName             string `thrift:"1"`
	PrincipalName        string `thrift:"2"`
	PrincipalType        int32  `thrift:"3"`
	GrantOption          bool   `thrift:"4"`
	GrantTime            int32  `thrift:"5"`
	GrantorName          string `thrift:"6,omitempty"`
	GrantorPrincipalType int32  `thrift:"7,omitempty"`
}

type principalGrants struct {
	Grants []*rolePrincipalGrant `thrift:"1"`
}

type principalArgs struct {
	Name string `thrift:"1"`
	Type int32  `thrift:"2"`
}

type grantRoleArgs struct {
	Role        string `thrift:"1"`
	Name        string `thrift:"2"`
	Type        int32  `thrift:"3"`
	Grantor     string `thrift:"4"`
	GrantorType int32  `thrift:"5"`
	GrantOption bool   `thrift:"6"`
}

type revokeRoleArgs struct {
	Role string `thrift:"1"`
	Name string `thrift:"2"`
	Type int32  `thrift:"3"`
}

// What a request that grants or revokes is for.
const toGrant, toRevoke = 1, 2

type grantRevokeRoleRequest struct {
	RequestType int32  `thrift:"1"`
	RoleName    string `thrift:"2"`
	Name        string `thrift:"3"`
	Type        int32  `thrift:"4"`
	Grantor     string `thrift:"5,omitempty"`
	GrantorType int32  `thrift:"6,omitempty"`
	GrantOption bool   `thrift:"7,omitempty"`
}

// grantRevoked is the answer to requests that grant or revoke.
type grantRevoked struct {
	Success bool `thrift:"1"`
}

type hiveObjectRef struct {
	ObjectType int32    `thrift:"1,omitempty"`
	DbName     string   `thrift:"2,omitempty"`
	ObjectName string   `thrift:"3,omitempty"`
	PartValues []string `thrift:"4"`
	ColumnName string   `thrift:"5,omitempty"`
	CatName    string   `thrift:"6,omitempty"`
}

type privilegeGrantInfo struct {
	Privilege   string `thrift:"1,omitempty"`
	CreateTime  int32  `thrift:"2"`
	Grantor     string `thrift:"3,omitempty"`
	GrantorType int32  `thrift:"4,omitempty"`
	GrantOption bool   `thrift:"5"`
}

type hiveObjectPrivilege struct {
	HiveObject    *hiveObjectRef      `thrift:"1"`
	PrincipalName string              `thrift:"2"`
	PrincipalType int32               `thrift:"3"`
	GrantInfo     *privilegeGrantInfo `thrift:"4"`
	Authorizer    string              `thrift:"5,omitempty"`
}

type privilegeBag struct {
	Privileges []*hiveObjectPrivilege `thrift:"1"`
}

// principalPrivilegeSet has the privileges of principals by their names.
type principalPrivilegeSet struct {
	UserPrivileges  map[string][]*privilegeGrantInfo `thrift:"1"`
	GroupPrivileges map[string][]*privilegeGrantInfo `thrift:"2"`
	RolePrivileges  map[string][]*privilegeGrantInfo `thrift:"3"`
}

type grantRevokePrivilegeRequest struct {
	RequestType       int32         `thrift:"1"`
	Privileges        *privilegeBag `thrift:"2"`
	RevokeGrantOption bool          `thrift:"3,omitempty"`
}

type privilegeSetArgs struct {
	Object *hiveObjectRef `thrift:"1"`
	User   *string        `thrift:"2"`
	Groups []string       `thrift:"3"`
}

type listPrivilegesArgs struct {
	Name   *string        `thrift:"1"` // nil: of all principals
	Type   int32          `thrift:"2,omitempty"`
	Object *hiveObjectRef `thrift:"3"`
}

type refreshPrivilegesArgs struct {
	Object     *hiveObjectRef               `thrift:"1"`
	Authorizer string                       `thrift:"2"`
	Request    *grantRevokePrivilegeRequest `thrift:"3"`
}
