package hiveql

import (
	"fmt"
	"strings"

	"github.com/skepdata/skep/hiveql/analysis"
	"github.com/skepdata/skep/hiveql/formats"
	"github.com/skepdata/skep/hiveql/syntax"
	"github.com/skepdata/skep/metastore"
)

// format is what STORED AS name stands for.
type format struct {
	names                []string // of STORED AS, in upper case; the first is the usual one
	input, output, serde string
	works                bool // whether rows can be read and written
}

const lazySimple = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"

// fileFormats are Hive's, with the classes it gives them.
func fileFormats() []format {
	const io = "org.apache.hadoop.hive.ql.io."
	return []format{
		{[]string{"TEXTFILE"}, "org.apache.hadoop.mapred.TextInputFormat", io + "HiveIgnoreKeyTextOutputFormat",
			lazySimple, true},
		{[]string{"PARQUET", "PARQUETFILE"}, io + "parquet.MapredParquetInputFormat",
			io + "parquet.MapredParquetOutputFormat", io + "parquet.serde.ParquetHiveSerDe", true},
		{[]string{"JSONFILE"}, "org.apache.hadoop.mapred.TextInputFormat", io + "HiveIgnoreKeyTextOutputFormat",
			"org.apache.hadoop.hive.serde2.JsonSerDe", true},
		{[]string{"ORC", "ORCFILE"}, io + "orc.OrcInputFormat", io + "orc.OrcOutputFormat", io + "orc.OrcSerde", true},
		{[]string{"AVRO", "AVROFILE"}, io + "avro.AvroContainerInputFormat", io + "avro.AvroContainerOutputFormat",
			avroSerDe, true},
		{[]string{"RCFILE"}, io + "RCFileInputFormat", io + "RCFileOutputFormat",
			"org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe", true},
		{[]string{"SEQUENCEFILE"}, "org.apache.hadoop.mapred.SequenceFileInputFormat", io + "HiveSequenceFileOutputFormat",
			lazySimple, true},
	}
}

func formatNamed(name string) (format, bool) {
	for _, f := range fileFormats() {
		for _, n := range f.names {
			if strings.EqualFold(n, name) {
				return f, true
			}
		}
	}
	return format{}, false
}

// formatOf is the format of files read by an input format's class. It tells JSONFILE from
// TEXTFILE by the SerDe.
func formatOf(d *metastore.StorageDescriptor) (format, bool) {
	for _, f := range fileFormats() {
		if classEqual(f.input, d.InputFormat) && (classEqual(f.serde, d.SerDe.Library) || f.serde != jsonSerDe) {
			if f.names[0] == "TEXTFILE" && classEqual(jsonSerDe, d.SerDe.Library) {
				continue
			}
			return f, true
		}
	}
	return format{}, false
}

const lazyBinary = "org.apache.hadoop.hive.serde2.lazybinary.LazyBinarySerDe"

const openCSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"

const avroSerDe = "org.apache.hadoop.hive.serde2.avro.AvroSerDe"

const jsonSerDe = "org.apache.hadoop.hive.serde2.JsonSerDe"

// classEqual compares class names by their last part: packages moved between versions of Hive.
func classEqual(a, b string) bool {
	return a[strings.LastIndexByte(a, '.')+1:] == b[strings.LastIndexByte(b, '.')+1:]
}

// readable is an error naming the format where the files of a table cannot be read or written.
func readable(d *metastore.StorageDescriptor, t *metastore.Table) error {
	f, known := formatOf(d)
	switch {
	case known && f.works:
		return nil
	case known:
		return unsupportedFormat(t, f.names[0])
	case d.InputFormat == "":
		return unsupportedFormat(t, "a storage handler")
	}
	return unsupportedFormat(t, "the input format "+d.InputFormat)
}

func unsupportedFormat(t *metastore.Table, what string) error {
	return &Error{Phase: Execution, Code: 2, SQLState: "0A000", Task: queryTask,
		Msg:  fmt.Sprintf("%s is not supported yet: the files of %s cannot be read or written", what, t.TableName),
		Hint: "STORED AS TEXTFILE, PARQUET, ORC, AVRO, JSONFILE, SEQUENCEFILE and RCFILE are supported", Err: syntax.ErrUnsupported}
}

// checkRegex refuses what RegexSerDe cannot read.
func checkRegex(d *metastore.StorageDescriptor) error {
	const class = "org.apache.hadoop.hive.serde2.RegexSerDe"
	if !classEqual(d.SerDe.Library, class) {
		return nil
	}
	if d.SerDe.Parameters["input.regex"] == "" {
		return ddlFailed("MetaException(message:%s This table does not have serde property \"input.regex\"!)", class)
	}
	for i, c := range d.Columns {
		if !c.Type.Primitive() {
			return ddlFailed("MetaException(message:%s doesn't allow column [%d] named %s with type %s)", class, i, c.Name, c.Type)
		}
	}
	return nil
}

