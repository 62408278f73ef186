// Package copier copies and compacts large sets of objects from one place to another. Its
// directory is called copy; a package of that name would take the builtin away from every
// importer, so it is imported as
//
//	import copier "github.com/skepdata/skep/copy"
//
// One call does a job, with the meaning that S3DistCp's users know:
//
//	summary, err := copier.Run(ctx, src, dest, copier.Options{
//		SrcPattern: `.*\.gz`,
//		GroupBy:    `.*/(\d{4}-\d\d)-\d\d\.gz`,
//		TargetSize: 256 << 20,
//	})
//
// # How a job runs
//
//	Plan: list the source -> filter -> group -> a stream of tasks, one output each
//	                                              |
//	   internal/steal: idle workers take tasks, and parts of tasks from one another
//	                                              |
//	Run:  [1] copy on the server, or [2] stream, or [3] cut into parts
//	      [4] compare checksums, commit, compare again
//	      [5] manifest line, delete the sources if asked to
//
// [Plan] only reads listings: it holds no list of objects, unless it groups, when it has to
// keep the name, size and version of every object to be grouped (about 300 bytes each).
//
// [1] is for one source object and stores of one kind at one endpoint. [3] is for outputs above
// the part size, grouped ones included: part n of a concatenation is read from as many sources
// as it spans. Everything else is [2].
//
// # What holds
//
//   - Every source byte is read once, and its CRC32C computed then. The sum of each object is
//     compared with the one the source's store keeps, if it keeps one, before the output is
//     committed, and the sum of the output with what the destination says it has stored. The
//     sums of parts and of concatenated objects are combined, not computed again.
//   - Each read names the version that was listed. An object that is replaced while a job runs
//     is a failure of that object, never a mixture.
//   - Nothing is visible at the destination before it is whole. After a crash at any instruction
//     the same job, run again, gives what one undisturbed run would have given: outputs have the
//     same names in every run, and a job that groups records, before an output becomes visible,
//     which sources it holds. A later run copies what is not yet in an output.
//   - A source is deleted after its output is durable, and the manifest appears when everything
//     has been copied. One object's failure stops neither the others nor the report of it.
//
// The package knows stores by their interfaces alone, and nothing of Hive, flags or terminals.
package copier
