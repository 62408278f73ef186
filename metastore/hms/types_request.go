package hms

// What methods take and give in one struct.

type getDatabaseRequest struct {
	Name                  string   `thrift:"1,omitempty"`
	CatalogName           string   `thrift:"2,omitempty"`
	ProcessorCapabilities []string `thrift:"3"`
	ProcessorIdentifier   string   `thrift:"4,omitempty"`
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
	Type               string                 `thrift:"11,omitempty"`
	DataConnectorName  string                 `thrift:"12,omitempty"`
}

type getTableRequest struct {
	DbName                string   `thrift:"1"`
	TblName               string   `thrift:"2"`
	CatName               string   `thrift:"4,omitempty"`
	ValidWriteIdList      string   `thrift:"6,omitempty"`
	GetColumnStats        bool     `thrift:"7,omitempty"`
	ProcessorCapabilities []string `thrift:"8"`
	ProcessorIdentifier   string   `thrift:"9,omitempty"`
	Engine                string   `thrift:"10,omitempty"`
	ID                    *int64   `thrift:"11"`
}

type getTableResult struct {
	Table            *table `thrift:"1"`
	IsStatsCompliant bool   `thrift:"2,omitempty"`
}

type getTablesRequest struct {
	DbName                string              `thrift:"1"`
	TblNames              []string            `thrift:"2"`
	CatName               string              `thrift:"4,omitempty"`
	ProcessorCapabilities []string            `thrift:"5"`
	ProcessorIdentifier   string              `thrift:"6,omitempty"`
	ProjectionSpec        *getProjectionsSpec `thrift:"7"`
}

type getTablesExtRequest struct {
	Catalog               string   `thrift:"1"`
	Database              string   `thrift:"2"`
	TableNamePattern      string   `thrift:"3"`
	RequestedFields       int32    `thrift:"4"`
	Limit                 int32    `thrift:"5,omitempty"`
	ProcessorCapabilities []string `thrift:"6"`
	ProcessorIdentifier   string   `thrift:"7,omitempty"`
}

type createTableRequest struct {
	Table                 *table                  `thrift:"1"`
	EnvContext            *environmentContext     `thrift:"2"`
	PrimaryKeys           []*sqlPrimaryKey        `thrift:"3"`
	ForeignKeys           []*sqlForeignKey        `thrift:"4"`
	UniqueConstraints     []*sqlUniqueConstraint  `thrift:"5"`
	NotNullConstraints    []*sqlNotNullConstraint `thrift:"6"`
	DefaultConstraints    []*sqlDefaultConstraint `thrift:"7"`
	CheckConstraints      []*sqlCheckConstraint   `thrift:"8"`
	ProcessorCapabilities []string                `thrift:"9"`
	ProcessorIdentifier   string                  `thrift:"10,omitempty"`
}

type alterTableRequest struct {
	CatName               string              `thrift:"1,omitempty"`
	DbName                string              `thrift:"2"`
	TableName             string              `thrift:"3"`
	Table                 *table              `thrift:"4"`
	EnvironmentContext    *environmentContext `thrift:"5"`
	WriteID               *int64              `thrift:"6"`
	ValidWriteIdList      string              `thrift:"7,omitempty"`
	ProcessorCapabilities []string            `thrift:"8"`
	ProcessorIdentifier   string              `thrift:"9,omitempty"`
}

type truncateTableRequest struct {
	DbName           string   `thrift:"1"`
	TableName        string   `thrift:"2"`
	PartNames        []string `thrift:"3"`
	WriteID          *int64   `thrift:"4"`
	ValidWriteIdList string   `thrift:"5,omitempty"`
}

type getFieldsRequest struct {
	CatName          string              `thrift:"1,omitempty"`
	DbName           string              `thrift:"2"`
	TblName          string              `thrift:"3"`
	EnvContext       *environmentContext `thrift:"4"`
	ValidWriteIdList string              `thrift:"5,omitempty"`
	ID               *int64              `thrift:"6"`
}

type getFieldsResponse struct {
	Fields []*fieldSchema `thrift:"1"`
}

type getPartitionRequest struct {
	CatName          string   `thrift:"1,omitempty"`
	DbName           string   `thrift:"2"`
	TblName          string   `thrift:"3"`
	PartVals         []string `thrift:"4"`
	ValidWriteIdList string   `thrift:"5,omitempty"`
	ID               *int64   `thrift:"6"`
}

