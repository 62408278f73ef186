// Package orcmerge joins ORC files into one without decoding them: the bytes of stripes are copied, and what the files say
// at their ends is put together.
//
//	stats, err := orcmerge.Merge(ctx, out, []orcmerge.Input{
//		{Name: "s3://lake/a.orc", Size: a.Size, ReaderAt: a},
//		{Name: "s3://lake/b.orc", Size: b.Size, ReaderAt: b},
//	})
//
// The rows of the output are those of the inputs, in their order, in the same stripes. The cost is that of copying bytes;
// compression, encodings, dictionaries, indexes, Bloom filters and the statistics of stripes stay as their writers made
// them. Small stripes stay small, too. A file of no bytes, as Hive makes them, has no rows.
//
// Nothing in a stripe says where in the file it is, but what it says is to be read as the end of the file has it. So these
// must agree; otherwise the error is a *DifferenceError, which names the column or the property, and both files:
//
//   - the schemas: names, types and attributes of all columns, in the same order;
//   - of files that have stripes the compression, the version of the format, the writer and its version, which tell readers
//     what to believe of statistics and Bloom filters, the calendar, and how many rows an entry of the indexes has.
//     The last of these keeps apart what has indexes and what has none: one number holds for all stripes, and where it
//     were 0, readers would not look at the indexes there are;
//   - the values of user metadata that have one name, but for that in which Spark leaves its version: it is left out then.
//
// Files with encrypted columns are refused.
//
// What becomes of the rest:
//
//   - The size of compression chunks is the greatest of any file.
//   - The statistics of the file are put together by column: counts and sums are added, and least and greatest values
//     found. What a file does not say is left out; so is a sum that has no room any more (package orcfile).
//   - Statistics of stripes are left out if a file has none.
//   - The time zone of a writer is said in each stripe and stays there.
//   - The name of the writer's software, and fields of the footer that this package does not know, are kept if they are the
//     same in all files.
//
// All ends are read and compared before anything is written. In memory are then, of each stripe, some 70 bytes and its
// statistics as they are compressed, the user metadata, and a buffer; stripes are streamed.
//
// [Look] tells which files can be joined before that is tried.
//
// The package knows nothing about storage or copying, nor how to decode a stripe.
package orcmerge
