// Package codec compresses and decompresses the files that distcp moves, in the formats that
// Hadoop's tools read and write.
//
//	c, base, ok := codec.BySuffix("logs/2024-01-01.GZ") // c.Name == "gzip", base == "logs/2024-01-01"
//	r, err := c.NewReader(src)                          // decoded bytes
//	w, err := zstd.NewWriter(dst, codec.Options{Crew: codec.NewCrew(4)})
//	...
//	err = w.Close() // the file is whole only after this
//
// What each suffix stands for:
//
//	.gz .gzip       RFC 1952, any number of members
//	.deflate        RFC 1950 (zlib), as Hadoop's DefaultCodec writes it
//	.bz2 .bzip2     bzip2, any number of streams
//	.zst .zstd      RFC 8878, any number of frames, windows of up to 128 MiB
//	.lz4            LZ4 frames, as the lz4 command writes them. Hadoop's own .lz4 files have
//	                no header to know them by and are refused.
//	.lzo .lzop      the container of the lzop command, with LZO1X blocks
//	.snappy         Hadoop's block format; Snappy's framing format is recognised and read too
//
// A file of no bytes decodes to no bytes in every format. A file that ends early or is damaged
// is an *Error that names the offset in the compressed file at which decoding stopped; so is
// what follows the end of the last member. Memory is bounded by the formats' block sizes,
// whatever the headers claim: buffers grow with the bytes that arrive.
//
// Writers compress as many blocks at once as their [Crew] does, which they share with those of
// other outputs, and write them in order from the caller's goroutine, so that the output does not
// depend on it. Outputs are a single member, stream or frame, but for zstd, which has a frame for each MiB.
//
// LZO and the writing side of bzip2 are implemented here, from descriptions of the formats:
// there is no LZO library under a licence this project could use.
//
// The package knows nothing about storage, keys other than by their suffix, or copying.
package codec