type getPartitionResponse struct {
	Partition *partition `thrift:"1"`
}

type partitionsRequest struct {
	CatName          string `thrift:"1,omitempty"`
	DbName           string `thrift:"2"`
	TblName          string `thrift:"3"`
	MaxParts         *int16 `thrift:"4"`
	ValidWriteIdList string `thrift:"5,omitempty"`
	ID               *int64 `thrift:"6"`
}

type getPartitionNamesPsRequest struct {
	CatName          string   `thrift:"1,omitempty"`
	DbName           string   `thrift:"2"`
	TblName          string   `thrift:"3"`
	PartValues       []string `thrift:"4"`
	MaxParts         *int16   `thrift:"5"`
	ValidWriteIdList string   `thrift:"6,omitempty"`
	ID               *int64   `thrift:"7"`
}

type getPartitionsPsWithAuthRequest struct {
	CatName          string   `thrift:"1,omitempty"`
	DbName           string   `thrift:"2"`
	TblName          string   `thrift:"3"`
	PartVals         []string `thrift:"4"`
	MaxParts         *int16   `thrift:"5"`
	UserName         string   `thrift:"6,omitempty"`
	GroupNames       []string `thrift:"7"`
	ValidWriteIdList string   `thrift:"8,omitempty"`
	ID               *int64   `thrift:"9"`
}

type getPartitionsByNamesRequest struct {
	DbName                string   `thrift:"1"`
	TblName               string   `thrift:"2"`
	Names                 []string `thrift:"3"`
	GetColStats           bool     `thrift:"4,omitempty"`
	ProcessorCapabilities []string `thrift:"5"`
	ProcessorIdentifier   string   `thrift:"6,omitempty"`
	Engine                string   `thrift:"7,omitempty"`
	ValidWriteIdList      string   `thrift:"8,omitempty"`
	GetFileMetadata       bool     `thrift:"9,omitempty"`
	ID                    *int64   `thrift:"10"`
}

type getProjectionsSpec struct {
	FieldList              []string `thrift:"1"`
	IncludeParamKeyPattern string   `thrift:"2,omitempty"`
	ExcludeParamKeyPattern string   `thrift:"3,omitempty"`
}

type getPartitionsFilterSpec struct {
	FilterMode int32    `thrift:"7,omitempty"`
	Filters    []string `thrift:"8"`
}

type getPartitionsRequest struct {
	CatName               string                   `thrift:"1,omitempty"`
	DbName                string                   `thrift:"2,omitempty"`
	TblName               string                   `thrift:"3,omitempty"`
	WithAuth              bool                     `thrift:"4,omitempty"`
	User                  string                   `thrift:"5,omitempty"`
	GroupNames            []string                 `thrift:"6"`
	ProjectionSpec        *getProjectionsSpec      `thrift:"7"`
	FilterSpec            *getPartitionsFilterSpec `thrift:"8"`
	ProcessorCapabilities []string                 `thrift:"9"`
	ProcessorIdentifier   string                   `thrift:"10,omitempty"`
	ValidWriteIdList      string                   `thrift:"11,omitempty"`
}

type partitionsByExprRequest struct {
	DbName               string `thrift:"1"`
	TblName              string `thrift:"2"`
	Expr                 []byte `thrift:"3"`
	DefaultPartitionName string `thrift:"4,omitempty"`
	MaxParts             *int16 `thrift:"5"`
	CatName              string `thrift:"6,omitempty"`
	Order                string `thrift:"7,omitempty"`
	ValidWriteIdList     string `thrift:"8,omitempty"`
	ID                   *int64 `thrift:"9"`
}

type addPartitionsRequest struct {
	DbName           string       `thrift:"1"`
	TblName          string       `thrift:"2"`
	Parts            []*partition `thrift:"3"`
	IfNotExists      bool         `thrift:"4"`
	NeedResult       *bool        `thrift:"5"`
	CatName          string       `thrift:"6,omitempty"`
	ValidWriteIdList string       `thrift:"7,omitempty"`
}

type addPartitionsResult struct {
	Partitions       []*partition `thrift:"1"`
	IsStatsCompliant bool         `thrift:"2,omitempty"`
}

