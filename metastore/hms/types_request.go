package hms

// What methods take and give in one struct.

type getDatabaseRequest struct {
	Name        string `thrift:"1,omitempty"`
	CatalogName string `thrift:"2,omitempty"`
}

type createDatabaseRequest struct {
	DatabaseName       string                 `thrift:"1"`
	Description        string                 `thrift:"2,omitempty"`
	LocationURI        string                 `thrift:"3,omitempty"`
	Parameters         map[string]string      `thrift:"4"`
	Privileges         *principalPrivilegeSet `thrift:"5"`
	OwnerName          string                 `thrift:"6,omitempty"`
	OwnerType          int32                  `thrift:"7,omitempty"`
	CatalogName        string                 `thrift:"8,omitempty"`
	CreateTime         int32                  `thrift:"9,omitempty"`
	ManagedLocationURI string                 `thrift:"10,omitempty"`
}

type getTableRequest struct {
	DbName  string `thrift:"1"`
	TblName string `thrift:"2"`
	CatName string `thrift:"4,omitempty"`
	Engine  string `thrift:"10,omitempty"`
}

type getTableResult struct {
	Table *table `thrift:"1"`
}

type getTablesRequest struct {
	DbName   string   `thrift:"1"`
	TblNames []string `thrift:"2"`
	CatName  string   `thrift:"4,omitempty"`
}

type getTablesExtRequest struct {
	Catalog          string `thrift:"1"`
	Database         string `thrift:"2"`
	TableNamePattern string `thrift:"3"`
	Limit            int32  `thrift:"5,omitempty"`
}

type createTableRequest struct {
	Table              *table                  `thrift:"1"`
	PrimaryKeys        []*sqlPrimaryKey        `thrift:"3"`
	ForeignKeys        []*sqlForeignKey        `thrift:"4"`
	UniqueConstraints  []*sqlUniqueConstraint  `thrift:"5"`
	NotNullConstraints []*sqlNotNullConstraint `thrift:"6"`
	DefaultConstraints []*sqlDefaultConstraint `thrift:"7"`
	CheckConstraints   []*sqlCheckConstraint   `thrift:"8"`
}

type alterTableRequest struct {
	CatName            string              `thrift:"1,omitempty"`
	DbName             string              `thrift:"2"`
	TableName          string              `thrift:"3"`
	Table              *table              `thrift:"4"`
	EnvironmentContext *environmentContext `thrift:"5"`
}

type truncateTableRequest struct {
	DbName    string   `thrift:"1"`
	TableName string   `thrift:"2"`
	PartNames []string `thrift:"3"`
}

type getFieldsRequest struct {
	CatName string `thrift:"1,omitempty"`
	DbName  string `thrift:"2"`
	TblName string `thrift:"3"`
}

type getPartitionRequest struct {
	CatName  string   `thrift:"1,omitempty"`
	DbName   string   `thrift:"2"`
	TblName  string   `thrift:"3"`
	PartVals []string `thrift:"4"`
}

type getPartitionResponse struct {
	Partition *partition `thrift:"1"`
}

type partitionsRequest struct {
	CatName  string `thrift:"1,omitempty"`
	DbName   string `thrift:"2"`
	TblName  string `thrift:"3"`
	MaxParts *int16 `thrift:"4"`
}

type getPartitionNamesPsRequest struct {
	CatName    string   `thrift:"1,omitempty"`
	DbName     string   `thrift:"2"`
	TblName    string   `thrift:"3"`
	PartValues []string `thrift:"4"`
	MaxParts   *int16   `thrift:"5"`
}

type getPartitionsPsWithAuthRequest struct {
	CatName  string   `thrift:"1,omitempty"`
	DbName   string   `thrift:"2"`
	TblName  string   `thrift:"3"`
	PartVals []string `thrift:"4"`
	MaxParts *int16   `thrift:"5"`
	User     *string  `thrift:"6"`
	Groups   []string `thrift:"7"`
}

type getPartitionsByNamesRequest struct {
	DbName  string   `thrift:"1"`
	TblName string   `thrift:"2"`
	Names   []string `thrift:"3"`
	Engine  string   `thrift:"7,omitempty"`
}

type getPartitionsFilterSpec struct {
	FilterMode int32    `thrift:"7,omitempty"`
	Filters    []string `thrift:"8"`
}

