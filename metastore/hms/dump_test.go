package hms

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/skepdata/skep/hivetype"
	"github.com/skepdata/skep/metastore"
)

// dumped is a table with all that a dump can say.
func dumped() (*metastore.Table, []*metastore.Partition) {
	sd := metastore.StorageDescriptor{
		Columns:  []metastore.Column{{Name: "a", Type: hivetype.Of(hivetype.Int), Comment: "a <\"quoted\"> comment, ü"}},
		Location: "s3://lake/t", InputFormat: "in", OutputFormat: "out", NumBuckets: 4, BucketColumns: []string{"a"},
		SerDe:       metastore.SerDe{Library: "serde", Parameters: map[string]string{"field.delim": "\x01", "serialization.format": "1"}},
		SortColumns: []metastore.SortColumn{{Name: "a", Desc: true}},
		Skewed:      &metastore.Skewed{Columns: []string{"a"}, Values: [][]string{{"1"}, {"2"}}, Directories: true},
		Parameters:  map[string]string{},
	}
	created := time.Unix(1700000000, 0)
	t := &metastore.Table{
		TableName: metastore.TableName{Database: "db", Name: "t"}, Type: metastore.External, Owner: "me", OwnerType: "USER", CreateTime: created,
		Storage: sd, PartitionKeys: []metastore.Column{{Name: "ds", Type: hivetype.Of(hivetype.Date)}},
		Parameters: map[string]string{"EXTERNAL": "TRUE", "note": "line\nbreak"},
	}
	p := sd.Clone()
	p.Location = "s3://lake/t/ds=2024-01-01"
	return t, []*metastore.Partition{
		{Values: []string{"2024-01-01"}, CreateTime: created, Storage: p, Parameters: map[string]string{"k": "v"}},
	}
}

func dumpOf(t testing.TB, table *metastore.Table, ps []*metastore.Partition) string {
	t.Helper()
	var b strings.Builder
	err := WriteDump(&b, table, func(yield func(*metastore.Partition, error) bool) {
		for _, p := range ps {
			if !yield(p, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDump: what is written is read back as it was, but for what belongs to skep itself and places of
// skewed values.
func TestDump(t *testing.T) {
	table, ps := dumped()
	withMore, more := dumped()
	withMore.Parameters["skep.tracking"] = "x"
	withMore.Storage.Skewed.Locations = []metastore.SkewedLocation{{Values: []string{"1"}, Location: "s3://lake/t/a=1"}}
	more[0].Parameters["skep.files"] = "x"
	text := dumpOf(t, withMore, more)
	if strings.Contains(text, "skep.") {
		t.Errorf("it says what is skep's own: %s", text)
	}
	d, err := ReadDump([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d.Table, table) {
		t.Errorf("got %+v\nwant %+v", d.Table, table)
	}
	if !reflect.DeepEqual(d.Partitions, ps) {
		t.Errorf("got %+v\nwant %+v", d.Partitions[0], ps[0])
	}
}

func TestDumpDamaged(t *testing.T) {
	for _, bad := range []string{
		"", "{", "[]", `{}`, `{"version":"1.0","table":"{}"}`, `{"version":"0.2"}`, `{"version":"0.2","table":"x"}`,
		`{"version":"0.2","table":"{\"1\":{\"i32\":5}}"}`, `{"version":"0.2","table":"{\"x\":{\"str\":\"t\"}}"}`,
		`{"version":"0.2","table":"{\"9\":{\"map\":[\"str\",\"str\",1]}}"}`, `{"version":"0.2","table":"{\"8\":{\"lst\":[\"rec\",1,5]}}"}`,
		`{"version":"0.2","table":"{\"7\":{\"rec\":{\"1\":{\"lst\":[\"rec\",1,{\"2\":{\"str\":\"no type\"}}]}}}}"}`,
	} {
		if d, err := ReadDump([]byte(bad)); !errors.Is(err, ErrDump) {
			t.Errorf("%s: %v, %v", bad, d, err)
		}
	}
}

// FuzzDump: no text makes the reader panic, and what it has read can be written and is the same then.
func FuzzDump(f *testing.F) {
	f.Add(dumpOf(f, &metastore.Table{TableName: metastore.TableName{Name: "t"}}, nil))
	table, ps := dumped()
	f.Add(dumpOf(f, table, ps))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ReadDump([]byte(text))
		if err != nil {
			return
		}
		again, err := ReadDump([]byte(dumpOf(t, d.Table, d.Partitions)))
		if err != nil {
			t.Fatal(err)
		}
		if d.Table.TableName != again.Table.TableName || len(d.Partitions) != len(again.Partitions) {
			t.Fatalf("got %+v\nwant %+v", again.Table, d.Table)
		}
	})
}
