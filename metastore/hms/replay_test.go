package hms_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/skepdata/skep/internal/thrift"
	"github.com/skepdata/skep/metastore/hms"
	"github.com/skepdata/skep/testenv/interop/trace"
)

// TestReplay says to a service what real clients said once, and wants the answers that they worked
// with. RECORD=yes testenv/interop/run.sh makes the files.
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
				want := then.Plain(recorded, nil)
				have := then.Plain(now.Plain(got[i], nil), nil) // what clients sent is of then
				if !have.Equal(want) {
					t.Errorf("call %d, %s %s\ngot  %s\nwant %s", i+1, calls[i].Method, trace.Answer{Type: thrift.Call, Fields: calls[i].Args}.Text(), have.Text(), want.Text())
				}
			}
		})
	}
}
