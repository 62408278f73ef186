package hms_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/partitions"
)

// wide makes a table of 30 columns with n partitions.
func wide(b testing.TB, n int) metastore.Store {
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

// BenchmarkPartitions is how long the service works for all partitions of a table of 30 columns, until a client that
// only counts the bytes has the last of them.
func BenchmarkPartitions(b *testing.B) {
	for _, n := range []int{100, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			sent := make(chan int64, 1)
			addr := observed(b, hms.Config{Store: wide(b, n)}, func(i thrift.Info) { sent <- i.Sent })
			for _, method := range []string{"get_partitions", "get_partition_names"} {
				b.Run(method, func(b *testing.B) { benchmarkCall(b, addr, method, &tableName{"default", "t"}, sent) })
			}
		})
	}
}

// benchmarkCall makes the same call again and again. The length of the answer, which sent tells, is known from the first.
func benchmarkCall(b *testing.B, addr, method string, args any, sent <-chan int64) {
	first, err := thrift.Dialer{Address: addr}.Dial(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer first.Close()
	if err := first.Call(b.Context(), method, args, nil); err != nil {
		b.Fatal(err)
	}
	size := <-sent
	body, err := thrift.Marshal(args, thrift.Binary)
	if err != nil {
		b.Fatal(err)
	}
	call := binary.BigEndian.AppendUint32(nil, 0x80010001)
	call = append(binary.BigEndian.AppendUint32(call, uint32(len(method))), method...)
	call = append(append(call, 0, 0, 0, 1), body...)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(call); err != nil {
			b.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, conn, size); err != nil {
			b.Fatal(err)
		}
		<-sent
	}
}

type tableName struct {
	Database string `thrift:"1"`
	Table    string `thrift:"2"`
}

// BenchmarkConnections is one call on each of a thousand connections, all open and all asking at once.
func BenchmarkConnections(b *testing.B) {
	conns := connections(b, wide(b, 100), 1000)
	b.ReportAllocs()
	for b.Loop() {
		askAll(b, conns)
	}
	b.ReportMetric(float64(len(conns)*b.N)/b.Elapsed().Seconds(), "calls/s")
}

// TestConnections: a thousand clients at once are all answered.
func TestConnections(t *testing.T) {
	conns := connections(t, wide(t, 10), 1000)
	for range 3 {
		askAll(t, conns)
	}
}

func connections(tb testing.TB, store metastore.Store, n int) []*thrift.Client {
	tb.Helper()
	addr := serve(tb, hms.Config{Store: store})
	conns := make([]*thrift.Client, n)
	for i := range conns {
		c, err := thrift.Dialer{Address: addr}.Dial(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = c.Close() })
		conns[i] = c
	}
	return conns
}

func askAll(tb testing.TB, conns []*thrift.Client) {
	tb.Helper()
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() {
			var names []string
			if err := c.Call(tb.Context(), "get_partition_names", &tableName{"default", "t"}, &names); err != nil || len(names) < 10 {
				tb.Errorf("%d names, %v", len(names), err)
			}
		})
	}
	wg.Wait()
}
