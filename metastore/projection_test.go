package metastore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
	"github.com/skepdata/skep/partitions"
)

// TestProjection reads tables from testdata/projection: a line for the keys, then parameters; and
// conditions on them.
//
//	table ds:string hr:int     its input are parameters
//	partitions                 its input is a condition; prints the partitions
func TestProjection(t *testing.T) {
	now := time.Date(2024, 3, 10, 15, 30, 0, 0, time.UTC)
	var table *metastore.Table
	datadriven.RunTest(t, "testdata/projection", func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd == "table" {
			table = &metastore.Table{
				TableName: metastore.TableName{Database: "d", Name: "t"}, Storage: metastore.StorageDescriptor{Location: "s3://b/t"},
				Parameters: map[string]string{"projection.enabled": "true"},
			}
			for _, arg := range d.CmdArgs {
				name, typ, _ := strings.Cut(arg.Key, ":")
				parsed, err := hivetype.Parse(typ)
				if err != nil {
					t.Fatal(err)
				}
				table.PartitionKeys = append(table.PartitionKeys, metastore.Column{Name: name, Type: parsed})
			}
			for line := range strings.Lines(d.Input) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				table.Parameters[name] = value
			}
			return ""
		}
		p, err := metastore.Project(table, now)
		if err != nil {
			return err.Error()
		}
		where, err := partitions.ParseFilter(d.Input)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		n := 0
		for part, err := range p.Partitions(where) {
			if err != nil {
				return err.Error()
			}
			if n++; n <= 6 {
				fmt.Fprintf(&b, "%s %s\n", strings.Join(part.Values, " "), part.Storage.Location)
			}
		}
		fmt.Fprintf(&b, "%d partitions\n", n)
		return b.String()
	})
}
