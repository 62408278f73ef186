package hms

import "github.com/skepdata/skep/internal/thrift"

// The objects of the Hive Metastore, as they are on the wire. Numbers and names are those of hive_metastore.thrift in
// Hive 2.3 to 4; a field that only some versions have is optional in all.

type database struct {
	Name               string                 `thrift:"1,omitempty"`
	Description        string                 `thrift:"2,omitempty"`
	LocationURI        string                 `thrift:"3,omitempty"`
	Parameters         map[string]string      `thrift:"4"`
	Privileges         *principalPrivilegeSet `thrift:"5"`
	OwnerName          string                 `thrift:"6,omitempty"`
	OwnerType          int32                  `thrift:"7,omitempty"`
	CatalogName        string                 `thrift:"8,omitempty"`
	CreateTime         int32                  `thrift:"9,omitempty"`
	ManagedLocationURI string                 `thrift:"10,omitempty"`
	Type               int32                  `thrift:"11,omitempty"`
	ConnectorName      string                 `thrift:"12,omitempty"`
	RemoteDbname       string                 `thrift:"13,omitempty"`
	Unknown            thrift.Unknown
}

type fieldSchema struct {
	Name    string `thrift:"1,omitempty"`
	Type    string `thrift:"2,omitempty"`
	Comment string `thrift:"3,omitempty"`
}

type serDeInfo struct {
	Name              string            `thrift:"1,omitempty"`
	SerializationLib  string            `thrift:"2,omitempty"`
	Parameters        map[string]string `thrift:"3"`
	Description       string            `thrift:"4,omitempty"`
	SerializerClass   string            `thrift:"5,omitempty"`
	DeserializerClass string            `thrift:"6,omitempty"`
	SerdeType         int32             `thrift:"7,omitempty"`
	Unknown           thrift.Unknown
}

type order struct {
	Col     string `thrift:"1,omitempty"`
	Order   int32  `thrift:"2"`
	Unknown thrift.Unknown
}

type skewedInfo struct {
	SkewedColNames  []string   `thrift:"1"`
	SkewedColValues [][]string `thrift:"2"`
	// Where the values are, a map from lists of values to directories.
	Locations []skewedLocation `thrift:"3,map"`
	Unknown   thrift.Unknown
}

type skewedLocation struct {
	Key   []string
	Value string
}

type storageDescriptor struct {
	Cols                   []*fieldSchema    `thrift:"1"`
	Location               string            `thrift:"2,omitempty"`
	InputFormat            string            `thrift:"3,omitempty"`
	OutputFormat           string            `thrift:"4,omitempty"`
	Compressed             bool              `thrift:"5"`
	NumBuckets             int32             `thrift:"6"`
	SerdeInfo              *serDeInfo        `thrift:"7"`
	BucketCols             []string          `thrift:"8"`
	SortCols               []*order          `thrift:"9"`
	Parameters             map[string]string `thrift:"10"`
	SkewedInfo             *skewedInfo       `thrift:"11"`
	StoredAsSubDirectories bool              `thrift:"12"`
	Unknown                thrift.Unknown
}

type table struct {
	TableName                 string                 `thrift:"1,omitempty"`
	DbName                    string                 `thrift:"2,omitempty"`
	Owner                     string                 `thrift:"3,omitempty"`
	CreateTime                int32                  `thrift:"4"`
	LastAccessTime            int32                  `thrift:"5"`
	Retention                 int32                  `thrift:"6"`
	Sd                        *storageDescriptor     `thrift:"7"`
	PartitionKeys             []*fieldSchema         `thrift:"8"`
	Parameters                map[string]string      `thrift:"9"`
	ViewOriginalText          string                 `thrift:"10,omitempty"`
	ViewExpandedText          string                 `thrift:"11,omitempty"`
	TableType                 string                 `thrift:"12,omitempty"`
	Privileges                *principalPrivilegeSet `thrift:"13"`
	Temporary                 *bool                  `thrift:"14"`
	RewriteEnabled            bool                   `thrift:"15"`
	CatName                   string                 `thrift:"17,omitempty"`
	OwnerType                 *int32                 `thrift:"18"`
	WriteID                   *int64                 `thrift:"19"`
	IsStatsCompliant          bool                   `thrift:"20,omitempty"`
	ColStats                  *columnStatistics      `thrift:"21"`
	AccessType                int8                   `thrift:"22,omitempty"`
	RequiredReadCapabilities  []string               `thrift:"23"`
	RequiredWriteCapabilities []string               `thrift:"24"`
	ID                        int64                  `thrift:"25,omitempty"`
	Unknown                   thrift.Unknown
}

