package hms

import (
	"encoding/base64"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// hidden begins the names of parameters that are not shown.
const hidden = "skep."

// restParam keeps what a client said that package metastore has no place for: a struct of the
// wire, in TCompact and base64.
const restParam = hidden + "hms"

// visible is shown where the result is not changed: it may be params itself.
func visible(params map[string]string) map[string]string {
	for k := range params {
		if strings.HasPrefix(k, hidden) {
			return shown(params)
		}
	}
	if params == nil {
		return map[string]string{}
	}
	return params
}

// shown are the parameters without the hidden ones; never nil, which clients do not expect.
func shown(params map[string]string) map[string]string {
	out := make(map[string]string, len(params))
	for k, v := range params {
		if !strings.HasPrefix(k, hidden) {
			out[k] = v
		}
	}
	return out
}

// keepHidden gives params the hidden parameters of what it replaces, and no others. Who alters a
// table or a partition may have changed its files.
func keepHidden(params, old map[string]string) map[string]string {
	out := shown(params)
	for k, v := range old {
		if strings.HasPrefix(k, hidden) && k != restParam && k != metastore.FilesParameter {
			out[k] = v
		}
	}
	return out
}

// keepRest notes in params what v, a pointer to a struct of the wire, still says after what is
// understood has been taken out of it.
func keepRest(params map[string]string, v any) map[string]string {
	if reflect.ValueOf(v).Elem().IsZero() {
		return params
	}
	data, err := thrift.Marshal(v, thrift.Compact)
	if err != nil {
		return params // it has been read from the wire, so it can be written
	}
	if params == nil {
		params = map[string]string{}
	}
	params[restParam] = base64.StdEncoding.EncodeToString(data)
	return params
}

// readRest is the inverse of keepRest.
func readRest(params map[string]string, v any) {
	text := params[restParam]
	if text == "" {
		return
	}
	if data, err := base64.StdEncoding.DecodeString(text); err == nil {
		_ = thrift.Unmarshal(data, v, thrift.Compact, thrift.Limits{}) // damaged: it is not shown
	}
}

func wireColumns(columns []metastore.Column) []*fieldSchema {
	all := make([]fieldSchema, len(columns))
	out := make([]*fieldSchema, len(columns))
	for i, c := range columns {
		all[i] = fieldSchema{c.Name, c.Type.String(), c.Comment}
		out[i] = &all[i]
	}
	return out
}

func storeColumns(fields []*fieldSchema) ([]metastore.Column, error) {
	out := make([]metastore.Column, len(fields))
	for i, f := range fields {
		t, err := hivetype.Parse(f.Type)
		if err != nil {
			return nil, &invalidObject{fmt.Sprintf("column %s: %v", f.Name, err)}
		}
		out[i] = metastore.Column{Name: strings.ToLower(f.Name), Type: t, Comment: f.Comment}
	}
	return out, nil
}

func wireStorage(d *metastore.StorageDescriptor, columns []*fieldSchema) *storageDescriptor {
	out := &storageDescriptor{}
	readRest(d.Parameters, out)
	serde := &serDeInfo{}
	if out.SerdeInfo != nil {
		serde = out.SerdeInfo
	}
	serde.Name, serde.SerializationLib, serde.Parameters = d.SerDe.Name, d.SerDe.Library, shown(d.SerDe.Parameters)
	out.Cols, out.Location, out.InputFormat, out.OutputFormat = columns, d.Location, d.InputFormat, d.OutputFormat
	out.Compressed, out.NumBuckets, out.SerdeInfo = d.Compressed, int32(d.NumBuckets), serde
	out.BucketCols = append([]string{}, d.BucketColumns...)
	out.SortCols = []*order{}
	for _, s := range d.SortColumns {
		o := &order{Col: s.Name, Order: 1}
		if s.Desc {
			o.Order = 0
		}
		out.SortCols = append(out.SortCols, o)
	}
	out.Parameters = shown(d.Parameters)
	if out.SkewedInfo == nil { // Hive's server never leaves it out, and some clients count on that
		out.SkewedInfo = &skewedInfo{}
	}
	if out.SkewedInfo.SkewedColNames == nil {
		out.SkewedInfo.SkewedColNames, out.SkewedInfo.SkewedColValues = []string{}, [][]string{}
	}
	if out.SkewedInfo.Locations == nil {
		out.SkewedInfo.Locations = []skewedLocation{}
	}
	if d.Skewed != nil {
		out.wireSkewed(d.Skewed)
	}
	return out
}

func storeStorage(in *storageDescriptor) (metastore.StorageDescriptor, error) {
	if in == nil {
		in = &storageDescriptor{}
	}
	columns, err := storeColumns(in.Cols)
	if err != nil {
		return metastore.StorageDescriptor{}, err
	}
	d := metastore.StorageDescriptor{
		Columns: columns, Location: in.Location, InputFormat: in.InputFormat, OutputFormat: in.OutputFormat,
		Compressed: in.Compressed, NumBuckets: int(in.NumBuckets), BucketColumns: in.BucketCols,
		Parameters: shown(in.Parameters),
	}
	for _, o := range in.SortCols {
		d.SortColumns = append(d.SortColumns, metastore.SortColumn{Name: o.Col, Desc: o.Order == 0})
	}
	rest := *in
	rest.Cols, rest.BucketCols, rest.SortCols, rest.Parameters = nil, nil, nil, nil
	rest.Location, rest.InputFormat, rest.OutputFormat, rest.Compressed, rest.NumBuckets = "", "", "", false, 0
	if d.Skewed, rest.SkewedInfo = storeSkewed(in); d.Skewed != nil {
		rest.StoredAsSubDirectories = false
	}
	if serde := in.SerdeInfo; serde != nil {
		d.SerDe = metastore.SerDe{
			Name: serde.Name, Library: serde.SerializationLib, Parameters: maps.Clone(serde.Parameters),
		}
		left := *serde
		left.Name, left.SerializationLib, left.Parameters = "", "", nil
		if rest.SerdeInfo = nil; !reflect.ValueOf(left).IsZero() {
			rest.SerdeInfo = &left
		}
	}
	d.Parameters = keepRest(d.Parameters, &rest)
	return d, nil
}

func seconds(t time.Time) int32 {
	if t.IsZero() {
		return 0
	}
	return int32(t.Unix())
}

func fromSeconds(s int32) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0)
}

