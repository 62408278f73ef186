package hs2

import "github.com/skepdata/skep/internal/thrift"

// Versions of the protocol, as numbers of the wire.
const (
	protocolV6  int32 = 5  // from here on rows are sent by columns
	protocolV10 int32 = 9  // progress
	protocolV11 int32 = 10 // timestamps with a local time zone; the newest
)

// Codes of a status.
const (
	statusSuccess int32 = 0
	statusError   int32 = 3
	statusInvalid int32 = 4 // the handle names nothing
)

// States of an operation.
const (
	stateInitialized int32 = iota
	stateRunning
	stateFinished
	stateCanceled
	stateClosed
	stateError
	stateUnknown
	statePending
	stateTimedOut
)

// Kinds of operations.
const (
	opExecute int32 = iota
	opTypeInfo
	opCatalogs
	opSchemas
	opTables
	opTableTypes
	opColumns
	opFunctions
	opUnknown
)

// Directions of a fetch.
const (
	fetchNext  int32 = 0
	fetchFirst int32 = 4
)

// fetchLog asks for the lines of an operation's log instead of its rows.
const fetchLog int16 = 1

type status struct {
	Code     int32    `thrift:"1"`
	Info     []string `thrift:"2"`
	SQLState *string  `thrift:"3"`
	Error    *int32   `thrift:"4"`
	Message  *string  `thrift:"5"`
}

// handleID names a session or an operation: who knows the secret may use it.
type handleID struct {
	GUID   []byte `thrift:"1"`
	Secret []byte `thrift:"2"`
}

type sessionHandle struct {
	ID handleID `thrift:"1"`
}

type operationHandle struct {
	ID       handleID `thrift:"1"`
	Kind     int32    `thrift:"2"`
	HasRows  bool     `thrift:"3"`
	Modified *float64 `thrift:"4"`
}

// call is the one argument of nearly every method.
type call[T any] struct {
	Req T `thrift:"1"`
}

// statusReply answers where there is nothing else to say.
type statusReply struct {
	Status status `thrift:"1"`
}

type openRequest struct {
	Protocol      int32             `thrift:"1"`
	User          *string           `thrift:"2"`
	Password      *string           `thrift:"3"`
	Configuration map[string]string `thrift:"4"`
	Unknown       thrift.Unknown
}

type openReply struct {
	Status        status            `thrift:"1"`
	Protocol      int32             `thrift:"2"`
	Session       *sessionHandle    `thrift:"3"`
	Configuration map[string]string `thrift:"4"`
}

// ofSession are the requests that say nothing but which session.
type ofSession struct {
	Session sessionHandle `thrift:"1"`
	Unknown thrift.Unknown
}

// ofOperation are the requests that say nothing but which operation.
type ofOperation struct {
	Operation operationHandle `thrift:"1"`
	Unknown   thrift.Unknown
}

type executeRequest struct {
	Session   sessionHandle     `thrift:"1"`
	Statement string            `thrift:"2"`
	Overlay   map[string]string `thrift:"3"`
	Async     bool              `thrift:"4"`
	Timeout   int64             `thrift:"5"` // seconds; 0 for none
	Unknown   thrift.Unknown
}

// operationReply begins an operation.
type operationReply struct {
	Status    status           `thrift:"1"`
	Operation *operationHandle `thrift:"2"`
}

type statusRequest struct {
	Operation operationHandle `thrift:"1"`
	Progress  *bool           `thrift:"2"`
	Unknown   thrift.Unknown
}

type operationStatus struct {
	Status    status    `thrift:"1"`
	State     int32     `thrift:"2"`
	SQLState  *string   `thrift:"3"`
	Error     *int32    `thrift:"4"`
	Message   *string   `thrift:"5"`
	Tasks     *string   `thrift:"6"`
	Started   *int64    `thrift:"7"` // milliseconds since 1970, as Completed
	Completed *int64    `thrift:"8"`
	HasRows   *bool     `thrift:"9"`
	Progress  *progress `thrift:"10"`
	Modified  *int64    `thrift:"11"`
}

type progress struct {
	Headers []string   `thrift:"1"`
	Rows    [][]string `thrift:"2"`
	Done    float64    `thrift:"3"`
	Status  int32      `thrift:"4"`
	Footer  string     `thrift:"5"`
	Started int64      `thrift:"6"`
}

// progressUnknown is the status of a progress about which nothing is known.
const progressUnknown int32 = 2

