package hms_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/partitions"
)

// wide makes a table of 30 columns with n partitions.
func wide(b *testing.B, n int) metastore.Store {
	b.Helper()
	store := openStore(b)
	t := &metastore.Table{
		TableName: metastore.TableName{Database: "default", Name: "t"}, Type: metastore.External,
		PartitionKeys: []metastore.Column{{Name: "ds", Type: hivetype.Of(hivetype.String)}, {Name: "n", Type: hivetype.Of(hivetype.Int)}},
		Storage: metastore.StorageDescriptor{
			Location: "s3://lake/t", InputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
			OutputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
			SerDe:        metastore.SerDe{Library: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", Parameters: map[string]string{"serialization.format": "1"}},
		},
	}
	for i := range 30 {
		t.Storage.Columns = append(t.Storage.Columns, metastore.Column{
			Name: fmt.Sprintf("column_%d", i), Type: hivetype.Of(hivetype.String), Comment: "one of thirty",
		})
	}
	var ps []*metastore.Partition
	for i := range n {
		p := &metastore.Partition{
			Values: partitions.Values{fmt.Sprintf("2024-01-%02d", i%28+1), fmt.Sprint(i)}, Storage: t.Storage.Clone(),
			Parameters: map[string]string{"transient_lastDdlTime": "1700000000", "numFiles": "3", "totalSize": "123456789", "numRows": "1000"},
		}
		p.Storage.Location = fmt.Sprintf("s3://lake/t/ds=%s/n=%s", p.Values[0], p.Values[1])
		ps = append(ps, p)
	}
	err := store.Update(b.Context(), func(tx metastore.Tx) error {
		if err := tx.CreateTable(b.Context(), t); err != nil {
			return err
		}
		return tx.AddPartitions(b.Context(), t.TableName, ps, false)
	})
	if err != nil {
		b.Fatal(err)
	}
	return store
}

// BenchmarkPartitions is what a client waits for all partitions of a table of 30 columns, whose
// answer it skips. The bytes are those of the process, which has the client in it.
func BenchmarkPartitions(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var served atomic.Int64
			addr := observed(b, hms.Config{Store: wide(b, n)}, func(i thrift.Info) { served.Add(int64(i.Took)) })
			c, err := thrift.Dialer{Address: addr}.Dial(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			calls := map[string]func() error{
				"get_partitions": func() error {
					var list []struct{}
					return c.Call(b.Context(), "get_partitions", &tableName{"default", "t"}, &list)
				},
				"get_partition_names": func() error {
					var list []string
					return c.Call(b.Context(), "get_partition_names", &tableName{"default", "t"}, &list)
				},
			}
			for method, call := range calls {
				b.Run(method, func(b *testing.B) {
					b.ReportAllocs()
					served.Store(0)
					for b.Loop() {
						if err := call(); err != nil {
							b.Fatal(err)
						}
					}
					b.ReportMetric(float64(served.Load())/1e6/float64(b.N), "server-ms/op")
				})
			}
		})
	}
}

type tableName struct {
	Database string `thrift:"1"`
	Table    string `thrift:"2"`
}