func wireTable(t *metastore.Table) *table {
	out := &table{}
	readRest(t.Parameters, out)
	out.TableName, out.DbName, out.CatName = t.Name, t.Database, catalog
	out.Owner, out.CreateTime = t.Owner, seconds(t.CreateTime)
	out.Sd = wireStorage(&t.Storage, wireColumns(t.Storage.Columns))
	out.PartitionKeys = wireColumns(t.PartitionKeys)
	out.Parameters = shown(t.Parameters)
	out.ViewOriginalText, out.ViewExpandedText, out.TableType = t.ViewOriginalText, t.ViewExpandedText, string(t.Type)
	if t.Type == metastore.External && out.Parameters["EXTERNAL"] == "" {
		out.Parameters["EXTERNAL"] = "TRUE"
	}
	owner := max(1, principalTypes[t.OwnerType])
	out.OwnerType = &owner
	return out
}

// storeTable reads a table. Its type follows the parameter EXTERNAL where the two disagree, as in
// Hive.
func storeTable(in *table) (*metastore.Table, error) {
	if in == nil {
		return nil, &invalidObject{"there is no table in the request"}
	}
	if err := knownCatalog(in.CatName); err != nil {
		return nil, err
	}
	name, err := tableName(in.DbName, in.TableName)
	if err != nil {
		return nil, err
	}
	t := &metastore.Table{
		TableName: name, Type: metastore.TableType(in.TableType), Owner: in.Owner, CreateTime: fromSeconds(in.CreateTime),
		ViewOriginalText: in.ViewOriginalText, ViewExpandedText: in.ViewExpandedText,
	}
	if t.Storage, err = storeStorage(in.Sd); err != nil {
		return nil, err
	}
	if t.PartitionKeys, err = storeColumns(in.PartitionKeys); err != nil {
		return nil, err
	}
	t.Parameters = shown(in.Parameters)
	external := strings.EqualFold(t.Parameters["EXTERNAL"], "TRUE")
	switch {
	case t.Type == "MATERIALIZED_VIEW":
		return nil, &invalidObject{"materialized views are not supported yet"}
	case t.Type == "" && external, t.Type == metastore.Managed && external:
		t.Type = metastore.External
	case t.Type == "":
		t.Type = metastore.Managed
	}
	rest := *in
	rest.TableName, rest.DbName, rest.CatName, rest.Owner, rest.CreateTime = "", "", "", "", 0
	rest.Sd, rest.PartitionKeys, rest.Parameters, rest.Privileges, rest.ColStats = nil, nil, nil, nil, nil
	rest.ViewOriginalText, rest.ViewExpandedText, rest.TableType = "", "", ""
	rest.WriteID, rest.ID, rest.IsStatsCompliant, rest.Temporary = nil, 0, false, nil
	rest.AccessType, rest.RequiredReadCapabilities, rest.RequiredWriteCapabilities = 0, nil, nil
	if rest.OwnerType != nil {
		t.OwnerType, rest.OwnerType = nameOf(principalTypes, *rest.OwnerType), nil
	}
	t.Parameters = keepRest(t.Parameters, &rest)
	return t, nil
}

