// Package parquetmerge joins Parquet files into one without decoding them: the bytes of row
// groups are copied, and the places that the footers name are moved.
//
//	stats, err := parquetmerge.Merge(ctx, out, []parquetmerge.Input{
//		{Name: "s3://lake/a.parquet", Size: a.Size, ReaderAt: a},
//		{Name: "s3://lake/b.parquet", Size: b.Size, ReaderAt: b},
//	})
//
// The rows of the output are those of the inputs, in their order, in the same row groups; those
// without rows are left out. The cost is that of copying bytes; compression, encodings,
// statistics, dictionaries, Bloom filters, page indexes and sort orders stay as their writers
// made them. Small row groups stay small, too: merging thousands of tiny files makes one file of thousands of tiny row groups.
//
// The schemas must agree: names, nesting, physical and logical types, repetition and field ids
// of all columns, in the same order. The name of the root does not count. A difference is a
// *SchemaError that names the column and what both files say. Files with encrypted footers or
// columns, and those whose column chunks are in other files, are refused.
//
// What becomes of the rest of the footers:
//
//   - Key-value metadata is that of the first file, but for the entries that describe one
//     file's schema or contents (ARROW:schema, pandas, geo, iceberg.schema and the like), which
//     are kept only if they are the same in all files.
//   - created_by is the first file's if all agree. Otherwise it is ours, and the old min and max
//     statistics, which some writers got wrong and readers believe by created_by, are left out.
//   - Column orders are kept if all files agree; without them readers ignore the statistics
//     that depend on them.
//   - Fields that this package does not know are kept in row groups and, from the first file, in
//     the footer.
//
// Footers and page indexes are read as trees of Thrift's compact protocol (thrift.go), which
// keeps what it does not know. In memory are the encoded footers, one decoded one, the page
// indexes of one input, and a buffer; row groups are streamed.
//
// The output has, as a further key-value entry, the sums of its blocks (package blocksums), by which
// who fetches parts of it knows that they have come as they were written; those of the inputs are left
// out. [AddSums] adds that entry to a file that another writer has made.
//
// [Look] tells which files can be joined before that is tried, and [Parts] divides one file into
// several.
//
// The package knows nothing about storage or copying, nor how to decode a page.
package parquetmerge
