package hms

// Transactions on the wire.

type openTxnRequest struct {
	NumTxns       int32   `thrift:"1"`
	User          string  `thrift:"2"`
	Hostname      string  `thrift:"3"`
	AgentInfo     string  `thrift:"4,omitempty"`
	ReplPolicy    string  `thrift:"5,omitempty"`
	ReplSrcTxnIDs []int64 `thrift:"6"`
	TxnType       int32   `thrift:"7,omitempty"`
}

type openTxnsResponse struct {
	TxnIDs []int64 `thrift:"1"`
}

// txnRequest is what AbortTxnRequest, CommitTxnRequest and AddDynamicPartitions have in common. The fields after it
// have other numbers in other versions, and nothing hangs on them here.
type txnRequest struct {
	Txnid      int64  `thrift:"1"`
	ReplPolicy string `thrift:"2,omitempty"`
}

type abortTxnsRequest struct {
	TxnIDs []int64 `thrift:"1"`
}

type heartbeatTxnRangeRequest struct {
	Min int64 `thrift:"1"`
	Max int64 `thrift:"2"`
}

type heartbeatTxnRangeResponse struct {
	Aborted []int64 `thrift:"1,set"`
	Nosuch  []int64 `thrift:"2,set"`
}

type allocateTableWriteIDsRequest struct {
	DbName              string          `thrift:"1"`
	TableName           string          `thrift:"2"`
	TxnIDs              []int64         `thrift:"3"`
	ReplPolicy          string          `thrift:"4,omitempty"`
	SrcTxnToWriteIDList []*txnToWriteID `thrift:"5"`
}

type txnToWriteID struct {
	TxnID   int64 `thrift:"1"`
	WriteID int64 `thrift:"2"`
}

type allocateTableWriteIDsResponse struct {
	TxnToWriteIDs []*txnToWriteID `thrift:"1"`
}

type maxAllocatedTableWriteIDResponse struct {
	MaxWriteID int64 `thrift:"1"`
}

// writeIDRequest is MaxAllocatedTableWriteIdRequest and SeedTableWriteIdsRequest.
type writeIDRequest struct {
	DbName      string `thrift:"1"`
	TableName   string `thrift:"2"`
	SeedWriteID int64  `thrift:"3,omitempty"`
}

type seedTxnIDRequest struct {
	SeedTxnID int64 `thrift:"1"`
}

type replTblWriteIDStateRequest struct {
	ValidWriteIDList string   `thrift:"1"`
	User             string   `thrift:"2"`
	HostName         string   `thrift:"3"`
	DbName           string   `thrift:"4"`
	TableName        string   `thrift:"5"`
	PartNames        []string `thrift:"6"`
}