type getPartitionsRequest struct {
	CatName    string                   `thrift:"1,omitempty"`
	DbName     string                   `thrift:"2,omitempty"`
	TblName    string                   `thrift:"3,omitempty"`
	FilterSpec *getPartitionsFilterSpec `thrift:"8"`
}

type partitionsByExprRequest struct {
	DbName               string `thrift:"1"`
	TblName              string `thrift:"2"`
	DefaultPartitionName string `thrift:"4,omitempty"`
	MaxParts             *int16 `thrift:"5"`
	CatName              string `thrift:"6,omitempty"`
}

type addPartitionsRequest struct {
	DbName      string       `thrift:"1"`
	TblName     string       `thrift:"2"`
	Parts       []*partition `thrift:"3"`
	IfNotExists bool         `thrift:"4"`
	NeedResult  *bool        `thrift:"5"`
	CatName     string       `thrift:"6,omitempty"`
}

type addPartitionsResult struct {
	Partitions []*partition `thrift:"1"`
}

type dropPartitionsExpr struct {
}

type requestPartsSpec struct {
	Names []string              `thrift:"1"`
	Exprs []*dropPartitionsExpr `thrift:"2"`
}

type dropPartitionsRequest struct {
	DbName             string              `thrift:"1"`
	TblName            string              `thrift:"2"`
	Parts              *requestPartsSpec   `thrift:"3"`
	DeleteData         bool                `thrift:"4,omitempty"`
	IfExists           *bool               `thrift:"5"`
	EnvironmentContext *environmentContext `thrift:"7"`
	NeedResult         *bool               `thrift:"8"`
	CatName            string              `thrift:"9,omitempty"`
}

type partitionValuesRequest struct {
	DbName        string         `thrift:"1"`
	TblName       string         `thrift:"2"`
	PartitionKeys []*fieldSchema `thrift:"3"`
	ApplyDistinct *bool          `thrift:"4"`
	Filter        string         `thrift:"5,omitempty"`
	Ascending     *bool          `thrift:"7"`
	MaxParts      *int64         `thrift:"8"`
	CatName       string         `thrift:"9,omitempty"`
}

type alterPartitionsRequest struct {
	CatName            string              `thrift:"1,omitempty"`
	DbName             string              `thrift:"2"`
	TableName          string              `thrift:"3"`
	Partitions         []*partition        `thrift:"4"`
	EnvironmentContext *environmentContext `thrift:"5"`
}

type renamePartitionRequest struct {
	CatName   string     `thrift:"1,omitempty"`
	DbName    string     `thrift:"2"`
	TableName string     `thrift:"3"`
	PartVals  []string   `thrift:"4"`
	NewPart   *partition `thrift:"5"`
}

type primaryKeysRequest struct {
	DbName  string `thrift:"1"`
	TblName string `thrift:"2"`
	CatName string `thrift:"3,omitempty"`
}

type foreignKeysRequest struct {
	ParentDbName   string `thrift:"1,omitempty"`
	ParentTblName  string `thrift:"2,omitempty"`
	ForeignDbName  string `thrift:"3,omitempty"`
	ForeignTblName string `thrift:"4,omitempty"`
	CatName        string `thrift:"5,omitempty"`
}

type uniqueConstraintsRequest struct {
	CatName string `thrift:"1"`
	DbName  string `thrift:"2"`
	TblName string `thrift:"3"`
}

type allTableConstraintsRequest struct {
	DbName  string `thrift:"1"`
	TblName string `thrift:"2"`
	CatName string `thrift:"3"`
}

type allTableConstraintsResponse struct {
	AllTableConstraints *sqlAllTableConstraints `thrift:"1"`
}

type dropConstraintRequest struct {
	Dbname         string `thrift:"1"`
	Tablename      string `thrift:"2"`
	Constraintname string `thrift:"3"`
	CatName        string `thrift:"4,omitempty"`
}

type getCatalogRequest struct {
	Name string `thrift:"1,omitempty"`
}

type getCatalogResponse struct {
	Catalog *catalogInfo `thrift:"1"`
}

// listOf is a list that is the only thing in a struct.
type listOf[T any] struct {
	List []T `thrift:"1"`
}
