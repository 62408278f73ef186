package hms

import "github.com/skepdata/skep/internal/thrift"

// Locks, transactions and notifications on the wire.

type lockComponent struct {
	Type                    int32  `thrift:"1"`
	Level                   int32  `thrift:"2"`
	Dbname                  string `thrift:"3"`
	Tablename               string `thrift:"4,omitempty"`
	Partitionname           string `thrift:"5,omitempty"`
	OperationType           *int32 `thrift:"6"`
	IsTransactional         *bool  `thrift:"7"`
	IsDynamicPartitionWrite *bool  `thrift:"8"`
}

type lockRequest struct {
	Component           []*lockComponent `thrift:"1"`
	Txnid               int64            `thrift:"2,omitempty"`
	User                string           `thrift:"3"`
	Hostname            string           `thrift:"4"`
	AgentInfo           string           `thrift:"5,omitempty"`
	ZeroWaitReadEnabled *bool            `thrift:"6"`
}

type lockResponse struct {
	Lockid       int64  `thrift:"1"`
	State        int32  `thrift:"2"`
	ErrorMessage string `thrift:"3,omitempty"`
}

type checkLockRequest struct {
	Lockid    int64 `thrift:"1"`
	Txnid     int64 `thrift:"2,omitempty"`
	ElapsedMs int64 `thrift:"3,omitempty"`
}

type unlockRequest struct {
	Lockid int64 `thrift:"1"`
}

type showLocksRequest struct {
	Dbname     string `thrift:"1,omitempty"`
	Tablename  string `thrift:"2,omitempty"`
	Partname   string `thrift:"3,omitempty"`
	IsExtended *bool  `thrift:"4"`
	Txnid      int64  `thrift:"5,omitempty"`
}

type showLocksResponseElement struct {
	Lockid         int64  `thrift:"1"`
	Dbname         string `thrift:"2"`
	Tablename      string `thrift:"3,omitempty"`
	Partname       string `thrift:"4,omitempty"`
	State          int32  `thrift:"5"`
	Type           int32  `thrift:"6"`
	Txnid          int64  `thrift:"7,omitempty"`
	Lastheartbeat  int64  `thrift:"8"`
	Acquiredat     int64  `thrift:"9,omitempty"`
	User           string `thrift:"10"`
	Hostname       string `thrift:"11"`
	HeartbeatCount *int32 `thrift:"12"`
	AgentInfo      string `thrift:"13,omitempty"`
	BlockedByExtID int64  `thrift:"14,omitempty"`
	BlockedByIntID int64  `thrift:"15,omitempty"`
	LockIdInternal int64  `thrift:"16,omitempty"`
}

type showLocksResponse struct {
	Locks []*showLocksResponseElement `thrift:"1"`
}

type heartbeatRequest struct {
	Lockid int64 `thrift:"1,omitempty"`
	Txnid  int64 `thrift:"2,omitempty"`
}

type getOpenTxnsInfoResponse struct {
	TxnHighWaterMark int64      `thrift:"1"`
	OpenTxns         []*txnInfo `thrift:"2"`
}

type txnInfo struct {
	ID                int64  `thrift:"1"`
	State             int32  `thrift:"2"`
	User              string `thrift:"3"`
	Hostname          string `thrift:"4"`
	AgentInfo         string `thrift:"5,omitempty"`
	HeartbeatCount    *int32 `thrift:"6"`
	MetaInfo          string `thrift:"7,omitempty"`
	StartedTime       int64  `thrift:"8,omitempty"`
	LastHeartbeatTime int64  `thrift:"9,omitempty"`
}

type getOpenTxnsResponse struct {
	TxnHighWaterMark int64          `thrift:"1"`
	OpenTxns         []int64        `thrift:"2"`
	MinOpenTxn       int64          `thrift:"3,omitempty"`
	AbortedBits      []byte         `thrift:"4"`
	Sets             thrift.Unknown // see asSet
}

type getValidWriteIdsRequest struct {
	FullTableNames []string `thrift:"1"`
	ValidTxnList   string   `thrift:"2,omitempty"`
	WriteID        int64    `thrift:"3,omitempty"`
}

type tableValidWriteIds struct {
	FullTableName        string  `thrift:"1"`
	WriteIdHighWaterMark int64   `thrift:"2"`
	InvalidWriteIds      []int64 `thrift:"3"`
	MinOpenWriteID       int64   `thrift:"4,omitempty"`
	AbortedBits          []byte  `thrift:"5"`
}

type getValidWriteIdsResponse struct {
	TblValidWriteIds []*tableValidWriteIds `thrift:"1"`
}

type notificationEventRequest struct {
	LastEvent         int64    `thrift:"1"`
	MaxEvents         int32    `thrift:"2,omitempty"`
	EventTypeSkipList []string `thrift:"3"`
}

type notificationEvent struct {
	EventID       int64  `thrift:"1"`
	EventTime     int32  `thrift:"2"`
	EventType     string `thrift:"3"`
	DbName        string `thrift:"4,omitempty"`
	TableName     string `thrift:"5,omitempty"`
	Message       string `thrift:"6"`
	MessageFormat string `thrift:"7,omitempty"`
	CatName       string `thrift:"8,omitempty"`
}

type currentNotificationEventId struct {
	EventID int64 `thrift:"1"`
}

type notificationEventsCountRequest struct {
	FromEventID int64  `thrift:"1"`
	DbName      string `thrift:"2"`
	CatName     string `thrift:"3,omitempty"`
	ToEventID   int64  `thrift:"4,omitempty"`
	Limit       int64  `thrift:"5,omitempty"`
}

type notificationEventsCountResponse struct {
	EventsCount int64 `thrift:"1"`
}
