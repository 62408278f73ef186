// Package blocksums makes and reads the note in which a file keeps the CRC32C of its own blocks, so
// that who fetches parts of it knows whether they have come as they were written.
//
//	var sums blocksums.Writer // is written what comes before the file's end
//	note := sums.Note()       // goes into the end, wherever its format keeps such texts
//	err := blocksums.Bind(end, note)
//
//	all, ok := blocksums.Read(end, note, size)
//
// The file's end is what is written when all before is known: in Parquet the footer with its
// trailer. The note is text:
//
//	"skepsums1:" CRC ":" BASE64
//
// CRC is the CRC32C of the end, in 8 hexadecimal digits, which count as zeros in it. BASE64 is, with
// little-endian numbers and without padding, the length of what comes before the end, in 8 bytes, and
// the CRC32C of each 64 KiB of that, in 4 bytes each; the last block may be shorter.
//
// So the note belongs to one end, at one place, of one file. Programs that read a file and write
// another take notes along, and that one is then not taken for the new file's.
//
// The package knows bytes. It knows neither Parquet nor who fetches.
package blocksums