// checkNesting refuses columns that a table's SerDe cannot keep apart.
func checkNesting(t *metastore.Table) error {
	d := &t.Storage
	spec, err := formats.SpecOf(d.InputFormat, d.SerDe.Library, d.SerDe.Parameters, t.Parameters)
	if err != nil {
		return nil // a format that cannot be read is an error where it would have to be
	}
	fields := make([]formats.Field, len(d.Columns))
	for i, c := range d.Columns {
		fields[i] = formats.Field{Name: c.Name, Type: c.Type}
	}
	if err := spec.CheckNesting(fields); err != nil {
		return ddlFailed("java.lang.RuntimeException: MetaException(message:org.apache.hadoop.hive.serde2.SerDeException %v)", err)
	}
	return nil
}

// sameFormat reports whether two descriptors read files alike.
func sameFormat(a, b *metastore.StorageDescriptor) bool {
	return a.InputFormat == b.InputFormat && a.SerDe.Library == b.SerDe.Library
}

// describeStorage fills in format and SerDe of a descriptor from ROW FORMAT and STORED AS.
func (s *Session) describeStorage(
	d *metastore.StorageDescriptor, row *syntax.RowFormat, stored *syntax.FileFormat, managed bool,
) error {
	f, err := s.storedAs(d, stored, managed)
	if err != nil {
		return err
	}
	d.SerDe.Library = f.serde
	if class := s.Setting("hive.default.rcfile.serde"); class != "" && len(f.names) > 0 && f.names[0] == "RCFILE" {
		d.SerDe.Library = class
	}
	d.SerDe.Parameters = map[string]string{"serialization.format": "1"}
	if d.SerDe.Library == "" {
		d.SerDe.Library = lazySimple
	}
	d.NumBuckets = -1
	if row == nil {
		return nil
	}
	if row.Delimited {
		delimited(d.SerDe.Parameters, row) // formats that have no delimiters pass over them, as in Hive
		return nil
	}
	d.SerDe.Library = row.SerDe
	setProperties(d.SerDe.Parameters, row.Properties)
	return nil
}

// storedAs sets the formats' classes and gives the format, which has no names if it was given
// by classes.
func (s *Session) storedAs(
	d *metastore.StorageDescriptor, stored *syntax.FileFormat, managed bool,
) (format, error) {
	switch {
	case stored != nil && stored.StorageBy != "":
		return format{}, unsupported(stored, "STORED BY")
	case stored != nil && stored.Name == "" && stored.Input != "":
		d.InputFormat, d.OutputFormat = stored.Input, stored.Output
		return format{serde: lazySimple}, nil
	}
	name := s.Setting("hive.default.fileformat")
	if own := s.Setting("hive.default.fileformat.managed"); managed && own != "" && !strings.EqualFold(own, "none") {
		name = own
	}
	if stored != nil {
		name = stored.Name
	}
	f, ok := formatNamed(name)
	if !ok {
		if stored == nil {
			return f, semantic(nil, 0, "hive.default.fileformat is '%s', which is no file format", name)
		}
		e := semantic(stored, 0, "Unrecognized file format in STORED AS clause: '%s'", name)
		e.Hint = "TEXTFILE, PARQUET, ORC, AVRO, JSONFILE, SEQUENCEFILE and RCFILE can be read and written"
		return f, e
	}
	d.InputFormat, d.OutputFormat = f.input, f.output
	return f, nil
}

// delimited sets the SerDe's parameters as ROW FORMAT DELIMITED means them.
func delimited(params map[string]string, row *syntax.RowFormat) {
	set := func(key string, v *string) {
		if v != nil {
			params[key] = delimiter(*v)
		}
	}
	if row.FieldDelim != nil {
		set("field.delim", row.FieldDelim)
		set("serialization.format", row.FieldDelim)
	}
	set("escape.delim", row.Escape)
	set("collection.delim", row.ItemDelim)
	set("mapkey.delim", row.KeyDelim)
	set("line.delim", row.LineDelim)
	if row.NullText != nil {
		params["serialization.null.format"] = *row.NullText
	}
}

// delimiter turns a decimal number, as in TERMINATED BY '1', into the character it stands for,
// as Hive's reader does where the text is longer than one character.
func delimiter(text string) string {
	if len(text) < 2 {
		return text
	}
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			return text
		}
		n = n*10 + int(c-'0')
		if n > 127 {
			return text
		}
	}
	return string(rune(n))
}

func setProperties(params map[string]string, list []syntax.Property) {
	for _, p := range list {
		params[p.Key] = p.Value
	}
}

// columns turns column definitions into columns.
func columns(defs []syntax.ColumnDef) ([]metastore.Column, error) {
	cols := make([]metastore.Column, 0, len(defs))
	seen := map[string]bool{}
	for i := range defs {
		d := &defs[i]
		name := strings.ToLower(d.Name.Name)
		if seen[name] {
			e := semantic(&d.Name, 10036, "Duplicate column name: %s", name)
			e.SQLState = "42S21"
			return nil, e
		}
		seen[name] = true
		t, err := analysis.TypeOf(d.Type)
		if err != nil {
			return nil, err
		}
		cols = append(cols, metastore.Column{Name: name, Type: t, Comment: d.Comment})
	}
	return cols, nil
}

// timestampUnit is the unit of the timestamps of 64 bits that Hive writes where it is told to; where
// it is not, those of 96 bits lose nothing.
func (s *Session) timestampUnit() string {
	if !strings.EqualFold(s.Setting("hive.parquet.write.int64.timestamp"), "true") {
		return ""
	}
	return strings.ToLower(s.Setting("hive.parquet.timestamp.time.unit"))
}