// wirePartition is the wire's form of one partition.
func wirePartition(name metastore.TableName, p *metastore.Partition) *partition {
	return &partition{
		Values: p.Values, DbName: name.Database, TableName: name.Name, CatName: catalog, CreateTime: seconds(p.CreateTime),
		Sd: wireStorage(&p.Storage, wireColumns(p.Storage.Columns)), Parameters: shown(p.Parameters),
	}
}

// storePartition reads a partition of the table. What it does not say of its storage is the
// table's.
func storePartition(in *partition, t *metastore.Table) (*metastore.Partition, error) {
	if in == nil {
		return nil, &invalidObject{"there is no partition in the request"}
	}
	if len(in.Values) != len(t.PartitionKeys) {
		return nil, &invalidObject{fmt.Sprintf("%s: %d partition values for %d partition keys",
			t.TableName, len(in.Values), len(t.PartitionKeys))}
	}
	p := &metastore.Partition{
		Values: orDefault(in.Values), CreateTime: fromSeconds(in.CreateTime), Parameters: shown(in.Parameters),
	}
	if in.Sd == nil {
		p.Storage = t.Storage.Clone()
		p.Storage.Location = ""
		return p, nil
	}
	var err error
	p.Storage, err = storeStorage(in.Sd)
	return p, err
}

// orDefault writes the partition of NULL as Hive does.
func orDefault(values []string) partitions.Values {
	out := make(partitions.Values, len(values))
	for i, v := range values {
		if out[i] = v; v == "" {
			out[i] = partitions.DefaultName
		}
	}
	return out
}

func wireDatabase(d *metastore.Database, location string) *database {
	out := &database{}
	readRest(d.Parameters, out)
	out.Name, out.Description, out.LocationURI, out.Parameters = d.Name, d.Comment, location, shown(d.Parameters)
	out.OwnerName, out.CatalogName, out.CreateTime = d.Owner, catalog, seconds(d.CreateTime)
	out.OwnerType = max(1, principalTypes[d.OwnerType])
	if d.Name == metastore.DefaultDatabase && d.Owner == "" { // as Hive makes it
		out.OwnerName, out.OwnerType = "public", principalTypes["ROLE"]
	}
	return out
}

func storeDatabase(in *database) (*metastore.Database, error) {
	if in == nil {
		return nil, &invalidObject{"there is no database in the request"}
	}
	name, err := databaseName(in.Name)
	if err == nil {
		err = knownCatalog(in.CatalogName)
	}
	if err != nil {
		return nil, err
	}
	d := &metastore.Database{
		Name: name, Comment: in.Description, Location: in.LocationURI, Owner: in.OwnerName,
		CreateTime: fromSeconds(in.CreateTime), Parameters: shown(in.Parameters),
	}
	rest := *in
	rest.Name, rest.Description, rest.LocationURI, rest.Parameters, rest.Privileges = "", "", "", nil, nil
	rest.OwnerName, rest.CatalogName, rest.CreateTime = "", "", 0
	d.OwnerType, rest.OwnerType = nameOf(principalTypes, rest.OwnerType), 0
	if rest.Type == 1 {
		rest.Type = 0
	}
	d.Parameters = keepRest(d.Parameters, &rest)
	return d, nil
}