type dropPartitionsExpr struct {
	Expr             []byte `thrift:"1"`
	PartArchiveLevel int32  `thrift:"2,omitempty"`
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
	IgnoreProtection   bool                `thrift:"6,omitempty"`
	EnvironmentContext *environmentContext `thrift:"7"`
	NeedResult         *bool               `thrift:"8"`
	CatName            string              `thrift:"9,omitempty"`
}

type dropPartitionsResult struct {
	Partitions []*partition `thrift:"1"`
}

type partitionValuesRequest struct {
	DbName           string         `thrift:"1"`
	TblName          string         `thrift:"2"`
	PartitionKeys    []*fieldSchema `thrift:"3"`
	ApplyDistinct    *bool          `thrift:"4"`
	Filter           string         `thrift:"5,omitempty"`
	PartitionOrder   []*fieldSchema `thrift:"6"`
	Ascending        *bool          `thrift:"7"`
	MaxParts         *int64         `thrift:"8"`
	CatName          string         `thrift:"9,omitempty"`
	ValidWriteIdList string         `thrift:"10,omitempty"`
}

type partitionValuesRow struct {
	Row []string `thrift:"1"`
}

type partitionValuesResponse struct {
	PartitionValues []*partitionValuesRow `thrift:"1"`
}

type alterPartitionsRequest struct {
	CatName            string              `thrift:"1,omitempty"`
	DbName             string              `thrift:"2"`
	TableName          string              `thrift:"3"`
	Partitions         []*partition        `thrift:"4"`
	EnvironmentContext *environmentContext `thrift:"5"`
	WriteID            *int64              `thrift:"6"`
	ValidWriteIdList   string              `thrift:"7,omitempty"`
}

type renamePartitionRequest struct {
	CatName          string     `thrift:"1,omitempty"`
	DbName           string     `thrift:"2"`
	TableName        string     `thrift:"3"`
	PartVals         []string   `thrift:"4"`
	NewPart          *partition `thrift:"5"`
	ValidWriteIdList string     `thrift:"6,omitempty"`
}

type primaryKeysRequest struct {
	DbName  string `thrift:"1"`
	TblName string `thrift:"2"`
	CatName string `thrift:"3,omitempty"`
}

type primaryKeysResponse struct {
	PrimaryKeys []*sqlPrimaryKey `thrift:"1"`
}

type foreignKeysRequest struct {
	ParentDbName   string `thrift:"1,omitempty"`
	ParentTblName  string `thrift:"2,omitempty"`
	ForeignDbName  string `thrift:"3,omitempty"`
	ForeignTblName string `thrift:"4,omitempty"`
	CatName        string `thrift:"5,omitempty"`
}

type foreignKeysResponse struct {
	ForeignKeys []*sqlForeignKey `thrift:"1"`
}

type uniqueConstraintsRequest struct {
	CatName string `thrift:"1"`
	DbName  string `thrift:"2"`
	TblName string `thrift:"3"`
}

type uniqueConstraintsResponse struct {
	UniqueConstraints []*sqlUniqueConstraint `thrift:"1"`
}

type notNullConstraintsResponse struct {
	NotNullConstraints []*sqlNotNullConstraint `thrift:"1"`
}

type defaultConstraintsResponse struct {
	DefaultConstraints []*sqlDefaultConstraint `thrift:"1"`
}

type checkConstraintsResponse struct {
	CheckConstraints []*sqlCheckConstraint `thrift:"1"`
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

type addPrimaryKeyRequest struct {
	PrimaryKeyCols []*sqlPrimaryKey `thrift:"1"`
}

type addForeignKeyRequest struct {
	ForeignKeyCols []*sqlForeignKey `thrift:"1"`
}

type addUniqueConstraintRequest struct {
	UniqueConstraintCols []*sqlUniqueConstraint `thrift:"1"`
}

type addNotNullConstraintRequest struct {
	NotNullConstraintCols []*sqlNotNullConstraint `thrift:"1"`
}

type addDefaultConstraintRequest struct {
	DefaultConstraintCols []*sqlDefaultConstraint `thrift:"1"`
}

type addCheckConstraintRequest struct {
	CheckConstraintCols []*sqlCheckConstraint `thrift:"1"`
}

type getAllFunctionsResponse struct {
	Functions []*function `thrift:"1"`
}

type getCatalogRequest struct {
	Name string `thrift:"1,omitempty"`
}

type getCatalogResponse struct {
	Catalog *catalogInfo `thrift:"1"`
}

type getCatalogsResponse struct {
	Names []string `thrift:"1"`
}