type partition struct {
	Values           []string               `thrift:"1"`
	DbName           string                 `thrift:"2,omitempty"`
	TableName        string                 `thrift:"3,omitempty"`
	CreateTime       int32                  `thrift:"4"`
	LastAccessTime   int32                  `thrift:"5"`
	Sd               *storageDescriptor     `thrift:"6"`
	Parameters       map[string]string      `thrift:"7"`
	Privileges       *principalPrivilegeSet `thrift:"8"`
	CatName          string                 `thrift:"9,omitempty"`
	WriteID          *int64                 `thrift:"10"`
	IsStatsCompliant bool                   `thrift:"11,omitempty"`
	ColStats         *columnStatistics      `thrift:"12"`
	Unknown          thrift.Unknown
}

type partitionWithoutSD struct {
	Values         []string               `thrift:"1"`
	CreateTime     int32                  `thrift:"2"`
	LastAccessTime int32                  `thrift:"3"`
	RelativePath   string                 `thrift:"4,omitempty"`
	Parameters     map[string]string      `thrift:"5"`
	Privileges     *principalPrivilegeSet `thrift:"6"`
}

type partitionSpecWithSharedSD struct {
	Partitions []*partitionWithoutSD `thrift:"1"`
	Sd         *storageDescriptor    `thrift:"2"`
}

type partitionListComposingSpec struct {
	Partitions []*partition `thrift:"1"`
}

type partitionSpec struct {
	DbName                string                      `thrift:"1,omitempty"`
	TableName             string                      `thrift:"2,omitempty"`
	RootPath              string                      `thrift:"3,omitempty"`
	SharedSDPartitionSpec *partitionSpecWithSharedSD  `thrift:"4"`
	PartitionList         *partitionListComposingSpec `thrift:"5"`
	CatName               string                      `thrift:"6,omitempty"`
	WriteID               *int64                      `thrift:"7"`
	IsStatsCompliant      bool                        `thrift:"8,omitempty"`
}

type tableMeta struct {
	DbName    string `thrift:"1"`
	TableName string `thrift:"2"`
	TableType string `thrift:"3"`
	Comments  string `thrift:"4,omitempty"`
	CatName   string `thrift:"5,omitempty"`
}

type extendedTableInfo struct {
	TblName                   string   `thrift:"1"`
	AccessType                int32    `thrift:"2,omitempty"`
	RequiredReadCapabilities  []string `thrift:"3"`
	RequiredWriteCapabilities []string `thrift:"4"`
}

type catalogInfo struct {
	Name        string `thrift:"1,omitempty"`
	Description string `thrift:"2,omitempty"`
	LocationURI string `thrift:"3,omitempty"`
	CreateTime  int32  `thrift:"4,omitempty"`
}

type environmentContext struct {
	Properties map[string]string `thrift:"1"`
}

type resourceURI struct {
	ResourceType int32  `thrift:"1"`
	URI          string `thrift:"2,omitempty"`
}

type function struct {
	FunctionName string         `thrift:"1,omitempty"`
	DbName       string         `thrift:"2,omitempty"`
	ClassName    string         `thrift:"3,omitempty"`
	OwnerName    string         `thrift:"4,omitempty"`
	OwnerType    int32          `thrift:"5"`
	CreateTime   int32          `thrift:"6"`
	FunctionType int32          `thrift:"7"`
	ResourceUris []*resourceURI `thrift:"8"`
	CatName      string         `thrift:"9,omitempty"`
	Unknown      thrift.Unknown
}

