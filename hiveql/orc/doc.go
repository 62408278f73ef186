// Package orc reads and writes Apache ORC files: ORC on one side, Arrow record batches (reading) or rows of hivetype
// values (writing) on the other.
//
//	f, err := orc.Open(ctx, readAt, size)
//	r, err := f.Reader(orc.Options{Columns: []int{0, 3}, Rows: 8192})
//	for {
//		batch, err := r.Next(ctx) // io.EOF behind the last one
//		...
//		batch.Release()
//	}
//
// The format is that of the ORC v1 specification (https://orc.apache.org/specification/ORCv1/): all types, both versions of
// run lengths, dictionaries, and the codecs none, zlib, snappy, lz4 and zstd. LZO and encrypted columns are refused by name.
// Of a stripe only the streams of the columns asked for are read, a compression chunk at a time.
//
// Values come in the Arrow types that package formats has for Hive's. A file's own types are told by File.Type; to make
// others of them is the caller's business, as are the names that a table has for its columns.
//
// What is written has statistics of the file, of each stripe and of each group of its rows, with an index of where groups
// begin, and Bloom filters of the columns that WriterOptions name.
//
// The package knows no table, no partition and no store: a file is something that can be read at an offset.
package orc
