// Package formats reads and writes the formats of Hive tables but Parquet and ORC: bytes on one side, Arrow record
// batches (reading) or rows of hivetype values (writing) on the other. Text has a row a line, a
// SequenceFile a row a value; an RCFile has the values of one column after those of another.
//
//	spec, err := formats.SpecOf(sd.InputFormat, sd.SerDe.Library, sd.SerDe.Parameters, table.Parameters)
//	plain, err := formats.Decompress("part-0.gz", file)
//	r, err := formats.NewReader(spec, fields, []int{0, 3}, plain, 2048)
//	for {
//		batch, err := r.Next() // io.EOF behind the last one
//		...
//		batch.Release()
//	}
//
// Only the columns asked for are converted, and LazySimpleSerDe does not even look at what
// stands behind the last of them. What is no value of its column's type is NULL, as in Hive; text
// that is not JSON at all is an error that names the line.
//
// The Arrow types of Hive's:
//
//	boolean                           bool
//	tinyint smallint int bigint       int8 int16 int32 int64
//	float double                      float32 float64
//	decimal(p,s)                      decimal128(p,s)
//	string varchar char               utf8; malformed UTF-8 becomes U+FFFD, as in Java
//	binary                            binary
//	date                              date32
//	timestamp                         timestamp in microseconds without a zone
//	timestamp with local time zone    timestamp in microseconds, UTC
//	array map struct                  list map struct
//
// The package knows files only as streams of bytes and tables only as lists of fields: where
// they lie, which of them belong together and what partition they are of is not its business.
package formats
