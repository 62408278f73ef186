package hms_test

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/testenv/interop/trace"
)

// TestReplay says to a service what real clients said once, and wants the answers that they worked
// with: those of this service, and in files whose names begin with hive those of Hive 2.3's own
// metastore. RECORD=yes testenv/interop/run.sh makes the files.
func TestReplay(t *testing.T) {
	files, err := filepath.Glob("testdata/*.jsonl.gz")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no traces: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			dir := t.TempDir()
			calls, err := trace.Read(file, "/DIR", dir)
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			addr := serve(t, hms.Config{
				Store: openStore(t), Files: directories{}, Warehouse: "file://" + dir + "/data/skep/warehouse",
			})
			got, err := trace.Replay(t.Context(), addr, calls)
			if err != nil {
				t.Fatal(err)
			}
			then, now := trace.SpanOf(calls), trace.Since(begin)
			for i, recorded := range trace.Recorded(calls) {
				var change func(string, thrift.Value) thrift.Value
				if strings.HasPrefix(filepath.Base(file), "hive") {
					change = otherwise(calls[i].Method)
				}
				want := then.Plain(recorded, change)
				have := then.Plain(now.Plain(got[i], nil), change) // what clients sent is of then
				if !have.Equal(want) {
					t.Errorf("call %d, %s %s\ngot  %s\nwant %s", i+1, calls[i].Method,
						trace.Answer{Type: thrift.Call, Fields: calls[i].Args}.Text(), have.Text(), want.Text())
				}
			}
		})
	}
}

// otherwise leaves out what this service says otherwise than Hive 2.3, and means to: fields and
// texts of Hive 3, and the number and size of files, which it does not count.
func otherwise(method string) func(path string, v thrift.Value) thrift.Value {
	newer := map[string][]string{
		"get_table": {"0.17", "0.18"}, "get_database": {"0.8", "0.9"}, "add_partitions_req": {"0.1.9"},
	}[method]
	if strings.Contains(method, "partition") {
		newer = append(newer, "0.9")
	}
	return func(path string, v thrift.Value) thrift.Value {
		switch {
		case method == "set_ugi", slices.Contains(newer, path):
			return nil
		case method == "get_table" && path == "2.1", method == "get_database" && path == "1.1": // which names the catalog
			return nil
		}
		switch v := v.(type) {
		case []byte: // Hadoop writes the same URL with one slash
			return bytes.ReplaceAll(v, []byte("file:///"), []byte("file:/"))
		case thrift.Entries:
			v.Pairs = slices.DeleteFunc(slices.Clone(v.Pairs), func(p thrift.Entry) bool {
				key, _ := p.Key.([]byte)
				return string(key) == "numFiles" || string(key) == "totalSize"
			})
			return v
		}
		return v
	}
}
