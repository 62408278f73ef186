package hms

import (
	"maps"
	"reflect"
	"slices"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// The form of partition in answers of many: what partitions have in common is encoded once.
type (
	writtenPartition struct {
		Table      *thrift.Shared
		Values     []string          `thrift:"1"`
		CreateTime int32             `thrift:"4"`
		Sd         *writtenStorage   `thrift:"6"`
		Parameters map[string]string `thrift:"7"`
		// Privileges are those of who asks; nil where the partitions have none of their own.
		Privileges *principalPrivilegeSet `thrift:"8"`
	}
	writtenTable struct {
		DbName         string `thrift:"2"`
		TableName      string `thrift:"3"`
		LastAccessTime int32  `thrift:"5"`
		CatName        string `thrift:"9"`
	}
	writtenStorage struct {
		Rest     *thrift.Shared
		Location string `thrift:"2,omitempty"`
	}
)

// partitionWriter adds the partitions of one table to an answer. Most of them have the storage
// descriptor of the partition before but for the location.
type partitionWriter struct {
	to   *thrift.Spool
	sets func(partitions.Values) *principalPrivilegeSet // nil: nobody asks for them
	last metastore.StorageDescriptor
	out  writtenPartition
}

func newPartitionWriter(t *metastore.Table, to *thrift.Spool) *partitionWriter {
	w := &partitionWriter{to: to}
	w.out.Table = thrift.Share(&writtenTable{DbName: t.Database, TableName: t.Name, CatName: catalog})
	w.out.Sd = &writtenStorage{}
	return w
}

// add writes one partition.
func (w *partitionWriter) add(p *metastore.Partition) error {
	if w.out.Sd.Rest == nil || !alike(&w.last, &p.Storage) {
		w.last = p.Storage
		sd := p.Storage
		sd.Location = ""
		w.out.Sd.Rest = thrift.Share(wireStorage(&sd, wireColumns(sd.Columns)))
	}
	w.out.Values, w.out.CreateTime, w.out.Parameters = p.Values, seconds(p.CreateTime), visible(p.Parameters)
	w.out.Sd.Location = p.Storage.Location
	if w.sets != nil {
		w.out.Privileges = w.sets(p.Values)
	}
	return w.to.Add(&w.out)
}

// alike reports whether two descriptors differ in nothing but the location.
func alike(a, b *metastore.StorageDescriptor) bool {
	return sameColumns(a.Columns, b.Columns) && a.InputFormat == b.InputFormat && a.OutputFormat == b.OutputFormat &&
		a.SerDe.Name == b.SerDe.Name && a.SerDe.Library == b.SerDe.Library && maps.Equal(a.SerDe.Parameters, b.SerDe.Parameters) &&
		a.Compressed == b.Compressed && a.NumBuckets == b.NumBuckets && slices.Equal(a.BucketColumns, b.BucketColumns) &&
		slices.Equal(a.SortColumns, b.SortColumns) && maps.Equal(a.Parameters, b.Parameters) &&
		(a.Skewed == b.Skewed || reflect.DeepEqual(a.Skewed, b.Skewed))
}

func sameColumns(a, b []metastore.Column) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] { // stores decode a descriptor once
		return true
	}
	for i := range a {
		if a[i].Name != b[i].Name || a[i].Comment != b[i].Comment || !a[i].Type.Equal(b[i].Type) {
			return false
		}
	}
	return true
}
