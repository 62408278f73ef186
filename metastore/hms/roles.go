package hms

import (
	"context"

	"github.com/skepdata/skep/internal/thrift"
)

// addRoles adds the methods for roles and privileges, of which there are none but those that Hive
// always has: who may use the service may do everything.
func (s *Service) addRoles(t *thrift.Service) {
	thrift.Handle(t, "get_role_names", func(context.Context, *noArgs) ([]string, error) {
		return []string{"admin", "public"}, nil
	}, throwsM...)
	thrift.Handle(t, "list_roles", func(context.Context, *noArgs) ([]*role, error) {
		return []*role{{RoleName: "public"}}, nil
	}, throwsM...)
	thrift.Handle(t, "list_privileges", func(context.Context, *noArgs) ([]*struct{}, error) { return nil, nil }, throwsM...)
	thrift.Handle(t, "get_privilege_set", func(context.Context, *noArgs) (*principalPrivilegeSet, error) {
		none := map[string][]*privilegeGrantInfo{}
		return &principalPrivilegeSet{none, none, none}, nil
	}, throwsM...)
	for _, name := range []string{"get_principals_in_role", "get_role_grants_for_principal"} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (*emptyList, error) { return &emptyList{[]*struct{}{}}, nil }, throwsM...)
	}
	for _, name := range []string{
		"create_role", "drop_role", "grant_role", "revoke_role", "grant_privileges", "revoke_privileges",
	} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (bool, error) {
			return false, metaf("roles and privileges are not supported yet")
		}, throwsM...)
	}
	for _, name := range []string{"grant_revoke_role", "grant_revoke_privileges", "refresh_privileges"} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (*struct{}, error) {
			return nil, metaf("roles and privileges are not supported yet")
		}, throwsM...)
	}
	thrift.Handle(t, "get_delegation_token", func(context.Context, *noArgs) (string, error) {
		return "", metaf("delegation tokens are not supported yet")
	}, throwsM...)
	thrift.Handle(t, "get_master_keys", func(context.Context, *noArgs) ([]string, error) { return []string{}, nil })
	thrift.Handle(t, "get_active_resource_plan", func(context.Context, *noArgs) (*struct{}, error) { return &struct{}{}, nil }, throwsM...)
	thrift.Handle(t, "get_all_resource_plans", func(context.Context, *noArgs) (*emptyList, error) {
		return &emptyList{[]*struct{}{}}, nil
	}, throwsM...)
	thrift.Handle(t, "show_compact", func(context.Context, *noArgs) (*emptyList, error) { return &emptyList{[]*struct{}{}}, nil })
	// What HiveServer2 says of queries that have run, for plans to come, is not kept.
	thrift.Handle(t, "add_runtime_stats", func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, nil }, throwsM...)
	thrift.Handle(t, "get_runtime_stats", func(context.Context, *noArgs) ([]*struct{}, error) { return nil, nil }, throwsM...)
	thrift.Handle(t, "update_transaction_statistics", func(context.Context, *noArgs) (thrift.Void, error) {
		return thrift.Void{}, nil
	}, throwsM...)
	for _, name := range []string{"update_creation_metadata", "get_materialization_invalidation_info"} {
		thrift.Handle(t, name, func(context.Context, *noArgs) (thrift.Void, error) {
			return thrift.Void{}, metaf("materialized views are not supported yet")
		}, throwsMPD...)
	}
	thrift.Handle(t, "get_dataconnectors", func(context.Context, *noArgs) ([]string, error) { return nil, nil }, throwsM...)
	s.addTransactions(t)
}

// emptyList is the answer of methods that give a list of something, none of which is there.
type emptyList struct {
	List []*struct{} `thrift:"1"`
}

// addTransactions adds what clients ask about transactions before they read tables that have none.
func (s *Service) addTransactions(t *thrift.Service) {
	thrift.Handle(t, "get_open_txns", func(context.Context, *noArgs) (*getOpenTxnsResponse, error) {
		return &getOpenTxnsResponse{OpenTxns: []int64{}, AbortedBits: []byte{}}, nil
	})
	thrift.Handle(t, "get_open_txns_req", func(context.Context, *noArgs) (*getOpenTxnsResponse, error) {
		return &getOpenTxnsResponse{OpenTxns: []int64{}, AbortedBits: []byte{}}, nil
	})
	thrift.Handle(t, "get_open_txns_info", func(context.Context, *noArgs) (*getOpenTxnsInfoResponse, error) {
		return &getOpenTxnsInfoResponse{OpenTxns: []*txnInfo{}}, nil
	})
	thrift.Handle(t, "get_valid_write_ids", func(_ context.Context, a *requestArgs[getValidWriteIdsRequest]) (*getValidWriteIdsResponse, error) {
		out := &getValidWriteIdsResponse{TblValidWriteIds: []*tableValidWriteIds{}}
		for _, name := range a.Request.FullTableNames {
			out.TblValidWriteIds = append(out.TblValidWriteIds, &tableValidWriteIds{
				FullTableName: name, InvalidWriteIds: []int64{}, AbortedBits: []byte{},
			})
		}
		return out, nil
	}, &noSuchTxn{}, &metaException{})
}
