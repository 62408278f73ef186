package hms

// The statistics of columns on the wire.

type booleanColumnStatsData struct {
	NumTrues   int64  `thrift:"1"`
	NumFalses  int64  `thrift:"2"`
	NumNulls   int64  `thrift:"3"`
	BitVectors []byte `thrift:"4"`
}

// rangeStats are those of columns whose values have an order.
type rangeStats[T any] struct {
	LowValue   *T     `thrift:"1"`
	HighValue  *T     `thrift:"2"`
	NumNulls   int64  `thrift:"3"`
	NumDVs     int64  `thrift:"4"`
	BitVectors []byte `thrift:"5"`
}

type stringColumnStatsData struct {
	MaxColLen  int64   `thrift:"1"`
	AvgColLen  float64 `thrift:"2"`
	NumNulls   int64   `thrift:"3"`
	NumDVs     int64   `thrift:"4"`
	BitVectors []byte  `thrift:"5"`
}

type binaryColumnStatsData struct {
	MaxColLen  int64   `thrift:"1"`
	AvgColLen  float64 `thrift:"2"`
	NumNulls   int64   `thrift:"3"`
	BitVectors []byte  `thrift:"4"`
}

type decimal struct {
	Scale    int16  `thrift:"3"`
	Unscaled []byte `thrift:"1"`
}

type date struct {
	DaysSinceEpoch int64 `thrift:"1"`
}

type timestamp struct {
	SecondsSinceEpoch int64 `thrift:"1"`
}

type columnStatisticsData struct {
	BooleanStats   *booleanColumnStatsData `thrift:"1"`
	LongStats      *rangeStats[int64]      `thrift:"2"`
	DoubleStats    *rangeStats[float64]    `thrift:"3"`
	StringStats    *stringColumnStatsData  `thrift:"4"`
	BinaryStats    *binaryColumnStatsData  `thrift:"5"`
	DecimalStats   *rangeStats[decimal]    `thrift:"6"`
	DateStats      *rangeStats[date]       `thrift:"7"`
	TimestampStats *rangeStats[timestamp]  `thrift:"8"`
}

type columnStatisticsObj struct {
	ColName   string                `thrift:"1"`
	ColType   string                `thrift:"2"`
	StatsData *columnStatisticsData `thrift:"3"`
}

type columnStatisticsDesc struct {
	IsTblLevel   bool   `thrift:"1"`
	DbName       string `thrift:"2"`
	TableName    string `thrift:"3"`
	PartName     string `thrift:"4,omitempty"`
	LastAnalyzed int64  `thrift:"5,omitempty"`
	CatName      string `thrift:"6,omitempty"`
}

type columnStatistics struct {
	StatsDesc        *columnStatisticsDesc  `thrift:"1"`
	StatsObj         []*columnStatisticsObj `thrift:"2"`
	IsStatsCompliant bool                   `thrift:"3,omitempty"`
	Engine           string                 `thrift:"4,omitempty"`
}

type aggrStats struct {
	ColStats         []*columnStatisticsObj `thrift:"1"`
	PartsFound       int64                  `thrift:"2"`
	IsStatsCompliant bool                   `thrift:"3,omitempty"`
}

type setPartitionsStatsRequest struct {
	ColStats  []*columnStatistics `thrift:"1"`
	NeedMerge bool                `thrift:"2"`
	Engine    string              `thrift:"5"`
}

type setPartitionsStatsResponse struct {
	Result bool `thrift:"1"`
}

type tableStatsResult struct {
	TableStats []*columnStatisticsObj `thrift:"1"`
}

type partitionsStatsResult struct {
	PartStats map[string][]*columnStatisticsObj `thrift:"1"`
}

type tableStatsRequest struct {
	DbName   string   `thrift:"1"`
	TblName  string   `thrift:"2"`
	ColNames []string `thrift:"3"`
	CatName  string   `thrift:"4,omitempty"`
	Engine   string   `thrift:"6"`
}

type partitionsStatsRequest struct {
	DbName    string   `thrift:"1"`
	TblName   string   `thrift:"2"`
	ColNames  []string `thrift:"3"`
	PartNames []string `thrift:"4"`
	CatName   string   `thrift:"5,omitempty"`
	Engine    string   `thrift:"7"`
}
