// Package parquetpages tells whether the pages of a Parquet column chunk can be what their writer wrote.
//
//	w := parquetpages.Walk(&chunk) // as the file's footer describes it
//	_, err := io.Copy(w, pages)    // from the chunk's first byte on, in pieces of any size
//	err = errors.Join(err, w.Close())
//
// It reads the pages' headers and compares them with each other and with the footer: the types of pages and
// their order, encodings, and sizes and numbers of values, which have to add up. Where a header has the
// CRC-32 of its page, that is compared too. Other values it does not look at, so that a bit of those which has
// changed is not seen.
//
// Writers err too: what does not agree may be what was written. Who finds it should look whether the
// bytes come otherwise when they are fetched again.
//
// The format is that of parquet.thrift and of README.md of the Apache Parquet project. The package knows
// no files, and decodes nothing but headers.
package parquetpages
