package hiveql_test

import (
	"context"
	"strings"
	"testing"

	"github.com/skepdata/skep/hiveql"
	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/metastore"
)

// seeing is an executor that notes what tables it writes to.
type seeing struct {
	lines
	tables *[]*metastore.Table
}

func (s seeing) Write(ctx context.Context, q *analysis.Query, src hiveql.Source, out hiveql.Output) error {
	*s.tables = append(*s.tables, out.Table)
	return s.lines.Write(ctx, q, src, out)
}

// The compression of files is the table's, or else the session's; that of text is the session's.
func TestCompressionOfOutput(t *testing.T) {
	const codec = "mapreduce.output.fileoutputformat.compress.codec"
	for _, c := range []struct {
		settings, properties string
		parquet              string // "" for the default
		text                 string // the codec of text, "-" for none
	}{
		{"", "", "", "-"},
		{"SET parquet.compression=ZSTD;", "", "ZSTD", "-"},
		{"SET parquet.compression=GZIP;", "'parquet.compression'='NONE'", "NONE", "-"},
		{"SET parquet.compression=GZIP;", "'PARQUET.Compression'='SNAPPY'", "SNAPPY", "-"},
		{"", "'parquet.compression'='zstd'", "zstd", "-"},
		{"SET hive.exec.compress.output=true;", "", "", ""},
		{"SET hive.exec.compress.output=true; SET mapred.output.compression.codec=a.b.ZStandardCodec;", "", "", "a.b.ZStandardCodec"},
		{"SET hive.exec.compress.output=true; SET " + codec + "=SnappyCodec;", "", "", "SnappyCodec"},
		{"SET " + codec + "=SnappyCodec;", "", "", "-"}, // which has no meaning alone
	} {
		w := newWorld(t)
		var tables []*metastore.Table
		w.exec = seeing{tables: &tables}
		properties := ""
		if c.properties != "" {
			properties = " TBLPROPERTIES (" + c.properties + ")"
		}
		must(t, w.plain(), c.settings+"CREATE TABLE f (a INT) STORED AS PARQUET"+properties+"; INSERT INTO f VALUES (1)")
		if len(tables) != 1 {
			t.Fatalf("%d tables were written", len(tables))
		}
		got := map[string]string{}
		for k, v := range tables[0].Parameters {
			got[strings.ToLower(k)] = v
		}
		text := "-"
		if tables[0].Storage.Compressed {
			text = got[codec]
		}
		if got["parquet.compression"] != c.parquet || text != c.text {
			t.Errorf("%s%s: Parquet %q, text %q", c.settings, properties, got["parquet.compression"], text)
		}
	}
}