type sqlPrimaryKey struct {
	TableDb      string `thrift:"1,omitempty"`
	TableName    string `thrift:"2,omitempty"`
	ColumnName   string `thrift:"3,omitempty"`
	KeySeq       int32  `thrift:"4"`
	PkName       string `thrift:"5,omitempty"`
	EnableCstr   bool   `thrift:"6"`
	ValidateCstr bool   `thrift:"7"`
	RelyCstr     bool   `thrift:"8"`
	CatName      string `thrift:"9,omitempty"`
}

type sqlForeignKey struct {
	PktableDb    string `thrift:"1,omitempty"`
	PktableName  string `thrift:"2,omitempty"`
	PkcolumnName string `thrift:"3,omitempty"`
	FktableDb    string `thrift:"4,omitempty"`
	FktableName  string `thrift:"5,omitempty"`
	FkcolumnName string `thrift:"6,omitempty"`
	KeySeq       int32  `thrift:"7"`
	UpdateRule   int32  `thrift:"8"`
	DeleteRule   int32  `thrift:"9"`
	FkName       string `thrift:"10,omitempty"`
	PkName       string `thrift:"11,omitempty"`
	EnableCstr   bool   `thrift:"12"`
	ValidateCstr bool   `thrift:"13"`
	RelyCstr     bool   `thrift:"14"`
	CatName      string `thrift:"15,omitempty"`
}

type sqlUniqueConstraint struct {
	CatName      string `thrift:"1,omitempty"`
	TableDb      string `thrift:"2,omitempty"`
	TableName    string `thrift:"3,omitempty"`
	ColumnName   string `thrift:"4,omitempty"`
	KeySeq       int32  `thrift:"5"`
	UkName       string `thrift:"6,omitempty"`
	EnableCstr   bool   `thrift:"7"`
	ValidateCstr bool   `thrift:"8"`
	RelyCstr     bool   `thrift:"9"`
}

type sqlNotNullConstraint struct {
	CatName      string `thrift:"1,omitempty"`
	TableDb      string `thrift:"2,omitempty"`
	TableName    string `thrift:"3,omitempty"`
	ColumnName   string `thrift:"4,omitempty"`
	NnName       string `thrift:"5,omitempty"`
	EnableCstr   bool   `thrift:"6"`
	ValidateCstr bool   `thrift:"7"`
	RelyCstr     bool   `thrift:"8"`
}

type sqlDefaultConstraint struct {
	CatName      string `thrift:"1,omitempty"`
	TableDb      string `thrift:"2,omitempty"`
	TableName    string `thrift:"3,omitempty"`
	ColumnName   string `thrift:"4,omitempty"`
	DefaultValue string `thrift:"5,omitempty"`
	DcName       string `thrift:"6,omitempty"`
	EnableCstr   bool   `thrift:"7"`
	ValidateCstr bool   `thrift:"8"`
	RelyCstr     bool   `thrift:"9"`
}

type sqlCheckConstraint struct {
	CatName         string `thrift:"1,omitempty"`
	TableDb         string `thrift:"2,omitempty"`
	TableName       string `thrift:"3,omitempty"`
	ColumnName      string `thrift:"4,omitempty"`
	CheckExpression string `thrift:"5,omitempty"`
	DcName          string `thrift:"6,omitempty"`
	EnableCstr      bool   `thrift:"7"`
	ValidateCstr    bool   `thrift:"8"`
	RelyCstr        bool   `thrift:"9"`
}

type sqlAllTableConstraints struct {
	PrimaryKeys        []*sqlPrimaryKey        `thrift:"1"`
	ForeignKeys        []*sqlForeignKey        `thrift:"2"`
	UniqueConstraints  []*sqlUniqueConstraint  `thrift:"3"`
	NotNullConstraints []*sqlNotNullConstraint `thrift:"4"`
	DefaultConstraints []*sqlDefaultConstraint `thrift:"5"`
	CheckConstraints   []*sqlCheckConstraint   `thrift:"6"`
}