type metadataReply struct {
	Status status       `thrift:"1"`
	Schema *tableSchema `thrift:"2"`
}

type tableSchema struct {
	Columns []columnDesc `thrift:"1"`
}

type columnDesc struct {
	Name     string   `thrift:"1"`
	Type     typeDesc `thrift:"2"`
	Position int32    `thrift:"3"` // from 1
	Comment  *string  `thrift:"4"`
}

// typeDesc describes nested types by their kind alone, as Hive's server does.
type typeDesc struct {
	Types []typeEntry `thrift:"1"`
}

type typeEntry struct {
	Primitive *primitiveEntry `thrift:"1"`
}

type primitiveEntry struct {
	Type       int32       `thrift:"1"`
	Qualifiers *qualifiers `thrift:"2"`
}

type qualifiers struct {
	Values map[string]qualifier `thrift:"1"`
}

type qualifier struct {
	Number *int32 `thrift:"1"`
}

type fetchRequest struct {
	Operation   operationHandle `thrift:"1"`
	Orientation int32           `thrift:"2"`
	MaxRows     int64           `thrift:"3"`
	Type        int16           `thrift:"4"`
	Unknown     thrift.Unknown
}

type fetchReply struct {
	Status  status  `thrift:"1"`
	More    *bool   `thrift:"2"`
	Results *rowSet `thrift:"3"`
}

type rowSet struct {
	Start   int64    `thrift:"1"`
	Rows    []rowOld `thrift:"2"`
	Columns []column `thrift:"3"`
}

// rowOld is a row as it was sent before V6.
type rowOld struct {
	Values []oldValue `thrift:"1"`
}

type oldValue struct {
	Bool   *old[bool]    `thrift:"1"`
	Byte   *old[int8]    `thrift:"2"`
	Short  *old[int16]   `thrift:"3"`
	Int    *old[int32]   `thrift:"4"`
	Long   *old[int64]   `thrift:"5"`
	Double *old[float64] `thrift:"6"`
	Text   *old[string]  `thrift:"7"`
}

// old is a value, or NULL.
type old[T any] struct {
	Value *T `thrift:"1"`
}

// column has one of its fields set.
type column struct {
	Bool   *values[bool]    `thrift:"1"`
	Byte   *values[int8]    `thrift:"2"`
	Short  *values[int16]   `thrift:"3"`
	Int    *values[int32]   `thrift:"4"`
	Long   *values[int64]   `thrift:"5"`
	Double *values[float64] `thrift:"6"`
	Text   *values[string]  `thrift:"7"`
	Binary *values[[]byte]  `thrift:"8"`
}

// values are those of one column; a bit of Nulls, lowest first, is set for each NULL, whose value
// is the zero one.
type values[T any] struct {
	Values []T    `thrift:"1"`
	Nulls  []byte `thrift:"2"`
}

type infoRequest struct {
	Session sessionHandle `thrift:"1"`
	Type    int32         `thrift:"2"`
	Unknown thrift.Unknown
}

type infoReply struct {
	Status status    `thrift:"1"`
	Value  infoValue `thrift:"2"`
}

type infoValue struct {
	Text  *string `thrift:"1"`
	Short *int16  `thrift:"2"`
	Long  *int64  `thrift:"6"`
}

// catalogRequest are the requests about schemas, tables and columns: later fields are there for
// those that have them. Strings are patterns.
type catalogRequest struct {
	Session sessionHandle `thrift:"1"`
	Catalog *string       `thrift:"2"`
	Schema  *string       `thrift:"3"`
	Table   *string       `thrift:"4"`
	Column  *string       `thrift:"5"`
	Unknown thrift.Unknown
}

type tablesRequest struct {
	Session sessionHandle `thrift:"1"`
	Catalog *string       `thrift:"2"`
	Schema  *string       `thrift:"3"`
	Table   *string       `thrift:"4"`
	Types   []string      `thrift:"5"`
	Unknown thrift.Unknown
}

type crossRequest struct {
	Session       sessionHandle `thrift:"1"`
	ParentCatalog *string       `thrift:"2"`
	ParentSchema  *string       `thrift:"3"`
	ParentTable   *string       `thrift:"4"`
	Catalog       *string       `thrift:"5"`
	Schema        *string       `thrift:"6"`
	Table         *string       `thrift:"7"`
	Unknown       thrift.Unknown
}

type tokenReply struct {
	Status status  `thrift:"1"`
	Token  *string `thrift:"2"`
}

type queryIDReply struct {
	ID string `thrift:"1"`
}
