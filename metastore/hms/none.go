package hms

import (
	"context"

	"github.com/skepdata/skep/internal/thrift"
)

// addNone adds the methods for what there is none of: tokens, resource plans, statistics of queries, materialized views, connectors.
func (s *Service) addNone(t *thrift.Service) {
	addTokens(t)
	thrift.Handle(t, "get_active_resource_plan", func(context.Context, *noArgs) (*struct{}, error) { return &struct{}{}, nil }, throwsM...)
	thrift.Handle(t, "get_all_resource_plans", func(context.Context, *noArgs) (*emptyList, error) {
		return &emptyList{[]*struct{}{}}, nil
	}, throwsM...)
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
	addConnectors(t)
}

// emptyList is the answer of methods that give a list of something, none of which is there.
type emptyList struct {
	List []*struct{} `thrift:"1"`
}

// addTokens adds the methods for delegation tokens, which there are none of without Kerberos.
func addTokens(t *thrift.Service) {
	none := func() error { return metaf("delegation tokens are not supported yet") }
	thrift.Handle(t, "get_delegation_token", func(context.Context, *noArgs) (string, error) { return "", none() }, throwsM...)
	thrift.Handle(t, "renew_delegation_token", func(context.Context, *noArgs) (int64, error) { return 0, none() }, throwsM...)
	thrift.Handle(t, "cancel_delegation_token", func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, none() }, throwsM...)
	thrift.Handle(t, "add_token", func(context.Context, *noArgs) (bool, error) { return false, none() })
	thrift.Handle(t, "remove_token", func(context.Context, *noArgs) (bool, error) { return false, nil })
	thrift.Handle(t, "get_token", func(context.Context, *noArgs) (string, error) { return "", nil })
	thrift.Handle(t, "get_all_token_identifiers", func(context.Context, *noArgs) ([]string, error) { return []string{}, nil })
	thrift.Handle(t, "add_master_key", func(context.Context, *noArgs) (int32, error) { return 0, none() }, throwsM...)
	thrift.Handle(t, "update_master_key", func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, none() }, throwsNM...)
	thrift.Handle(t, "remove_master_key", func(context.Context, *noArgs) (bool, error) { return false, nil })
	thrift.Handle(t, "get_master_keys", func(context.Context, *noArgs) ([]string, error) { return []string{}, nil })
}

// addConnectors adds the methods for the connectors of Hive 4 to other databases, of which there are none.
func addConnectors(t *thrift.Service) {
	none := func() error { return metaf("data connectors are not supported yet") }
	thrift.Handle(t, "get_dataconnectors", func(context.Context, *noArgs) ([]string, error) { return nil, nil }, throwsM...)
	thrift.Handle(t, "get_dataconnector_req", func(_ context.Context, a *requestArgs[oneName]) (*struct{}, error) {
		return nil, &noSuchObject{"Dataconnector " + a.Request.Name + " does not exist"}
	}, throwsNM...)
	thrift.Handle(t, "create_dataconnector", func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, none() }, throwsAOM...)
	thrift.Handle(t, "alter_dataconnector", func(context.Context, *noArgs) (thrift.Void, error) { return thrift.Void{}, none() }, throwsMN...)
	thrift.Handle(t, "drop_dataconnector", func(_ context.Context, a *oneName) (thrift.Void, error) {
		return thrift.Void{}, &noSuchObject{"Dataconnector " + a.Name + " does not exist"}
	}, throwsNPM...)
}
